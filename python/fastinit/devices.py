"""Tensors on a device (cuda, mps, ...): drawn on the CPU, and copied there by torch, a buffer at a time."""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, cast

import numpy as np

from . import _core
from .backends import WHOLE, Block, Law, Opened, Torch, open_floating

if TYPE_CHECKING:
    import torch

BUFFER = 64 << 20  # bytes. Each part is filled as a block of the whole, so this number changes no value


class OnDevice(Opened["torch.Tensor"]):
    """A tensor on a device, to be filled with the values that it would have on the CPU."""

    __slots__ = ("torch",)

    def __init__(self, tensor: "torch.Tensor", dtype: _core.Dtype, backend: Torch) -> None:
        self.tensor, self.dtype, self.backend, self.torch = tensor, dtype, backend, backend.torch
        self.shape, self.is_complex = tuple(tensor.shape), tensor.is_complex()

    def fill(
        self, law: Law, parameters: tuple[float, ...], key: tuple[int, int], block: Block = WHOLE
    ) -> "torch.Tensor":
        whole, begin = self.within(block)
        size = min(max(1, BUFFER // self.tensor.element_size()), self.tensor.numel())
        # torch keeps pinned memory for the copies that still read it, so the next part may be drawn meanwhile
        pinned = self.tensor.device.type == "cuda"
        with self.torch.inference_mode(self.tensor.is_inference()):
            target, buffer = self.tensor.detach(), None
            for box in pieces(self.shape, size):
                shape = [along.stop - along.start for along in box]
                if buffer is None or pinned:
                    buffer = self.torch.empty(size, dtype=self.tensor.dtype, device="cpu", pin_memory=pinned)
                part = cast(Opened["torch.Tensor"], open_floating(buffer[: math.prod(shape)].view(shape)))
                offset = tuple(b + along.start for b, along in zip(begin, box, strict=True))
                target[box].copy_(part.fill(law, parameters, key, (whole, offset)), non_blocking=pinned)
        return self.tensor


def pieces(shape: tuple[int, ...], size: int) -> Iterator[tuple[slice, ...]]:
    """Boxes of at most ``size`` elements, or of one, that together make up an array of this shape."""
    axis, inner = 0, math.prod(shape)
    while axis < len(shape) and inner > max(size, 1):
        inner //= shape[axis]
        axis += 1
    rest = tuple(slice(0, n) for n in shape[axis:])
    if axis == 0:
        yield rest
        return
    length, step = shape[axis - 1], max(1, size // inner)
    for at in np.ndindex(shape[: axis - 1]):
        for start in range(0, length, step):
            yield *(slice(i, i + 1) for i in at), slice(start, min(start + step, length)), *rest
