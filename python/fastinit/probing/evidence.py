"""What is measured of a network's answers: the numbers that the rules judge.

F(x) are the answers for a batch, as rows (inputs, or tokens) of columns; c(A) = A - mean over rows. Sizes are log10.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from ..statistics.describe import describe
from .layer import Network, repeated

Array = NDArray[np.float64]

PASSES = 3.0  # forward and back takes about as long as so many forward
TOUCH = 1e-3  # by how much of their own size inputs are moved


class Both(NamedTuple):
    """One sentence in each language."""

    en: str
    vi: str


class Seen(NamedTuple):
    """What was seen: rows and columns of answers, and how many parameters have a gradient."""

    rows: int
    columns: int
    parameters: int


class LeftOut(NamedTuple):
    """Measures that were not taken, and why."""

    measures: str
    why: Both


@dataclass
class Evidence:
    """What was measured. None: not measured, and ``left_out`` says why.

    Attributes
    ----------
    rate : float
        The length of the step: Adam's, of the training to come.
    labelled : bool
        Whether the caller gave targets.
    seen : Seen or None
        Of which answers and gradients; None: of none.
    finite : bool
        Whether answers, loss and gradients are.
    step, apart, far : float or None
        D = F(w - rate sign(dL/dw)) - F(w), Adam's first step: log rms D; log(ms c(D) / ms D); log rms c(D), for a
        regression over the target's standard deviation.
    rough : float or None
        x' = x + 0.001 rms(x) noise: log(rms c(F(x') - F(x)) / (sqrt 2 rms c(F))).
    back : float or None
        log of the largest size of dL/dx_t in the first quarter of the steps over that in the last quarter, of those
        steps where it is not exactly 0.
    reach : (int, int) or None
        dL/dx_t is above 1% of its largest from the last k of T steps on.
    start : float or None
        The loss / the loss of the best constant answer, or of the answer 0 if that is larger.
    trial : Trial or None
    closed : float or None
        Share of the weights in tensors whose gradient is exactly 0 at each of Adam's first three steps.
    still, twins, zeros, small, repeated : list of str
        Those tensors; weights of which units are alike, and their biases and gradients too; weights that are exactly 0;
        weights of which one step is more than a tenth; weights that begin as another's do, but for a factor.
    left_out : list of LeftOut

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> x = fastinit.normal_(np.empty((64, 32), np.float32), generator=1)
    >>> evidence = fastinit.probe(fastinit.mlp([32, 32, 2], generator=0), x, steps=0).evidence
    >>> -4 < evidence.apart < 0, -4 < evidence.rough < -2, evidence.left_out[-1].measures
    (True, True, 'back')
    """

    rate: float = 1e-3
    labelled: bool = False
    seen: Seen | None = None
    finite: bool = True
    step: float | None = None
    apart: float | None = None
    far: float | None = None
    rough: float | None = None
    back: float | None = None
    reach: tuple[int, int] | None = None
    start: float | None = None
    trial: "Trial | None" = None
    closed: float | None = None
    still: list[str] = field(default_factory=list)
    twins: list[str] = field(default_factory=list)
    zeros: list[str] = field(default_factory=list)
    small: list[str] = field(default_factory=list)
    repeated: list[str] = field(default_factory=list)
    left_out: list[LeftOut] = field(default_factory=list)

    def leave_out(self, measures: str, en: str, vi: str) -> None:
        """Note that measures are not taken."""
        self.left_out.append(LeftOut(measures, Both(en, vi)))


class Trial(NamedTuple):
    """The best of some real steps. It ends where it has shown enough, so the gain is a lower bound.

    Attributes
    ----------
    gain : float
        (H - smallest loss) / H, H the loss of the best constant answer on this batch (of the start, where no constant
        answer is known).
    loss, constant : float
        That smallest loss, and H.
    steps, most : int
        Steps until that loss, and how many there could have been.
    labelled : bool
        With the caller's targets, or random ones.
    optimiser : str

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> x, labels = fastinit.normal_(np.empty((64, 32), np.float32), generator=1), np.arange(64) % 4
    >>> trial = fastinit.probe(fastinit.mlp([32, 32, 4], generator=0), x, labels, steps=20).evidence.trial
    >>> trial.gain > 0.15, trial.labelled, round(trial.constant, 4)   # ln 4
    (True, True, 1.3863)
    """

    gain: float
    loss: float
    constant: float
    steps: int
    most: int
    labelled: bool
    optimiser: str


class Constants(NamedTuple):
    """The loss of the best constant answer, and of the answer 0."""

    best: float
    zero: float


class Parameter(NamedTuple):
    """One parameter as the loss moves it; ``units``: the axis along which its units lie."""

    name: str
    values: NDArray[np.floating]
    gradient: NDArray[np.floating]
    bias: NDArray[np.floating] | None
    units: int


class Step(NamedTuple):
    """The loss, and which parameters the next step moves."""

    loss: float
    moved: dict[str, bool]


class Bench(Protocol):
    """A network on a batch, ready for passes. Each begins with the initialisation as it came."""

    rows: Array  # the answers F(x)
    loss: float
    constants: Constants | None
    unit: float  # in what answers are counted: the target's standard deviation, or 1
    resolution: float  # of the answers' dtype
    labelled: bool  # whether the caller gave targets
    large: bool  # of so many parameters that a smaller rate is tried first
    seconds: float  # that a pass forward and back takes, about
    network: Network  # the layers, and how they are joined

    def parameters(self) -> Iterable[Parameter]:
        """Those that the loss reaches."""

    def sizes(self) -> dict[str, int]:
        """Of their matrices and the like."""

    def stepped(self, rate: float) -> Array:
        """The answers after w - rate sign(dL/dw)."""

    def touched(self, amount: float) -> Array | Both:
        """The answers on inputs (or embeddings) moved by ``amount`` of their size; or why there are none."""

    def slices(self) -> Array | Both:
        """The size of dL/dx_t, a step each; or why there are none."""

    def trial_constants(self, labelled: bool) -> Constants | None:
        """Those of the trial's targets: the caller's, or random ones."""

    def train(self, labelled: bool, rate: float, momentum: bool, steps: int) -> Iterator[Step]:
        """Steps of Adam, or of SGD with momentum 0.9; over where the loss is no longer finite."""


def log(value: float) -> float:
    """log10; -99 for 0, 99 for what is not finite."""
    if not value < math.inf:
        return 99.0
    return math.log10(value) if value > 0.0 else -99.0


def rms(values: Array) -> float:
    return math.sqrt(float(np.square(values).mean()))


def centred(rows: Array) -> Array:
    """c(A) = A - mean over rows."""
    centred: Array = rows - rows.mean(axis=0)
    return centred


def measure(bench: Bench, evidence: Evidence) -> None:
    """The measures of one step, from two passes beyond the first."""
    moving, evidence.labelled = 0, bench.labelled
    evidence.repeated = [layer.name for layer in repeated(bench.network.layers)]
    for parameter in bench.parameters():
        moving += 1
        look(evidence, parameter)
    if not len(bench.rows):
        evidence.leave_out("everything", "the batch is empty", "lô rỗng")
        return
    if not moving:
        evidence.leave_out("everything", "no parameter has a gradient of the loss", "không tham số nào có gradient")
        return
    evidence.seen = Seen(len(bench.rows), bench.rows.shape[1], moving)
    evidence.finite = evidence.finite and bool(np.isfinite(bench.rows).all()) and math.isfinite(bench.loss)
    if not evidence.finite:
        return
    if bench.constants is not None and max(bench.constants) > 0.0:
        evidence.start = bench.loss / max(bench.constants)
    else:
        evidence.leave_out(
            "start", "the loss of a constant answer is not known", "không biết hàm mất mát của đầu ra hằng"
        )
    reach_back(evidence, bench.slices())
    if len(bench.rows) < 2:
        evidence.leave_out("apart, far, rough", "there is one row of answers", "chỉ có một hàng đầu ra")
        return
    take_step(evidence, bench)
    if evidence.finite:
        touch(evidence, bench)


def take_step(evidence: Evidence, bench: Bench) -> None:
    """*apart* and *far*: Adam's first step, felt in the answers."""
    moved = bench.stepped(evidence.rate) - bench.rows
    evidence.finite = bool(np.isfinite(moved).all())
    if not evidence.finite:
        return
    spread = rms(centred(moved))
    evidence.step = log(rms(moved))
    evidence.apart = 2.0 * (log(spread) - evidence.step) if spread > 0.0 else -99.0
    evidence.far = log(spread / (bench.unit or 1.0))


