"""Building a model without drawing. Importing this module imports torch."""

from collections.abc import Callable
from typing import ParamSpec, TypeVar

import torch
from torch import nn

from .hearing import Hearing, deaf
from .names import parameters
from .recipe import Recorded, keep, waiting_for
from .steps import Values
from .waiting import Waiting

P = ParamSpec("P")
M = TypeVar("M", bound=nn.Module)


def deferred_init(module_fn: Callable[P, M], *args: P.args, **kwargs: P.kwargs) -> M:
    """See doors.deferred_init."""
    waiting = Waiting()
    with Hearing(None, waiting, recording=True):
        try:
            model = module_fn(*args, **kwargs)
            if not isinstance(model, nn.Module):
                raise TypeError(f"{module_fn} returned a {type(model).__name__}; give what returns a torch.nn.Module")
        except BaseException:
            waiting.plans.clear()  # only the traceback still has these tensors, and it may outlive much memory
            raise
        with deaf():
            _to_meta(model, waiting)
    return model


def _to_meta(model: nn.Module, waiting: Waiting) -> None:
    """Parameters without memory in the place of those that wait; what waits is kept. Ties stay ties."""
    found, recipe, metas = waiting_for(model, waiting), dict[int, Recorded](), dict[int, nn.Parameter]()
    for p in parameters(model):
        if type(p.tensor) is not nn.Parameter or p.tensor.device.type != "cpu" or p.tensor.layout is not torch.strided:
            continue
        shape = tuple(p.tensor.shape)
        meta = metas[id(p.tensor)] = nn.Parameter(
            torch.empty_like(p.tensor, device="meta"), requires_grad=p.tensor.requires_grad
        )
        vars(meta).update(vars(p.tensor))
        recipe[id(meta)] = found.get(p.name) or Recorded(shape, ((None, Values(p.tensor.detach())),))
        waiting.forget(p.tensor.untyped_storage()._cdata)
    for module in model.modules():
        for leaf, tensor in module._parameters.items():
            module._parameters[leaf] = metas.get(id(tensor), tensor)
    keep(model, recipe)
