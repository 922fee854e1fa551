"""What is judged: each rule is a function of what was measured, with its limits, its source and its sentence beside it.

A new rule is a function `rule(network, limits)` that gives findings, its limits a field of `Thresholds`, and its place
in RULES; and a row of docs/thresholds.md, which a test compares with what is here.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from ..activations import find
from ..show.tables import number
from ..statistics.result import Stats
from ..theory import needed
from .layer import Layer, Network

Severity = Literal["note", "bad", "severe"]
SEVERITIES: tuple[Severity, ...] = ("note", "bad", "severe")


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
        Share of units that are off for every input, less what chance expects: note, bad; and the share that is bad by
        itself.
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


DEFAULT = Thresholds()


@dataclass(frozen=True)
class Finding:
    """One fault: what was measured beside what was expected, and the line of code that cures it.

    Attributes
    ----------
    kind : str
        "vanishing", "exploding", "drift", "saturated", "dead", "collapsed", "symmetric", "repeated", "no gradient",
        "narrow", "wrong init", "confident" or "not finite".
    severity : {"note", "bad", "severe"}
    layer : str
        Its name; empty if the finding is about the whole network.
    measured, expected, threshold : float or None
    message, advice, source : str

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> x = fastinit.normal_(np.empty((64, 32), np.float32), generator=1)
    >>> net = fastinit.mlp([32, 32, 2], "relu", init=fastinit.xavier_normal_, generator=0)
    >>> finding = fastinit.probe(net, x).findings[0]
    >>> finding.kind, finding.layer, finding.advice
    ('wrong init', 'layer1', 'fastinit.kaiming_normal_(weight, nonlinearity="relu")')
    """

    kind: str
    severity: Severity
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


Rule = Callable[[Network, Thresholds], Iterable[Finding]]


def judge(network: Network, limits: Thresholds) -> list[Finding]:
    """What every rule finds, the worst first."""
    found = [finding for rule in RULES for finding in rule(network, limits)]
    return sorted(found, key=lambda finding: -SEVERITIES.index(finding.severity))


# ---- what rules share ------------------------------------------------------------------------------------------------


def _grade(value: float, limits: Sequence[float]) -> tuple[Severity, float] | None:
    """The severity of a measure, and the limit that it is beyond; None: within all of them."""
    level = sum(value > limit for limit in limits)
    return (SEVERITIES[level - 1], limits[level - 1]) if value > limits[0] else None


def _fill(layer: Layer) -> str:
    """The line that fills a layer's weight as its activation needs it."""
    scale = 1.0
    if layer.activation is not None:
        row = find(layer.activation)
        if row.kaiming:
            return f'fastinit.kaiming_normal_(weight, nonlinearity="{row.kaiming}")'
        scale = next(iter(needed(row.name)), scale)
    return f'fastinit.variance_scaling_(weight, {scale:.4g}, "fan_in", "normal")'


def _off(layer: Layer) -> float:
    """How far n Var w is from what the activation needs, as abs(log); 0 where nothing is known."""
    return abs(math.log(layer.n_var_w / layer.critical)) if layer.n_var_w and layer.critical else 0.0


def _all_finite(stats: Stats) -> bool:
    return stats.finite == stats.size


def _all_zero(stats: Stats) -> bool:
    return stats.zero == stats.size


# ---- the whole network -----------------------------------------------------------------------------------------------


def not_finite(network: Network, limits: Thresholds) -> Iterator[Finding]:
    """The first layer that holds what is not finite; those after it have it from there."""
    for layer in network.layers:
        parts = {
            "weight": layer.weight,
            "bias": layer.bias,
            "z": layer.z,
            "a": layer.a,
            "dL/dz": layer.dz,
            "dL/dW": layer.dw,
        }
        for part, stats in parts.items():
            if stats is not None and not _all_finite(stats):
                count = stats.size - stats.finite
                yield Finding(
                    "not finite", "severe", layer.name, float(count), 0.0, 0.0,
                    f"{count} values of {part} are NaN or infinite",
                    "look at the first layer that has them; if its weights are finite, they are too large: "
                    + _fill(layer),
                    "exact count",
                )  # fmt: skip
                return


