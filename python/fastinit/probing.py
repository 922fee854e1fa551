"""The probe: what an initialisation does to a network, layer by layer, with a verdict and the cure."""

import html
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from .generator import Generator
from .initializers.fans import compute_fans
from .initializers.matrices import orthogonal_
from .initializers.random import normal_
from .mean_field import critical, dead_share, finite_width_band, mean_square
from .networks import Dense, backward, cross_entropy, forward, mean_squared_error
from .registry import activations
from .statistics import Stats, StatsTable, describe, svg_histogram
from .tables import Table, as_html, as_text, number

__all__ = ["Finding", "Layer", "Probe", "Thresholds", "lsuv_", "probe"]

_REMEMBERED = 64  # values from each weight's beginning, by which two that came from one seed are known
_SIDES = ("tanh", "sigmoid", "softsign", "hardtanh", "hardsigmoid")  # saturate on both sides
_DEAD = ("relu", "relu6", "squared_relu")  # exactly flat below 0


@dataclass(frozen=True)
class Thresholds:
    """Where a measure becomes a note, then bad (then severe); a finding names its source.

    Attributes
    ----------
    gradient : (float, float, float)
        abs(log10(size of dL/dz, first hidden layer / last)): note, bad, severe; the finite-width band is added.
    drift : (float, float)
        abs(log10(rms of z, last hidden layer / first)); the band is added.
    saturated : (float, float)
        Share of z where the slope is below 5.91% of its largest.
    dead : (float, float, float)
        Share of units that are off for every input, less what chance expects: note, bad; and the share that is bad by itself.
    collapsed : (float, float)
        Signal fraction: what part of the mean square of z differs from input to input.
    narrow : (float, float)
        Sum over hidden layers of 1 / units.
    wrong_init : (float, float)
        Factor between n Var w and what the activation needs.
    confident : (float, float)
        Cross-entropy at the start / ln(classes).
    min_batch : int
        Fewer inputs than this say nothing about dead units.

    Examples
    --------
    >>> import fastinit
    >>> fastinit.Thresholds(saturated=(0.3, 0.6)).saturated
    (0.3, 0.6)
    """

    gradient: tuple[float, float, float] = (1.3, 2.0, 3.0)
    drift: tuple[float, float] = (0.5, 2.0)
    saturated: tuple[float, float] = (0.15, 0.40)
    dead: tuple[float, float, float] = (0.10, 0.25, 0.50)
    collapsed: tuple[float, float] = (1e-3, 1e-4)
    narrow: tuple[float, float] = (0.25, 0.5)
    wrong_init: tuple[float, float] = (1.5, 3.0)
    confident: tuple[float, float] = (1.5, 3.0)
    min_batch: int = 64


