"""The standard deviation that a step is to give. Importing this module imports torch."""

import inspect
import math
from collections.abc import Callable, Mapping
from typing import Any

import fastinit

from ..initializers.scaling import MODES
from .steps import Call, Draw, Shape, Step

_FANS = ("layout", "groups", "fans")


def _kaiming(n: Mapping[str, Any], fans: tuple[float, float], shape: Shape) -> float:
    return float(fastinit.calculate_gain(n["nonlinearity"], n["a"])) / math.sqrt(MODES[n["mode"]](*fans))


def _xavier(n: Mapping[str, Any], fans: tuple[float, float], shape: Shape) -> float:
    return float(n["gain"]) * math.sqrt(2 / sum(fans))


def _truncated(n: Mapping[str, Any], fans: tuple[float, float], shape: Shape) -> float:
    mean, std, a, b = n["mean"], n["std"], n["a"], n["b"]
    cut = (a, b) if n["sigmas"] else ((a - mean) / std, (b - mean) / std) if std else (0.0, 0.0)
    return float(std * fastinit.truncated_std(*cut))


# an initialiser's name -> its std, of its numbers, the fans and the shape
_STD: dict[str, Callable[[Mapping[str, Any], tuple[float, float], Shape], float]] = {
    "normal_": lambda n, fans, shape: n["std"],
    "uniform_": lambda n, fans, shape: (n["b"] - n["a"]) / math.sqrt(12),
    "trunc_normal_": _truncated,
    "sparse_": lambda n, fans, shape: n["std"] * math.sqrt(1 - math.ceil(n["sparsity"] * shape[0]) / shape[0]),
    "orthogonal_": lambda n, fans, shape: n["gain"] / math.sqrt(max(shape[0], math.prod(shape[1:]))),
    "variance_scaling_": lambda n, fans, shape: math.sqrt(n["scale"] / MODES[n["mode"]](*fans)),
    "lecun_uniform_": lambda n, fans, shape: 1 / math.sqrt(fans[0]),
    "lecun_normal_": lambda n, fans, shape: 1 / math.sqrt(fans[0]),
    **{f"{name}_{law}_": _xavier for name in ("xavier", "glorot") for law in ("uniform", "normal")},
    **{f"{name}_{law}_": _kaiming for name in ("kaiming", "he") for law in ("uniform", "normal")},
}


def fans_of(step: Step, shape: Shape) -> tuple[float, float] | tuple[None, None]:
    """Fan in and fan out as a step sees them; none for what is no weight."""
    if not isinstance(step, Draw) or len(shape) < 2:
        return None, None
    return fastinit.compute_fans(shape, **{key: step.kwargs[key] for key in _FANS if key in step.kwargs})


def std_of(step: Step, shape: Shape) -> float | None:
    """The std of all elements; None where that is not known beforehand."""
    if isinstance(step, Call):
        return 0.0 if step.name in ("fill_", "zero_") else None
    if not isinstance(step, Draw) or step.name not in _STD or 0 in shape:
        return None
    numbers = inspect.signature(getattr(fastinit, step.name)).bind(None, *step.args, **step.kwargs)
    numbers.apply_defaults()
    fan_in, fan_out = fans_of(step, shape)
    return float(_STD[step.name](numbers.arguments, (fan_in or 1.0, fan_out or 1.0), shape))