def uneven_gradients(network: Network, limits: Thresholds) -> Iterator[Finding]:
    """Vanishing and exploding. Sizes are lengths: what rms says of layers of one width, and fit for several."""
    ends = [layer for layer in network.hidden if layer.dz is not None and _all_finite(layer.dz)]
    sizes = [layer.dz.l2 for layer in ends if layer.dz is not None]
    if len(ends) < 2 or not (sizes[0] > 0.0 and sizes[-1] > 0.0):
        return
    ratio = math.log10(sizes[0]) - math.log10(sizes[-1])
    grade = _grade(abs(ratio), [limit + network.band for limit in limits.gradient])
    if grade is None:
        return
    worst = max(ends, key=_off)
    row = find(worst.activation or "linear")
    cure = f"{_fill(worst)}  # {row.name}: n Var w is {number(worst.n_var_w)}, needs {number(worst.critical)}"
    if row.flat_on_both_sides and row.at_zero != 0.0:  # sigmoid: what it gives is not centred, whatever the weights
        cure = (
            'use tanh or ReLU in place of the sigmoid, with fastinit.variance_scaling_(weight, 1, "fan_in", "normal")'
        )
    yield Finding(
        "vanishing" if ratio < 0 else "exploding", grade[0], "", ratio, 0.0, grade[1],
        f"dL/dz is 10^{ratio:.1f} times as large in {ends[0].name} as in {ends[-1].name}", cure,
        "Schoenholz et al. (2017): trainable to about 6 depth scales, 10^1.3; 96 trained networks",
    )  # fmt: skip


def drift(network: Network, limits: Thresholds) -> Iterator[Finding]:
    """Signals that fade or grow from layer to layer."""
    zs = [layer.z for layer in network.hidden if layer.z is not None]
    sizes = [z.rms for z in zs if _all_finite(z) and z.rms > 0.0]
    if len(sizes) < 2:
        return
    ratio = math.log10(sizes[-1]) - math.log10(sizes[0])
    if grade := _grade(abs(ratio), [limit + network.band for limit in limits.drift]):
        yield Finding(
            "drift", grade[0], "", ratio, 0.0, grade[1],
            f"z is 10^{ratio:.1f} times as large in the last hidden layer as in the first",
            _fill(max(network.hidden, key=_off)),
            "Poole et al. (2016), eq. 3; He et al. (2015), eq. 9",
        )  # fmt: skip


def collapsed(network: Network, limits: Thresholds) -> Iterator[Finding]:
    """Inputs that can no longer be told apart, where that is worst."""
    signals = [(layer.signal, layer) for layer in network.hidden if layer.signal is not None]
    signal, layer = min(signals, key=lambda pair: pair[0], default=(math.inf, None))
    if layer is None or not signal < limits.collapsed[0]:
        return
    bad = signal < limits.collapsed[1]
    yield Finding(
        "collapsed", "bad" if bad else "note", layer.name, signal, None, limits.collapsed[bad],
        f"all inputs give nearly the same z: only {signal:.1g} of its mean square tells them apart",
        f"centre the inputs, fewer layers, residual connections or normalisation; {_fill(layer)}",
        "Schoenholz et al. (2017), c* = 1; 12 of 12 trained networks below 1e-4 failed",
    )  # fmt: skip


def narrow(network: Network, limits: Thresholds) -> Iterator[Finding]:
    """Layers so narrow, for their number, that chance decides."""
    if grade := _grade(network.beta, limits.narrow):
        count = len(network.widths)
        yield Finding(
            "narrow", grade[0], "", network.beta, None, grade[1],
            f"{count} hidden layers so narrow that chance moves gradients by 10^{network.band / 2:.1f} from one seed "
            "to the next",
            f"at least {math.ceil(count / limits.narrow[0])} units a layer, or fewer layers",
            "Hanin (2018): sum of 1/n",
        )  # fmt: skip


def confident(network: Network, limits: Thresholds) -> Iterator[Finding]:
    """Answers that are sure before anything was learnt."""
    if network.loss is None or not network.classes or network.classes <= 1:
        return
    nothing = math.log(network.classes)
    factor = network.loss / nothing
    if grade := _grade(factor, limits.confident):
        yield Finding(
            "confident", grade[0], network.measured[-1].name, factor, 1.0, grade[1],
            f"the loss starts at {network.loss:.3g}; knowing nothing costs ln {network.classes} = {nothing:.3g}",
            "fastinit.zeros_(weight) in the last layer, or a smaller variance there",
            "Karpathy, A recipe for training neural networks (2019)",
        )  # fmt: skip


