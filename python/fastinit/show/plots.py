"""Pictures. matplotlib is imported when the first one is drawn."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ..activations import Activation, activations

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_BREAKS = "where it breaks off, to exactly 0"


def new_axes(width: float, height: float) -> "Axes":
    """Axes of a figure of their own."""
    import matplotlib.pyplot as plt

    return plt.figure(figsize=(width, height), layout="constrained").add_subplot()


# ---- activations -----------------------------------------------------------------------------------------------------


def plot_activation(
    names: str | Sequence[str],
    ax: "Axes | None" = None,
    *,
    low: float = -8.0,
    high: float = 8.0,
    log: bool = False,
) -> "Axes":
    """Draw activations and their derivatives, with the ranges where they saturate shaded.

    Parameters
    ----------
    names : str or sequence of str
        From `activations`.
    ax : matplotlib.axes.Axes, optional
        Where to draw; a new figure's if None.
    low, high : float
        The range of z.
    log : bool
        False: f, f' and the straight line that f is near 0 (Maclaurin). True: the sizes of f and f' on a logarithmic
        scale, and beside f' of sigmoid and tanh what float32 makes of y (1 - y) and 1 - y^2, which breaks off in the
        tails.

    Returns
    -------
    matplotlib.axes.Axes

    Raises
    ------
    ValueError
        An unknown name, or a range that is empty.

    Examples
    --------
    >>> import fastinit, matplotlib
    >>> matplotlib.use("Agg")
    >>> ax = fastinit.plot_activation("tanh")
    >>> ax.get_xlabel()
    'z'
    """
    names = [names] if isinstance(names, str) else list(names)
    unknown = [name for name in names if name not in activations]
    if unknown or not names:
        raise ValueError(f"names={unknown or names!r}: give one or more of {', '.join(activations)}")
    if not (np.isfinite(low) and np.isfinite(high) and low < high):
        raise ValueError(f"low={low!r}, high={high!r}: give finite numbers with low < high")
    ax = new_axes(7, 4.2) if ax is None else ax
    z = np.linspace(low, high, 2001)
    for i, name in enumerate(names):
        _draw_activation(ax, z, activations[name], f"C{i}", log)
    ax.set(xlabel="z", xlim=(low, high), title=f"{', '.join(names)}; shaded: saturated")
    if log:
        ax.set_yscale("log")
    ax.axhline(0 if not log else 1, color="0.7", linewidth=0.6, zorder=0)
    ax.legend(fontsize="small")
    return ax


def _draw_activation(ax: "Axes", z: np.ndarray, activation: Activation, colour: str, log: bool) -> None:
    name, low, high = activation.name, z[0], z[-1]
    f, slope = activation.f(z), activation.derivative(z)
    if log:
        f, slope = (np.where(y == 0, np.nan, np.abs(y)) for y in (f, slope))
    ax.plot(z, f, color=colour, label=name)
    ax.plot(z, slope, color=colour, linestyle="--", label=f"{name}'")
    if log:
        _draw_slope_from_output(ax, z, activation)
    elif activation.maclaurin is not None:
        near = z[np.abs(z) <= 2.0]
        if near.size:
            line = activation.at_zero + activation.derivative(np.zeros(1))[0] * near
            ax.plot(near, line, color=colour, linewidth=0.8, alpha=0.8, label=f"{name} near 0: a straight line")
    for a, b in ((low, activation.saturation[0]), (activation.saturation[1], high)):
        if max(a, low) < min(b, high):
            ax.axvspan(max(a, low), min(b, high), color=colour, alpha=0.10, linewidth=0)


def _draw_slope_from_output(ax: "Axes", z: np.ndarray, activation: Activation) -> None:
    """What float32 makes of the derivative as textbooks write it, and where that breaks off."""
    if activation.from_output is None:
        return
    formula, derivative = activation.from_output
    wrong = derivative(activation.f(z.astype(np.float32)))
    wrong = np.where(wrong == 0, np.nan, wrong)
    ax.plot(z, wrong, color="black", linewidth=0.9, zorder=3, label=f"{activation.name}' as {formula} in float32")
    ends = [i for i in np.flatnonzero(~np.isnan(wrong))[[0, -1]] if 0 < i < z.size - 1]
    told = any(line.get_label() == _BREAKS for line in ax.lines)
    ax.plot(z[ends], wrong[ends], "kx", zorder=3, label=None if told else _BREAKS)


# ---- layers side by side ---------------------------------------------------------------------------------------------


def spread(names: Sequence[str], std: np.ndarray, largest: np.ndarray, ax: "Axes | None" = None) -> "Axes":
    """A standard deviation and a largest size for each name, on a log axis."""
    ax = new_axes(7, 4) if ax is None else ax
    place, many = np.arange(len(names)), len(names) > 6
    ax.plot(place, np.where(std > 0, std, np.nan), "o-", label="std")
    ax.plot(place, np.where(largest > 0, largest, np.nan), ".--", color="0.6", label="largest size")
    ax.set(yscale="log", xticks=place, ylabel="size")
    ax.set_xticklabels(names, rotation=45 if many else 0, ha="right" if many else "center")
    ax.legend()
    return ax


def ridge(names: Sequence[str], edges: np.ndarray, counts: Sequence[np.ndarray], ax: "Axes | None" = None) -> "Axes":
    """A histogram for each name, one below the other."""
    ax = new_axes(7, 1 + 0.4 * len(names)) if ax is None else ax
    for i, row in enumerate(counts):
        height = row / max(row.max(), 1e-300) * 0.9
        ax.fill_between((edges[1:] + edges[:-1]) / 2, -i, height - i, alpha=0.7, linewidth=0.5, edgecolor="black")
    ax.set(yticks=-np.arange(len(names)), xlabel="value")
    ax.set_yticklabels(names)
    return ax


def by_layer(lines: Sequence[tuple[str, str, np.ndarray]], title: str, ax: "Axes", along: str) -> "Axes":
    """Sizes layer by layer on a log axis: (label, style, values) each; values that are not finite are left out."""
    for label, style, values in lines:
        if np.isfinite(values).any():
            width = {"linewidth": 1.2} if style == "k--" else {"markersize": 4}
            ax.plot(np.arange(1, len(values) + 1), values, style, label=label, **width)
    ax.set(yscale="log", xlabel=along, ylabel="rms", title=title)
    drawn = np.concatenate([np.zeros(0), *(np.asarray(line.get_ydata(), float) for line in ax.lines)])
    drawn = drawn[np.isfinite(drawn)]
    if drawn.size and drawn.max() / drawn.min() < 100.0:
        middle = float(np.sqrt(drawn.max() * drawn.min()))
        ax.set_ylim(middle / 20.0, middle * 20.0)  # more than a decade each way, lest noise look like a trend
    ax.minorticks_off()  # half the time of drawing, and no labels such as 4 x 10^-1
    from matplotlib.ticker import MaxNLocator

    ax.xaxis.set_major_locator(MaxNLocator(integer=True))
    if ax.lines:
        ax.legend(fontsize="small")
    return ax
