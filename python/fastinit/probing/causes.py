"""What is likely behind a finding: the first layer, in the order of the signal, where a cause holds.

A cause is named only under a symptom. Alone, none of these is a fault: normalisation, residual streams and Adam make
them irrelevant as often as not.
"""

import math
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import NamedTuple

from .evidence import Evidence
from .layer import Layer, Network
from .rules import Say, some

OFF = 1.5  # a factor between n Var w and what the activation needs, below which chance explains it
FADES = 10.0  # by what factor a layer must lower the signal fraction
DEAD, SATURATED = 0.25, 0.4  # shares of units, of z
GROWS = 10.0  # by what factor z grows along a stream


class Cause(NamedTuple):
    text: str
    layer: str = ""


def _tensors(names: list[str], en: str, vi: str, say: Say) -> Cause | None:
    """What holds of some tensors, by name."""
    return Cause(say(f"{en}: {some(names)}", f"{vi}: {some(names)}"), names[0]) if names else None


def _first(
    network: Network, holds: Callable[[Layer], bool], words: Callable[[Layer], tuple[str, str]], say: Say
) -> Cause | None:
    """The first layer of which something holds."""
    layer = next(filter(holds, network.layers), None)
    return None if layer is None else Cause(say(*words(layer)), layer.name)


def zeros(e: Evidence, network: Network, say: Say) -> Cause | None:
    return _tensors(e.zeros, "exactly 0", "đúng bằng 0", say)


def twins(e: Evidence, network: Network, say: Say) -> Cause | None:
    return _tensors(e.twins, "units alike", "nơ-ron giống nhau", say)


def dead(e: Evidence, network: Network, say: Say) -> Cause | None:
    def words(layer: Layer) -> tuple[str, str]:
        return (
            f"{layer.dead:.0%} of the units of {layer.name} are off for every input",
            f"{layer.dead:.0%} nơ-ron của {layer.name} tắt với mọi đầu vào",
        )

    return _first(network, lambda one: (one.dead or 0.0) - (one.dead_expected or 0.0) > DEAD, words, say)


def signal_fades(e: Evidence, network: Network, say: Say) -> Cause | None:
    """Weights too small beside biases, or the sigmoid's mean."""
    for before, after in pairwise(network.layers):
        if before.signal and after.signal is not None and after.signal < before.signal / FADES:
            share = after.signal / before.signal
            return Cause(
                say(
                    f"{after.name} passes on {share:.1g} of what tells inputs apart",
                    f"{after.name} chỉ truyền {share:.1g} phần phân biệt các đầu vào",
                ),
                after.name,
            )
    return None


def _off(layers: Sequence[Layer], sign: int) -> list[Layer]:
    """Those whose n Var w is below (-1) or above (1) what their activation needs; beyond a norm it does not matter."""
    return [
        layer
        for layer in layers
        if layer.critical
        and layer.n_var_w is not None
        and not layer.normalized
        and sign * _excess(layer) > math.log(OFF)
    ]


def _excess(layer: Layer) -> float:
    assert layer.critical is not None and layer.n_var_w is not None
    return math.log(layer.n_var_w / layer.critical) if layer.n_var_w > 0.0 else -math.inf


def _weights(network: Network, sign: int, say: Say) -> Cause | None:
    off = _off(network.layers, sign)
    if not off:
        return None
    first, last = off[0], off[-1]
    where = first.name if first is last else say(f"{first.name} to {last.name}", f"{first.name} đến {last.name}")
    return Cause(
        say(
            f"{where}: n Var w is {first.n_var_w:.3g}, {first.activation} needs {first.critical:.3g}",
            f"{where}: n Var w là {first.n_var_w:.3g}, {first.activation} cần {first.critical:.3g}",
        ),
        first.name,
    )


def weights_too_small(e: Evidence, network: Network, say: Say) -> Cause | None:
    return _weights(network, -1, say)


def weights_too_large(e: Evidence, network: Network, say: Say) -> Cause | None:
    return _weights(network, 1, say)


def saturated(e: Evidence, network: Network, say: Say) -> Cause | None:
    def words(layer: Layer) -> tuple[str, str]:
        return (
            f"{layer.saturated:.0%} of z of {layer.name} lies where {layer.activation} is flat",
            f"{layer.saturated:.0%} z của {layer.name} nằm ở chỗ {layer.activation} bão hòa",
        )

    return _first(network, lambda one: (one.saturated or 0.0) > SATURATED, words, say)


def stream_grows(e: Evidence, network: Network, say: Say) -> Cause | None:
    """Branches that are not scaled add up, block after block."""
    if network.chain:
        return None
    sizes = [
        (layer.z.rms, layer)
        for layer in network.layers
        if layer.z is not None and layer.z.finite == layer.z.size and layer.z.rms > 0.0
    ]
    if len(sizes) < 3 or sizes[-1][0] < GROWS * sizes[0][0]:
        return None
    first, last = sizes[0], sizes[-1]
    ratio = last[0] / first[0]
    return Cause(
        say(
            f"the stream grows {ratio:.2g} times from {first[1].name} to {last[1].name}",
            f"dòng tín hiệu lớn lên {ratio:.2g} lần từ {first[1].name} đến {last[1].name}",
        ),
        last[1].name,
    )


def _radius(network: Network, sign: int, say: Say) -> Cause | None:
    for name, radius in network.recurrent.items():
        if sign * math.log(max(radius, 1e-300)) > 0.05:
            return Cause(
                say(f"{name} has a spectral radius of {radius:.2g}", f"{name} có bán kính phổ {radius:.2g}"), name
            )
    return None


def radius_above_one(e: Evidence, network: Network, say: Say) -> Cause | None:
    return _radius(network, 1, say)


def radius_below_one(e: Evidence, network: Network, say: Say) -> Cause | None:
    return _radius(network, -1, say)


def gates_half_open(e: Evidence, network: Network, say: Say) -> Cause | None:
    if not network.gated:
        return None
    return Cause(
        say(
            "gates that are half open halve what they keep at each step",
            "cổng mở một nửa làm mất một nửa điều nó giữ ở mỗi bước",
        )
    )


def smaller_than_a_step(e: Evidence, network: Network, say: Say) -> Cause | None:
    if not e.small:
        return None
    return Cause(
        say(
            f"a step of {e.rate:g} is more than a tenth of {some(e.small)}",
            f"một bước {e.rate:g} lớn hơn một phần mười {some(e.small)}",
        ),
        e.small[0],
    )


CAUSES: dict[str, tuple[Callable[[Evidence, Network, Say], Cause | None], ...]] = {
    "tells nothing apart": (zeros, dead, twins, signal_fades, weights_too_small, saturated),
    "goes too far": (weights_too_large, stream_grows, saturated),
    "confident": (weights_too_large, stream_grows),
    "rough": (weights_too_large, radius_above_one, saturated),
    "does not reach back": (gates_half_open, radius_below_one),
    "does not learn": (
        zeros, dead, twins, signal_fades, weights_too_small, weights_too_large, saturated, smaller_than_a_step,
    ),
}  # fmt: skip


def likely(kind: str, e: Evidence, network: Network, say: Say) -> Cause | None:
    """The first cause that holds."""
    return next((cause for look in CAUSES.get(kind, ()) if (cause := look(e, network, say))), None)