# ---- layer by layer --------------------------------------------------------------------------------------------------


def saturated(network: Network, limits: Thresholds) -> Iterator[Finding]:
    """z where the activation is flat."""
    for layer in network.hidden:
        grade = None if layer.saturated is None else _grade(layer.saturated, limits.saturated)
        if grade:
            yield Finding(
                "saturated", grade[0], layer.name, layer.saturated, _expected_saturated(layer), grade[1],
                f"{layer.saturated:.0%} of z lies where {layer.activation} is flat",
                f"smaller weights or inputs of variance 1: {_fill(layer)}",
                "Glorot and Bengio (2010), section 3; slope below 5.91% of its largest",
            )  # fmt: skip


def _expected_saturated(layer: Layer) -> float:
    """The share of a normal z of this size beyond the saturation bounds."""
    if layer.activation is None or layer.z is None or not layer.z.rms > 0.0:
        return 0.0
    low, high = find(layer.activation).saturation
    spread = layer.z.rms * math.sqrt(2.0)
    return 0.5 * math.erfc(-low / spread) + 0.5 * math.erfc(high / spread)


def dead(network: Network, limits: Thresholds) -> Iterator[Finding]:
    """Units that are off for every input, more than chance makes of inputs so alike."""
    note, bad, by_itself = limits.dead
    for layer in network.hidden:
        if layer.dead is None:
            continue
        expected = layer.dead_expected or 0.0
        over = layer.dead - expected
        noise = 3.0 * math.sqrt(max(expected * (1 - expected), 1e-9) / (layer.units or 1))
        is_bad = over > max(bad, noise) or layer.dead >= by_itself
        if is_bad or over > max(note, noise):
            yield Finding(
                "dead", "bad" if is_bad else "note", layer.name, layer.dead, expected, bad if is_bad else note,
                f"{layer.dead:.0%} of its units are off for every input; chance expects {expected:.0%}",
                f"a bias of 0 (fastinit.zeros_(bias)) and {_fill(layer)}, or leaky_relu",
                "one-factor Gaussian model of z; measured",
            )  # fmt: skip


def symmetric(network: Network, limits: Thresholds) -> Iterator[Finding]:
    """Units that are the same unit."""
    for layer in network.layers:
        if layer.copies:
            yield Finding(
                "symmetric", "bad", layer.name, float(layer.copies), 0.0, 0.0,
                f"{layer.copies} units have a twin of the same weights, bias and gradient: no step will ever part them",
                _fill(layer),
                "exact: such units stay equal under any elementwise optimiser",
            )  # fmt: skip


def no_gradient(network: Network, limits: Thresholds) -> Iterator[Finding]:
    """Weights that no step will move: for good, or until a later weight of 0 has moved."""
    for i, layer in enumerate(network.layers):
        if layer.dw is not None and layer.dw.size and _all_zero(layer.dw):
            if any(map(_opens, network.layers[i + 1 :])):
                message = "dL/dW is exactly 0: a later weight is 0, and opens with its first step"
                yield Finding("no gradient", "note", layer.name, 0.0, None, 0.0, message, "nothing to do", "exact")
            else:
                message = "dL/dW is exactly 0 everywhere: it will not move"
                yield Finding("no gradient", "bad", layer.name, 0.0, None, 0.0, message, _fill(layer), "exact")
        elif layer.weight is not None and layer.dz is None and layer.dw is None:
            yield Finding(
                "no gradient", "note", layer.name, None, None, None,
                "no gradient passes here: it is frozen, or the loss does not depend on it",
                "layer.weight.requires_grad_(True), if it is meant to learn",
                "exact",
            )  # fmt: skip


def _opens(layer: Layer) -> bool:
    """Whether the weight is 0 and about to move."""
    return layer.weight is not None and _all_zero(layer.weight) and layer.dw is not None and not _all_zero(layer.dw)


