"""How a rule fills a tensor.

A rule is a function ``(dtype, shape, is_complex, *settings) -> (law, parameters)``: it checks the settings, in words,
and says which of the core's laws does it, or None, if nothing is to be done. The shape is the whole's, where the tensor
is a block. `fill_by(rule, tensor, generator, global_shape, offset, *settings)` opens the tensor, asks the rule, draws a
key, fills, and returns the tensor: in one call of C for what is common (csrc/ext/door.c), by `fill_carefully` for all
else, which alone says what is wrong.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np

from .. import _core
from .._core import Dtype, fill_by
from ..backends import WHOLE, Block, Law, T, open_floating
from ..checks import integers
from ..generator import Generator, Randomness, default_generator, take_key

__all__ = ["Offset", "Plan", "block_of", "fill_by", "rounded"]

Plan = tuple[Law, tuple[float, ...]]
Offset = Sequence[int | slice | tuple[int, int]]  # of each dimension: where the block begins, or which part it is


def fill_carefully(
    rule: Callable[..., Plan | None], tensor: T, generator: Randomness, global_shape: Sequence[int] | None,
    offset: Offset | None, *settings: object,
) -> T:  # fmt: skip
    """`fill_by` for any tensor, generator and block, or why not. A tensor without memory (meta) is left as it is."""
    opened = open_floating(tensor)
    if opened is None:
        return tensor
    block = block_of(opened.shape, global_shape, offset)
    plan = rule(opened.dtype, block[0] or opened.shape, opened.is_complex, *settings)
    if plan is None:
        return tensor
    law, parameters = plan
    return opened.fill(law, parameters, take_key(generator, opened.backend), block)


_core.open_door(fill_carefully, Generator, default_generator)


def rounded(dtype: Dtype, value: float) -> float:
    """To the nearest value of the dtype, if it is a half; the core rounds to float32."""
    if dtype.name == "float16":
        return float(np.float16(value))
    if dtype.name == "bfloat16":
        bits = int(np.float32(value).view(np.uint32))
        return float(np.uint32((bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF0000).view(np.float32))
    return value


def block_of(shape: tuple[int, ...], global_shape: Sequence[int] | None, offset: Offset | None) -> Block:
    """global_shape and offset, checked against the tensor's shape."""
    if global_shape is None:
        if offset is not None:
            raise ValueError(f"offset={offset!r} without global_shape; give the shape of the whole tensor too")
        return WHOLE
    whole = integers(global_shape)
    begin = integers((0,) * len(shape) if offset is None else offset)
    if begin is None and whole is not None and isinstance(offset, (tuple, list)):
        begin = _begins(offset, whole, shape)
    if whole is None or begin is None:
        raise TypeError(
            f"global_shape={global_shape!r}, offset={offset!r}; give one integer a dimension, in tuples (of offset: an "
            "integer or a slice)"
        )
    if len(whole) != len(shape) or len(begin) != len(shape):
        raise ValueError(
            f"global_shape={whole} and offset={begin} need one integer for each of the {len(shape)} dimensions"
        )
    if any(o < 0 or o + n > w for o, n, w in zip(begin, shape, whole, strict=True)):
        raise ValueError(f"a block of shape {shape} at offset {begin} does not lie within global_shape {whole}")
    elements = math.prod(n for n in whole if n)  # an empty whole has indices too, which must fit
    if elements >= 2**62:
        raise ValueError(f"global_shape={whole} has {elements} elements; give fewer than 2**62")
    return whole, begin


def _begins(offset: Sequence[object], whole: tuple[int, ...], shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """Where slices, pairs (begin, end) and integers begin; None if there is something else among them."""
    if not len(offset) == len(whole) == len(shape):
        raise ValueError(
            f"global_shape={whole} and offset={offset!r} need one entry for each of the {len(shape)} dimensions"
        )
    begins = []
    for given, length, n in zip(offset, whole, shape, strict=True):
        pair = integers(given) if isinstance(given, (tuple, list)) else None
        along = slice(*pair) if pair is not None and len(pair) == 2 else given
        if not isinstance(along, slice):
            begins.append(given)
            continue
        begin, end, step = along.indices(length)
        if step != 1 or max(end - begin, 0) != n:
            raise ValueError(
                f"offset={offset!r}: {given!r} of an axis of length {length} is not the {n} neighbours that the tensor "
                f"of shape {shape} has there; give slices of its shape, without a step"
            )
        begins.append(begin)
    return integers(begins)
