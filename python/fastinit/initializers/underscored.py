"""torch.nn.init's names that begin with an underscore, with torch's parameters: layers that people write call them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..backends import T
from ..generator import Randomness
from .constants import constant_, zeros_
from .deprecated import _make_deprecate
from .fans import compute_fans
from .random import normal_, trunc_normal_, uniform_
from .scaling import fan_mode

if TYPE_CHECKING:
    from ..backends import Tensor

__all__ = [
    "_calculate_correct_fan", "_calculate_fan_in_and_fan_out", "_make_deprecate", "_no_grad_fill_", "_no_grad_normal_",
    "_no_grad_trunc_normal_", "_no_grad_uniform_", "_no_grad_zero_",
]  # fmt: skip


def _calculate_fan_in_and_fan_out(tensor: Tensor) -> tuple[float, float]:
    return compute_fans(tensor)


def _calculate_correct_fan(tensor: Tensor, mode: str) -> float:
    fan_in, fan_out = compute_fans(tensor)
    return fan_in if fan_mode(mode) == "fan_in" else fan_out


def _no_grad_uniform_(tensor: T, a: float, b: float, generator: Randomness = None) -> T:
    return uniform_(tensor, a, b, generator)


def _no_grad_normal_(tensor: T, mean: float, std: float, generator: Randomness = None) -> T:
    return normal_(tensor, mean, std, generator)


def _no_grad_trunc_normal_(tensor: T, mean: float, std: float, a: float, b: float, generator: Randomness = None) -> T:
    return trunc_normal_(tensor, mean, std, a, b, generator)


def _no_grad_fill_(tensor: T, val: float) -> T:
    return constant_(tensor, val)


def _no_grad_zero_(tensor: T) -> T:
    return zeros_(tensor)
