"""How a probe is shown: the verdict, the findings with their cures, a table and pictures."""

import html
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, overload

import numpy as np

from ..checks import one_of
from ..show import plots
from ..show.tables import Cell, Table, as_html, as_text, number
from ..statistics.result import Stats, StatsTable, picture
from .layer import Layer
from .rules import Finding

if TYPE_CHECKING:
    import pandas
    from matplotlib.axes import Axes

_COLOURS = {"note": "#777", "bad": "#c60", "severe": "#c00"}
_LINES = {  # kind -> title; what is drawn of each layer, its label and style; theory's
    "std": ("signals, forward", (("z", "z", "o-"), ("a", "a", "s-"), ("predicted", "z, theory", "k--"))),
    "grad": (
        "gradients, backward",
        (("dz", "dL/dz", "o-"), ("dw", "dL/dW", "s-"), ("predicted_dz", "dL/dz, theory", "k--")),
    ),
}


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
        parts = ((layer.name, getattr(layer, part)) for layer in self.layers)
        return StatsTable([replace(stats, name=name) for name, stats in parts if stats is not None])

    def _rows(self) -> tuple[list[str], list[list[Cell]]]:
        flat = any(layer.saturated is not None for layer in self.layers)
        off = any(layer.dead is not None for layer in self.layers)
        header = ["layer", "activation", "n Var w", "needs", "rms z", "theory", "rms dz", "theory dz"]
        header += ["saturated"] * flat + ["dead", "expected"] * off
        rows: list[list[Cell]] = []
        for layer in self.layers:
            row: list[Cell] = [layer.name, layer.activation or "", layer.n_var_w, layer.critical]
            row += [layer.z.rms if layer.z else None, layer.predicted]
            row += [layer.dz.rms if layer.dz else None, layer.predicted_dz]
            row += [_percent(layer.saturated)] * flat
            row += [_percent(layer.dead), _percent(layer.dead_expected)] if off else []
            rows.append(row)
        return header, rows

    def table(self) -> Table:
        """A row a layer: n Var w beside what is needed, sizes of z and dL/dz beside theory's, flat and dead units."""
        return Table(*self._rows())

    def to_pandas(self) -> "pandas.DataFrame":
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
        rows: list[list[Cell]] = []
        for name, one in zip(names, probes, strict=True):
            z = [layer.z.rms for layer in one.layers if layer.z]
            dz = [layer.dz.rms for layer in one.layers if layer.dz]
            ends = [(sizes[0], sizes[-1]) if sizes else (None, None) for sizes in (z, dz)]
            rows.append([name, *ends[0], *ends[1], one.verdict])
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
        colour = "#283" if self.ok else "#c00"
        parts = [f'<p style="font-size:larger;color:{colour}"><b>{html.escape(self.verdict)}</b></p>']
        parts += [_paragraph(finding, more) for finding, more in self._shown()]
        header, rows = self._rows()
        body = []
        for layer, row in zip(self.layers, rows, strict=True):
            pictures = [picture(stats) if stats is not None else "" for stats in (layer.z, layer.dz)]
            body.append(("", [*(("", html.escape(number(x))) for x in row), *(("", one) for one in pictures)]))
        return "".join(parts) + as_html([*header, "z", "dL/dz"], body)

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
            ax.set_title("z by layer")
            return ax
        title, lines = _LINES[kind]
        return plots.by_layer([(label, style, self._sizes(part)) for part, label, style in lines], title, ax)

    def _sizes(self, part: str) -> np.ndarray:
        """rms of a part of every layer, or what theory expects it to be; NaN where there is none, or 0."""
        found = (getattr(layer, part) for layer in self.layers)
        return np.array([(one.rms if isinstance(one, Stats) else one) or np.nan for one in found], float)


def _percent(share: float | None) -> str:
    return "" if share is None else f"{share:.0%}"


def _paragraph(finding: Finding, more: int) -> str:
    """A finding in HTML."""
    where = f" ({html.escape(finding.layer)})" if finding.layer else ""
    extra = f" (and in {more} more)" if more else ""
    return (
        f'<p style="margin:2px 0"><b style="color:{_COLOURS[finding.severity]}">{finding.severity}: {finding.kind}</b>'
        f"{where}: {html.escape(finding.message)}{extra}<br>cure: <code>{html.escape(finding.advice)}</code> "
        f'<span style="color:#777">[{html.escape(finding.source)}]</span></p>'
    )
