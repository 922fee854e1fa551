"""Pictures. matplotlib is imported when the first one is drawn."""

from collections.abc import Sequence

import numpy as np

from .registry import activations

__all__ = ["plot_activation"]


def plot_activation(names: str | Sequence[str], ax=None, *, low: float = -8.0, high: float = 8.0, log: bool = False):
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
        False: f, f' and the straight line that f is near 0 (Maclaurin). True: the sizes of f and f' on a logarithmic scale,
        and beside f' of sigmoid and tanh what float32 makes of y (1 - y) and 1 - y^2, which breaks off in the tails.

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
    if ax is None:
        import matplotlib.pyplot as plt

        ax = plt.figure(figsize=(7, 4.2), layout="constrained").add_subplot()
    z = np.linspace(low, high, 2001)
    for i, name in enumerate(names):
        activation, colour = activations[name], f"C{i}"
        f, slope = activation.f(z), activation.derivative(z)
        if log:
            f, slope = (np.where(y == 0, np.nan, np.abs(y)) for y in (f, slope))
        ax.plot(z, f, color=colour, label=name)
        ax.plot(z, slope, color=colour, linestyle="--", label=f"{name}'")
        if log and name in ("sigmoid", "tanh"):
            y = activation.f(z.astype(np.float32))
            wrong, formula = (y * (1 - y), "y (1 - y)") if name == "sigmoid" else (1 - y * y, "1 - y²")
            wrong = np.where(wrong == 0, np.nan, wrong)
            ax.plot(z, wrong, color="black", linewidth=0.9, zorder=3, label=f"{name}' as {formula} in float32")
            ends = np.flatnonzero(~np.isnan(wrong))[[0, -1]]
            ends = [i for i in ends if 0 < i < z.size - 1]
            ax.plot(z[ends], wrong[ends], "kx", zorder=3, label=None if i else "where it breaks off, to exactly 0")
        if not log and activation.maclaurin is not None:
            near = z[np.abs(z) <= 2.0]
            if near.size:
                line = activation.f(np.zeros(1))[0] + activation.derivative(np.zeros(1))[0] * near
                ax.plot(near, line, color=colour, linewidth=0.8, alpha=0.8, label=f"{name} near 0: a straight line")
        for a, b in ((low, activation.saturation[0]), (activation.saturation[1], high)):
            if max(a, low) < min(b, high):
                ax.axvspan(max(a, low), min(b, high), color=colour, alpha=0.10, linewidth=0)
    ax.set(xlabel="z", xlim=(low, high), title=f"{', '.join(names)}; shaded: saturated")
    if log:
        ax.set_yscale("log")
    ax.axhline(0 if not log else 1, color="0.7", linewidth=0.6, zorder=0)
    ax.legend(fontsize="small")
    return ax
