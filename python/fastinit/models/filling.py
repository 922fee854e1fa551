"""Filling a model's parameters, each under a key of its own name: planned and checked whole, then done.

Importing this module imports torch.
"""

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import nn

import fastinit

from ..backends import to_fill
from ..generator import Generator, Randomness, take_key
from ..sharding import DTensors
from ..show.tables import Cell, Table
from . import pages
from .asking import recipe
from .expected import fans_of, std_of
from .hearing import deaf, listening
from .names import Named, parameters, unshaped
from .recipe import Box, Recipe, Steps, said
from .rules import Chosen, Rules, steps
from .steps import Call, Draw, Kept, Key, Own, Ready, Shape, Step, Values, cut
from .waiting import PLAIN


class Planned(NamedTuple):
    """A parameter, what is to be done to it (None: nothing), and the generator of its name."""

    p: Named
    steps: Steps | None
    generator: Generator

    @property
    def tensor(self) -> torch.Tensor:
        """As it is now; the one in p was there before memory was made."""
        now = self.p.module._parameters[self.p.leaf]
        assert now is not None
        return now

    def keyed(self) -> Iterator[tuple[Box | None, Step, Key]]:
        """The steps, each with its key: draw k has stream k."""
        stream = 0
        for box, step in self.steps or ():
            yield box, step, (self.generator.initial_seed(), stream)
            stream += isinstance(step, (Draw, Own))


def init_model_(
    model: nn.Module, rules: Rules | None, generator: Randomness, device: str | torch.device, strict: bool,
    dry_run: bool, check: bool,
) -> Table:  # fmt: skip
    """See doors.init_model_."""
    plan = planned(model, rules, generator, strict)
    if not dry_run:
        _check_meta(model, plan)
        plan = [computed(one) for one in plan]
        _take_over(plan)
        with deaf(), torch.no_grad():
            _materialise(model, torch.device(device))
            tensors = [one.tensor for one in plan if one.steps]
            pages.ask(t for t in tensors if type(t) in PLAIN and t.device.type == "cpu" and t.is_contiguous())
            for one in plan:
                fill(one, one.tensor)
    return _table(plan, check and not dry_run)


# ---- planning --------------------------------------------------------------------------------------------------------


def planned(model: nn.Module, rules: Rules | None, generator: Randomness, strict: bool) -> list[Planned]:
    """What is to be done to every parameter, checked."""
    if not isinstance(model, nn.Module):
        raise TypeError(f"model is of type {type(model).__name__}; give a torch.nn.Module")
    named = parameters(model)
    if rules is None:
        rules = recipe(model)
    chosen = Chosen(rules)
    if not isinstance(generator, Generator):
        generator = Generator(take_key(generator, to_fill(torch.empty(0)))[0])
    plan, missing = [], []
    for p in named:
        if unshaped(p.tensor):
            raise TypeError(
                f"parameter {p.name} has no shape yet (a lazy module); call the model once on a batch first"
            )
        matched, rule = chosen.of(p)
        if not matched:
            missing.append(p.name)
        try:
            what = steps(rule, p)
            for box, step in what or ():
                _check(p, box, step)
        except (TypeError, ValueError) as error:
            raise type(error)(f"{p.name}: {error}") from error
        plan.append(Planned(p, what, generator.fold_in(p.name)))
    if strict and missing:
        raise ValueError(_no_rule(missing, isinstance(rules, Recipe)))
    if strict and (unused := chosen.unused(named)):
        raise ValueError(f"no parameter is called {unused}; correct that pattern, or pass strict=False")
    return plan


def _no_rule(missing: list[str], own: bool) -> str:
    more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
    if own:
        return (
            f"the model's own code does not say how {missing[0]!r}{more} begins, as its constructor alone did; build "
            "the model by deferred_init, give {**recipe(model), " + repr(missing[0]) + ": rule}, or pass strict=False"
        )
    return f"no rule matches {missing[0]!r}{more}; add one, ('*', None) last to leave the rest, or pass strict=False"


def _check(p: Named, box: Box | None, step: Step) -> None:
    """Raise what the step would raise."""
    shape = tuple(p.tensor.shape)
    if box is not None:
        reach = [b + n for b, n in zip(box.begin, box.size, strict=False)]
        if len(box.begin) != len(shape) or any(r > n for r, n in zip(reach, shape, strict=True)):
            raise ValueError(
                f"its recipe fills {box.size} from {box.begin} on, and its shape is {shape} now; give a rule"
            )
        shape = _view_shape(box, box.size)
    if isinstance(step, Values) and tuple(step.tensor.shape) != shape:
        raise ValueError(f"its recipe has values of shape {tuple(step.tensor.shape)}, and its shape is {shape}")
    if isinstance(step, Draw) and 0 not in shape:
        step.check(shape, p.tensor.dtype)
    if isinstance(step, Call):
        getattr(torch.empty((0,), dtype=p.tensor.dtype), step.name)(*step.args, **step.kwargs)


def _check_meta(model: nn.Module, plan: list[Planned]) -> None:
    for one in plan:
        if one.tensor.is_meta and (not one.steps or any(isinstance(step, Kept) for _, step in one.steps)):
            raise ValueError(f"{one.p.name} is on the meta device and has no values that could be left; give it a rule")
    for name, buffer in model.named_buffers():
        if buffer.is_meta:
            raise ValueError(
                f"buffer {name} is on the meta device, where its values were lost; build the model by deferred_init, "
                "which keeps them, or compute it (model.to_empty, then fill it) first"
            )


