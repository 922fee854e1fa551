"""The report: what was measured and found, as text, HTML, tables and pictures, in two languages."""

import html
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from ..checks import one_of
from ..show import plots
from ..show.svg import scale
from ..show.tables import Cell, Table, as_html, as_text, number
from ..statistics.result import Stats, StatsTable, picture
from .evidence import Both, Evidence
from .layer import Layer
from .rules import RULES, Finding, Limit, Rule, Say, measured, severity_in

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

_COLOURS = {"note": "#777", "bad": "#b50", "severe": "#c00", "": "#283"}


_LINES = {  # kind -> title; what is drawn of each layer, its label and style; theory's
    "std": (
        Both("signals, forward", "tín hiệu, lan truyền xuôi"),
        (("z", "z", "o-"), ("a", "a", "s-"), ("predicted", "z", "k--")),
    ),
    "grad": (
        Both("gradients, backward", "gradient, lan truyền ngược"),
        (("dz", "dL/dz", "o-"), ("dw", "dL/dW", "s-"), ("predicted_dz", "dL/dz", "k--")),
    ),
}


@dataclass(frozen=True, repr=False)
class Probe:
    """What `probe` found: findings, the evidence they rest on, layers, and the ways to look at them.

    Attributes
    ----------
    findings : tuple of Finding
        The worst first.
    evidence : Evidence
    layers : tuple of Layer
        In the order of their calls.
    loss : float or None
        None without targets.
    batch : int
    limits : dict of str to Limit
        By each rule's measure.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> x = fastinit.normal_(np.empty((128, 64), np.float32), generator=1)
    >>> net = fastinit.mlp([64] + [64] * 6 + [10], "relu", init=fastinit.zeros_)
    >>> fastinit.probe(net, x).verdict
    'severe: tells nothing apart'
    """

    findings: tuple[Finding, ...]
    evidence: Evidence
    layers: tuple[Layer, ...]
    loss: float | None
    batch: int
    limits: dict[str, Limit]
    say: Say

    @property
    def ok(self) -> bool:
        """Something was seen, and nothing worse than a note was found."""
        return bool(self.evidence.seen) and all(finding.severity == "note" for finding in self.findings)

    @property
    def verdict(self) -> str:
        """The kinds of the worst findings, in a line."""
        if not self.evidence.seen and not self.findings:
            return self.say("no verdict: nothing was seen", "không có kết luận: không thấy gì")
        if not self.findings:
            return self.say("no fault found", "không thấy lỗi")
        worst = self.findings[0].severity
        names = dict.fromkeys(finding.name for finding in self.findings if finding.severity == worst)
        return f"{severity_in(worst, self.say)}: {', '.join(names)}"

    def __getitem__(self, name: str) -> Layer:
        for layer in self.layers:
            if layer.name == name:
                return layer
        raise KeyError(f"no layer is named {name!r}; names: {', '.join(layer.name for layer in self.layers[:20])}")

    # ---- text

    def _trial(self) -> str:
        trial = self.evidence.trial
        if trial is None:
            return self.say("no trial was made (steps=20 makes one)", "chưa chạy thử (steps=20 để chạy thử)")
        en, vi = ("", "") if trial.labelled else (" on random targets", " với nhãn ngẫu nhiên")
        return self.say(
            f"trial: {trial.steps} steps of {trial.optimiser}{en} take the loss to {trial.loss:.3g} "
            f"(a constant answer: {trial.constant:.3g})",
            f"chạy thử: {trial.steps} bước {trial.optimiser}{vi} đưa hàm mất mát về {trial.loss:.3g} "
            f"(một đầu ra hằng: {trial.constant:.3g})",
        )

    def _notes(self) -> list[str]:
        n = len(self.layers)
        if seen := self.evidence.seen:
            line = self.say(
                f"seen: {seen.rows} answers of {seen.columns}, gradients of {seen.parameters} parameters, {n} layers",
                f"đã thấy: {seen.rows} đầu ra cỡ {seen.columns}, gradient của {seen.parameters} tham số, {n} lớp",
            )
        else:
            line = self.say(f"seen: no answers that a step would move; {n} layers", f"không thấy đầu ra nào; {n} lớp")
        left_out = [f"{left.measures}: {self.say(*left.why)}" for left in self.evidence.left_out]
        return [line, self._trial(), *(f"{self.say('not looked at', 'chưa xét')}: {what}" for what in left_out)]

    def __repr__(self) -> str:
        lines = [self.verdict]
        lines += map(str, self.findings)
        lines += [f"  {note}" for note in self._notes()]
        header, rows = self._rows()
        return "\n".join([*lines, "", as_text(header, [[number(x) for x in row] for row in rows], 120)])

    # ---- HTML

    def _axis(self, rule: Rule) -> str:
        """A rule's measure on a line: where healthy networks lie, where the limits are."""
        value = measured(self.evidence, rule.measure)
        if value is None or rule.axis is None or rule.healthy is None or rule.limit is None:
            return ""
        limit = self.limits[rule.measure]
        severity = limit.grade(value) or ""
        words = self.say("healthy", "mạng lành")
        label = f"{value:.3g}; {words}: {rule.healthy[0]:g} … {rule.healthy[1]:g}"
        drawn = scale(
            value, rule.axis, rule.healthy, [at for at in limit if math.isfinite(at)], _COLOURS[severity], label
        )
        name = html.escape(self.say(rule.kind, rule.vi))
        cells = f'<td>{drawn}</td><td style="text-align:right">{value:.3g}</td>'
        return f'<tr><td style="text-align:left">{name}</td>{cells}</tr>'

    def _repr_html_(self) -> str:
        worst = self.findings[0].severity if self.findings else "" if self.ok else "note"
        parts = [f'<p style="font-size:larger;color:{_COLOURS[worst]}"><b>{html.escape(self.verdict)}</b></p>']
        for finding in self.findings:
            first, *rest = map(html.escape, str(finding).splitlines())
            lines = [f'<b style="color:{_COLOURS[finding.severity]}">{first}</b>', *rest]
            parts.append(f'<p style="margin:2px 0">{"<br>".join(lines)}</p>')
        axes = "".join(map(self._axis, RULES))
        parts.append(f"<table><tbody>{axes}</tbody></table>" if axes else "")
        parts.append(f'<p style="color:#777;margin:2px 0">{"<br>".join(map(html.escape, self._notes()))}</p>')
        header, rows = self._rows()
        body = []
        for layer, row in zip(self.layers, rows, strict=True):
            pictures = [picture(s) if s is not None else "" for s in (layer.z, layer.dz)]
            body.append(("", [*(("", html.escape(number(x))) for x in row), *(("", drawn) for drawn in pictures)]))
        return "".join(parts) + as_html([*header, "z", "dL/dz"], body)

    # ---- tables

    def stats(self, part: str = "z") -> StatsTable:
        """The Stats of one part of every layer that has it: "weight", "bias", "z", "a", "dz" or "dw"."""
        return StatsTable(
            [replace(s, name=layer.name) for layer in self.layers if (s := getattr(layer, part)) is not None]
        )

    def _rows(self) -> tuple[list[str], list[list[Cell]]]:
        def percent(x: float | None) -> str:
            return "" if x is None else f"{x:.0%}"

        columns: list[tuple[str, Callable[[Layer], Cell]]] = [
            (self.say("layer", "lớp"), lambda layer: layer.name),
            (self.say("activation", "hàm kích hoạt"), lambda layer: layer.activation or ""),
            ("n Var w", lambda layer: layer.n_var_w),
            (self.say("needs", "cần"), lambda layer: layer.critical),
            ("rms z", lambda layer: layer.z.rms if layer.z else None),
            (self.say("theory", "lý thuyết"), lambda layer: layer.predicted),
            ("rms dz", lambda layer: layer.dz.rms if layer.dz else None),
            (self.say("theory dz", "lý thuyết dz"), lambda layer: layer.predicted_dz),
        ]
        if any(layer.saturated is not None for layer in self.layers):
            columns.append((self.say("saturated", "bão hòa"), lambda layer: percent(layer.saturated)))
        if any(layer.dead is not None for layer in self.layers):
            columns.append((self.say("dead", "chết"), lambda layer: percent(layer.dead)))
            columns.append((self.say("expected", "dự kiến"), lambda layer: percent(layer.dead_expected)))
        if not all(layer.bottleneck for layer in self.layers):
            columns.append((self.say("bottleneck", "nút cổ chai"), lambda layer: "•" if layer.bottleneck else ""))
        return [name for name, _ in columns], [[cell(layer) for _, cell in columns] for layer in self.layers]

    def table(self) -> Table:
        """A row a layer: the weights' variance beside the critical one, sizes of z and dL/dz beside theory's, flat and
        dead units; and, where paths part, through which layers all of them go."""
        return Table(*self._rows())

    def to_pandas(self) -> "pandas.DataFrame":
        """The table as a pandas DataFrame."""
        table = self.table()
        return table.to_pandas().set_index(table.header[0])

    def compare(self, *others: "Probe", names: Sequence[str] | None = None) -> Table:
        """This probe and others, a row each: the verdict and what it rests on.

        Parameters
        ----------
        *others : Probe
        names : sequence of str, optional
            One for each, this one first.

        Returns
        -------
        Table

        Examples
        --------
        >>> import numpy as np, fastinit
        >>> x = fastinit.normal_(np.empty((64, 64), np.float32), generator=1)
        >>> he, zero = (fastinit.probe(fastinit.mlp([64] * 4, "relu", init=init, generator=0), x)
        ...             for init in (fastinit.kaiming_normal_, fastinit.zeros_))
        >>> he.compare(zero, names=["He", "zeros"]).column("verdict")
        ['no fault found', 'severe: tells nothing apart']
        """
        probes = (self, *others)
        names = [str(i) for i in range(len(probes))] if names is None else list(names)
        if len(names) != len(probes):
            raise ValueError(f"names has {len(names)} entries for {len(probes)} probes; give as many")
        shown = [rule for rule in RULES if rule.limit is not None]
        header = [
            "probe",
            self.say("verdict", "kết luận"),
            self.say("loss", "hàm mất mát"),
            *(rule.measure for rule in shown),
        ]
        rows = [
            [name, one.verdict, one.loss, *(measured(one.evidence, rule.measure) for rule in shown)]
            for name, one in zip(names, probes, strict=True)
        ]
        return Table(header, rows)

    # ---- pictures

    @overload
    def plot(self, kind: Literal["all"] = "all", ax: "Axes | None" = None) -> np.ndarray: ...
    @overload
    def plot(self, kind: str, ax: "Axes | None" = None) -> "Axes | np.ndarray": ...
    def plot(self, kind: str = "all", ax: "Axes | None" = None) -> "Axes | np.ndarray":
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
        one_of("kind", kind, (*_LINES, "ridge", "all"), "kinds")
        tall = min(max(4.0, 1.0 + 0.3 * len(self.layers)), 12.0)
        if kind == "all":
            import matplotlib.pyplot as plt

            figure = plt.figure(figsize=(12, tall), layout="constrained")
            figure.suptitle(self.verdict)
            axes: np.ndarray = figure.subplots(1, 3)
            for one, axis in zip(("std", "grad", "ridge"), axes, strict=True):
                self.plot(one, axis)
            return axes
        if ax is None:
            ax = plots.new_axes(7, tall if kind == "ridge" else 4.0)
        if kind == "ridge":
            self.stats("z").plot("ridge", ax)
            ax.set_title(self.say("z by layer", "z theo lớp"))
            return ax
        title, lines = _LINES[kind]
        theory = self.say(", theory", ", lý thuyết")
        drawn = [(label + theory * (style == "k--"), style, self._sizes(part)) for part, label, style in lines]
        return plots.by_layer(drawn, self.say(*title), ax, self.say("layer", "lớp"))

    def _sizes(self, part: str) -> np.ndarray:
        """rms of a part of every layer, or what theory expects it to be; NaN where there is none, or 0."""
        found = (getattr(layer, part) for layer in self.layers)
        return np.array([(one.rms if isinstance(one, Stats) else one) or np.nan for one in found], float)
