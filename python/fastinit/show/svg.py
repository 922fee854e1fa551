"""Small pictures as SVG, for a table's cells."""

from collections.abc import Sequence

import numpy as np

_WIDTH, _HEIGHT = 3, 20  # of a bar, of the picture


def histogram(counts: np.ndarray, low: float, high: float) -> str:
    """A bar for each count, of values from low to high."""
    top = max(counts.max(), 1e-300)
    bars = "".join(
        f'<rect x="{_WIDTH * i}" y="{_HEIGHT - h:.1f}" width="{_WIDTH}" height="{h:.1f}"/>'
        for i, h in enumerate(_HEIGHT * counts / top)
        if h >= 0.05
    )
    label = f"from {low:.3g} to {high:.3g}"
    shape = 'viewBox="0 0 123 20" preserveAspectRatio="none" style="width:123px;min-width:80px;height:20px"'
    return f'<svg {shape} role="img" aria-label="{label}" fill="#4878a8"><title>{label}</title>{bars}</svg>'


def scale(
    value: float, axis: tuple[float, float], usual: tuple[float, float], marks: Sequence[float], colour: str, label: str
) -> str:
    """A value on a short axis: the usual range a band, ticks at the marks; what lies beyond the axis stands at its
    end."""
    low, high = axis
    width, height = 160.0, 14.0

    def place(x: float) -> float:
        return 4.0 + (width - 8.0) * (min(max(x, low), high) - low) / (high - low)

    left, right = sorted(map(place, usual))
    band = f'<rect x="{left:.1f}" y="4" width="{max(right - left, 1.0):.1f}" height="6" fill="#cfe8d0"/>'
    line = f'<line x1="0" x2="{width:g}" y1="7" y2="7" stroke="#bbb"/>'
    ticks = "".join(f'<line x1="{place(m):.1f}" x2="{place(m):.1f}" y1="2" y2="12" stroke="#999"/>' for m in marks)
    dot = f'<circle cx="{place(value):.1f}" cy="7" r="4" fill="{colour}"/>'
    shape = f'viewBox="0 0 {width:g} {height:g}" style="width:{width:g}px;height:{height:g}px"'
    return f'<svg {shape} role="img" aria-label="{label}"><title>{label}</title>{band}{line}{ticks}{dot}</svg>'
