"""What a model's own code would do to its parameters, asked without touching one. Importing this imports torch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch
from torch import nn

from ..generator import Generator
from .hearing import Hearing, deaf, listening
from .names import Named, modules, parameters, unshaped
from .recipe import Recipe, Recorded, kept, record, waiting_for
from .steps import Kept, Values
from .waiting import Waiting


def recipe(model: nn.Module) -> Recipe:
    """What waits for its parameters, if it is being built; else what deferred_init kept, and what its code says now."""
    out = kept(model)
    with deaf():
        for waiting in listening():
            out = Recipe({**out, **waiting_for(model, waiting)})
    named = parameters(model)
    if any(p.name not in out for p in named):
        out = Recipe({**_asked(model), **out})
    return Recipe({p.name: out[p.name] for p in named if p.name in out})


def _asked(model: nn.Module) -> Recipe:
    """Memory that waits is put in the parameters' place, the model's code is run on it, and all is put back."""
    named, waiting = [p for p in parameters(model) if not unshaped(p.tensor)], Waiting()
    left: dict[int, Kept] = {}
    with _as_it_was(model):
        stand_ins = {id(p.tensor): _stand_in(p, waiting, left) for p in named}
        for _, module in modules(model):
            for leaf, tensor in module._parameters.items():
                if tensor is not None and id(tensor) in stand_ins:
                    module._parameters[leaf] = stand_ins[id(tensor)]
            for leaf, buffer in module._buffers.items():
                module._buffers[leaf] = buffer if buffer is None or buffer.is_meta else buffer.detach().clone()
        # what is computed on the way follows torch's seed, and does not move its generator on
        with Hearing(Generator(torch.initial_seed()), waiting, recording=True), torch.no_grad():
            try:
                _run_its_code(model)
                with deaf():
                    return Recipe({p.name: said for p in named if (said := _said(p, waiting, left))})
            finally:
                waiting.plans.clear()  # the stand-ins are never filled


def _stand_in(p: Named, waiting: Waiting, left: dict[int, Kept]) -> nn.Parameter:
    """A parameter alike, on the CPU, whose memory waits for nothing; memory that is not touched costs none."""
    plain = type(p.tensor) is nn.Parameter and p.tensor.layout is torch.strided
    empty = torch.empty_like(p.tensor, device="cpu") if plain else torch.empty(p.tensor.shape, dtype=p.tensor.dtype)
    stand_in = nn.Parameter(empty, requires_grad=p.tensor.requires_grad)
    stand_in.__dict__.update({k: v for k, v in vars(p.tensor).items() if k != "_is_hf_initialized"})
    waiting.allow(stand_in)
    left[id(p.tensor)] = Kept([])
    if stand_in.numel():
        waiting.replace(stand_in, left[id(p.tensor)])
    return stand_in


def _said(p: Named, waiting: Waiting, left: dict[int, Kept]) -> Recorded | None:
    """What the code did to a stand-in; None if that depends on what the parameter was."""
    now = p.module._parameters[p.leaf]
    assert now is not None
    plan = waiting.plans.get(now.untyped_storage()._cdata)
    if plan is not None and (recorded := record(now, plan)) is not None:
        return recorded
    if plan is not None:
        waiting.carry_out([now.untyped_storage()._cdata])
    return None if left[id(p.tensor)].asked else Recorded(tuple(now.shape), ((None, Values(now.detach())),))


@contextmanager
def _as_it_was(model: nn.Module) -> Iterator[None]:
    """Puts back every attribute of every module; the tensors themselves are not written to."""
    states = [(m, dict(vars(m)), dict(m._parameters), dict(m._buffers)) for _, m in modules(model)]
    try:
        for module, *_ in states:
            vars(module).pop("_is_hf_initialized", None)  # transformers' mark of what it fills no more
        yield
    finally:
        for module, attributes, of_parameters, of_buffers in states:
            vars(module).clear()
            vars(module).update(attributes)
            module._parameters.clear()
            module._parameters.update(of_parameters)
            module._buffers.clear()
            module._buffers.update(of_buffers)


def _run_its_code(model: nn.Module) -> None:
    """reset_parameters, children before parents, then _init_weights of the outermost modules that have one."""
    for name, module in reversed(list(modules(model))):
        if reset := getattr(module, "reset_parameters", None) or getattr(module, "_reset_parameters", None):
            _call(reset, name, module)
    within: str | None = None
    for name, module in modules(model):
        if within is not None and (name == within or name.startswith(f"{within}." if within else "")):
            continue
        each: Any = getattr(module, "_init_weights", None)
        if each is not None:
            whole = getattr(module, "initialize_weights", None)  # transformers', from version 5 on
            _call(whole or partial(module.apply, each), name, module)
            within = name


def _call(function: Callable[[], object], name: str, module: nn.Module) -> None:
    try:
        function()
    except Exception as error:
        kind = type(module).__name__
        raise ValueError(
            f"{name or 'the model'} ({kind}) cannot say how its parameters begin: its own code raised "
            f"{type(error).__name__}: {error}. Build the model by deferred_init, or give rules"
        ) from error
