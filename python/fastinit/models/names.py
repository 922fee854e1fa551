"""A model's parameters by name: each once, whatever wraps or ties it. Importing this module imports torch."""

from collections.abc import Iterator
from typing import NamedTuple

import torch
from torch import nn

# what wrappers call the module that they wrap: torch.compile, activation checkpoints, FSDP
_WRAPPED = frozenset(("_orig_mod", "_checkpoint_wrapped_module", "_fsdp_wrapped_module"))
_PARALLEL = (nn.DataParallel, nn.parallel.DistributedDataParallel)


class Named(NamedTuple):
    """A parameter: its first name, all its names (more than one if it is tied), and where it stands."""

    name: str
    names: list[str]
    module: nn.Module
    leaf: str
    tensor: nn.Parameter


def modules(module: nn.Module, name: str = "") -> Iterator[tuple[str, nn.Module]]:
    """Every module and its name, in the order of named_modules, without what wrappers add to names."""
    yield name, module
    for child, below in module._modules.items():
        if below is not None:
            wrapped = child in _WRAPPED or isinstance(module, _PARALLEL)
            yield from modules(below, name if wrapped else f"{name}.{child}" if name else child)


def parameters(model: nn.Module) -> list[Named]:
    """Every parameter, in the order of named_parameters."""
    found: dict[int, Named] = {}
    for prefix, module in modules(model):
        for leaf, tensor in module._parameters.items():
            if tensor is not None:
                name = f"{prefix}.{leaf}" if prefix else leaf
                names = found.setdefault(id(tensor), Named(name, [], module, leaf, tensor)).names
                if name not in names:
                    names.append(name)
    return list(found.values())


def unshaped(tensor: torch.Tensor) -> bool:
    """Whether it belongs to a lazy module that has not run."""
    return isinstance(tensor, nn.parameter.UninitializedParameter)
