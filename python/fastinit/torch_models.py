"""A torch module that is called: what it is, and what it is given. Importing this module imports torch."""

from collections.abc import Callable, Iterator, Mapping

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
    if parameter.is_meta:
        raise TypeError(
            f"parameter {name} is on meta, where tensors have no values; give model.to_empty(device='cpu') and fill it"
        )
    if parameter.device.type != "cpu":
        raise TypeError(f"parameter {name} is on {parameter.device}; give model.cpu()")


def from_numpy_for(model: torch.nn.Module) -> Callable[[object], object]:
    """Makes tensors of NumPy arrays, floats in the model's dtype; gives back what is no array."""
    dtype = next((p.dtype for p in model.parameters() if p.is_floating_point()), torch.get_default_dtype())

    def convert(value: object) -> object:
        if not isinstance(value, np.ndarray):
            return value
        tensor = torch.from_numpy(np.array(value))
        return tensor.to(dtype) if tensor.is_floating_point() else tensor

    return convert


def arguments(model: torch.nn.Module, x: object) -> tuple[tuple[object, ...], dict[str, object]]:
    """x as positional and named arguments; NumPy arrays become tensors, inference tensors are cloned."""
    convert = from_numpy_for(model)

    def one(value: object) -> object:
        value = convert(value)
        return value.clone() if isinstance(value, torch.Tensor) and value.is_inference() else value

    if isinstance(x, Mapping):
        return (), {name: one(value) for name, value in x.items()}
    return tuple(one(value) for value in x) if isinstance(x, (tuple, list)) else (one(x),), {}
