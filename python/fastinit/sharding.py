"""torch's DTensors: each rank fills its own part, with the values that the whole tensor has there. Nothing is sent.

A DTensor's placements say, for each axis of the mesh, which axis of the tensor it divides. What a rank holds is one box
of the whole, or several: `boxes` finds them, by arithmetic alone. Each is filled as a block of the whole, by one key.
"""

import itertools
import operator
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from . import _core
from .backends import WHOLE, Backend, Block, Law, Opened, Torch, Values, no_random_values, open_floating

if TYPE_CHECKING:
    import torch
    from torch.distributed.tensor import DTensor


# ---- where a part lies in the whole ----------------------------------------------------------------------------------

Run = tuple[int, int]  # indices from the first up to, not with, the second


class Cut(NamedTuple):
    """What one axis of the mesh does to an axis of a tensor: of so many parts it keeps the one at its place.

    With a factor f the indices are first divided by f, then each of these f by the parts: FSDP over TP, which divides
    what TP has divided already. torch calls it a strided shard.
    """

    parts: int
    place: int
    factor: int = 1


class Box(NamedTuple):
    """Where it lies in the local part, and where it begins in the whole."""

    inner: tuple[slice, ...]
    offset: tuple[int, ...]


def chunk(runs: Sequence[Run], parts: int, place: int) -> list[Run]:
    """The part at this place of equal ones, as torch.chunk makes them: the last may be shorter, or empty."""
    size = -(-sum(b - a for a, b in runs) // parts)
    skip, left, kept = place * size, size, []
    for a, b in runs:
        begin = min(a + skip, b)
        end = min(begin + left, b)
        skip, left = skip - (begin - a), left - (end - begin)
        if begin < end:
            kept.append((begin, end))
    return kept


def in_order(cuts: Sequence[Cut]) -> Sequence[Cut]:
    """The cuts without factors, in the order in which they were made, if their factors say one: then they are even.

    A factor is the number of parts that there were before. Without such an order they are taken as they stand.
    """
    made: list[Cut] = []
    for cut in reversed(cuts):
        before = list(itertools.accumulate((c.parts for c in made), initial=1, func=operator.mul))
        if cut.factor not in before:
            return cuts
        made.insert(before.index(cut.factor), cut._replace(factor=1))
    return made


def runs_of(length: int, cuts: Sequence[Cut]) -> list[Run]:
    """Which of range(length) the cuts leave."""
    runs: list[Run] = [(0, length)] if length else []
    for parts, place, factor in in_order(cuts):
        pieces = (chunk(runs, factor, i) for i in range(factor))
        kept = [run for piece in pieces for run in chunk(piece, parts, place)]
        runs = []
        for a, b in kept:  # neighbours are one
            if runs and runs[-1][1] == a:
                a = runs.pop()[0]
            runs.append((a, b))
    return runs


def held(
    shape: Sequence[int], mesh: Sequence[int], place: Sequence[int], cuts: Sequence[Sequence[tuple[int, int]]]
) -> list[list[Run]]:
    """The runs of each axis that the rank at this place of a mesh holds. cuts: axes of the mesh, and their factors."""
    return [
        runs_of(length, [Cut(mesh[m], place[m], factor) for m, factor in of_axis])
        for length, of_axis in zip(shape, cuts, strict=True)
    ]


def boxes(runs: Sequence[Sequence[Run]]) -> list[Box]:
    """The boxes of a part that has these runs of each axis, one after the other."""
    axes = []
    for of_axis in runs:
        ends = itertools.accumulate(b - a for a, b in of_axis)
        axes.append([(slice(end - (b - a), end), a) for (a, b), end in zip(of_axis, ends, strict=True)])
    return [Box(tuple(inner for inner, _ in box), tuple(a for _, a in box)) for box in itertools.product(*axes)]


# ---- torch's ---------------------------------------------------------------------------------------------------------


class Shards(Opened["DTensor"]):
    """The boxes of this rank's part, each opened, and where it begins in the whole."""

    __slots__ = ("parts",)

    def __init__(
        self,
        tensor: "DTensor",
        parts: "list[tuple[Opened[torch.Tensor], tuple[int, ...]]]",
        dtype: _core.Dtype,
        backend: "DTensors",
    ) -> None:
        self.tensor, self.parts, self.dtype, self.backend = tensor, parts, dtype, backend
        self.shape, self.is_complex = tuple(tensor.shape), tensor.is_complex()

    def fill(self, law: Law, parameters: tuple[float, ...], key: tuple[int, int], block: Block = WHOLE) -> "DTensor":
        whole, begin = self.within(block)
        for part, offset in self.parts:
            part.fill(law, parameters, key, (whole, tuple(map(operator.add, begin, offset))))
        self.backend.changed(self.tensor)
        return self.tensor


class DTensors(Backend["DTensor"]):
    """torch's DTensors. What is decided about the whole is decided on every rank, also where it has no element."""

    def __init__(self, of_local: Torch) -> None:
        self.torch, self.of_local = of_local.torch, of_local

    def owns(self, x: object) -> bool:
        module = sys.modules.get("torch.distributed.tensor")
        return isinstance(x, getattr(module, "DTensor", ()))

    def open_plain(self, tensor: "DTensor") -> None:
        return None

    def open(self, tensor: "DTensor") -> "Opened[DTensor] | None":
        parts = self.parts(tensor)
        if tensor.device.type == "meta":
            return None
        dtype = self.of_local.dtypes.get(tensor.dtype)
        if dtype is None:
            raise TypeError(no_random_values(tensor.dtype))
        self.of_local.warn_if_computed(tensor)
        opened = [(one, offset) for part, offset in parts if (one := open_floating(part)) is not None]
        return Shards(tensor, opened, dtype, self)

    def read(self, tensor: "DTensor") -> Values:
        raise TypeError("tensor is a DTensor; give tensor.full_tensor(), or tensor.to_local() for this rank's part")

    def changed(self, tensor: "DTensor") -> None:
        self.of_local.changed(tensor)

    def try_value(self, tensor: "DTensor", name: str, value: float) -> None:
        self.of_local.fill(self.torch.empty((), dtype=tensor.dtype, device="cpu"), name, value)

    def fill(self, tensor: "DTensor", name: str, value: float) -> None:
        parts = self.parts(tensor)
        self.of_local.warn_if_computed(tensor)
        self.try_value(tensor, name, value)
        for part, _ in parts:
            self.of_local.fill(part, name, value)
        self.changed(tensor)

    def fill_diagonal(self, tensor: "DTensor", value: float) -> None:
        diagonal = np.arange(min(tensor.shape))
        self.put(tensor, (diagonal,) * tensor.ndim, value)

    def put(self, tensor: "DTensor", places: tuple[np.ndarray, ...], value: float) -> None:
        for part, offset in self.parts(tensor):
            local = [axis - a for axis, a in zip(places, offset, strict=True)]
            here = np.logical_and.reduce([(0 <= axis) & (axis < n) for axis, n in zip(local, part.shape, strict=True)])
            self.of_local.put(part, tuple(axis[here] for axis in local), value)
        self.changed(tensor)

    def write(self, tensor: "DTensor", values: np.ndarray) -> None:
        for part, offset in self.parts(tensor):
            self.of_local.write(part, values[tuple(slice(a, a + n) for a, n in zip(offset, part.shape, strict=True))])
        self.changed(tensor)

    def draw(self, generator: object) -> None:
        return None  # torch's generators are the other's

    def draw_own(self) -> int:
        return self.of_local.draw_own()

    def parts(self, tensor: "DTensor") -> "list[tuple[torch.Tensor, tuple[int, ...]]]":
        """The boxes of this rank's part, as views of it, and where each begins in the whole."""
        mesh = tensor.device_mesh
        cuts = _cuts(tensor)
        place = mesh.get_coordinate()
        if place is None:  # this rank is not of the mesh
            return []
        runs = held(tensor.shape, mesh.shape, place, cuts)
        with self.torch.no_grad():
            local = tensor.to_local().detach()
        if tuple(local.shape) != (shape := tuple(sum(b - a for a, b in of_axis) for of_axis in runs)):
            raise ValueError(
                f"tensor's part on this rank has shape {tuple(local.shape)}, where its placements {tensor.placements} "
                f"on a mesh of shape {tuple(mesh.shape)} give {shape}; divide it as torch.distributed.tensor does, or "
                "fill the parts (tensor.to_local()) with global_shape= and offset="
            )
        return [(local[inner], offset) for inner, offset in boxes(runs)]


def _cuts(tensor: "DTensor") -> list[list[tuple[int, int]]]:
    """For each axis of a tensor, the axes of the mesh that divide it, in order, and their factors."""
    cuts: dict[tuple[int, int], int] = {}
    for m, placement in enumerate(tensor.placements):
        if placement.is_replicate():
            continue
        if placement.is_partial():
            raise TypeError(
                f"tensor is a DTensor with placement {placement} on axis {m} of its mesh: its parts are to be summed, "
                "so they cannot each be given the values; redistribute it to Shard or Replicate first"
            )
        divided = getattr(placement, "dim", None)
        if divided is None or type(placement).__name__ not in ("Shard", "_StridedShard"):
            raise TypeError(
                f"tensor is a DTensor with placement {placement}, which is not known here; fill its local part "
                "(tensor.to_local()) with global_shape= and offset="
            )
        cuts[divided % tensor.ndim, m] = getattr(placement, "split_factor", 1)
    # torch keeps an order of its own where a redistribution asked for one
    orders = dict(getattr(tensor._spec, "shard_order", None) or ())
    return [
        [(m, cuts[axis, m]) for m in orders.get(axis, range(len(tensor.placements))) if (axis, m) in cuts]
        for axis in range(tensor.ndim)
    ]
