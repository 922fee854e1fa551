"""The rules: where a measure becomes a note, bad or severe, and how that is said.

Each rule is a function beside its limits, the range where healthy networks lie, and its source. Sizes are log10. The
limits called *bad* were chosen on two thirds of a zoo of trained networks and held on the rest (docs/judge.md); *note*
and *severe* lie in the same gaps. Adding a rule touches this file, and the page that is compared with it.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from .evidence import Evidence

SEVERITIES = ("note", "bad", "severe")
LANGUAGES = ("en", "vi")


class Limit(NamedTuple):
    """Beyond which a measure is a note, bad, severe. Falling where bad < note; infinite: never.

    Examples
    --------
    >>> import fastinit
    >>> fastinit.Limit(1, 2, 4).grade(2.5), fastinit.Limit(-4, -6, -8).grade(-3.0)
    ('bad', None)
    """

    note: float
    bad: float
    severe: float

    def grade(self, value: float | None) -> str | None:
        """The severity of a value; None where there is none."""
        if value is None:
            return None
        sign = -1.0 if self.bad < self.note else 1.0
        beyond = [word for word, limit in zip(SEVERITIES, self, strict=True) if sign * value > sign * limit]
        return beyond[-1] if beyond else None


class Say:
    """One of two sentences, by language."""

    def __init__(self, language: str) -> None:
        if language not in LANGUAGES:
            raise ValueError(f"language={language!r} is unknown; give one of {', '.join(map(repr, LANGUAGES))}")
        self.language = language

    def __call__(self, en: str, vi: str) -> str:
        return en if self.language == "en" else vi


def severity_in(severity: str, say: Say) -> str:
    """A severity in the report's language."""
    return say(severity, {"note": "lưu ý", "bad": "xấu", "severe": "nặng"}[severity])


@dataclass(frozen=True)
class Finding:
    """One fault: what was measured beside what healthy networks show, why perhaps, and what cures it.

    Attributes
    ----------
    kind : str
        "tells nothing apart", "goes too far", "rough", "does not reach back", "confident", "does not learn", "not
        finite", "symmetric", "repeated" or "closed", in any language.
    severity : {"note", "bad", "severe"}
    name : str
        The kind in the report's language.
    message : str
    measured : float or None
    rule : Rule
        With the limits, the healthy range and the source.
    cause, layer : str
        What is likely behind it, and the first layer where it holds; empty if nothing was found.
    advice : str
        The line of code that cures it.
    language : {"en", "vi"}

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> x = fastinit.normal_(np.empty((64, 32), np.float32), generator=1)
    >>> small = lambda weight, generator: fastinit.normal_(weight, std=0.01, generator=generator)
    >>> net = fastinit.mlp([32] * 31, "relu", init=small, generator=0)
    >>> finding = fastinit.probe(net, x, steps=0).findings[0]
    >>> finding.kind, finding.severity
    ('tells nothing apart', 'severe')
    """

    kind: str
    severity: str
    name: str
    message: str
    measured: float | None
    rule: "Rule"
    cause: str = ""
    layer: str = ""
    advice: str = ""
    language: str = "en"

    def __str__(self) -> str:
        say = Say(self.language)
        lines = [f"{severity_in(self.severity, say)}: {self.name}", f"  {self.message}"]
        if self.cause:
            lines.append(f"  {say('likely because', 'có lẽ vì')}: {self.cause}")
        if self.advice:
            lines.append(f"  {say('cure', 'cách chữa')}: {self.advice}")
        return "\n".join([*lines, f"  {say('source', 'nguồn')}: {self.rule.source}"])


@dataclass(frozen=True)
class Rule:
    """A rule: what it reads, its limits, and its words.

    ``measure`` names the attribute of `Evidence`; ``limit`` is None for exact rules. ``healthy`` is where the healthy
    networks of the zoo lie, on an axis from the first to the last of ``axis``.
    """

    kind: str
    vi: str
    measure: str
    limit: Limit | None
    healthy: tuple[float, float] | None
    axis: tuple[float, float] | None
    source: str
    sentence: Callable[[Evidence, Say], str] = field(repr=False)
    severity: str = ""

    def __call__(self, evidence: Evidence, say: Say, limits: Mapping[str, Limit]) -> Finding | None:
        """What it finds; None: nothing."""
        value = measured(evidence, self.measure)
        exact = self.severity if value else None
        severity = limits[self.measure].grade(value) if self.limit is not None else exact
        if severity is None:
            return None
        return Finding(
            self.kind,
            severity,
            say(self.kind, self.vi),
            self.sentence(evidence, say),
            value,
            self,
            language=say.language,
        )


