"""Does the judge agree with training? Every case of the zoo judged, beside what training says; and real architectures.

`python -m benchmarks.verdict` takes the probe; `--judge module:name` any other `Judge`, `--only chosen` what thresholds
may be chosen on, `--real full` the real architectures at their published size.
"""

import argparse
import importlib
import math
import statistics
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

import fastinit
import torch
from fastinit.probing.rules import RULES, measured
from torch import Tensor, nn

from .common import table
from .zoo import real
from .zoo.cases import CASES, FAMILIES, Case, held_back
from .zoo.train import Label, labels, load

Loss = str | Callable[[Tensor, Tensor], Tensor]


class Opinion(NamedTuple):
    """severity: "ok", "note", "bad" or "severe"; findings: the kinds, worst first; measures: whatever was measured."""

    severity: str
    findings: tuple[str, ...]
    measures: Mapping[str, float] = {}

    @property
    def bad(self) -> bool:
        return self.severity in ("bad", "severe")


class Judge(NamedTuple):
    """limits: for a measure's name the value beyond which it is bad, and whether beyond is above."""

    name: str
    call: Callable[[nn.Module, Tensor | tuple[Tensor, ...], Tensor, Loss], Opinion]
    limits: Mapping[str, tuple[float, bool]] = {}


class Verdict(NamedTuple):
    case: Case
    label: Label
    opinion: Opinion


def by_probe(steps: int) -> Judge:
    """fastinit.probe, with a trial of so many steps; a text's answers lie (batch, time, classes)."""

    def call(model: nn.Module, x: Tensor | tuple[Tensor, ...], target: Tensor, loss: Loss) -> Opinion:
        found = fastinit.probe(model, x, target, loss=None if loss == "cross_entropy" else loss, steps=steps)
        measures = {rule.measure: measured(found.evidence, rule.measure) for rule in RULES if rule.limit is not None}
        return Opinion(
            found.findings[0].severity if found.findings else "ok",
            tuple(finding.kind for finding in found.findings),
            {name: value for name, value in measures.items() if value is not None},
        )

    limits = {rule.measure: rule.limit for rule in RULES if rule.limit is not None}
    return Judge(
        f"fastinit.probe, steps={steps}",
        call,
        {name: (limit.bad, limit.bad > limit.note) for name, limit in limits.items()},
    )


JUDGES = by_probe(0), by_probe(20)


def judge_all(judge: Judge, cases: Iterable[Case], truth: Mapping[str, Label]) -> list[Verdict]:
    """Every case whose family has a truth."""
    found = []
    for case in cases:
        label = truth.get(case.name)
        if label is not None and label.word is not None:
            problem = case.build(0)
            found.append(Verdict(case, label, judge.call(*problem)))
    return found


def counted(verdicts: Iterable[Verdict], word: str) -> str:
    """How many of one label are called bad."""
    opinions = [v.opinion.bad for v in verdicts if v.label.word == word]
    return f"{sum(opinions)} of {len(opinions)}" if opinions else ""


WORDS = ("fails", "healthy", "slow")
HEADER = ["called bad, of those that", "fail", "are healthy", "are slow"]


def by_family(verdicts: list[Verdict]) -> None:
    """Families x labels, the chosen-on part and the held-back one; then the sums."""
    for title, part in (("chosen on", False), ("held back", True)):
        mine = [v for v in verdicts if held_back(v.case.family) == part]
        families = dict.fromkeys(v.case.family for v in mine)
        rows = [[f, *(counted([v for v in mine if v.case.family == f], w) for w in WORDS)] for f in families]
        print(f"{title.capitalize()}: {len(families)} families, {len(mine)} cases.\n")
        table(HEADER, [*rows, ["**all**", *(counted(mine, w) for w in WORDS)]])
    table(HEADER, [["**both parts**", *(counted(verdicts, w) for w in WORDS)]])


def disagreements(verdicts: list[Verdict]) -> None:
    """Each failing case not called bad, each healthy one called bad."""
    wrong = [v for v in verdicts if v.label.word in ("fails", "healthy") and v.opinion.bad != (v.label.word == "fails")]
    rows = [
        [
            v.case.name + " *" * held_back(v.case.family),
            f"{v.label.word} ({v.label.p:.2f})",
            v.opinion.severity,
            ", ".join(v.opinion.findings),
        ]
        for v in sorted(wrong, key=lambda v: (v.label.word or "", v.label.p))
    ]
    print("Where they disagree (*: held back):\n")
    table(["case", "training (p)", "judge", "findings"], rows)


def auc(failing: list[float], healthy: list[float]) -> float:
    """The chance that a failing case's value lies above a healthy one's; 0.5 says nothing."""
    pairs = [(f > h) + 0.5 * (f == h) for f in failing for h in healthy]
    return statistics.fmean(pairs) if pairs else 0.5


