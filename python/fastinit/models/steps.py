"""What is to be done to a tensor: a draw, a call with numbers, given values. Importing this module imports torch."""

import functools
import inspect
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple, TypeAlias

import torch

import fastinit

from ..generator import STREAM_VERSION, Generator

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

    def check(self, tensor: torch.Tensor) -> None:
        """Raise what filling the tensor would raise for its arguments."""
        _check(self.name, self.args, tuple(self.kwargs.items()), tuple(tensor.shape), tensor.dtype)

    def __str__(self) -> str:
        return _shown(self.name, self.args, self.kwargs)


class Call(NamedTuple):
    """An in-place method of torch's that takes each element alone, and numbers: mul_(0.1), zero_()."""

    name: str
    args: tuple[Number, ...] = ()
    kwargs: Mapping[str, Number] = {}

    def run(self, part: torch.Tensor, whole: Shape, offset: Shape, key: Key | None = None) -> None:
        getattr(part, self.name)(*self.args, **self.kwargs)

    def __str__(self) -> str:
        return _shown(self.name, self.args, self.kwargs)


class Values(NamedTuple):
    """Values that were computed, for the whole."""

    tensor: torch.Tensor

    def run(self, part: torch.Tensor, whole: Shape, offset: Shape, key: Key | None = None) -> None:
        part.copy_(self.tensor[cut(part, offset)])

    def __str__(self) -> str:
        return "values"


Step: TypeAlias = Draw | Call | Values


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
    """A corner of such a tensor is drawn, elsewhere."""
    if "global_shape" in _takes(name):
        corner = (1,) * len(whole)
    else:  # a tensor of its own then, as long as the whole
        corner = whole = (*whole[:1], *(1 for _ in whole[1:]))
    Draw(name, args, dict(kwargs)).run(torch.empty(corner, dtype=dtype), whole, (0,) * len(whole), (0, 0))


@functools.cache
def _takes(name: str) -> frozenset[str]:
    function: Callable[..., object] = getattr(fastinit, name)
    return frozenset(inspect.signature(function).parameters)


def _shown(name: str, args: tuple[object, ...], kwargs: Mapping[str, object]) -> str:
    return f"{name}({', '.join([*map(repr, args), *(f'{k}={v!r}' for k, v in kwargs.items())])})"
