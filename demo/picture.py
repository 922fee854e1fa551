"""The picture of the lesson: a row a question; the signal, the gradient and the loss side by side."""

import io
from dataclasses import dataclass

import matplotlib

matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from lesson import CASES, GUESSING, STEPS
from PIL import Image

COLOURS = {"small": "#0072B2", "right": "#009E73", "large": "#D55E00", "equal": "#555555"}  # Okabe and Ito (2008)
ORDER = {"equal": 2, "large": 3, "small": 4, "right": 5}  # who lies on whom
KEY = {"small": "weights too small", "right": "right", "large": "too large", "equal": "all equal"}
ZERO, HIGH = 1e-6, 1e4  # of both logarithmic axes; an exact 0 is drawn at ZERO
SMOOTH = 10  # steps


@dataclass(frozen=True)
class Row:
    heading: str
    findings: tuple[str, str, str]
    labels: dict[str, str]  # of the cases to draw


ROWS = (
    Row(
        "tanh\n30 layers",
        ("Half the variance: the signal dies", "Half: it dies.  Eight times: it explodes", "Only 1/n learns"),
        {"tanh, Xavier": "1/n", "tanh, half": "0.5/n", "tanh, eight times": "8/n"},
    ),
    Row(
        "ReLU\n24 layers",
        ("ReLU halves it: 2/n makes up for that", "What keeps the signal keeps the gradient", "Only He's 2/n learns"),
        {"ReLU, He": "2/n", "ReLU, Xavier": "1/n", "ReLU, std 1": "std 1"},
    ),
    Row(
        "sigmoid\n20 layers",
        (
            "16/n keeps the signal ...",
            "... but not the gradient.  103/n keeps both",
            "Neither trains deep: take tanh or ReLU",
        ),
        {"sigmoid, 5 layers": "5 layers", "sigmoid, 16": "16/n", "sigmoid, 103": "103/n"},
    ),
    Row(
        "all equal\ntanh, 5 layers",
        ("All 0: no signal", "All 0: none.  All 0.05: 64 times the same", "Equal units stay equal: one unit's worth"),
        {"chance": "random", "constant": "all 0.05", "zero": "all 0"},
    ),
)
COLUMNS = (  # heading, what is drawn, the horizontal axis
    ("the signal, forward", "spread of a layer's outputs; 1: the first layer's", "layer"),
    ("the gradient, backward", "size of dL/dz; 1: the last layer's", "layer"),
    ("the loss, while it trains", "right: share of digits it never saw", "step"),
)


def times(factor):
    """A factor in words that fit beside a curve."""
    if factor == 0:
        return "exactly 0"
    size = max(factor, 1 / factor)
    if size < 1.25:
        return "kept"
    sign = "×" if factor > 1 else "÷"
    if size > 1e6:
        return rf"{sign} 10$^{{{round(np.log10(size))}}}$"
    return f"{sign} {float(f'{size:.2g}'):,.0f}" if size > 9.5 else f"{sign} {size:.1f}"


def write_labels(ax, labels, gap=0.13):
    """(height in the axes, text, name of the case) to the right of them, pushed apart where they would touch."""
    labels = sorted(labels)
    up, down = ([min(height, 0.93) for height, _, _ in labels] for _ in range(2))
    for i in range(1, len(labels)):
        up[i] = max(up[i], up[i - 1] + gap)
    for i in reversed(range(len(labels) - 1)):
        down[i] = min(down[i], down[i + 1] - gap)
    for high, low, (_, text, name) in zip(up, down, labels, strict=True):
        size = CASES[name].size
        ax.text(1.02, (high + low) / 2, text, color=COLOURS[size], transform=ax.transAxes, va="center", fontsize=12.5,
                fontweight="bold" if size == "right" else "normal")  # fmt: skip


def height_of(ax, y):
    """Where a value lies, from 0 (the lower edge) to 1."""
    return float(np.clip(ax.transAxes.inverted().transform(ax.transData.transform((0, y)))[1], 0.0, 1.0))


