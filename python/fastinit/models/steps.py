"""What is to be done to a tensor: a draw, a call with numbers, given values. Importing this module imports torch."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import torch

import fastinit

from ..generator import STREAM_VERSION, Generator
from ..initializers.matrices import orthogonal_

Key: TypeAlias = tuple[int, int]  # seed, stream
Shape: TypeAlias = tuple[int, ...]
Number: TypeAlias = "int | float | bool | None"


class Draw(NamedTuple):
    """An initialiser of fastinit's and its arguments. Clones of what waits share it, and so stay equal."""

    name: str
    args: tuple[Any, ...]  # Any: whatever the initialiser takes
    kwargs: Mapping[str, Any]
    key: Key | None = None  # None: the parameter's name gives it

    def run(self, part: torch.Tensor, whole: Shape, offset: Shape, key: Key | None = None) -> None:
        """Fill a part of a whole."""
        takes = _takes(self.name)
        given = {**self.kwargs, "generator": at(key or self.key)} if "generator" in takes else self.kwargs
        fill = getattr(fastinit, self.name)
        if tuple(part.shape) == whole:
            fill(part, *self.args, **given)
        elif "global_shape" in takes:
            fill(part, *self.args, **given, global_shape=whole, offset=offset)
        else:  # it needs the whole: cut our part out of it
            complete = fill(torch.empty(whole, dtype=part.dtype), *self.args, **given)
            part.copy_(complete[cut(part, offset)])

    def check(self, shape: Shape, dtype: torch.dtype) -> None:
        """Raise what filling such a tensor would raise for the arguments."""
        _check(self.name, self.args, tuple(self.kwargs.items()), shape, dtype)

    @property
    def needs_whole(self) -> bool:
        """Whether it draws no part of a tensor without the rest."""
        return "generator" in _takes(self.name) and "global_shape" not in _takes(self.name)

    def __str__(self) -> str:
        defaults = inspect.signature(getattr(fastinit, self.name)).parameters
        telling = {k: v for k, v in self.kwargs.items() if v != defaults[k].default}
        return _shown(self.name, self.args, telling)


class Call(NamedTuple):
    """An in-place method of torch's that takes each element alone, and numbers: mul_(0.1), zero_()."""

    name: str
    args: tuple[Number, ...] = ()
    kwargs: Mapping[str, Number] = {}

    def run(self, part: torch.Tensor, whole: Shape, offset: Shape, key: Key | None = None) -> None:
        getattr(part, self.name)(*self.args, **self.kwargs)

    def __str__(self) -> str:
        if self.name in ("zero_", "fill_"):
            return f"{self.args[0] if self.args else 0:g}"
        return _shown(self.name, self.args, self.kwargs)


class Values(NamedTuple):
    """Values that were computed, for the whole."""

    tensor: torch.Tensor

    def run(self, part: torch.Tensor, whole: Shape, offset: Shape, key: Key | None = None) -> None:
        part.copy_(self.tensor[cut(part, offset)])

    def __str__(self) -> str:
        return "values"


class Ready(NamedTuple):
    """Values that a step has given: by offset, for the parts that are here; or for the whole."""

    pieces: dict[Shape, torch.Tensor]
    step: "Draw | Own"

    def run(self, part: torch.Tensor, whole: Shape, offset: Shape, key: Key | None = None) -> None:
        if offset in self.pieces:
            part.copy_(self.pieces[offset][cut(part, (0,) * part.dim())])
        else:
            part.copy_(self.pieces[(0,) * part.dim()][cut(part, offset)])

    def __str__(self) -> str:
        return str(self.step)


class Own(NamedTuple):
    """Somebody's own function, f(tensor, generator=), which needs the whole."""

    function: Callable[..., object]

    def run(self, part: torch.Tensor, whole: Shape, offset: Shape, key: Key | None = None) -> None:
        complete = part if tuple(part.shape) == whole else torch.empty(whole, dtype=part.dtype)
        self.function(complete, generator=at(key))
        if complete is not part:
            part.copy_(complete[cut(part, offset)])

    def __str__(self) -> str:
        return getattr(self.function, "__qualname__", None) or repr(self.function)


class Kept(NamedTuple):
    """Nothing: the tensor keeps its values. Notes whether somebody asked for them."""

    asked: list[bool]

    def run(self, part: torch.Tensor, whole: Shape, offset: Shape, key: Key | None = None) -> None:
        self.asked.append(True)

    def __str__(self) -> str:
        return "left"


Step: TypeAlias = Draw | Call | Values | Ready | Own | Kept


def at(key: Key | None) -> Generator:
    """A generator whose next fill has this key."""
    assert key is not None
    return Generator(0).set_state({"version": STREAM_VERSION, "seed": key[0], "stream": key[1]})


def cut(part: torch.Tensor, offset: Shape) -> tuple[slice, ...]:
    """Where a part lies in its whole."""
    return tuple(slice(o, o + n) for o, n in zip(offset, part.shape, strict=True))


@functools.lru_cache(maxsize=1024)  # a model's layers are alike
def _check(
    name: str, args: tuple[Any, ...], kwargs: tuple[tuple[str, Any], ...], whole: Shape, dtype: torch.dtype
) -> None:
    """A corner of such a tensor is drawn, elsewhere; where that needs the whole, of a narrow one."""
    matrix = getattr(fastinit, name).__module__ == orthogonal_.__module__
    narrow = (*whole[:1], *(1 for _ in whole[1:]))
    if "global_shape" in _takes(name) and not matrix:
        corner = (1,) * len(whole)
    else:
        corner = whole = narrow
    Draw(name, args, dict(kwargs)).run(torch.empty(corner, dtype=dtype), whole, (0,) * len(whole), (0, 0))


@functools.cache
def _takes(name: str) -> frozenset[str]:
    function: Callable[..., object] = getattr(fastinit, name)
    return frozenset(inspect.signature(function).parameters)


def _shown(name: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
    def short(value: object) -> str:
        return f"{value:.4g}" if isinstance(value, float) else repr(value)

    return f"{name}({', '.join([*map(short, args), *(f'{k}={short(v)}' for k, v in kwargs.items())])})"
