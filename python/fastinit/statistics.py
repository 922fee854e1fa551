"""Statistics of tensors in one pass: `describe`."""

import html
import math
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from . import _core
from .backends import DTYPES
from .registry import activations
from .tables import as_html, as_text, number

__all__ = ["Fits", "Stats", "StatsTable", "describe"]

# A bin is a float32's sign, exponent and three top bits of mantissa: lower edges of the 2048 sizes, and the upper one of the last
_EDGES = np.append((np.arange(2040, dtype=np.uint32) << np.uint32(20)).view(np.float32).astype(np.float64), 2.0**128)
_SIZES = 2040  # those above hold what is not finite, and stay empty

# dtype -> (largest size that rounds to 0, least size that rounds to infinity or does not fit), both to one bin
_LIMITS = {
    "float16": (2.0**-25, 2.0**16), "bfloat16": (2.0**-134, 2.0**128), "float32": (2.0**-150, 2.0**128),
    "float8_e4m3": (2.0**-10, 1.875 * 2.0**8), "float8_e5m2": (2.0**-17, 1.875 * 2.0**15),
}  # fmt: skip


class Fits(NamedTuple):
    """Shares of the finite values that are not 0: lost to 0, and too large, in a narrower dtype.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> fastinit.describe(np.array([1.0, 1e-9, 1e6, 0.0])).fits("float16")
    Fits(underflow=0.3333333333333333, overflow=0.3333333333333333)
    """

    underflow: float
    overflow: float