@dataclass(frozen=True)
class Finding:
    """One fault: what was measured beside what was expected, and the line of code that cures it.

    Attributes
    ----------
    kind : str
        "vanishing", "exploding", "drift", "saturated", "dead", "collapsed", "symmetric", "repeated", "no gradient", "narrow",
        "wrong init", "confident" or "not finite".
    severity : {"note", "bad", "severe"}
    layer : str
        Its name; empty if the finding is about the whole network.
    measured, expected, threshold : float or None
    message, advice, source : str

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> x = fastinit.normal_(np.empty((64, 32), np.float32), generator=1)
    >>> finding = fastinit.probe(fastinit.mlp([32, 32, 2], "relu", init=fastinit.xavier_normal_, generator=0), x).findings[0]
    >>> finding.kind, finding.layer, finding.advice
    ('wrong init', 'layer1', 'fastinit.kaiming_normal_(weight, nonlinearity="relu")')
    """

    kind: str
    severity: str
    layer: str
    measured: float | None
    expected: float | None
    threshold: float | None
    message: str
    advice: str
    source: str

    def __str__(self) -> str:
        where = f" ({self.layer})" if self.layer else ""
        return (
            f"{self.severity}: {self.kind}{where}: {self.message}\n    cure: {self.advice}\n    source: {self.source}"
        )


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
        What the activation needs it to be: `fastinit.critical`, or the square of its forward gain if that is nearer and the
        activation is 0 at 0 but not odd (gelu, silu, selu), where both serve.
    saturated : float or None
        Share of z where the activation is nearly flat (sigmoid and its like).
    dead, dead_expected : float or None
        Share of units (ReLUs) that are off for every input, and what chance expects of inputs as alike as these.
    signal : float or None
        The part of the mean square of z that differs from input to input.
    predicted, predicted_dz : float or None
        rms of z and of dL/dz by mean-field theory, from the first layer on and from the last one back.
    copies : int
        Units that have a twin: the same incoming weights, bias and gradient, bit for bit.
    normalized : bool
        A normalisation stands between z and the activation, so the size of the weights does not matter.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> x = fastinit.normal_(np.empty((64, 32), np.float32), generator=1)
    >>> layer = fastinit.probe(fastinit.mlp([32, 32, 2], "relu", init=fastinit.kaiming_normal_, generator=0), x)["layer1"]
    >>> layer.activation, round(layer.n_var_w, 1), round(layer.critical, 1), layer.dead
    ('relu', 2.0, 2.0, 0.0)
    """

    name: str
    kind: str = "Dense"
    activation: str | None = None
    fan_in: int | None = None
    fan_out: int | None = None
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
    copies: int = 0
    normalized: bool = False
    before: "int | None" = field(default=None, repr=False)  # the layer whose activation is this one's whole input
    beginning: "np.ndarray | None" = field(default=None, repr=False)
    parameter: object = field(default=None, repr=False)  # what tells one weight from another


# ---- measuring: of arrays, wherever they come from ------------------------------------------------------------------


def observe_weight(layer: Layer, weight: np.ndarray, fans: "tuple[float, float] | None", stats: Stats) -> None:
    """weight: any shape; its outputs are its first axis."""
    layer.weight = stats
    if fans:
        layer.fan_in, layer.fan_out = fans
        layer.n_var_w = layer.fan_in * stats.rms**2
    layer.beginning = np.array(
        weight.ravel(order="K")[:_REMEMBERED] if weight.flags.forc else weight.flat[:_REMEMBERED], np.float64
    )


def observe_z(layer: Layer, z: np.ndarray, stats: Stats) -> None:
    """z: inputs along its first axis."""
    layer.z = stats
    size = stats.rms**2 if stats.finite == stats.size else math.nan
    if len(z) >= 2 and 0.0 < size < math.inf:
        flat = z.reshape(len(z), -1)
        mean = np.full(len(z), 1.0 / len(z), flat.dtype) @ flat
        layer.signal = max(0.0, 1.0 - float(np.square(mean, dtype=np.float64).mean()) / size)


def observe_activation(layer: Layer, name: str, z: np.ndarray, min_batch: int) -> None:
    """z: what the activation is given, units along its last axis."""
    layer.activation = name
    if name in _SIDES and z.size:
        low, high = activations[name].saturation
        layer.saturated = float(np.count_nonzero(z < low) + np.count_nonzero(z > high)) / z.size
    if name in _DEAD and len(z) >= min_batch:
        layer.dead = float(np.mean(z.reshape(-1, z.shape[-1]).max(axis=0) <= 0))
        flat = z.reshape(len(z), -1) * np.asarray(
            1.0 / (max(layer.z.absmax, 1e-30) if layer.z else 1.0), z.dtype
        )  # no square overflows
        sizes = np.sqrt(np.einsum("ij,ij->i", flat, flat))
        if sizes.min() > 0.0:
            mean = (
                (1.0 / sizes) @ flat / len(z)
            )  # of unit vectors: its square is the mean cosine, of each with itself too
            cosine = (float(mean @ mean) * len(z) - 1.0) / (len(z) - 1)
            layer.dead_expected = dead_share(cosine, len(z))


def observe_copies(layer: Layer, weight: np.ndarray, bias, dw) -> None:
    """Rows are units: how many are a bit for bit copy of another, in weight, bias and gradient alike."""
    rows = np.ascontiguousarray(weight).reshape(len(weight), -1)
    mark = rows @ np.linspace(1.0, 2.0, rows.shape[1], dtype=rows.dtype)
    if len(np.unique(mark)) == len(mark) or dw is None:
        return
    parts = [rows, np.ascontiguousarray(dw).reshape(len(rows), -1)] + ([bias[:, None]] if bias is not None else [])
    keys = [b"".join((part[i] + 0).tobytes() for part in parts) for i in range(len(rows))]  # -0.0 + 0 is 0.0
    seen = {}
    for key in keys:
        seen[key] = seen.get(key, 0) + 1
    layer.copies = sum(n for n in seen.values() if n > 1)


def _predict(layers: Sequence[Layer]) -> None:
    """Mean-field theory: rms of z forward from the first layer of a chain, rms of dz back from its last."""
    for layer in layers:
        if layer.activation in activations and layer.n_var_w and (needed := _needed(layer.activation)):
            layer.critical = min(needed, key=lambda v: abs(math.log(layer.n_var_w / v)))
    q: dict[int, float] = {}
    after: dict[int, int] = {}
    for i, layer in enumerate(layers):
        if layer.z is None or not layer.z.finite:
            continue
        before = layers[layer.before] if layer.before is not None else None
        if before is None or layer.before not in q or layer.n_var_w is None or before.activation is None:
            q[i] = layer.z.rms**2
        else:
            after[layer.before] = i
            noise = layer.bias.rms**2 if layer.bias is not None else 0.0
            with np.errstate(all="ignore"):
                q[i] = (
                    layer.n_var_w * mean_square(activations[before.activation].f, min(q[layer.before], 1e300)) + noise
                )
            layer.predicted = math.sqrt(q[i])
    for i in range(len(layers) - 2, -1, -1):
        layer, following = layers[i], layers[after[i]] if i in after else None
        if (
            following is None
            or following.kind.startswith("Conv")
            or following.dz is None
            or not following.dz.finite
            or following.weight is None
        ):
            continue
        size = following.predicted_dz if following.predicted_dz is not None else following.dz.rms
        with np.errstate(all="ignore"):
            slope = mean_square(activations[layer.activation].derivative, min(q[i], 1e300))
        layer.predicted_dz = size * math.sqrt(following.fan_out * slope) * following.weight.rms


# ---- judging --------------------------------------------------------------------------------------------------------


def _fill_for(name: "str | None") -> str:
    """The line that fills a weight as its activation needs it."""
    if name in ("relu", "relu6", "leaky_relu"):
        return f'fastinit.kaiming_normal_(weight, nonlinearity="{"leaky_relu" if name == "leaky_relu" else "relu"}")'
    if name in activations:
        scale = _needed(name)[0]
        return f'fastinit.variance_scaling_(weight, {scale:.4g}, "fan_in", "normal")'
    return 'fastinit.variance_scaling_(weight, 1, "fan_in", "normal")'


def _needed(name: str) -> tuple[float, ...]:
    """n Var w that is right: the critical value; and the square of the forward gain where f(0) = 0 and f is not odd."""
    found = []
    try:
        found.append(critical(name)[0])
    except ValueError:
        pass
    f = activations[name]
    if float(f.f(np.zeros(1))[0]) == 0.0 and name not in ("linear", "tanh", "softsign", "hardtanh", "sin"):
        found.insert(0, f.forward**2)
    return tuple(found)


def _looks_like(layer: Layer) -> str:
    """The initialisation whose standard deviation and shape this weight has."""
    w, n, m = layer.weight, layer.fan_in, layer.fan_out
    if w.zero == w.size:
        return "zeros"
    if w.var == 0.0:
        return f"a constant {w.mean:.3g}"
    uniform = w.kurtosis < -0.7
    slack = 1.0 + 4.0 / math.sqrt(w.size)
    shape = "uniform" if uniform else "normal"
    candidates = [
        ("torch's default for Linear and Conv, 1 / (3 fan_in)", 1 / (3 * n)), ("Xavier (Glorot), 2 / (fan_in + fan_out)", 2 / (n + m)),
        ("LeCun, 1 / fan_in", 1 / n), ("He, 2 / fan_in", 2 / n), ("He by fan_out, 2 / fan_out", 2 / m), ("16 / fan_in", 16 / n),
        *((f"{shape} of std {std:g}", std**2) for std in (1.0, 0.5, 0.1, 0.05, 0.02, 0.01, 0.001)),
    ]  # fmt: skip
    for name, variance in candidates:
        if 1 / slack < w.rms**2 / variance < slack:
            return f"{name} ({shape})" if "std" not in name else name
    if uniform and w.min >= 0.0:
        return f"uniform from {w.min:.2g} to {w.max:.2g}, not centred"
    return f"std {w.std:.3g}, mean {w.mean:.2g}"


def _size(dz: Stats) -> float:
    """The length of dL/dz: for layers of one width what their rms says, and unlike it fit for layers of several."""
    return dz.l2


def _judge(
    layers: Sequence[Layer], limits: Thresholds, batch: int, loss: "float | None", classes: "int | None"
) -> list[Finding]:
    found: list[Finding] = []

    def say(kind, severity, layer, measured, expected, threshold, message, advice, source):
        found.append(Finding(kind, severity, layer, measured, expected, threshold, message, advice, source))

    measured = [layer for layer in layers if layer.z is not None]
    hidden = measured[:-1]
    widths = [layer.units for layer in hidden if layer.units]
    beta = sum(1.0 / n for n in widths)
    band = finite_width_band(beta)
    cures = {layer.name: _fill_for(layer.activation) for layer in layers}

    for layer in layers:  # not finite
        parts = {
            "weight": layer.weight,
            "bias": layer.bias,
            "z": layer.z,
            "a": layer.a,
            "dL/dz": layer.dz,
            "dL/dW": layer.dw,
        }
        bad = {part: s.size - s.finite for part, s in parts.items() if s is not None and s.finite < s.size}
        if bad:
            part, count = next(iter(bad.items()))
            say(
                "not finite",
                "severe",
                layer.name,
                float(count),
                0.0,
                0.0,
                f"{count} values of {part} are NaN or infinite",
                f"look at the first layer that has them; if its weights are finite, they are too large: {cures[layer.name]}",
                "exact count",
            )
            break

    ends = [layer for layer in hidden if layer.dz is not None and layer.dz.finite == layer.dz.size]
    if len(ends) >= 2 and _size(ends[0].dz) > 0.0 and _size(ends[-1].dz) > 0.0:  # vanishing, exploding
        ratio = math.log10(_size(ends[0].dz)) - math.log10(_size(ends[-1].dz))
        limit = [x + band for x in limits.gradient]
        if abs(ratio) > limit[0]:
            kind = "vanishing" if ratio < 0 else "exploding"
            level = sum(abs(ratio) > x for x in limit)
            worst = _first_off(ends)
            cure = (
                cures[worst.name]
                + f"  # {worst.activation or 'linear'}: n Var w is {number(worst.n_var_w)}, needs {number(worst.critical)}"
            )
            if worst.activation in ("sigmoid", "hardsigmoid"):
                cure = 'use tanh or ReLU in place of the sigmoid, with fastinit.variance_scaling_(weight, 1, "fan_in", "normal")'
            say(
                kind,
                ("note", "bad", "severe")[level - 1],
                "",
                ratio,
                0.0,
                limit[level - 1],
                f"dL/dz is 10^{ratio:.1f} times as large in {ends[0].name} as in {ends[-1].name}",
                cure,
                "Schoenholz et al. (2017): trainable to about 6 depth scales, 10^1.3; 96 trained networks",
            )

    rms = [layer.z for layer in hidden if layer.z.finite == layer.z.size and layer.z.rms > 0.0]
    if len(rms) >= 2:  # drift
        ratio = math.log10(rms[-1].rms) - math.log10(rms[0].rms)
        limit = [x + band for x in limits.drift]
        if abs(ratio) > limit[0]:
            worst = _first_off(hidden)
            say(
                "drift",
                "bad" if abs(ratio) > limit[1] else "note",
                "",
                ratio,
                0.0,
                limit[abs(ratio) > limit[1]],
                f"z is 10^{ratio:.1f} times as large in the last hidden layer as in the first",
                cures[worst.name],
                "Poole et al. (2016), eq. 3; He et al. (2015), eq. 9",
            )

    for layer in hidden:
        if layer.saturated is not None and layer.saturated > limits.saturated[0]:
            bad = bool(layer.saturated > limits.saturated[1])
            say(
                "saturated",
                "bad" if bad else "note",
                layer.name,
                layer.saturated,
                _expected_saturated(layer),
                limits.saturated[bad],
                f"{layer.saturated:.0%} of z lies where {layer.activation} is flat",
                f"smaller weights or inputs of variance 1: {cures[layer.name]}",
                "Glorot and Bengio (2010), section 3; slope below 5.91% of its largest",
            )
        if layer.dead is not None:
            expected = layer.dead_expected or 0.0
            over, noise = (
                layer.dead - expected,
                3.0 * math.sqrt(max(expected * (1 - expected), 1e-9) / (layer.units or 1)),
            )
            bad = over > max(limits.dead[1], noise) or layer.dead >= limits.dead[2]
            if bad or over > max(limits.dead[0], noise):
                say(
                    "dead",
                    "bad" if bad else "note",
                    layer.name,
                    layer.dead,
                    expected,
                    limits.dead[bad],
                    f"{layer.dead:.0%} of its units are off for every input; chance expects {expected:.0%}",
                    f"a bias of 0 (fastinit.zeros_(bias)) and {cures[layer.name]}, or leaky_relu",
                    "one-factor Gaussian model of z; measured",
                )
    collapsed = [layer for layer in hidden if layer.signal is not None and layer.signal < limits.collapsed[0]]
    if collapsed:
        layer = min(collapsed, key=lambda layer: layer.signal)
        bad = layer.signal < limits.collapsed[1]
        say(
            "collapsed",
            "bad" if bad else "note",
            layer.name,
            layer.signal,
            None,
            limits.collapsed[bad],
            f"all inputs give nearly the same z: only {layer.signal:.1g} of its mean square tells them apart",
            f"centre the inputs, fewer layers, residual connections or normalisation; {cures[layer.name]}",
            "Schoenholz et al. (2017), c* = 1; 12 of 12 trained networks below 1e-4 failed",
        )

    for layer in layers:
        if layer.copies:
            say(
                "symmetric",
                "bad",
                layer.name,
                float(layer.copies),
                0.0,
                0.0,
                f"{layer.copies} units have a twin of the same weights, bias and gradient: no step will ever part them",
                cures[layer.name],
                "exact: such units stay equal under any elementwise optimiser",
            )
    for i, layer in enumerate(layers):
        if layer.dw is not None and layer.dw.size and layer.dw.zero == layer.dw.size:
            closed = any(later.weight is not None and later.weight.zero == later.weight.size and later.dw is not None
                         and later.dw.zero < later.dw.size for later in layers[i + 1 :])  # fmt: skip
            say(
                "no gradient",
                "note" if closed else "bad",
                layer.name,
                0.0,
                None,
                0.0,
                "dL/dW is exactly 0"
                + (
                    ": a later weight is 0, and opens with its first step"
                    if closed
                    else " everywhere: it will not move"
                ),
                "nothing to do" if closed else cures[layer.name],
                "exact",
            )
        elif layer.kind != "Dense" and layer.weight is not None and layer.dz is None and layer.dw is None:
            say("no gradient", "note", layer.name, None, None, None, "no gradient passes here: it is frozen, or the loss does not depend on it",
                "layer.weight.requires_grad_(True), if it is meant to learn", "exact")  # fmt: skip

    for layer, twin in _repeated(layers):
        say("repeated", "bad", layer.name, None, None, None, f"begins with the same values as {twin.name}, but for a factor: one integer seed, used twice",
            'root = fastinit.Generator(0), then generator=root.fold_in("the layer\'s name") for each', "exact")  # fmt: skip

    if beta > limits.narrow[0]:
        bad = beta > limits.narrow[1]
        say(
            "narrow",
            "bad" if bad else "note",
            "",
            beta,
            None,
            limits.narrow[bad],
            f"{len(widths)} hidden layers so narrow that chance moves gradients by 10^{band / 2:.1f} from one seed to the next",
            f"at least {math.ceil(len(widths) / limits.narrow[0])} units a layer, or fewer layers",
            "Hanin (2018): sum of 1/n",
        )

    for layer in hidden:
        if layer.critical and not layer.normalized:
            needed = layer.critical
            factor = max(layer.n_var_w / needed, needed / layer.n_var_w)
            if factor > limits.wrong_init[0] * (1.0 + 1e-9):
                bad = factor > limits.wrong_init[1] * (1.0 - 3.0 / math.sqrt(layer.weight.size))
                say(
                    "wrong init",
                    "bad" if bad else "note",
                    layer.name,
                    layer.n_var_w,
                    needed,
                    limits.wrong_init[bad],
                    f"n Var w is {layer.n_var_w:.3g}, {layer.activation} needs {needed:.3g}; it looks like {_looks_like(layer)}",
                    cures[layer.name],
                    "Glorot and Bengio (2010); He et al. (2015), eq. 10; Poole et al. (2016)",
                )
    if loss is not None and classes and classes > 1:
        factor = loss / math.log(classes)
        if factor > limits.confident[0]:
            bad = factor > limits.confident[1]
            say(
                "confident",
                "bad" if bad else "note",
                measured[-1].name,
                factor,
                1.0,
                limits.confident[bad],
                f"the loss starts at {loss:.3g}; knowing nothing costs ln {classes} = {math.log(classes):.3g}",
                "fastinit.zeros_(weight) in the last layer, or a smaller variance there",
                "Karpathy, A recipe for training neural networks (2019)",
            )
    order = {"severe": 0, "bad": 1, "note": 2}
    return sorted(found, key=lambda finding: order[finding.severity])


def _first_off(layers: Sequence[Layer]) -> Layer:
    """The layer whose n Var w is furthest from what its activation needs."""

    return max(layers, key=lambda layer: abs(math.log(layer.n_var_w / layer.critical)) if layer.critical else 0.0)


def _repeated(layers: Sequence[Layer]) -> list[tuple[Layer, Layer]]:
    """Layers whose weights begin as an earlier layer's do, but for a factor."""
    owners = {
        layer.parameter: layer
        for layer in reversed(layers)
        if layer.beginning is not None and len(layer.beginning) >= 16
    }
    owners = [layer for layer in layers if owners.get(layer.parameter) is layer and np.ptp(layer.beginning) > 0.0]
    found = {}
    for n in {len(layer.beginning) for layer in owners}:  # each length among those at least as long
        among = [layer for layer in owners if len(layer.beginning) >= n]
        rows = np.array([layer.beginning[:n] for layer in among])
        with np.errstate(all="ignore"):
            rows /= np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
        for later, first in np.argwhere(np.tril(np.abs(rows @ rows.T) > 1.0 - 1e-9, -1)):
            found.setdefault(id(among[later]), (among[later], among[first]))
    return list(found.values())