def computed(one: Planned) -> Planned:
    """What could fail in the middle is run first, into memory of its own: one's own functions, LAPACK's."""
    made: list[tuple[Box | None, Step]] = []
    for box, step, key in one.keyed():
        whole = _view_shape(box, box.size) if box else tuple(one.tensor.shape)
        if isinstance(step, Own) or (isinstance(step, Draw) and step.needs_whole):
            values = torch.empty(whole, dtype=one.tensor.dtype)
            try:
                with torch.no_grad():
                    step.run(values, whole, (0,) * len(whole), key)
            except Exception as error:
                raise ValueError(
                    f"{one.p.name}: its rule {step} raised {type(error).__name__}: {error}; nothing was filled. A rule "
                    "is called as rule(tensor, generator=...)"
                ) from error
            here = parts(one.tensor) if box is None else [(values, (0,) * values.dim())]
            pieces = {offset: values[cut(part, offset)].clone() for part, offset in here}
            made.append((box, Ready(pieces, step)))
        else:
            made.append((box, step))
    return one._replace(steps=tuple(made)) if one.steps else one


def _take_over(plan: list[Planned]) -> None:
    """What waits, in a context around us, for what is filled anyway is forgotten; the rest is carried out."""
    waiting = listening()
    with deaf():
        for each in waiting:
            for one in plan:
                whole = one.steps and one.steps[0][0] is None and not isinstance(one.steps[0][1], Kept)
                if whole and type(one.tensor) in PLAIN and not one.tensor.is_meta:
                    each.forget(one.tensor.untyped_storage()._cdata)
            each.carry_out_all()


# ---- doing -----------------------------------------------------------------------------------------------------------


def _materialise(model: nn.Module, device: torch.device) -> None:
    """Memory for what is on the meta device, in place; ties stay ties, buffers and real parameters what they are."""
    if not any(p.is_meta for p in model.parameters()):
        return
    places = [(m, leaf, p) for m in model.modules() for leaf, p in m._parameters.items() if p is not None]
    made: dict[int, torch.Tensor] = {}

    def memory(t: torch.Tensor) -> torch.Tensor:
        if not t.is_meta:
            return t
        return made.setdefault(id(t), torch.empty_like(t, device=device))

    untyped: Any = model
    untyped._apply(memory)  # FSDP's modules follow this
    now: dict[int, nn.Parameter] = {}
    for module, leaf, before in places:
        if before.is_meta:
            new = module._parameters[leaf]
            assert new is not None
            module._parameters[leaf] = now.setdefault(id(before), new)
            now[id(before)].__dict__.update(vars(before))


def fill(one: Planned, tensor: torch.Tensor) -> None:
    """Carry out a parameter's steps on its memory, or on this rank's part of it."""
    for part, offset in parts(tensor):
        fill_part(one, part, offset)
    if one.steps and not tensor.is_inference():
        torch.autograd.graph.increment_version(tensor)


def parts(tensor: torch.Tensor) -> list[tuple[torch.Tensor, Shape]]:
    """What of a tensor is here, as views, and where each begins in the whole."""
    untyped: Any = tensor
    if isinstance(backend := to_fill(tensor), DTensors):
        return backend.parts(untyped)
    return [(tensor.detach(), (0,) * tensor.dim())]


def fill_part(one: Planned, part: torch.Tensor, offset: Shape) -> None:
    """The steps, as far as they meet a part."""
    for box, step, key in one.keyed():
        if box is None:
            step.run(part, tuple(one.p.tensor.shape), offset, key)
            continue
        low = [max(b, o) for b, o in zip(box.begin, offset, strict=True)]
        high = [min(b + n, o + m) for b, n, o, m in zip(box.begin, box.size, offset, part.shape, strict=True)]
        if any(a >= b for a, b in zip(low, high, strict=True)):
            continue
        index = tuple(slice(a - o, b - o) for a, b, o in zip(low, high, offset, strict=True))
        size = tuple(b - a for a, b in zip(low, high, strict=True))
        begin = [a - b for a, b in zip(low, box.begin, strict=True)]
        at = tuple(0 if axis is None else begin[axis] for axis in box.axes)
        step.run(part[index].view(_view_shape(box, size)), _view_shape(box, box.size), at, key)


def _view_shape(box: Box, size: Shape) -> Shape:
    return tuple(1 if axis is None else size[axis] for axis in box.axes)


# ---- the table -------------------------------------------------------------------------------------------------------


def _table(plan: list[Planned], check: bool) -> Table:
    rows: list[list[Cell]] = []
    for one in plan:
        shape, what = tuple(one.p.tensor.shape), one.steps or ()
        whole = [step for box, step in what if box is None]
        fans = fans_of(whole[0], shape) if whole else (None, None)
        row: list[Cell] = [
            one.p.name, str(shape), said(what) or "left", std_of(whole[0], shape) if len(whole) == 1 else None,
            *fans, _note(one), f"{one.generator.initial_seed():016x}",
        ]  # fmt: skip
        if check:
            t = one.tensor
            row.insert(4, fastinit.describe(t.detach()).std if type(t) in PLAIN and t.numel() else None)
        rows.append(row)
    measured = ["measured"] if check else []
    header = ["parameter", "shape", "rule", "std", *measured, "fan in", "fan out", "note", "seed"]
    return Table(header, rows)


def _note(one: Planned) -> str:
    notes = ["tied: " + ", ".join(one.p.names[1:])] if one.p.names[1:] else []
    if any(isinstance(step, Values) for _, step in one.steps or ()):
        notes.append("computed while it was built")
    return "; ".join(notes)
