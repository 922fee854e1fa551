"""Expectations over x ~ N(0, 1): Gauss and Legendre in panels, fine enough for functions with kinks."""

import functools
import math
from collections.abc import Callable

import numpy as np

_REACH, _POINTS = 12.0, 16  # the density is below 1e-32 beyond; points a panel


def normal_density(z: np.ndarray) -> np.ndarray:
    """The density of N(0, 1)."""
    density: np.ndarray = np.exp(-0.5 * np.square(z)) / math.sqrt(2.0 * math.pi)
    return density


@functools.lru_cache(maxsize=1)
def _rule() -> tuple[np.ndarray, np.ndarray]:
    return np.polynomial.legendre.leggauss(_POINTS)


@np.errstate(all="ignore")
def nodes(panels: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes x and weights w, so that E f(x) is w @ f(x). An even number of panels has 0 between two of them."""
    points, weights = _rule()
    edges = np.linspace(-_REACH, _REACH, panels + 1)
    half = _REACH / panels
    x = (edges[:-1, None] + half * (1.0 + points)).ravel()
    return x, np.tile(weights, panels) * half * normal_density(x)


@functools.cache
def fixed_nodes() -> tuple[np.ndarray, np.ndarray]:
    """The nodes for functions that have their kinks at 0, if any: 96 panels."""
    return nodes(96)


@np.errstate(all="ignore")
def mean_square(f: Callable[[np.ndarray], np.ndarray], q: float) -> float:
    """E f(z)^2, z ~ N(0, q), at the fixed nodes."""
    x, weights = fixed_nodes()
    return float(weights @ np.square(f(math.sqrt(q) * x)))


def mean_square_adaptive(f: Callable[[np.ndarray], np.ndarray]) -> float:
    """E f(x)^2 to about 1e-8; NaN where it diverges. Panels are halved until kinks of f, wherever, do not matter."""
    before = mean = math.nan
    for panels in (3 * 2**k for k in range(4, 14)):
        x, weights = nodes(panels)
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            mean = float(weights @ np.square(f(x)))
        if not math.isfinite(mean) or abs(mean - before) <= 1e-8 * mean:
            break
        before = mean
    return mean if mean >= 0 else math.nan