def _expected_saturated(layer: Layer) -> float:
    """The share of a normal z of this size beyond the saturation bounds."""
    bound = activations[layer.activation].saturation[1]
    return math.erfc(bound / (layer.z.rms * math.sqrt(2.0))) if layer.z.rms > 0.0 else 0.0


# ---- the result -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, repr=False)
class Probe:
    """What `probe` found: layers, findings, and the ways to look at them.

    Attributes
    ----------
    layers : tuple of Layer
        In the order of their calls.
    findings : tuple of Finding
        The worst first.
    loss : float or None
        None for loss="random".
    batch : int

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> x = fastinit.normal_(np.empty((128, 64), np.float32), generator=1)
    >>> net = fastinit.mlp([64] + [64] * 6 + [10], "relu", init=fastinit.zeros_)
    >>> sorted({finding.kind for finding in fastinit.probe(net, x).findings})
    ['dead', 'no gradient', 'symmetric']
    """

    layers: tuple[Layer, ...]
    findings: tuple[Finding, ...]
    loss: float | None
    batch: int

    @property
    def ok(self) -> bool:
        """Nothing worse than a note."""
        return all(finding.severity == "note" for finding in self.findings)

    def __getitem__(self, name: str) -> Layer:
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(f"no layer is named {name!r}; names: {', '.join(layer.name for layer in self.layers[:20])}")

    def stats(self, part: str = "z") -> StatsTable:
        """The Stats of one part of every layer that has it: "weight", "bias", "z", "a", "dz" or "dw"."""
        from dataclasses import replace

        return StatsTable(
            [replace(s, name=layer.name) for layer in self.layers if (s := getattr(layer, part)) is not None]
        )

    def _rows(self) -> tuple[list[str], list[list]]:
        some = {key: any(getattr(layer, key) is not None for layer in self.layers) for key in ("saturated", "dead")}
        header = ["layer", "activation", "n Var w", "needs", "rms z", "theory", "rms dz", "theory dz"]
        header += [key for key in some if some[key]] + (["expected"] if some["dead"] else [])

        def percent(x):
            return "" if x is None else f"{x:.0%}"

        rows = []
        for layer in self.layers:
            row = [layer.name, layer.activation or "", layer.n_var_w, layer.critical, layer.z.rms if layer.z else None, layer.predicted,
                   layer.dz.rms if layer.dz else None, layer.predicted_dz]  # fmt: skip
            row += [percent(getattr(layer, key)) for key in some if some[key]] + (
                [percent(layer.dead_expected)] if some["dead"] else []
            )
            rows.append(row)
        return header, rows

    def table(self) -> Table:
        """A row a layer: the weights' variance beside the critical one, sizes of z and dL/dz beside theory's, flat and dead units."""
        return Table(*self._rows())

    def to_pandas(self):
        """The table as a pandas DataFrame."""
        return self.table().to_pandas().set_index("layer")

    def compare(self, *others: "Probe", names: Sequence[str] | None = None) -> Table:
        """This probe and others, a row each: the sizes of z and dL/dz at both ends, and the worst finding.

        Examples
        --------
        >>> import numpy as np, fastinit
        >>> x = fastinit.normal_(np.empty((64, 64), np.float32), generator=1)
        >>> he, zero = (fastinit.probe(fastinit.mlp([64] * 4, "relu", init=init, generator=0), x)
        ...             for init in (fastinit.kaiming_normal_, fastinit.zeros_))
        >>> he.compare(zero, names=["He", "zeros"]).column("verdict")
        ['no fault found', 'bad: dead, symmetric, no gradient']
        """
        probes = (self, *others)
        names = [str(i) for i in range(len(probes))] if names is None else list(names)
        rows = []
        for name, one in zip(names, probes, strict=True):
            z = [layer.z.rms for layer in one.layers if layer.z]
            dz = [layer.dz.rms for layer in one.layers if layer.dz]
            rows.append(
                [name, *((z[0], z[-1]) if z else (None, None)), *((dz[0], dz[-1]) if dz else (None, None)), one.verdict]
            )
        return Table(["probe", "rms z, first", "last", "rms dz, first", "last ", "verdict"], rows)

    @property
    def verdict(self) -> str:
        """The kinds of the worst findings, in a line."""
        if not self.findings:
            return "no fault found"
        worst = self.findings[0].severity
        kinds = list(dict.fromkeys(finding.kind for finding in self.findings if finding.severity == worst))
        return f"{worst}: {', '.join(kinds)}"

    def _shown(self) -> list[tuple[Finding, int]]:
        """One finding of a kind and severity, and how many more there are."""
        groups: dict[tuple[str, str], list[Finding]] = {}
        for finding in self.findings:
            groups.setdefault((finding.kind, finding.severity), []).append(finding)
        return [(group[0], len(group) - 1) for group in groups.values()]

    def __repr__(self) -> str:
        lines = [self.verdict]
        for finding, more in self._shown():
            lines.append(f"{finding}" + (f"\n    and in {more} more" if more else ""))
        header, rows = self._rows()
        return "\n".join([*lines, "", as_text(header, [[number(x) for x in row] for row in rows], 120)])

    def _repr_html_(self) -> str:
        colours = {"note": "#777", "bad": "#c60", "severe": "#c00"}
        parts = [
            f'<p style="font-size:larger;color:{"#283" if self.ok else "#c00"}"><b>{html.escape(self.verdict)}</b></p>'
        ]
        for finding, more in self._shown():
            extra = f" (and in {more} more)" if more else ""
            where = f" ({html.escape(finding.layer)})" if finding.layer else ""
            parts.append(
                f'<p style="margin:2px 0"><b style="color:{colours[finding.severity]}">{finding.severity}: {finding.kind}</b>{where}: '
                f"{html.escape(finding.message)}{extra}<br>cure: <code>{html.escape(finding.advice)}</code> "
                f'<span style="color:#777">[{html.escape(finding.source)}]</span></p>'
            )
        header, rows = self._rows()
        body = []
        for layer, row in zip(self.layers, rows, strict=True):
            pictures = [svg_histogram(s) if s is not None else "" for s in (layer.z, layer.dz)]
            body.append(("", [*(("", html.escape(number(x))) for x in row), *(("", picture) for picture in pictures)]))
        return "".join(parts) + as_html([*header, "z", "dL/dz"], body)

    def plot(self, kind: str = "all", ax=None):
        """Draw the network layer by layer, theory dashed beside what was measured.

        Parameters
        ----------
        kind : {"std", "grad", "ridge", "all"}
            Sizes of z and a; sizes of dL/dz and dL/dW; histograms of z; or the three side by side.
        ax : matplotlib.axes.Axes, optional
            Not for "all", which makes a figure of three.

        Returns
        -------
        matplotlib.axes.Axes, or an array of three
        """
        if kind not in ("std", "grad", "ridge", "all"):
            raise ValueError(f"kind={kind!r} is unknown; give 'std', 'grad', 'ridge' or 'all'")
        if ax is None or kind == "all":
            import matplotlib.pyplot as plt

            tall = max(4.0, 1.0 + 0.3 * len(self.layers)) if kind in ("ridge", "all") else 4.0
            figure = plt.figure(figsize=(12 if kind == "all" else 7, min(tall, 12.0)), layout="constrained")
            if kind == "all":
                axes = figure.subplots(1, 3)
                figure.suptitle(self.verdict)
                for one, axis in zip(("std", "grad", "ridge"), axes, strict=True):
                    self.plot(one, axis)
                return axes
            ax = figure.add_subplot()
        if kind == "ridge":
            ax = self.stats("z").plot("ridge", ax)
            ax.set_title("z by layer")
            return ax
        place = np.arange(1, len(self.layers) + 1)

        def sizes(part):
            found = [getattr(layer, part) for layer in self.layers]
            values = [s.rms if isinstance(s, Stats) else s for s in found]
            return np.array([v if v else np.nan for v in values], float)

        lines = (
            [("z", "z", "o-"), ("a", "a", "s-")] if kind == "std" else [("dz", "dL/dz", "o-"), ("dw", "dL/dW", "s-")]
        )
        for part, label, style in lines:
            values = sizes(part)
            if np.isfinite(values).any():
                ax.plot(place, values, style, markersize=4, label=label)
        expected = sizes("predicted" if kind == "std" else "predicted_dz")
        if np.isfinite(expected).any():
            ax.plot(place, expected, "k--", linewidth=1.2, label=f"{'z' if kind == 'std' else 'dL/dz'}, theory")
        ax.set(
            yscale="log",
            xlabel="layer",
            ylabel="rms",
            title="signals, forward" if kind == "std" else "gradients, backward",
        )
        drawn = np.concatenate([line.get_ydata() for line in ax.lines]) if ax.lines else np.ones(1)
        drawn = drawn[np.isfinite(drawn)]
        if drawn.size and drawn.max() / drawn.min() < 100.0:
            middle = math.sqrt(drawn.max() * drawn.min())
            ax.set_ylim(middle / 20.0, middle * 20.0)  # more than a decade each way, lest noise look like a trend
        ax.minorticks_off()  # half the time of drawing, and no labels such as 4 x 10^-1
        from matplotlib.ticker import MaxNLocator

        ax.xaxis.set_major_locator(MaxNLocator(integer=True))
        if ax.lines:
            ax.legend(fontsize="small")
        return ax