def measured(evidence: Evidence, measure: str) -> float | None:
    """One measure as a number: counts of tensors for the exact rules."""
    value = getattr(evidence, measure)
    if measure == "trial":
        return None if value is None else float(value.gain)
    if measure == "finite":
        return 0.0 if value else 1.0
    return float(len(value)) if isinstance(value, list) else value


def rule(
    kind: str,
    vi: str,
    measure: str,
    source: str,
    limit: Limit | None = None,
    healthy: tuple[float, float] | None = None,
    axis: tuple[float, float] | None = None,
    severity: str = "",
) -> Callable[[Callable[[Evidence, Say], str]], Rule]:
    """Make a rule of its sentence."""
    return lambda sentence: Rule(kind, vi, measure, limit, healthy, axis, source, sentence, severity)


def _plain(log: float) -> str:
    return f"{10**log:.2g}" if -90 < log < 90 else "0" if log < 0 else "inf"


def some(names: list[str]) -> str:
    """The first of many names."""
    return ", ".join(names[:3]) + (", …" if len(names) > 3 else "")


@rule("not finite", "không hữu hạn", "finite", "exact", severity="severe")
def not_finite(e: Evidence, say: Say) -> str:
    return say(
        "the answers, the loss or its gradients hold infinite values or NaN",
        "đầu ra, hàm mất mát hoặc gradient chứa giá trị vô cùng hoặc NaN",
    )


@rule(
    "tells nothing apart", "không phân biệt được gì", "apart",
    "tangent kernel: Jacot et al. (2018), Xiao et al. (2020); Schoenholz et al. (2017)",
    Limit(-4.0, -8.0, -12.0), healthy=(-4.0, 0.0), axis=(-16.0, 0.0),
)  # fmt: skip
def tells_nothing_apart(e: Evidence, say: Say) -> str:
    """The share of a step's effect on the answers that differs between inputs."""
    assert e.apart is not None and e.step is not None
    part = f"10^{e.apart:.1f}" if e.apart > -90 else "0"
    return say(
        f"one step of {e.rate:g} moves the answers by {_plain(e.step)}, of which the share {part} differs between "
        f"inputs (healthy: above 10^-4)",
        f"một bước {e.rate:g} làm đầu ra đổi {_plain(e.step)}, trong đó chỉ phần {part} khác nhau giữa các đầu vào "
        f"(mạng lành: trên 10^-4)",
    )


@rule(
    "goes too far", "đi quá xa", "far",
    "Fixup: Zhang et al. (2019); Admin: Liu et al. (2020); DeepNorm: Wang et al. (2022); muP: Yang and Hu (2021)",
    Limit(1.0, 2.0, 4.0), healthy=(-6.0, 0.8), axis=(-6.0, 6.0),
)  # fmt: skip
def goes_too_far(e: Evidence, say: Say) -> str:
    """How far a step moves the answers against each other."""
    assert e.far is not None
    return say(
        f"one step of {e.rate:g} moves the answers against each other by {_plain(e.far)} (healthy: less than 6)",
        f"một bước {e.rate:g} làm các đầu ra lệch nhau {_plain(e.far)} (mạng lành: dưới 6)",
    )


@rule("rough", "gồ ghề", "rough", "Poole et al. (2016); Yang et al. (2019)",
      Limit(-1.0, -0.3, math.inf), healthy=(-3.5, -0.5), axis=(-4.0, 1.0))  # fmt: skip
def rough(e: Evidence, say: Say) -> str:
    """Chaos, seen from outside: inputs that are nearly alike get answers that are not."""
    assert e.rough is not None
    return say(
        f"inputs moved by 0.001 of their size change the answers by {_plain(e.rough)} of their spread (healthy: less "
        f"than 0.01; deep BatchNorm 0.3)",
        f"đầu vào xê dịch 0.001 độ lớn làm đầu ra đổi {_plain(e.rough)} độ phân tán của chúng (mạng lành: dưới 0.01; "
        f"BatchNorm sâu: 0.3)",
    )


@rule(
    "does not reach back", "không với tới quá khứ", "back", "Bengio et al. (1994); Pascanu et al. (2013)",
    Limit(-2.5, -4.5, -9.0), healthy=(-2.9, 1.0), axis=(-12.0, 2.0),
)  # fmt: skip
def does_not_reach_back(e: Evidence, say: Say) -> str:
    """Whether the gradient of the loss reaches the first steps of a sequence: a fault only if the answer needs them."""
    assert e.back is not None and e.reach is not None
    last, steps = e.reach
    return say(
        f"the loss sees the last {last} of {steps} steps: dL/dx of the first is {_plain(e.back)} of the last's "
        f"(healthy: more than 0.0001), "
        "a fault if the answer needs the first ones",
        f"hàm mất mát chỉ thấy {last} bước cuối trong {steps} bước: dL/dx ở bước đầu bằng {_plain(e.back)} bước cuối "
        f"(mạng lành: trên 0.0001), "
        "là lỗi nếu câu trả lời cần những bước đầu",
    )


