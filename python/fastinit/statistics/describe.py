"""`describe`: what can be described, and how."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import reduce
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import numpy.typing as npt

from .. import _core
from ..activations import Activation, find
from ..backends import DTYPES, NUMPY, Values, backend_of, is_module
from ..networks import Dense
from .result import NEAR, Stats, StatsTable, exponent_of, wide_bins

if TYPE_CHECKING:
    import torch

    Tensor = np.ndarray | np.generic | torch.Tensor


_FLOAT16, _FLOAT64 = DTYPES["float16"], DTYPES["float64"]
_LARGE = 2.0**128  # beyond float32, whose bins are kept; what is too small for moments lies in its first bin


def read(tensor: object, name: str = "") -> Values:
    """A tensor's values, or numbers'; or a TypeError that says what to give, with the name."""
    try:
        backend = backend_of(tensor)
        if backend is not None:
            return backend.read(tensor)
        if isinstance(tensor, np.generic) or _is_numbers(tensor, lists=True):
            return NUMPY.read(_array_of(tensor))
        raise TypeError(
            f"tensor is of type {type(tensor).__name__}; give NumPy arrays or torch CPU tensors (np.asarray makes an "
            "array)"
        )
    except (TypeError, ValueError) as error:
        if not name:
            raise
        raise type(error)(f"{name}: {error}") from None


def _array_of(numbers: Any) -> np.ndarray:  # Any: nested lists have no type of their own
    try:
        array = np.asarray(numbers)
        return array if array.dtype.kind != "O" else array.astype(np.float64)  # integers beyond int64
    except (ValueError, OverflowError):
        raise ValueError("the lists differ in length, or hold what float64 does not; give an array of each") from None


def _saturated(activation: Activation, values: Values, counts: _core.Counts) -> int:
    """Finite values beyond the activation's bounds."""
    array = _as_floats(values, values.array)
    low, high = activation.saturation
    infinite = (counts.posinf if high < math.inf else 0) + (counts.neginf if low > -math.inf else 0)
    return activation.beyond(array) - infinite