# ---- a network in NumPy ---------------------------------------------------------------------------------------------


def _as_generator(generator) -> "Generator | object":
    return (
        Generator(generator)
        if isinstance(generator, (int, np.integer)) and not isinstance(generator, bool)
        else generator
    )


def _loss_of(loss, output, target, generator) -> tuple["float | None", np.ndarray]:
    if loss == "random":
        cotangent = np.empty(output.shape, output.dtype)
        return None, normal_(cotangent, generator=_as_generator(generator))
    if loss in ("mse", "cross_entropy"):
        if target is None:
            raise ValueError(f"loss={loss!r} needs target=")
        return (mean_squared_error if loss == "mse" else cross_entropy)(output, target)
    if callable(loss):
        value, grad = loss(output) if target is None else loss(output, target)
        return float(value), np.asarray(grad)
    raise ValueError(
        f"loss={loss!r} is unknown; give 'random', 'mse', 'cross_entropy' or a callable that returns (loss, dL/doutput)"
    )


def _numpy_layers(
    network: Sequence[Dense], x, target, loss, names, limits, generator
) -> tuple[list[Layer], "float | None"]:
    x = np.asarray(x)
    with np.errstate(all="ignore"):
        zs, outputs = forward(network, x)
        value, grad = _loss_of(loss, outputs[-1], target, generator)
        gradients = backward(network, x, zs, outputs, grad)
        layers = []
        for i, (dense, z, a, (dz, dw, _)) in enumerate(zip(network, zs, outputs, gradients, strict=True)):
            name = names[i] if names else dense.name or f"layer{i + 1}"
            layer = Layer(name, units=z.shape[1], before=i - 1 if i else None, parameter=id(dense.weight))
            transposed = dense.layout != "OI..."
            fans = compute_fans(dense.weight, layout=dense.layout)
            observe_weight(layer, dense.weight, fans, describe(dense.weight, names="weight"))
            layer.bias = None if dense.bias is None else describe(dense.bias, names="bias")
            observe_z(layer, z, describe(z, names="z"))
            observe_activation(layer, dense.activation, z, limits.min_batch)
            layer.a = layer.z if a is z else describe(a, names="a")
            layer.dz, layer.dw = describe(dz, names="dz"), describe(dw, names="dw")
            observe_copies(
                layer, dense.weight.T if transposed else dense.weight, dense.bias, dw.T if transposed else dw
            )
            layers.append(layer)
    return layers, value