def repeated(network: Network, limits: Thresholds) -> Iterator[Finding]:
    """Weights that begin as an earlier layer's do, but for a factor."""
    for layer, twin in _repeats(network.layers):
        yield Finding(
            "repeated", "bad", layer.name, None, None, None,
            f"begins with the same values as {twin.name}, but for a factor: one integer seed, used twice",
            'root = fastinit.Generator(0), then generator=root.fold_in("the layer\'s name") for each',
            "exact",
        )  # fmt: skip


def _repeats(layers: Sequence[Layer]) -> list[tuple[Layer, Layer]]:
    """Layers and the earlier one that they begin like; of a weight that is used several times, its first call."""
    beginnings: dict[object, tuple[Layer, np.ndarray]] = {}
    for layer in layers:
        if layer.beginning is not None and len(layer.beginning) >= 16 and np.ptp(layer.beginning) > 0.0:
            beginnings.setdefault(layer.parameter, (layer, layer.beginning))
    found: dict[int, tuple[Layer, Layer]] = {}
    for n in {len(beginning) for _, beginning in beginnings.values()}:  # each length among those at least as long
        among = [(layer, beginning[:n]) for layer, beginning in beginnings.values() if len(beginning) >= n]
        rows = np.array([beginning for _, beginning in among])
        with np.errstate(all="ignore"):
            rows /= np.sqrt(np.square(rows).sum(axis=1, keepdims=True))
        for later, first in np.argwhere(np.tril(np.abs(rows @ rows.T) > 1.0 - 1e-9, -1)):
            found.setdefault(id(among[later][0]), (among[later][0], among[first][0]))
    return list(found.values())


def wrong_init(network: Network, limits: Thresholds) -> Iterator[Finding]:
    """n Var w that is not what the activation needs, where no normalisation makes up for it."""
    note, bad = limits.wrong_init
    for layer in network.hidden:
        if layer.normalized or not layer.critical or layer.n_var_w is None or layer.weight is None:
            continue
        factor = max(layer.n_var_w / layer.critical, layer.critical / layer.n_var_w)
        if factor > note * (1.0 + 1e-9):
            is_bad = factor > bad * (1.0 - 3.0 / math.sqrt(layer.weight.size))
            yield Finding(
                "wrong init", "bad" if is_bad else "note", layer.name, layer.n_var_w, layer.critical,
                bad if is_bad else note,
                f"n Var w is {layer.n_var_w:.3g}, {layer.activation} needs {layer.critical:.3g}; it looks like "
                + _looks_like(layer),
                _fill(layer),
                "Glorot and Bengio (2010); He et al. (2015), eq. 10; Poole et al. (2016)",
            )  # fmt: skip


def _looks_like(layer: Layer) -> str:
    """The initialisation whose standard deviation and shape this weight has."""
    w, n, m = layer.weight, layer.fan_in, layer.fan_out
    assert w is not None and n and m
    if w.zero == w.size:
        return "zeros"
    if w.var == 0.0:
        return f"a constant {w.mean:.3g}"
    uniform = w.kurtosis < -0.7
    slack = 1.0 + 4.0 / math.sqrt(w.size)
    shape = "uniform" if uniform else "normal"
    candidates = [
        ("torch's default for Linear and Conv, 1 / (3 fan_in)", 1 / (3 * n)),
        ("Xavier (Glorot), 2 / (fan_in + fan_out)", 2 / (n + m)),
        ("LeCun, 1 / fan_in", 1 / n),
        ("He, 2 / fan_in", 2 / n),
        ("He by fan_out, 2 / fan_out", 2 / m),
        ("16 / fan_in", 16 / n),
        *((f"{shape} of std {std:g}", std**2) for std in (1.0, 0.5, 0.1, 0.05, 0.02, 0.01, 0.001)),
    ]
    for name, variance in candidates:
        if 1 / slack < w.rms**2 / variance < slack:
            return f"{name} ({shape})" if "std" not in name else name
    if uniform and w.min >= 0.0:
        return f"uniform from {w.min:.2g} to {w.max:.2g}, not centred"
    return f"std {w.std:.3g}, mean {w.mean:.2g}"


RULES: tuple[Rule, ...] = (
    not_finite,
    uneven_gradients,
    drift,
    saturated,
    dead,
    collapsed,
    symmetric,
    no_gradient,
    repeated,
    narrow,
    wrong_init,
    confident,
)