def margins(verdicts: list[Verdict], limits: Mapping[str, tuple[float, bool]]) -> None:
    """Beside each limit: the healthy value nearest to its bad side, the failing ones on either side of it."""
    rows = []
    for name, (limit, above) in limits.items():
        sign = 1 if above else -1
        values = {
            word: sorted(
                sign * v.opinion.measures[name]
                for v in verdicts
                if v.label.word == word and v.opinion.measures.get(name) is not None
            )
            for word in WORDS
        }
        wrong = [x for x in values["healthy"] if x > sign * limit]
        right = [x for x in values["healthy"] if x <= sign * limit]
        found = [x for x in values["fails"] if x > sign * limit]
        missed = [x for x in values["fails"] if x <= sign * limit]

        def said(values: list[float], place: int, sign: int = sign) -> str:
            return f"{sign * values[place]:.3g}" if values else ""

        rows.append(
            [
                name,
                f"{'>' if above else '<'} {limit:g}",
                said(right, -1),
                f"{len(wrong)}" + f" ({said(wrong, 0)})" * bool(wrong),
                said(found, 0),
                len(found),
                said(missed, -1),
                f"{auc(values['fails'], values['healthy']):.2f}",
            ]
        )
    print("Margins:\n")
    table(
        [
            "measure",
            "bad",
            "nearest healthy",
            "healthy beyond (nearest)",
            "nearest failing beyond",
            "failing beyond",
            "nearest failing within",
            "AUC",
        ],
        rows,
    )


def draw(verdicts: list[Verdict], judge: Judge, path: str) -> None:
    """Failing and healthy cases by each measure, a row each, with the limit beyond which it is bad."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(len(judge.limits), 1, figsize=(8, 6.4), layout="constrained")
    for ax, (name, (limit, _)) in zip(axes, judge.limits.items(), strict=True):
        shown = {word: [v.opinion.measures.get(name) for v in verdicts if v.label.word == word] for word in WORDS}
        low, high = -1.0 if name == "trial" else -16.0, 6.0
        for y, (word, colour) in enumerate((("fails", "#c33"), ("healthy", "#283"))):
            values = [x for x in shown[word] if x is not None]
            values = [math.log10(max(x, 1e-3)) for x in values] if name == "start" else values
            ax.plot([min(max(x, low), high) for x in values], [y] * len(values), "|", color=colour, markersize=11)
        ax.axvline(math.log10(limit) if name == "start" else limit, color="#555", linewidth=1, linestyle="--")
        ax.set_yticks([0, 1], ["fails", "healthy"]), ax.set_ylim(-0.7, 1.7)
        ax.set_ylabel("log start" if name == "start" else name, rotation=0, ha="right", va="center", labelpad=34)
        ax.spines[["top", "right"]].set_visible(False)
    figure.suptitle("A network of the zoo is a mark; dashed: beyond it bad; what lies further out stands at the edge")
    figure.savefig(path, dpi=110)


def real_architectures(judge: Judge, size: str) -> None:
    rows = []
    for name, sick in [*((name, None) for name in real.ARCHITECTURES), *real.SICK]:
        problem = real.build(name, size, sick)
        parameters = sum(p.numel() for p in problem.model.parameters())
        start = time.perf_counter()
        opinion = judge.call(problem.model, problem.x, problem.target, "cross_entropy")
        seconds = time.perf_counter() - start
        rows.append(
            [
                name,
                f"{parameters / 1e6:.2f}",
                sick or "as its library",
                opinion.severity,
                ", ".join(opinion.findings),
                f"{seconds:.1f}",
            ]
        )
    print(f"Real architectures, {size}:\n")
    table(["architecture", "M parameters", "initialised", "judge", "findings", "s"], rows)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--judge", help="module:name of a Judge; the probe by default, without and with its trial")
    parser.add_argument("--steps", type=int, choices=[0, 20], help="of the probe's trial; both by default")
    parser.add_argument("--only", choices=["chosen", "held"], help="one part")
    parser.add_argument("--real", choices=["none", "small", "full"], default="small")
    parser.add_argument("--picture", help="where to draw failing and healthy cases by each measure")
    given = parser.parse_args()
    torch.set_num_threads(1)
    judges: Sequence[Judge] = [
        judge for judge in JUDGES if given.steps is None or judge.name.endswith(f"={given.steps}")
    ]
    if given.judge:
        module, _, name = given.judge.partition(":")
        judges = [getattr(importlib.import_module(module), name)]
    stored = load()
    truth = labels(stored)
    words = [label.word for label in truth.values()]
    told = {case.family for case in CASES if case.name in truth and truth[case.name].word}
    unknown = {case.family for case in CASES if case.name in truth} - told
    disagree = [name for name, label in truth.items() if label.word and not label.agreed]
    print(
        f"Truth of {stored['date']}, seeds {stored['seeds']}, code {stored['code']}: "
        f"{len(told)} families, {words.count('fails')} cases fail, {words.count('healthy')} healthy, "
        f"{words.count('slow')} slow; the seeds disagree on {len(disagree)}.\n"
        + (f"Without a truth, for none of them learns: {', '.join(sorted(unknown))}.\n" if unknown else "")
        + (
            f"Not trained yet: {len(FAMILIES) - len(told | unknown)} families.\n"
            if told | unknown < set(FAMILIES)
            else ""
        )
    )
    cases = [c for c in CASES if given.only is None or held_back(c.family) == (given.only == "held")]
    for judge in judges:
        print(f"# {judge.name}\n")
        start = time.perf_counter()
        verdicts = judge_all(judge, cases, truth)
        print(f"{len(verdicts)} cases judged in {time.perf_counter() - start:.0f} s.\n")
        by_family(verdicts)
        disagreements(verdicts)
        if judge.limits:
            margins(verdicts, judge.limits)
        if given.picture and judge is judges[-1]:
            draw(verdicts, judge, given.picture)
        if given.real != "none":
            real_architectures(judge, given.real)


if __name__ == "__main__":
    main()