def touch(evidence: Evidence, bench: Bench) -> None:
    """*rough*: inputs moved a little, felt in the answers."""
    spread = rms(centred(bench.rows))
    if spread <= 8.0 * bench.resolution * rms(bench.rows):
        evidence.leave_out("rough", "the answers are all alike, but for rounding", "các đầu ra đều như nhau")
    elif bench.resolution > 0.1 * TOUCH:
        evidence.leave_out(
            "rough", "16-bit floats do not resolve a thousandth", "số thực 16 bit không phân giải một phần nghìn"
        )
    elif isinstance(touched := bench.touched(TOUCH), Both):
        evidence.leave_out("rough", *touched)
    else:
        evidence.rough = log(rms(centred(touched - bench.rows)) / (math.sqrt(2.0) * spread))


def reach_back(evidence: Evidence, sizes: "Array | Both") -> None:
    """*back*; steps of exactly 0 at once are a recurrence of zeros, which opens."""
    if isinstance(sizes, Both):
        evidence.leave_out("back", *sizes)
        return
    felt = sizes[sizes > 0.0]
    if len(felt):
        quarter = (len(felt) + 3) // 4  # not one step each, which may be padding, masked or rounding
        evidence.back = log(float(felt[:quarter].max())) - log(float(felt[-quarter:].max()))
        evidence.reach = len(sizes) - int(np.argmax(sizes > 0.01 * sizes.max())), len(sizes)


def look(evidence: Evidence, parameter: Parameter) -> None:
    """Exact causes: weights of 0, units that are twins, weights of which a step is more than a tenth."""
    name, values, gradient, bias, axis = parameter
    if not np.isfinite(gradient).all():
        evidence.finite = False
        return
    is_zero = not values.any()
    if is_zero and (values.ndim > 1 or name.endswith("weight")):
        evidence.zeros.append(name)
    if values.ndim < 2:
        return
    if not is_zero and describe(values).rms < 10.0 * evidence.rate:
        evidence.small.append(name)
    units, moves = (np.moveaxis(a, axis, 0).reshape(a.shape[axis], -1) for a in (values, gradient))
    if len(np.unique(units[:, :8], axis=0)) == len(units):
        return  # no two can be alike
    alike = np.concatenate(
        [units, moves] + ([bias[:, None]] if bias is not None and len(bias) == len(units) else []), axis=1
    )
    alike = alike[moves.any(axis=1)]  # those without a gradient may open later
    if len(np.unique(alike, axis=0)) < len(alike):
        evidence.twins.append(name)
