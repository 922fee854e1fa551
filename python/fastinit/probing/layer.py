"""What is measured: a layer as it was called, and a network of them. Of arrays, wherever they come from."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from ..activations import Activation
from ..statistics.result import Stats
from ..theory import dead_share

__all__ = ["Layer"]

_REMEMBERED = 64  # values from each weight's beginning, by which two that came from one seed are known
_MIN_BATCH = 64  # fewer inputs than this say nothing about dead units


@dataclass
class Layer:
    """One call of one layer, as the probe saw it.

    Attributes
    ----------
    name, kind : str
        "layer1"; "layer1#2" is its second call. kind: "Dense", "Linear", "Conv2d", ...
    activation : str or None
        What follows, from `activations`; None: nothing that is known.
    fan_in, fan_out, units : int or None
    weight, bias, z, a, dz, dw : Stats or None
        The parameters; before and after the activation; gradients of the loss by z and by the weight.
    n_var_w : float or None
        fan_in times the mean square of the weights.
    critical : float or None
        What the activation needs it to be: `fastinit.critical`, or the square of its forward gain if that is nearer and
        the activation is 0 at 0 but not odd (gelu, silu, selu), where both serve.
    saturated : float or None
        Share of z where the activation is nearly flat (sigmoid and its like).
    dead, dead_expected : float or None
        Share of units (ReLUs) that are off for every input, and what chance expects of inputs as alike as these.
    signal : float or None
        The part of the mean square of z that differs from input to input.
    predicted, predicted_dz : float or None
        rms of z and of dL/dz by mean-field theory, from the first layer on and from the last one back.
    bottleneck : bool
        Every path from the loss back to the input passes through z.
    normalized : bool
        A normalisation stands between z and the activation, so the size of the weights does not matter.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> x = fastinit.normal_(np.empty((64, 32), np.float32), generator=1)
    >>> net = fastinit.mlp([32, 32, 2], "relu", init=fastinit.kaiming_normal_, generator=0)
    >>> layer = fastinit.probe(net, x)["layer1"]
    >>> layer.activation, round(layer.n_var_w, 1), round(layer.critical, 1), layer.dead
    ('relu', 2.0, 2.0, 0.0)
    """

    name: str
    kind: str = "Dense"
    activation: str | None = None
    fan_in: float | None = None
    fan_out: float | None = None
    units: int | None = None
    weight: Stats | None = None
    bias: Stats | None = None
    z: Stats | None = None
    a: Stats | None = None
    dz: Stats | None = None
    dw: Stats | None = None
    n_var_w: float | None = None
    critical: float | None = None
    saturated: float | None = None
    dead: float | None = None
    dead_expected: float | None = None
    signal: float | None = None
    predicted: float | None = None
    predicted_dz: float | None = None
    bottleneck: bool = True
    normalized: bool = False
    before: int | None = field(default=None, repr=False)  # the layer whose activation is this one's whole input
    beginning: np.ndarray | None = field(default=None, repr=False)
    parameter: object = field(default=None, repr=False)  # what tells one weight from another


@dataclass(frozen=True)
class Network:
    """What a driver hands over: the layers in the order of their calls, and how they are joined.

    ``bottlenecks``: the weights whose layers every path from the loss to the input passes; ``gains``: those of norms;
    ``recurrent``: the spectral radius of recurrent weights; ``gated``: an LSTM or GRU is among the layers.
    """

    layers: Sequence[Layer]
    batch: int
    bottlenecks: frozenset[str] = frozenset()
    gains: frozenset[str] = frozenset()
    recurrent: Mapping[str, float] = field(default_factory=dict)
    gated: bool = False
    attention: bool = False

    @property
    def chain(self) -> bool:
        """Whether every path passes through every layer."""
        return all(layer.bottleneck for layer in self.layers if layer.z is not None)


# ---- measuring -------------------------------------------------------------------------------------------------------


def observe_weight(layer: Layer, weight: np.ndarray, fans: tuple[float, float] | None, stats: Stats) -> None:
    """weight: any shape."""
    layer.weight = stats
    if fans:
        layer.fan_in, layer.fan_out = fans
        layer.n_var_w = layer.fan_in * stats.rms**2
    first = weight.ravel(order="K")[:_REMEMBERED] if weight.flags.forc else weight.flat[:_REMEMBERED]
    layer.beginning = np.array(first, np.float64)


def observe_z(layer: Layer, z: np.ndarray, stats: Stats) -> None:
    """z: inputs along its first axis."""
    layer.z = stats
    size = stats.rms**2 if stats.finite == stats.size else math.nan
    if len(z) >= 2 and 0.0 < size < math.inf:
        flat = z.reshape(len(z), -1)
        mean = np.full(len(z), 1.0 / len(z), flat.dtype) @ flat
        layer.signal = max(0.0, 1.0 - float(np.square(mean, dtype=np.float64).mean()) / size)


def observe_activation(layer: Layer, activation: Activation, z: np.ndarray) -> None:
    """z: what the activation is given, units along its last axis."""
    layer.activation = activation.name
    if activation.flat_on_both_sides and z.size:
        layer.saturated = float(activation.beyond(z)) / z.size
    if activation.rectifies and len(z) >= _MIN_BATCH:
        layer.dead = float(np.mean(z.reshape(-1, z.shape[-1]).max(axis=0) <= 0))
        largest = max(layer.z.absmax, 1e-30) if layer.z else 1.0
        flat = z.reshape(len(z), -1) * np.asarray(1.0 / largest, z.dtype)  # no square overflows
        sizes = np.sqrt(np.einsum("ij,ij->i", flat, flat))
        if sizes.min() > 0.0:
            mean = (
                (1.0 / sizes) @ flat / len(z)
            )  # of unit vectors: its square is the mean cosine, of each with itself too
            cosine = (float(mean @ mean) * len(z) - 1.0) / (len(z) - 1)
            layer.dead_expected = dead_share(cosine, len(z))


def repeated(layers: Sequence[Layer]) -> list[Layer]:
    """Those whose weights begin as an earlier layer's do, but for a factor."""
    owners = {
        layer.parameter: layer
        for layer in reversed(layers)
        if layer.beginning is not None and len(layer.beginning) >= 16
    }
    drawn = [
        layer
        for layer in layers
        if owners.get(layer.parameter) is layer and _values(layer).size and np.ptp(_values(layer)) > 0.0
    ]
    found = set()
    for n in {len(_values(layer)) for layer in drawn}:  # each length among those at least as long
        among = [layer for layer in drawn if len(_values(layer)) >= n]
        rows = np.array([_values(layer)[:n] for layer in among])
        with np.errstate(all="ignore"):
            rows /= np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
            alike = np.tril(np.abs(rows @ rows.T) > 1.0 - 1e-9, -1)
        found |= {id(among[i]) for i in np.flatnonzero(alike.any(axis=1))}
    return [layer for layer in drawn if id(layer) in found]


def _values(layer: Layer) -> np.ndarray:
    assert layer.beginning is not None
    return layer.beginning
