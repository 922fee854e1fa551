"""How torch's code asks for random values, and which initialiser gives them. Importing this module imports torch."""

from collections.abc import Callable, Mapping
from types import FunctionType
from typing import Any, NamedTuple, TypeAlias

import torch
from torch import Tensor

Function: TypeAlias = Callable[..., Any]  # Any: whatever a function of torch's takes and returns

# torch.nn.init's functions that hand a call on to a mode by themselves, and those that do not (see silent.py)
TELLING = ("uniform_", "normal_", "kaiming_uniform_")
SILENT = ("trunc_normal_", "orthogonal_", "sparse_", "xavier_uniform_", "xavier_normal_", "kaiming_normal_")
METHODS: dict[Function, str] = {Tensor.normal_: "normal_", Tensor.uniform_: "uniform_"}
FACTORIES: dict[Function, str] = {
    torch.randn: "normal_", torch.rand: "uniform_", torch.randn_like: "normal_", torch.rand_like: "uniform_",
}  # fmt: skip
_NAMES = frozenset((*TELLING, *SILENT, "constant_"))
_BOUNDS = {"from": "a", "to": "b"}  # Tensor.uniform_'s names for them


class Asked(NamedTuple):
    """What a call asks for."""

    name: str
    tensor: Tensor
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    generator: Any  # a torch.Generator, or None


def law_of(func: Function) -> str | None:
    """The initialiser that a function of torch's is, if it is one.

    Known by its name: while transformers builds a model, a guard of its own stands under torch's names, and is what a
    mode is told.
    """
    if func in METHODS:
        return METHODS[func]
    if type(func) is not FunctionType:
        return None
    name = func.__name__
    if name in _NAMES and (func.__module__ == "torch.nn.init" or getattr(torch.nn.init, name) is func):
        return name
    return None


def asked(func: Function, name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Asked:
    """The call's tensor, numbers and generator apart."""
    given = dict(kwargs)
    tensor = given.pop("tensor") if "tensor" in given else args[0]
    rest = args if "tensor" in kwargs else args[1:]
    generator = given.pop("generator", None)
    if func is Tensor.uniform_:
        given = {_BOUNDS.get(key, key): value for key, value in given.items()}
    return Asked(name, tensor, rest, given, generator)


def normal_by_numbers(
    args: tuple[Any, ...], kwargs: Mapping[str, Any]
) -> tuple[tuple[Any, ...], dict[str, Any], dict[str, float]] | None:
    """torch.normal(mean, std, size) as a call of torch.randn and its numbers; None where one of them is a tensor."""
    given = {**dict(zip(("mean", "std", "size"), args, strict=False)), **kwargs}
    numbers = {"mean": given.pop("mean", None), "std": given.pop("std", 1.0)}
    if "size" not in given or given.get("out") is not None or isinstance(numbers["mean"], torch.Tensor):
        return None
    return None if isinstance(numbers["std"], torch.Tensor) else ((given.pop("size"),), given, numbers)