def draw_travel(ax, row, results, measure, back):
    """How a size changes from layer to layer, beside what it was where it set out; an exact 0 at the bottom."""
    ax.set_yscale("log")
    ax.set_ylim(ZERO / 2.5, HIGH)
    ax.set_yticks([ZERO, 1e-4, 1e-2, 1, 1e2, 1e4], ["0", r"10$^{-4}$", r"10$^{-2}$", "1", "100", r"10$^4$"])
    ax.minorticks_off()
    ax.axhspan(ZERO / 2.5, ZERO * 2.5, color="#EEEEEE", linewidth=0)
    ax.axhline(1, color="#BBBBBB", linewidth=1)
    depth, labels = max(CASES[name].depth for name in row.labels), []
    for name, label in row.labels.items():
        sizes = getattr(results[name], measure)[:: -1 if back else 1]
        relative = sizes / sizes[0] if sizes[0] else np.full(len(sizes), ZERO)
        colour = COLOURS[CASES[name].size]
        shown = np.where(relative <= HIGH * 3, relative, np.nan)  # the rest leaves by the upper edge
        places = np.arange(1, len(sizes) + 1) + (depth - len(sizes) if back else 0)
        ax.plot(places, shown, "o-", color=colour, markersize=3.5, linewidth=2.2, zorder=ORDER[CASES[name].size])
        factor = relative[-1] if sizes[0] else 0.0
        labels.append((height_of(ax, relative[-1]), f"{label}: {times(factor)}", name))
    ticks = [1, depth // 2, depth] if depth > 5 else [1, 3, 5]
    ax.set_xticks(ticks, [str(depth + 1 - tick if back else tick) for tick in ticks])
    write_labels(ax, labels)


def draw_loss(ax, row, results):
    ax.set(ylim=(0, 3.2), xlim=(-0.03 * STEPS, STEPS), yticks=[0, 1, 2, 3], xticks=[0, STEPS // 2, STEPS])
    ax.axhline(GUESSING, color="#BBBBBB", linewidth=1)
    ax.text(STEPS, GUESSING + 0.1, "guessing", color="#888888", ha="right", fontsize=11)
    labels = []
    for name, label in row.labels.items():
        result, colour = results[name], COLOURS[CASES[name].size]
        smooth = np.convolve(result.losses, np.ones(SMOOTH) / SMOOTH, "valid")
        if result.broken is not None:
            ax.plot([result.broken], [2.85], "X", color=colour, markersize=10)
            ax.text(
                0.05 * STEPS, 2.85, f"{label}: NaN from step {result.broken}", color=colour, va="center", fontsize=12.5
            )
            continue
        ax.plot(np.arange(len(smooth)) + SMOOTH, smooth, color=colour, linewidth=2.2, zorder=ORDER[CASES[name].size])
        labels.append((height_of(ax, smooth[-1]), f"{label}: {result.right:.0%} right", name))
    write_labels(ax, labels)


def draw(results, path):
    """The picture of `results`, by the names of the cases, written to `path`."""
    with plt.rc_context({"font.size": 12, "axes.spines.top": False, "axes.spines.right": False}):
        save(compose(results), path)


def compose(results):
    figure, axes = plt.subplots(len(ROWS), 3, figsize=(16, 11))
    figure.subplots_adjust(left=0.085, right=0.872, top=0.82, bottom=0.05, wspace=0.66, hspace=0.45)
    for row, (signal, gradient, loss) in zip(ROWS, axes, strict=True):
        draw_travel(signal, row, results, "signal", back=False)
        draw_travel(gradient, row, results, "gradient", back=True)
        draw_loss(loss, row, results)
        signal.text(-0.3, 0.5, row.heading, transform=signal.transAxes, rotation=90, ha="center", va="center",
                    fontsize=14, fontweight="bold", linespacing=1.4)  # fmt: skip
        for ax, finding in zip((signal, gradient, loss), row.findings, strict=True):
            ax.set_title(finding, loc="left", fontsize=13.5)
    for top, bottom, (heading, drawn, axis) in zip(axes[0], axes[-1], COLUMNS, strict=True):
        top.text(0, 1.42, heading, transform=top.transAxes, fontsize=15, fontweight="bold")
        top.text(0, 1.27, drawn, transform=top.transAxes, fontsize=12, color="#777777")
        bottom.set_xlabel(axis)
    figure.text(0.085, 0.95, "The size of its first weights decides whether a deep network learns", fontsize=22)
    handles = [plt.Line2D([], [], color=colour, linewidth=4, label=KEY[size]) for size, colour in COLOURS.items()]
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=(0.08, 0.943), ncols=4, frameon=False, fontsize=14)
    return figure


def save(figure, path):
    """In 128 colours: half the bytes, and no eye sees it."""
    pixels = io.BytesIO()
    figure.savefig(pixels, dpi=100)
    plt.close(figure)
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.open(pixels).convert("RGB").quantize(128).save(path, optimize=True)
