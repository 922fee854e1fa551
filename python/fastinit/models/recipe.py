"""What a model's own code does to each parameter, not yet done. Importing this module imports torch."""

from collections.abc import Sequence
from typing import NamedTuple, TypeAlias

import torch
from torch import nn

from ..show.tables import Table
from .names import parameters
from .steps import Call, Draw, Kept, Shape, Step, Values
from .waiting import PLAIN, Place, Plan, Waiting, covers

KEEPER = "_fastinit_recipe"  # an attribute of each module that owns parameters: their steps, by leaf


class Box(NamedTuple):
    """A box of a tensor, and a view of it: which of the tensor's axes each axis of the view is; None: a new one."""

    begin: Shape
    size: Shape
    axes: tuple[int | None, ...]


Steps: TypeAlias = tuple[tuple[Box | None, Step], ...]


class Recorded(NamedTuple):
    """What is done to one parameter: steps, each to the whole (None) or to a box of it."""

    shape: Shape
    steps: Steps

    def __str__(self) -> str:
        return said(self.steps)


class Recipe(dict[str, Recorded]):
    """What is done to each parameter, by its name: a dict, shown as a table. `init_model_` takes it as rules."""

    def table(self) -> Table:
        """Parameter, shape, steps."""
        return Table(["parameter", "shape", "steps"], [[n, str(r.shape), str(r)] for n, r in self.items()])

    def __repr__(self) -> str:
        return repr(self.table())

    def _repr_html_(self) -> str:
        return self.table()._repr_html_()


def record(tensor: torch.Tensor, plan: Plan) -> Recorded | None:
    """A tensor's plan as steps on boxes of it; None if one of them is on no box, or what was there before matters."""
    shape, stride, start = tuple(tensor.shape), tensor.stride(), int(tensor.storage_offset())
    steps: list[tuple[Box | None, Step]] = []
    for where, step in plan.steps:
        if where.dtype != tensor.dtype:
            return None
        if (where.offset, where.shape, where.stride) == (start, shape, stride):
            steps.append((None, step))
        elif (box := _box(stride, where._replace(offset=where.offset - start))) is not None:
            steps.append((box, step))
        else:
            return None
    if not _fill_all(shape, steps):
        return None
    return Recorded(shape, tuple((box, step) for box, step in steps if not isinstance(step, Kept)))


def _fill_all(shape: Shape, steps: Sequence[tuple[Box | None, Step]]) -> bool:
    """Whether the steps write every element, whole or by rows."""
    rows = []
    for box, step in steps:
        if isinstance(step, (Draw, Values)) or (isinstance(step, Call) and step.name in ("fill_", "zero_")):
            if box is None:
                return True
            if box.size[1:] == shape[1:]:
                rows.append((box.begin[0], box.begin[0] + box.size[0]))
    end = 0
    for begin, after in sorted(rows):
        if begin > end:
            return False
        end = max(end, after)
    return bool(shape) and end == shape[0]


def _box(stride: Sequence[int], view: Place) -> Box | None:
    """The box that a view of a tensor of these strides is, if it is one."""
    left, begin = view.offset, [0] * len(stride)
    for axis in sorted(range(len(stride)), key=lambda axis: -stride[axis]):
        if stride[axis]:
            begin[axis], left = divmod(left, stride[axis])
    size = [1] * len(stride)
    axes: list[int | None] = []
    for n, step in zip(view.shape, view.stride, strict=True):  # in order: a transposed view is no box
        after = next((axis for axis in reversed(axes) if axis is not None), -1)
        along = next((axis for axis in range(after + 1, len(stride)) if n > 1 and stride[axis] == step), None)
        if n > 1 and along is None:
            return None
        axes.append(along)
        if along is not None:
            size[along] = n
    return None if left or 0 in view.shape else Box(tuple(begin), tuple(size), tuple(axes))


def said(steps: Steps) -> str:
    """In words."""
    return ", then ".join((f"{_shown(box)}: " if box else "") + str(step) for box, step in steps)


def _shown(box: Box) -> str:
    return "[" + ", ".join(f"{b}:{b + n}" if n > 1 else str(b) for b, n in zip(box.begin, box.size, strict=True)) + "]"


def keep(model: nn.Module, recorded: dict[int, Recorded]) -> None:
    """Keep a recipe with the modules that own the parameters (by id): it stays with them, whatever wraps them."""
    for module in model.modules():
        for leaf, tensor in module._parameters.items():
            if tensor is not None and id(tensor) in recorded:
                module.__dict__.setdefault(KEEPER, {})[leaf] = recorded[id(tensor)]


def kept(model: nn.Module) -> Recipe:
    """The recipe that was kept."""
    found = ((p.name, p.module.__dict__.get(KEEPER, {}).get(p.leaf)) for p in parameters(model))
    return Recipe({name: recorded for name, recorded in found if recorded is not None})


def waiting_for(model: nn.Module, waiting: Waiting) -> Recipe:
    """What waits for each parameter of a model that was built while we listened; the values of what does not wait."""
    out = Recipe()
    owners: dict[int, int] = {}
    named = [p for p in parameters(model) if type(p.tensor) in PLAIN and p.tensor.device.type == "cpu"]
    for p in named:
        at = p.tensor.untyped_storage()._cdata
        owners[at] = owners.get(at, 0) + 1
    if not any(waiting.knows(at) for at in owners):  # built before
        return out
    for p in named:
        at = p.tensor.untyped_storage()._cdata
        alone = at in waiting.plans and owners[at] == 1 and covers(p.tensor)
        recorded = record(p.tensor, waiting.plans[at]) if alone else None
        if recorded is None:
            waiting.carry_out([at])
            recorded = Recorded(tuple(p.tensor.shape), ((None, Values(p.tensor.detach())),))
        out[p.name] = recorded
    return out