def probe(
    model, x, target=None, *, loss: "str | Callable" = "random", names: Sequence[str] | None = None,
    thresholds: Thresholds = Thresholds(), generator=0,
) -> Probe:  # fmt: skip
    """One forward and one backward pass, looked at layer by layer: what the initialisation does, and what cures it.

    The model leaves as it came: parameters, gradients, buffers, train or eval mode, random state and hooks.

    Parameters
    ----------
    model : list of Dense, or torch.nn.Module
        A Module's layers are the calls of linear, convolution and matrix product with a parameter, whoever makes them, and
        of other modules that own weights (recurrent, attention, embedding) as a whole. CPU only.
    x : ndarray or tensor, or a tuple or dict of them (torch)
        A batch, inputs along the first axis; 64 or more, if dead units are to be judged.
    target : ndarray or tensor, optional
    loss : {"random", "mse", "cross_entropy"} or callable
        "random": a fixed dL/d(output) of variance 1, which needs no labels. A callable of (output, target), or of (output)
        without target: returns the loss (torch), or the loss and dL/d(output) (NumPy).
    names : sequence of str, optional
        For the layers of a list of Dense.
    thresholds : Thresholds
    generator : int or Generator
        For the random cotangent.

    Returns
    -------
    Probe

    Raises
    ------
    TypeError
        A model that cannot be probed; the sentence says why.
    ValueError
        An unknown loss, a loss without its target, or shapes that do not fit.

    References
    ----------
    Glorot and Bengio (2010); He et al. (2015); Poole et al. (2016); Schoenholz et al. (2017); Hanin (2018).

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> x = fastinit.normal_(np.empty((256, 256), np.float32), generator=1)
    >>> net = fastinit.mlp([256] * 20 + [10], "relu", init=fastinit.xavier_normal_, generator=0)
    >>> found = fastinit.probe(net, x)
    >>> found.ok, found.findings[0].kind, found.findings[0].advice[:58]
    (False, 'vanishing', 'fastinit.kaiming_normal_(weight, nonlinearity="relu")  # r')
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(model, torch.nn.Module):
        from .tracing import trace

        layers, value, batch, classes = trace(model, x, target, loss, thresholds, generator)
    elif isinstance(model, Sequence) and len(model) and all(isinstance(layer, Dense) for layer in model):
        if names is not None and len(names) != len(model):
            raise ValueError(f"names has {len(names)} entries for {len(model)} layers; give as many")
        layers, value = _numpy_layers(model, x, target, loss, names, thresholds, generator)
        batch, classes = len(x), layers[-1].units if loss == "cross_entropy" else None
    else:
        raise TypeError(
            f"model is of type {type(model).__name__}; give a list of fastinit.Dense (see fastinit.mlp) or a torch.nn.Module"
        )
    _predict(layers)
    return Probe(tuple(layers), tuple(_judge(layers, thresholds, batch, value, classes)), value, batch)


# ---- LSUV -----------------------------------------------------------------------------------------------------------


def lsuv_(model, x, *, tolerance: float = 0.1, iterations: int = 10, orthogonal: bool = True, generator=None) -> Table:
    """Layer-sequential unit-variance initialisation: scale each layer's weights until its z has variance 1 on this batch.

    Parameters
    ----------
    model : list of Dense, or torch.nn.Module
        Changed in place. Of a Module: Linear and convolution layers, in the order of their first call.
    x : ndarray or tensor, or a tuple or dict of them (torch)
    tolerance : float
        Done when abs(Var z - 1) is at most this.
    iterations : int
        At most so many scalings a layer.
    orthogonal : bool
        First fill every weight with `orthogonal_`, as the paper does.
    generator : int or Generator, optional
        For that.

    Returns
    -------
    Table
        layer, Var z before and after, by what its weights were multiplied, scalings.

    Raises
    ------
    ValueError
        A layer whose z has variance 0 or is not finite: its weights, or what comes before it, are dead.

    References
    ----------
    Mishkin and Matas (2016), "All you need is a good init".

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> x = fastinit.normal_(np.empty((128, 32), np.float32), generator=1)
    >>> report = fastinit.lsuv_(fastinit.mlp([32] * 5, "tanh"), x, generator=0)
    >>> all(abs(v - 1) <= 0.1 for v in report.column("Var z after"))
    True
    """
    if not (0.0 < tolerance < 1.0):
        raise ValueError(f"tolerance={tolerance!r}; give a number between 0 and 1")
    if isinstance(iterations, bool) or not isinstance(iterations, (int, np.integer)) or iterations < 1:
        raise ValueError(f"iterations={iterations!r}; give a positive integer")
    root = _as_generator(generator)
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(model, torch.nn.Module):
        from .tracing import scale_layers

        rows = scale_layers(model, x, tolerance, iterations, orthogonal, root)
    elif isinstance(model, Sequence) and len(model) and all(isinstance(layer, Dense) for layer in model):
        rows, a = [], np.asarray(x)
        for i, dense in enumerate(progress(model, "LSUV")):
            name = dense.name or f"layer{i + 1}"
            if orthogonal:
                orthogonal_(dense.weight, generator=layer_generator(root, name))
            rows.append(
                scale_layer(
                    name, dense.weight, lambda a=a, dense=dense: forward([dense], a)[0][0], tolerance, iterations
                )
            )
            a = forward([dense], a)[1][0]
    else:
        raise TypeError(
            f"model is of type {type(model).__name__}; give a list of fastinit.Dense (see fastinit.mlp) or a torch.nn.Module"
        )
    return Table(["layer", "Var z before", "Var z after", "factor", "scalings"], rows)


def layer_generator(root, name: str):
    """The stream of one layer, by its name, where there is a Generator."""
    return root.fold_in(name) if isinstance(root, Generator) else root


def scale_layer(name: str, weight, output: Callable, tolerance: float, iterations: int) -> list:
    """Scale one weight until output() has variance 1."""
    first = None
    factor = 1.0
    for scaling in range(iterations + 1):
        variance = describe(output()).var
        first = variance if first is None else first
        if not (0.0 < variance < math.inf):
            raise ValueError(
                f"z of {name} has variance {variance}; its weights or its inputs are dead: fill them first (orthogonal=True)"
            )
        if abs(variance - 1.0) <= tolerance or scaling == iterations:
            return [name, first, variance, factor, scaling]
        step = 1.0 / math.sqrt(variance)
        weight *= step
        factor *= step
    raise AssertionError


def progress(items: Sequence, what: str):
    """The items; under a progress bar, if tqdm is installed and there are many."""
    if len(items) < 16:
        return items
    try:
        from tqdm.auto import tqdm
    except ImportError:
        return items
    return tqdm(items, desc=what, leave=False)
