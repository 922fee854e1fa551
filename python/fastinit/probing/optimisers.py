"""Adam and SGD on arrays and tensors alike; not a framework's own, whose state and hooks are the caller's."""

from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")
Optimiser = Callable[[str, T, T], None]  # name, weight (changed in place), gradient


def adam(rate: float) -> Optimiser[Any]:
    """Kingma and Ba (2015), algorithm 1: betas 0.9 and 0.999, eps 1e-8."""
    state: dict[str, list[Any]] = {}

    def step(name: str, weight: Any, gradient: Any) -> None:
        if name not in state:
            state[name] = [0.0 * gradient, 0.0 * abs(gradient), 0]
        m, v, k = state[name]
        state[name][2] = k = k + 1
        m *= 0.9
        m += 0.1 * gradient
        v *= 0.999
        v += 0.001 * abs(gradient) ** 2
        weight -= (rate / (1.0 - 0.9**k)) * m / ((v / (1.0 - 0.999**k)) ** 0.5 + 1e-8)

    return step


def sgd(rate: float) -> Optimiser[Any]:
    """With momentum 0.9."""
    state: dict[str, Any] = {}

    def step(name: str, weight: Any, gradient: Any) -> None:
        if name in state:
            state[name] *= 0.9
            state[name] += gradient
        else:
            state[name] = 1.0 * gradient
        weight -= rate * state[name]

    return step
