"""Rules for `init_model_`, as data to read, extend and override: lists of (pattern, rule), the first match wins.

Examples
--------
>>> from fastinit import presets, zeros_
>>> [pattern.__name__ for pattern, rule in presets.NEUTRAL]
['is_norm_weight', 'is_bias']
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ..initializers.constants import ones_, zeros_

if TYPE_CHECKING:
    import torch


def is_norm_weight(name: str, tensor: "torch.Tensor", module: "torch.nn.Module") -> bool:
    """The scale of a normalisation."""
    return "norm" in type(module).__name__.lower() and name.endswith("weight")


def is_bias(name: str, tensor: "torch.Tensor", module: "torch.nn.Module") -> bool:
    """A bias, whatever it is called: bias, in_proj_bias, bias_hh_l0."""
    leaf = name.rsplit(".", 1)[-1]
    return leaf.startswith("bias") or leaf.endswith("bias")


# what nobody wants random
NEUTRAL: list[tuple[Any, Callable[..., object]]] = [(is_norm_weight, ones_), (is_bias, zeros_)]
