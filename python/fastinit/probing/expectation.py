"""What mean-field theory expects of the layers that were measured."""

import math
from collections.abc import Sequence

import numpy as np

from ..activations import activations
from ..quadrature import mean_square
from ..theory import needed
from .layer import Layer

_LARGE = 1e300  # variances beyond it overflow


def expect(layers: Sequence[Layer]) -> None:
    """Note in each layer what its activation needs, and rms of z and dL/dz as theory expects them."""
    for layer in layers:
        if layer.activation in activations and layer.n_var_w:
            n_var_w = layer.n_var_w
            layer.critical = min(needed(layer.activation), key=lambda v: abs(math.log(n_var_w / v)), default=None)
    with np.errstate(all="ignore"):
        q, after = _forward(layers)
        _backward(layers, q, after)


def _forward(layers: Sequence[Layer]) -> tuple[dict[int, float], dict[int, int]]:
    """Mean square of z, measured where a chain begins and expected from there on; and which layer follows which."""
    q: dict[int, float] = {}
    after: dict[int, int] = {}
    for i, layer in enumerate(layers):
        if layer.z is None or not layer.z.finite:
            continue
        before = layer.before
        name = layers[before].activation if before is not None else None
        if before is None or before not in q or layer.n_var_w is None or name is None:
            q[i] = layer.z.rms**2
            continue
        after[before] = i
        noise = layer.bias.rms**2 if layer.bias is not None else 0.0
        q[i] = layer.n_var_w * mean_square(activations[name].f, min(q[before], _LARGE)) + noise
        layer.predicted = math.sqrt(q[i])
    return q, after


def _backward(layers: Sequence[Layer], q: dict[int, float], after: dict[int, int]) -> None:
    """rms of dL/dz, measured where a chain ends and expected from there back; not through convolutions."""
    for i in range(len(layers) - 2, -1, -1):
        if i not in after:
            continue
        layer, following = layers[i], layers[after[i]]
        if following.kind.startswith("Conv") or following.dz is None or not following.dz.finite:
            continue
        if following.weight is None or following.fan_out is None or layer.activation is None:
            continue
        size = following.predicted_dz if following.predicted_dz is not None else following.dz.rms
        slope = mean_square(activations[layer.activation].derivative, min(q[i], _LARGE))
        layer.predicted_dz = size * math.sqrt(following.fan_out * slope) * following.weight.rms