@rule(
    "confident", "quá tự tin", "start", "Karpathy, A recipe for training neural networks (2019); measured",
    Limit(3.0, 100.0, 1000.0), healthy=(0.5, 75.0), axis=(0.0, 200.0),
)  # fmt: skip
def confident(e: Evidence, say: Say) -> str:
    """The loss at the start beside that of an answer that does not look at its input."""
    assert e.start is not None
    return say(
        f"the loss starts at {e.start:.3g} times that of a constant answer (healthy: about 1; up to 75 were trained)",
        f"hàm mất mát bắt đầu gấp {e.start:.3g} lần một câu trả lời không đổi (mạng lành: khoảng 1; tới 75 vẫn học "
        f"được)",
    )


@rule("does not learn", "không học", "trial", "measured: real steps on this batch",
      Limit(0.15, 0.09, -math.inf), healthy=(0.09, 1.0), axis=(-0.5, 1.0))  # fmt: skip
def does_not_learn(e: Evidence, say: Say) -> str:
    """Some begin later, so the sentence names the steps."""
    assert e.trial is not None
    t = e.trial
    return say(
        f"not in {t.most} steps: the loss falls to {t.loss:.3g} at best, after {t.steps} of {t.optimiser} (a constant "
        f"answer: {t.constant:.3g})",
        f"không học trong {t.most} bước: hàm mất mát tốt nhất là {t.loss:.3g}, sau {t.steps} bước {t.optimiser} (câu "
        f"trả lời không đổi: {t.constant:.3g})",
    )


@rule("symmetric", "đối xứng", "twins", "exact: such units stay equal under any elementwise optimiser", severity="note")
def symmetric(e: Evidence, say: Say) -> str:
    return say(
        f"no step will part units of the same weights, bias and gradient, bit for bit: {some(e.twins)}",
        f"không bước nào tách được những nơ-ron giống hệt nhau về trọng số, bias và gradient: {some(e.twins)}",
    )


@rule("closed", "bị đóng", "still", "exact: gradients of 0 at each of three steps", severity="note")
def closed(e: Evidence, say: Say) -> str:
    """A note alone, for zeros often heal."""
    return say(
        f"{e.closed or 0.0:.0%} of the weights have gradients of exactly 0 at each of three steps: {some(e.still)}",
        f"{e.closed or 0.0:.0%} trọng số có gradient đúng bằng 0 ở cả ba bước: {some(e.still)}",
    )


@rule("repeated", "lặp lại", "repeated", "exact", severity="note")
def repeated(e: Evidence, say: Say) -> str:
    return say(
        f"weights that begin with the same values, but for a factor, as if one integer seed had been used twice: "
        f"{some(e.repeated)}",
        f"trọng số bắt đầu bằng cùng những con số, chỉ khác một thừa số, như khi dùng một hạt giống hai lần: "
        f"{some(e.repeated)}",
    )


RULES = (
    not_finite, tells_nothing_apart, goes_too_far, rough, does_not_reach_back, confident, does_not_learn, symmetric,
    closed, repeated,
)  # fmt: skip


def judge(
    evidence: Evidence, say: Say, limits: Mapping[str, Limit], *, only_way: Callable[[str], bool]
) -> list[Finding]:
    """Every rule, and what findings say of each other, worst first.

    Beside a bad finding *closed* and *symmetric* are bad, the latter also where every path passes through the twins
    (``only_way``, of a weight's name); a failed trial makes other bad findings severe; a failed trial without labels is
    a note; two notes of different measured rules are worth a bad one.
    """
    found = [finding for one in RULES if (finding := one(evidence, say, limits))]
    if not evidence.labelled:
        found = [
            replace(f, severity="note") if f.kind == "does not learn" and f.severity == "bad" else f for f in found
        ]
    notes = [f for f in found if f.severity == "note" and f.rule.limit is not None]
    others = [f for f in found if f.severity != "note"]
    if not others and len(notes) >= 2:
        found = [replace(f, severity="bad") if f is notes[0] else f for f in found]
    bad = [f for f in found if f.severity != "note"]
    failed = any(f.kind == "does not learn" for f in bad)

    def weigh(f: Finding) -> Finding:
        if (f.kind == "closed" and bad) or (f.kind == "symmetric" and (bad or any(map(only_way, evidence.twins)))):
            return replace(f, severity="bad")
        return replace(f, severity="severe") if failed and f in bad and f.kind != "does not learn" else f

    return sorted(map(weigh, found), key=lambda f: -SEVERITIES.index(f.severity))