def _as_floats(values: Values, some: np.ndarray) -> np.ndarray:
    """Some of the values; a bfloat16's bits, which are the upper half of a float32's, as such."""
    if values.dtype is DTYPES["bfloat16"] and some.dtype.kind == "i":
        return (some.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
    return some


def _chunks(values: Values) -> Iterator[npt.NDArray[np.float64]]:
    """The finite values, in C order, some at a time."""
    for first in range(0, values.array.size, 65536):
        chunk = _as_floats(values, values.array.flat[first : first + 65536]).astype(np.float64)
        yield chunk[np.isfinite(chunk)]


def _moments_far_off(values: Values, found: _core.Moments, exponent: int) -> _core.Moments:
    """The moments of x / 2**exponent, with x's own extremes, which are found."""
    total = _core.Moments((0.0,) * 9)
    with np.errstate(all="ignore"):
        for chunk in _chunks(values):
            total = _core.merge(total, _core.describe(np.ldexp(chunk, -exponent), _FLOAT64)[0])
    return _core.Moments((*total[:-2], found.min, found.max))


def _describe_one(tensor: object, name: str, activation: Activation | None) -> Stats:
    values = read(tensor, name)
    moments, counts, bins = _core.describe(values.array, values.dtype)
    saturated = None if activation is None else _saturated(activation, values, counts)
    found = _stats(name, values.array.shape, values.name, counts, saturated, moments, bins)
    if values.dtype is not _FLOAT64:
        return _with_wide_bins(found, values) if counts.subnormal and values.dtype is not _FLOAT16 else found
    if -_LARGE < moments.min <= moments.max < _LARGE and bins.item(0) + bins.item(2048) == counts.zero:
        return found
    if exponent := exponent_of(found.absmax if found.finite else 0.0):
        found = replace(found, moments=_moments_far_off(values, moments, exponent), exponent=exponent)
    return _with_wide_bins(found, values)


def _with_wide_bins(found: Stats, values: Values) -> Stats:
    """The same, with bins for what is beyond those of a float32 that is not subnormal."""
    return replace(found, wide=reduce(np.add, map(wide_bins, _chunks(values))))


def _stats(
    name: str,
    shape: tuple[int, ...],
    dtype: str,
    counts: _core.Counts,
    saturated: int | None,
    moments: _core.Moments,
    bins: npt.NDArray[np.uint64] | None,
    exponent: int = 0,
) -> Stats:
    return Stats(
        name, shape, dtype, math.prod(shape), counts.nan, counts.posinf, counts.neginf, counts.zero, counts.subnormal,
        counts.negative, saturated, moments, bins, exponent,
    )  # fmt: skip


class _Rows(Sequence[Stats]):
    """The rows of by=, made when they are asked for: there may be very many."""

    def __init__(
        self,
        name: str,
        dtype: str,
        outer: tuple[int, ...],
        inner: tuple[int, ...],
        moments: npt.NDArray[np.void],
        counts: npt.NDArray[np.void],
        saturated: Sequence[int | None],
        far_off: Mapping[int, tuple[_core.Moments, int]],
    ) -> None:
        self._name, self._dtype, self._outer, self._inner = name, dtype, outer, inner
        self._moments, self._counts, self._saturated, self._far_off = moments, counts, saturated, far_off

    def __len__(self) -> int:
        return math.prod(self._outer)

    @overload
    def __getitem__(self, row: int) -> Stats: ...
    @overload
    def __getitem__(self, row: slice) -> Sequence[Stats]: ...
    def __getitem__(self, row: int | slice) -> Stats | Sequence[Stats]:
        at = range(len(self))[row]
        return [self._row(i) for i in at] if isinstance(at, range) else self._row(at)

    def _row(self, row: int) -> Stats:
        label = f"{self._name}[{', '.join(map(str, np.unravel_index(row, self._outer)))}]"
        moments, counts = _core.Moments(self._moments[row].item()), _core.Counts(self._counts[row].item())
        moments, exponent = self._far_off.get(row, (moments, 0))
        return _stats(label, self._inner, self._dtype, counts, self._saturated[row], moments, None, exponent)


def _describe_rows(tensor: object, name: str, by: tuple[int, ...], activation: Activation | None) -> StatsTable:
    values = read(tensor, name)
    array = values.array
    try:
        axes = [range(array.ndim)[axis] for axis in by]
    except (IndexError, TypeError):
        raise ValueError(f"by={by!r} is not an axis, or axes, of a tensor of {array.ndim} dimensions") from None
    if len(set(axes)) != len(axes):
        raise ValueError(f"by={by!r} names an axis twice")
    moved = values._replace(array=np.moveaxis(array, axes, range(len(axes))))
    outer, inner = moved.array.shape[: len(axes)], moved.array.shape[len(axes) :]
    moments, counts = _core.describe_rows(moved.array, moved.dtype, len(axes))
    saturated: list[int | None] = [None] * len(counts)
    if activation is not None:
        for row, index in enumerate(np.ndindex(outer)):
            one = moved._replace(array=moved.array[index])
            saturated[row] = _saturated(activation, one, _core.Counts(counts[row].item()))
    far_off: dict[int, tuple[_core.Moments, int]] = {}
    sizes = np.maximum(-moments["min"], moments["max"])
    for row in map(int, np.flatnonzero(((sizes < NEAR[0]) | (sizes > NEAR[1])) & (sizes > 0.0))):
        one = moved._replace(array=moved.array[np.unravel_index(row, outer)])
        exponent = exponent_of(float(sizes[row]))
        far_off[row] = _moments_far_off(one, _core.Moments(moments[row].item()), exponent), exponent
    return StatsTable(_Rows(name, values.name, outer, inner, moments, counts, saturated, far_off))


@overload
def describe(
    tensor: "Tensor", /, *, names: str | Sequence[str] | None = None, by: None = None, activation: str | None = None
) -> Stats: ...
@overload
def describe(
    tensor: "Tensor",
    /,
    *,
    names: str | Sequence[str] | None = None,
    by: int | tuple[int, ...],
    activation: str | None = None,
) -> StatsTable: ...
@overload
def describe(
    tensors: "Mapping[str, Tensor] | Sequence[Tensor] | torch.nn.Module",
    /,
    *,
    names: Sequence[str] | None = None,
    by: None = None,
    activation: str | None = None,
) -> StatsTable: ...
@overload
def describe(
    first: "Tensor",
    second: "Tensor",
    /,
    *more: "Tensor",
    names: Sequence[str] | None = None,
    by: None = None,
    activation: str | None = None,
) -> StatsTable: ...
def describe(
    *tensors: object,
    names: str | Sequence[str] | None = None,
    by: int | tuple[int, ...] | None = None,
    activation: str | None = None,
) -> Stats | StatsTable:
    """Counts, moments, extremes and a histogram of tensors, right and in one pass.

    Everything is accumulated in float64 about a pivot, in fixed blocks of C order that are merged in a fixed tree: the
    same bits for every layout, instruction-set level and thread count; large offsets and tiny sizes lose nothing, from
    the smallest float64 to the largest (where sizes are beyond 2**-150 or 2**240, or where float32's bins do not hold
    them, in a slower second pass). What is not finite is counted and left out. Nothing is copied or changed.

    Parameters
    ----------
    *tensors : array or tensor, list of numbers; or list, dict, torch.nn.Module or network of `mlp`
        float16, bfloat16, float32, float64, integers or bool; any layout; torch tensors on the CPU. A Module stands for
        its named parameters, a network for its weights and biases. Dicts and lists are looked into, with names joined
        by dots; of None there is no row, but a note.
    names : sequence of str, optional
        One for each tensor.
    by : int or tuple of int, optional
        One row for each index of these axes of the one tensor given: its units or channels. Such rows keep no
        histogram; each takes 120 bytes of memory.
    activation : str, optional
        From `activations`: count what saturates it.

    Returns
    -------
    Stats or StatsTable
        Stats for one array; else a table, a row a tensor.

    Raises
    ------
    TypeError
        Something that is no tensor, or of a dtype that has no such statistics (complex: describe(x.real, x.imag)), with
        its name.
    ValueError
        An unknown activation, an axis that is not there, or names that are not as many as the tensors.

    References
    ----------
    Chan, Golub and LeVeque (1979), "Updating formulae and a pairwise algorithm for computing sample variances"; Pebay
    (2008), "Formulas for robust, one-pass parallel computation of covariances and arbitrary-order statistical moments".

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> w = fastinit.kaiming_normal_(np.empty((256, 128), np.float32), generator=0)
    >>> s = fastinit.describe(w)
    >>> round(s.std * 128**0.5, 2), s.zero, s.size
    (1.42, 0, 32768)
    """
    row = None if activation is None else find(activation)
    only = tensors[0] if len(tensors) == 1 else tensors
    parts = None if len(tensors) == 1 and _is_numbers(only, lists=True) else _parts(only)
    alone = parts is None
    named, without = ([("", only)], []) if parts is None else _entries(parts)
    if names is not None:
        names = [names] if isinstance(names, str) else [str(name) for name in names]
        if len(names) != len(named):
            raise ValueError(f"names has {len(names)} entries for {len(named)} tensors; give as many")
        named = [(name, tensor) for name, (_, tensor) in zip(names, named, strict=True)]
    if by is not None:
        if not alone:
            raise ValueError(f"by={by!r} needs exactly one tensor; {len(named)} were given")
        return _describe_rows(named[0][1], named[0][0], by if isinstance(by, tuple) else (by,), row)
    rows = [_describe_one(tensor, name, row) for name, tensor in named]
    return rows[0] if alone else StatsTable(rows, without)


def _is_numbers(x: object, lists: bool = False) -> bool:
    """Whether it is a number of Python's or NumPy's; with lists, a list or tuple of such, and of such lists."""
    if lists:
        return isinstance(x, (list, tuple)) and len(x) > 0 and all(_is_numbers(n) or _is_numbers(n, True) for n in x)
    return isinstance(x, (bool, int, float, np.generic))


def _entries(parts: Sequence[tuple[str, object]]) -> tuple[list[tuple[str, object]], list[str]]:
    """What to describe in a collection, by name; and the names of what is None. Lists of numbers are one entry."""
    found: list[tuple[str, object]] = []
    without: list[str] = []
    for name, value in parts:
        if value is None:
            without.append(name)
            continue
        inner = None if _is_numbers(value, lists=True) else _parts(value)
        if inner is None:
            found.append((name, np.asarray(value) if _is_numbers(value) else value))
            continue
        more, others = _entries([(f"{name}.{part}", one) for part, one in inner])
        found, without = found + more, without + others
    return found, without


def _parts(value: Any) -> list[tuple[str, object]] | None:  # Any: of torch too, if it is there
    """The named parts of a module, a network or one of its layers, a mapping, a list; None for what is none."""
    if isinstance(value, np.ndarray):
        return None
    if is_module(value):
        return list(value.named_parameters())
    if isinstance(value, Dense):
        return [("weight", value.weight), *([] if value.bias is None else [("bias", value.bias)])]
    if isinstance(value, Mapping):
        return [(str(name), inner) for name, inner in value.items()]
    if isinstance(value, (list, tuple)):
        return [((inner.name if isinstance(inner, Dense) else None) or str(i), inner) for i, inner in enumerate(value)]
    return None
