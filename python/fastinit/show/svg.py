"""Small pictures as SVG, for a table's cells."""

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