@dataclass(frozen=True, eq=False, repr=False)
class Stats:
    """What `describe` finds in one tensor. Moments are of the finite values, divided by their number (ddof 0).

    Attributes
    ----------
    name, shape, dtype
    size, nan, posinf, neginf, zero, subnormal, negative : int
        Exact counts; zero has -0.0 too, negative is finite and below 0.
    saturated : int or None
        Finite values beyond the saturation bounds of the activation that was named.
    mean, var, std, min, max, absmax, mean_abs, rms, l2 : float
        NaN if nothing is finite.
    skew, kurtosis : float
        Third and fourth standardised moments, the latter less 3 (0 for a normal); NaN where var is 0.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> s = fastinit.describe(np.array([1.0, 2.0, 3.0, np.nan]))
    >>> s.mean, s.nan, s.size
    (2.0, 1, 4)
    """

    name: str
    shape: tuple[int, ...]
    dtype: str
    size: int
    nan: int
    posinf: int
    neginf: int
    zero: int
    subnormal: int
    negative: int
    saturated: int | None
    moments: _core.Moments = field(repr=False)
    bins: np.ndarray | None = field(repr=False)

    @property
    def finite(self) -> int:
        return self.size - self.nan - self.posinf - self.neginf

    @property
    def mean(self) -> float:
        return self.moments.pivot + self.moments.mean_offset if self.finite else math.nan

    @property
    def var(self) -> float:
        return self.moments.m2 / self.finite if self.finite else math.nan

    @property
    def std(self) -> float:
        return math.sqrt(self.var)

    @property
    def min(self) -> float:
        return self.moments.min if self.finite else math.nan

    @property
    def max(self) -> float:
        return self.moments.max if self.finite else math.nan

    @property
    def absmax(self) -> float:
        return max(abs(self.moments.min), abs(self.moments.max)) if self.finite else math.nan

    @property
    def mean_abs(self) -> float:
        return self.moments.sum_abs / self.finite if self.finite else math.nan

    @property
    def rms(self) -> float:
        return math.sqrt(self.var + self.mean * self.mean)

    @property
    def l2(self) -> float:
        return math.sqrt(self.finite) * self.rms if self.finite else 0.0

    @property
    def skew(self) -> float:
        return self._standardised(self.moments.m3, 3)

    @property
    def kurtosis(self) -> float:
        return self._standardised(self.moments.m4, 4) - 3.0

    def _standardised(self, moment: float, power: int) -> float:
        std = self.std
        if not std > 0.0:
            return math.nan
        return moment / self.finite / std / std / std / (std if power == 4 else 1.0)

    def __add__(self, other: "Stats") -> "Stats":
        """Of both tensors' values together: shards of one, or batches."""
        if not isinstance(other, Stats):
            return NotImplemented
        both = None not in (self.saturated, other.saturated)
        binned = self.bins is not None and other.bins is not None
        counts = ("size", "nan", "posinf", "neginf", "zero", "subnormal", "negative")
        return replace(
            self, shape=(self.size + other.size,), dtype=self.dtype if self.dtype == other.dtype else "mixed",
            **{count: getattr(self, count) + getattr(other, count) for count in counts},
            saturated=self.saturated + other.saturated if both else None, moments=_core.merge(self.moments, other.moments),
            bins=self.bins + other.bins if binned else None,
        )  # fmt: skip

    def _binned(self) -> np.ndarray:
        if self.bins is None:
            raise ValueError("rows of by= keep no histogram; describe the row itself: describe(tensor[i])")
        return self.bins

    def _masses(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Lower edges, upper edges and counts of the bins in use, from the least value to the greatest."""
        bins = self._binned()
        negative, positive = bins[2048 : 2048 + _SIZES][::-1], bins[:_SIZES]
        low = np.concatenate([-_EDGES[1:][::-1], _EDGES[:-1]])
        high = np.concatenate([-_EDGES[:-1][::-1], _EDGES[1:]])
        counts = np.concatenate([negative, positive])
        used = counts > 0
        return np.clip(low[used], self.min, self.max), np.clip(high[used], self.min, self.max), counts[used]

    def quantile(self, q):
        """The value below which the share q of the finite values lies, to within its bin: an eighth of an octave.

        Parameters
        ----------
        q : float or sequence of float
            In [0, 1].

        Returns
        -------
        float or ndarray

        Examples
        --------
        >>> import numpy as np, fastinit
        >>> bool(abs(fastinit.describe(np.arange(1.0, 1001.0)).quantile(0.5) / 500 - 1) < 0.06)
        True
        """
        q = np.asarray(q, float)
        if not ((q >= 0) & (q <= 1)).all():
            raise ValueError(f"q={q!r}; give shares in [0, 1]")
        if not self.finite:
            return np.full(q.shape, math.nan)[()]
        low, high, counts = self._masses()
        until = np.append(0, np.cumsum(counts))
        return np.interp(q * until[-1], np.ravel([until[:-1], until[1:]], "F"), np.ravel([low, high], "F"))[()]

    def fits(self, dtype: str) -> Fits:
        """Which shares of the finite values that are not 0 would be lost in a narrower dtype, to one bin.

        Parameters
        ----------
        dtype : {"float16", "bfloat16", "float32", "float8_e4m3", "float8_e5m2"}

        Returns
        -------
        Fits

        Examples
        --------
        >>> import numpy as np, fastinit
        >>> fastinit.describe(np.array([1.0, 1e-6, 1e5])).fits("bfloat16")
        Fits(underflow=0.0, overflow=0.0)
        """
        if dtype not in _LIMITS:
            raise ValueError(f"dtype={dtype!r} is unknown; give one of {', '.join(_LIMITS)}")
        bins = self._binned()
        sizes = bins[:_SIZES] + bins[2048 : 2048 + _SIZES]
        some = max(int(sizes.sum()) - self.zero, 1)
        small, large = _LIMITS[dtype]
        under = int(sizes[_EDGES[1:] <= small].sum()) - (self.zero if small >= _EDGES[1] else 0)
        return Fits(max(under, 0) / some, int(sizes[_EDGES[:-1] >= large].sum()) / some)

    def histogram(self, edges) -> np.ndarray:
        """Counts between edges of one's own, each bin's count spread evenly over the bin.

        Parameters
        ----------
        edges : sequence of float
            Increasing.

        Returns
        -------
        ndarray of float64, one shorter than ``edges``

        Examples
        --------
        >>> import numpy as np, fastinit
        >>> fastinit.describe(np.array([-1.0, 1.0, 1.0, 3.0])).histogram([-2, 0, 2, 4])
        array([1., 2., 1.])
        """
        edges = np.asarray(edges, float)
        if not self.finite:
            return np.zeros(edges.size - 1)
        low, high, counts = self._masses()
        until = np.append(0, np.cumsum(counts)).astype(float)
        point = high <= low  # equal values: a step
        high = np.where(point, np.nextafter(low, np.inf), high)
        return np.diff(
            np.interp(edges, np.ravel([low, high], "F"), np.ravel([until[:-1], until[1:]], "F"), 0.0, until[-1])
        )

    def to_dict(self) -> dict:
        """Counts and moments by name.

        Examples
        --------
        >>> import numpy as np, fastinit
        >>> fastinit.describe(np.zeros(4)).to_dict()["zero"]
        4
        """
        return {column: getattr(self, column) for column in ("name", "shape", "dtype", *_COLUMNS)}

    def __repr__(self) -> str:
        return repr(StatsTable([self]))

    def _repr_html_(self) -> str:
        return StatsTable([self])._repr_html_()


_COLUMNS = ("size", "nan", "posinf", "neginf", "zero", "subnormal", "negative", "saturated", "mean", "var", "std", "min", "max",
            "absmax", "mean_abs", "rms", "l2", "skew", "kurtosis")  # fmt: skip


class StatsTable(Sequence):
    """The `Stats` of several tensors: a sequence, indexed by number or name; a column is an attribute of that name.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> table = fastinit.describe({"w": np.ones(3), "b": np.zeros(2)})
    >>> table["w"].mean, table.size
    (1.0, array([3, 2]))
    """

    def __init__(self, rows: Sequence[Stats]):
        self._rows = rows if isinstance(rows, _Rows) else tuple(rows)

    def __len__(self) -> int:
        return len(self._rows)

    def __getitem__(self, key):
        if isinstance(key, str):
            for row in self._rows:
                if row.name == key:
                    return row
            raise KeyError(f"no row is named {key!r}; names: {', '.join(row.name for row in self._rows[:20])}")
        if isinstance(key, slice):
            return StatsTable([self._rows[i] for i in range(*key.indices(len(self)))])
        return self._rows[key]

    def __getattr__(self, column: str):
        if column in _COLUMNS:
            values = [getattr(row, column) for row in self._rows]
            return np.array([math.nan if v is None else v for v in values])
        raise AttributeError(f"StatsTable has no column {column!r}; columns: {', '.join(_COLUMNS)}")

    @property
    def names(self) -> list[str]:
        return [row.name for row in self._rows]

    def to_pandas(self):
        """A pandas DataFrame, a row a tensor."""
        import pandas

        return pandas.DataFrame([row.to_dict() for row in self._rows]).set_index("name")

    def _shown(self, most: int) -> "list[Stats | None]":
        """The rows, or the first and last of them with None for the gap."""
        return [*self] if len(self) <= most else [*self[: most // 2], None, *self[-(most // 2) :]]

    def _header(self) -> list[str]:
        optional = [name for name, some in (
            ("zero", any(r.zero for r in self)), ("nan", any(r.nan for r in self)),
            ("inf", any(r.posinf + r.neginf for r in self)), ("saturated", any(r.saturated is not None for r in self)),
        ) if some]  # fmt: skip
        return ["name", "shape", "mean", "std (n)", "min", "max", *optional]

    def _cells(self, row: Stats) -> dict[str, str]:
        share = {"zero": row.zero, "saturated": row.saturated}
        return {
            "name": row.name, "shape": "x".join(map(str, row.shape)) or "()", "mean": number(row.mean), "std (n)": number(row.std),
            "min": number(row.min), "max": number(row.max), "nan": str(row.nan), "inf": str(row.posinf + row.neginf),
            **{k: "" if v is None or not row.size else f"{100 * v / row.size:.3g}%" for k, v in share.items()},
        }  # fmt: skip

    def __repr__(self) -> str:
        header = self._header()
        gap = ["..."] + [""] * (len(header) - 1)
        return as_text(
            header, [gap if row is None else [self._cells(row)[h] for h in header] for row in self._shown(60)]
        )

    def _repr_html_(self) -> str:
        header, rows = self._header(), []
        for row in self._shown(60):
            if row is None:
                rows.append(("", [("", f"… {len(self) - 60} more …")] + [("", "")] * len(header)))
                continue
            named = self._cells(row)
            red = {h: ";color:#c00;font-weight:bold" if h in ("nan", "inf") and named[h] != "0" else "" for h in header}
            cells = [(red[h], html.escape(named[h])) for h in header]
            rows.append(
                (
                    f"color:{'#999' if row.size and row.zero == row.size else 'inherit'}",
                    [*cells, ("", svg_histogram(row))],
                )
            )
        return as_html([*header, "histogram"], rows)

    def plot(self, kind: str = "std", ax=None):
        """Draw the spread by layer on a log axis ("std"), or each layer's histogram as a ridge ("ridge").

        Parameters
        ----------
        kind : {"std", "ridge"}
        ax : matplotlib.axes.Axes, optional

        Returns
        -------
        matplotlib.axes.Axes
        """
        if kind not in ("std", "ridge"):
            raise ValueError(f"kind={kind!r} is unknown; give 'std' or 'ridge'")
        if ax is None:
            import matplotlib.pyplot as plt

            ax = plt.figure(
                figsize=(7, 4 if kind == "std" else 1 + 0.4 * len(self)), layout="constrained"
            ).add_subplot()
        if kind == "std":
            place = np.arange(len(self))
            ax.plot(place, np.where(self.std > 0, self.std, np.nan), "o-", label="std")
            ax.plot(place, np.where(self.absmax > 0, self.absmax, np.nan), ".--", color="0.6", label="largest size")
            ax.set(yscale="log", xticks=place, ylabel="size")
            ax.set_xticklabels(
                self.names, rotation=45 if len(self) > 6 else 0, ha="right" if len(self) > 6 else "center"
            )
            ax.legend()
            return ax
        drawn = [row for row in self if row.finite]
        reach = max((float(np.max(np.abs(row.quantile([0.001, 0.999])))) for row in drawn), default=1.0) or 1.0
        edges = np.linspace(-reach, reach, 121)
        for i, row in enumerate(self):
            counts = row.histogram(edges)
            height = counts / max(counts.max(), 1e-300) * 0.9
            ax.fill_between((edges[1:] + edges[:-1]) / 2, -i, height - i, alpha=0.7, linewidth=0.5, edgecolor="black")
        ax.set(yticks=-np.arange(len(self)), xlabel="value")
        ax.set_yticklabels(self.names)
        return ax


def svg_histogram(row: Stats) -> str:
    """A small histogram between the 0.1% and 99.9% quantiles."""
    if row.bins is None or not row.finite:
        return ""
    low, high = row.quantile([0.001, 0.999])
    if not high > low:
        low, high = low - (abs(low) or 1.0), high + (abs(high) or 1.0)
    counts = row.histogram(np.linspace(low, high, 41))
    top = max(counts.max(), 1e-300)
    bars = "".join(
        f'<rect x="{3 * i}" y="{20 - h:.1f}" width="3" height="{h:.1f}"/>'
        for i, h in enumerate(20 * counts / top)
        if h >= 0.05
    )
    label = f"from {low:.3g} to {high:.3g}"
    shape = 'viewBox="0 0 123 20" preserveAspectRatio="none" style="width:123px;min-width:80px;height:20px"'
    return f'<svg {shape} role="img" aria-label="{label}" fill="#4878a8"><title>{label}</title>{bars}</svg>'


# ---- what can be described -------------------------------------------------------------------------------------------


def _open(tensor) -> tuple[np.ndarray, "_core.Dtype | None", str]:
    """An array over the tensor's memory, the core's Dtype (None: integers or bool), and its dtype's name."""
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(tensor, torch.Tensor):
        if tensor.device.type != "cpu":
            raise TypeError(f"tensor is on {tensor.device}; give tensor.cpu()")
        if tensor.layout is not torch.strided or tensor.is_quantized:
            raise TypeError(
                f"tensor is {tensor.layout} of {tensor.dtype}; give a dense one: tensor.to_dense() or tensor.dequantize()"
            )
        name = str(tensor.dtype).removeprefix("torch.")
        plain = tensor.detach().resolve_conj().resolve_neg()
        if plain.is_complex():
            raise TypeError(f"tensor has dtype {name}; call describe(x.real, x.imag)")
        return (
            (plain.view(torch.int16).numpy(), DTYPES["bfloat16"], name)
            if name == "bfloat16"
            else (plain.numpy(), _code(plain.numpy()), name)
        )
    if not isinstance(tensor, (np.ndarray, np.generic)):
        raise TypeError(
            f"tensor is of type {type(tensor).__name__}; give NumPy arrays or torch CPU tensors (np.asarray makes an array)"
        )
    if isinstance(tensor, np.ma.MaskedArray):
        raise TypeError("tensor is a masked array, whose mask would be ignored; give tensor.compressed()")
    array = np.asarray(tensor)
    return array, _code(array), array.dtype.name


def _code(array: np.ndarray) -> "_core.Dtype | None":
    dtype = array.dtype
    if dtype.char in "efd":
        return DTYPES[dtype.name]
    if dtype.kind in "iub" and dtype.itemsize <= 8:
        return None
    if dtype.name == "bfloat16":
        return DTYPES["bfloat16"]
    if dtype.kind == "c":
        raise TypeError(f"tensor has dtype {dtype}; call describe(x.real, x.imag)")
    raise TypeError(f"tensor has dtype {dtype}; give float16, bfloat16, float32, float64, integers or bool")


def _saturated(tensor, bounds: tuple[float, float], counts: _core.Counts) -> int:
    """Finite values beyond the bounds."""
    low, high = bounds
    beyond = int((tensor < low).sum()) + int((tensor > high).sum())
    return beyond - (counts.posinf if high < math.inf else 0) - (counts.neginf if low > -math.inf else 0)


def _describe_one(tensor, name: str, activation: str | None) -> Stats:
    array, code, dtype = _open(tensor)
    moments, counts, bins = _core.describe(array, code)
    saturated = None if activation is None else _saturated(tensor, activations[activation].saturation, counts)
    return Stats(name, array.shape, dtype, array.size, *counts, saturated, moments, bins)


class _Rows(Sequence):
    """The rows of by=, made when they are asked for: there may be very many."""

    def __init__(self, name, dtype, outer, inner, counts, moments, saturated):
        self._name, self._dtype, self._outer, self._inner = name, dtype, outer, inner
        self._counts, self._moments, self._saturated = counts, moments, saturated

    def __len__(self) -> int:
        return math.prod(self._outer)

    def __getitem__(self, row: int) -> Stats:
        row = range(len(self))[row]
        label = f"{self._name}[{', '.join(map(str, np.unravel_index(row, self._outer)))}]"
        return Stats(label, self._inner, self._dtype, math.prod(self._inner), *self._counts[row].item(), self._saturated[row],
                     _core.Moments(self._moments[row].item()), None)  # fmt: skip


def _describe_rows(tensor, name: str, by: tuple[int, ...], activation: str | None) -> StatsTable:
    array, code, dtype = _open(tensor)
    try:
        axes = [range(array.ndim)[axis] for axis in by]
    except (IndexError, TypeError):
        raise ValueError(f"by={by!r} is not an axis, or axes, of a tensor of {array.ndim} dimensions") from None
    if len(set(axes)) != len(axes):
        raise ValueError(f"by={by!r} names an axis twice")
    moved = np.moveaxis(array, axes, range(len(axes)))
    outer, inner = moved.shape[: len(axes)], moved.shape[len(axes) :]
    moments, counts = _core.describe_rows(moved, code, len(axes))
    saturated = [None] * len(counts)
    if activation is not None:
        bounds = activations[activation].saturation
        saturated = [
            _saturated(moved[index], bounds, _core.Counts(row.item()))
            for index, row in zip(np.ndindex(outer), counts, strict=True)
        ]
    return StatsTable(_Rows(name, dtype, outer, inner, counts, moments, saturated))


def describe(
    *tensors, names: Sequence[str] | None = None, by: int | tuple[int, ...] | None = None, activation: str | None = None
):
    """Counts, moments, extremes and a histogram of tensors, right and in one pass.

    Everything is accumulated in float64 about a pivot, in fixed blocks of C order that are merged in a fixed tree: the same
    bits for every layout, instruction-set level and thread count; large offsets and tiny sizes lose nothing. What is not
    finite is counted and left out. Nothing is copied or changed.

    Parameters
    ----------
    *tensors : array or tensor, list of them, dict, or torch.nn.Module
        float16, bfloat16, float32, float64, integers or bool; any layout; torch tensors on the CPU. A Module stands for its
        named parameters.
    names : sequence of str, optional
        One for each tensor.
    by : int or tuple of int, optional
        One row for each index of these axes of the one tensor given: its units or channels. Such rows keep no histogram.
    activation : str, optional
        From `activations`: count what saturates it.

    Returns
    -------
    Stats or StatsTable
        Stats for one array; else a table, a row a tensor.

    Raises
    ------
    TypeError
        Something that is no tensor, or of a dtype that has no such statistics (complex: describe(x.real, x.imag)).
    ValueError
        An unknown activation, an axis that is not there, or names that are not as many as the tensors.

    References
    ----------
    Chan, Golub and LeVeque (1979), "Updating formulae and a pairwise algorithm for computing sample variances"; Pebay (2008),
    "Formulas for robust, one-pass parallel computation of covariances and arbitrary-order statistical moments".

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> w = fastinit.kaiming_normal_(np.empty((256, 128), np.float32), generator=0)
    >>> s = fastinit.describe(w)
    >>> round(s.std * 128**0.5, 2), s.zero, s.size
    (1.42, 0, 32768)
    """
    if activation is not None and activation not in activations:
        raise ValueError(f"activation={activation!r} is unknown; known: {', '.join(activations)}")
    one = len(tensors) == 1
    torch = sys.modules.get("torch")
    if one and torch is not None and isinstance(tensors[0], torch.nn.Module):
        tensors, one = (dict(tensors[0].named_parameters()),), True
    if one and isinstance(tensors[0], Mapping):
        names = list(tensors[0]) if names is None else names
        tensors, one = tuple(tensors[0].values()), False
    elif one and isinstance(tensors[0], (list, tuple)):
        tensors, one = tuple(tensors[0]), False
    if names is None:
        names = [""] if one else [str(i) for i in range(len(tensors))]
    names = [names] if isinstance(names, str) else [str(name) for name in names]
    if len(names) != len(tensors):
        raise ValueError(f"names has {len(names)} entries for {len(tensors)} tensors; give as many")
    if by is not None:
        if not one:
            raise ValueError(f"by={by!r} needs exactly one tensor; {len(tensors)} were given")
        return _describe_rows(tensors[0], names[0], by if isinstance(by, tuple) else (by,), activation)
    rows = [_describe_one(tensor, name, activation) for tensor, name in zip(tensors, names, strict=True)]
    return rows[0] if one else StatsTable(rows)
