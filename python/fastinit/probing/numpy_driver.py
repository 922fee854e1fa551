"""A network in NumPy, measured: its layers are computed here, so everything is at hand."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ..activations import find
from ..initializers.fans import compute_fans
from ..initializers.random import normal_
from ..networks import Dense, backward, cross_entropy, forward, mean_squared_error
from ..statistics.describe import describe
from .layer import Layer, Network, observe_activation, observe_copies, observe_weight, observe_z
from .loss import Loss


def measure(network: Sequence[Dense], x: npt.ArrayLike, loss: Loss, names: Sequence[str], min_batch: int) -> Network:
    """One pass forward and one back. names: of the layers, those of Dense where empty."""
    x = np.asarray(x)
    with np.errstate(all="ignore"):
        zs, outputs = forward(network, x)
        value, grad = _value_and_gradient(loss, outputs[-1])
        gradients = backward(network, x, zs, outputs, grad)
        layers = []
        for i, (dense, z, a, (dz, dw, _)) in enumerate(zip(network, zs, outputs, gradients, strict=True)):
            layer = _layer(dense, names[i] if names else dense.name or f"layer{i + 1}", i, z, dw)
            observe_activation(layer, find(dense.activation), z, min_batch)
            layer.a = layer.z if a is z else describe(a, names="a")
            layer.dz, layer.dw = describe(dz, names="dz"), describe(dw, names="dw")
            layers.append(layer)
    classes = layers[-1].units if loss.kind == "cross_entropy" else None
    return Network(layers, len(x), value, classes)


def _value_and_gradient(loss: Loss, output: np.ndarray) -> tuple[float | None, np.ndarray]:
    """The loss and dL/d(output)."""
    if loss.kind == "random":
        return None, normal_(np.empty(output.shape, output.dtype), generator=loss.generator)
    if loss.kind == "callable":
        value, grad = loss.call(output)
        return float(value), np.asarray(grad)
    return (mean_squared_error if loss.kind == "mse" else cross_entropy)(output, loss.target)


def _layer(dense: Dense, name: str, number: int, z: np.ndarray, dw: np.ndarray) -> Layer:
    """The layer but for what follows it."""
    before = number - 1 if number else None
    layer = Layer(name, units=z.shape[1], before=before, parameter=id(dense.weight))
    fans = compute_fans(dense.weight, layout=dense.layout)
    observe_weight(layer, dense.weight, fans, describe(dense.weight, names="weight"))
    layer.bias = None if dense.bias is None else describe(dense.bias, names="bias")
    observe_z(layer, z, describe(z, names="z"))
    by_unit = (dense.weight, dw) if dense.layout == "OI..." else (dense.weight.T, dw.T)
    observe_copies(layer, by_unit[0], dense.bias, by_unit[1])
    return layer
