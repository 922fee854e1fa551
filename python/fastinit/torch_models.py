"""A torch module that is called and left as it came. Importing this module imports torch."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager

import numpy as np
import torch
from torch.utils._pytree import tree_leaves


def tensors(*values: object) -> Iterator[torch.Tensor]:
    """The tensors in arguments or results: tuples, lists and dicts are looked into, and what else torch knows."""
    for value in values:
        if isinstance(value, torch.Tensor):
            yield value
        elif isinstance(value, (tuple, list)):
            yield from tensors(*value)
        elif isinstance(value, Mapping):
            yield from tensors(*value.values())
        elif value is not None and not isinstance(value, (int, float, str, torch.dtype, torch.device)):
            yield from (t for t in tree_leaves(value) if isinstance(t, torch.Tensor))


def unwrap(model: torch.nn.Module) -> torch.nn.Module:
    """The module itself; a TypeError for what cannot be looked into."""
    while True:
        if type(model).__name__ in ("FullyShardedDataParallel", "FSDPModule"):
            raise TypeError(
                "model is sharded (FSDP), so no process has its layers whole; probe it before it is wrapped"
            )
        if isinstance(model, (torch.nn.DataParallel, torch.nn.parallel.DistributedDataParallel)):
            model = model.module
        elif isinstance(original := getattr(model, "_orig_mod", None), torch.nn.Module):
            model = original
        else:
            break
    if isinstance(model, torch.jit.ScriptModule):
        raise TypeError(
            "model is a TorchScript module, whose layers are called out of sight; probe the Python module it was made "
            "from"
        )
    for name, parameter in model.named_parameters():
        _check_parameter(name, parameter)
    return model


def _check_parameter(name: str, parameter: torch.nn.Parameter) -> None:
    if isinstance(parameter, torch.nn.parameter.UninitializedParameter):
        raise TypeError(
            f"parameter {name} has no shape yet (a lazy module); call the model once on a batch, then probe it"
        )
    if parameter.is_inference():
        raise TypeError(
            f"parameter {name} was made under torch.inference_mode(), so no gradient can reach it; make the model "
            "outside"
        )
    if parameter.device.type != "cpu":
        raise TypeError(f"parameter {name} is on {parameter.device}; give model.cpu()")


@contextmanager
def as_it_came(model: torch.nn.Module) -> Iterator[None]:
    """Buffers and random state are put back; gradients are enabled; compiled code runs eagerly."""
    buffers = [
        (module, name, b, None if b is None else b.detach().clone())
        for module in model.modules()
        for name, b in module._buffers.items()
    ]
    with ExitStack() as stack:
        stack.enter_context(torch.random.fork_rng(devices=[]))
        stack.enter_context(torch.inference_mode(False))
        stack.enter_context(torch.enable_grad())
        if "torch._dynamo" in sys.modules and hasattr(torch.compiler, "set_stance"):  # else nothing is compiled
            stack.enter_context(torch.compiler.set_stance("force_eager"))
        try:
            yield
        finally:
            with torch.no_grad():
                for module, name, buffer, values in buffers:
                    module._buffers[name] = buffer
                    if buffer is not None and values is not None:
                        buffer.copy_(values)


def arguments(model: torch.nn.Module, x: object) -> tuple[tuple[object, ...], dict[str, object]]:
    """x as positional and named arguments; NumPy arrays become tensors, inference tensors are cloned."""
    dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.get_default_dtype())

    def one(value: object) -> object:
        if isinstance(value, np.ndarray):
            value = torch.from_numpy(np.array(value))
            value = value.to(dtype) if value.is_floating_point() else value
        return value.clone() if isinstance(value, torch.Tensor) and value.is_inference() else value

    if isinstance(x, Mapping):
        return (), {name: one(value) for name, value in x.items()}
    return tuple(one(value) for value in x) if isinstance(x, (tuple, list)) else (one(x),), {}
