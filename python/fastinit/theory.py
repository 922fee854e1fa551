"""Wide random networks in theory: how the variance of z, correlations and gradients go from layer to layer."""

import contextlib
import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.polynomial.polynomial import polyval

from .activations import activations, find
from .checks import at_least_zero, positive_integer
from .quadrature import fixed_nodes, mean_square
from .show.tables import Cell, Table

_TERMS = 200  # of the Hermite series by which correlations go through an activation
_TINY, _HUGE = 1e-10, 1e10  # a variance as good as 0, as good as infinite


@functools.cache
def _hermite() -> np.ndarray:
    """Normalised Hermite polynomials at the nodes, times the weights."""
    x, weights = fixed_nodes()
    rows: list[np.ndarray] = [np.ones_like(x), x]
    for k in range(2, _TERMS):
        rows.append((x * rows[-1] - math.sqrt(k - 1) * rows[-2]) / math.sqrt(k))
    weighted: np.ndarray = np.array(rows) * weights
    return weighted


@np.errstate(all="ignore")
def dead_share(c: float, batch: int) -> float:
    """P(a unit's z is below 0 for every one of `batch` inputs whose z correlate by c): one shared Gaussian factor."""
    c = min(max(c, 0.0), 1.0)
    if c == 1.0:
        return 0.5
    u, weights = fixed_nodes()
    below: np.ndarray = 0.5 * np.vectorize(math.erfc, otypes=[float])(u * math.sqrt(c / (1.0 - c) / 2.0))
    return float(weights @ below**batch)


@functools.cache
@np.errstate(all="ignore")
def critical(activation: str) -> tuple[float, float]:
    """Where a wide network without biases passes signals and gradients on unchanged: n Var w, and Var z there.

    Solves E f(z)^2 = q E f'(z)^2 for the variance q of z (the smallest above 0, if there is one), so that with
    n Var w = 1 / E f'(z)^2 both the variance of z stays at q and gradients keep their size (chi = 1).

    Parameters
    ----------
    activation : str
        From `activations`.

    Returns
    -------
    sigma_w2 : float
        n Var w, n the fan in.
    q : float
        The variance of z that is kept. 0: only in the limit of small signals. NaN: any (linear, ReLUs).

    Raises
    ------
    ValueError
        An unknown name, or an activation without such a point (squared_relu).

    References
    ----------
    Poole et al. (2016), "Exponential expressivity in deep neural networks through transient chaos"; Schoenholz et al.
    (2017), "Deep information propagation"; He et al. (2015) for ReLU.

    Examples
    --------
    >>> import fastinit
    >>> fastinit.critical("tanh")
    (1.0, 0.0)
    >>> round(fastinit.critical("sigmoid")[0], 1)
    103.0
    """
    known = find(activation)

    def excess(q: float) -> float:
        return mean_square(known.f, q) / (q * mean_square(known.derivative, q)) - 1.0

    at_zero = mean_square(known.derivative, _TINY)
    if abs(excess(1e-4)) < 1e-9 and abs(excess(1e4)) < 1e-9:
        return round(1.0 / at_zero, 9), math.nan
    grid = [float(q) for q in np.geomspace(1e-3, 400.0, 113)]
    for low, high in itertools.pairwise(grid):
        below, above = excess(low), excess(high)
        if below > 0.0 >= above and min(abs(below), abs(above)) > 1e-9:
            q = _cross(lambda q: excess(q) > 0.0, low, high)
            return 1.0 / mean_square(known.derivative, q), q
    if at_zero < 1e-6:
        raise ValueError(f"activation={activation!r} has no critical point: its slope at 0 is 0")
    return round(1.0 / at_zero, 9), 0.0


@np.errstate(all="ignore")
def needed(activation: str) -> tuple[float, ...]:
    """Every n Var w that is right: the forward gain squared, where f(0) = 0 and f is not odd; the critical value."""
    known, found = find(activation), []
    if known.at_zero == 0.0 and not known.odd:
        found.append(known.forward**2)
    with contextlib.suppress(ValueError):  # there is no critical point
        found.append(critical(activation)[0])
    return tuple(found)


def _cross(before: Callable[[float], bool], near: float, far: float) -> float:
    """Where `before` stops to hold between near, where it holds, and far: halved 60 times on a log scale."""
    for _ in range(60):
        middle = math.sqrt(near * far)
        near, far = (middle, far) if before(middle) else (near, middle)
    return float(near)


@dataclass(frozen=True, repr=False)
class Theory:
    """What `theory` computes, for layers 1 to depth.

    Attributes
    ----------
    activation, sigma_w2, sigma_b2
    q : ndarray
        Variance of z, by layer.
    c : ndarray
        Correlation of the z of two inputs.
    chi : ndarray
        By what factor a layer multiplies the mean square of the gradients on their way back.
    xi_q, xi_c, xi_grad : float
        Depth scales, in layers: the distance from the fixed point, or the gradient, changes by a factor of e in so
        many. Infinite where it does not.

    Examples
    --------
    >>> import fastinit
    >>> t = fastinit.theory("sigmoid", 16.0)
    >>> round(float(t.q[-1]), 2), round(t.xi_grad, 2)      # gradients fade by a factor of e in about a layer
    (5.86, 1.09)
    """

    activation: str
    sigma_w2: float
    sigma_b2: float
    q: np.ndarray
    c: np.ndarray
    chi: np.ndarray
    xi_q: float
    xi_c: float
    xi_grad: float

    def _table(self) -> Table:
        """The first layers, and every doubling of depth after them."""
        depth = len(self.q)
        layers = sorted({1, 2, 3, *(2**k for k in range(2, 40) if 2**k < depth), depth} & {*range(1, depth + 1)})
        rows = [[layer, *(float(column[layer - 1]) for column in (self.q, self.c, self.chi))] for layer in layers]
        return Table(["layer", "Var z", "correlation", "chi"], rows)

    def _head(self) -> str:
        scales = f"depth scales: q {self.xi_q:.3g}, c {self.xi_c:.3g}, gradient {self.xi_grad:.3g}"
        return f"theory of {self.activation}: n Var w {self.sigma_w2:.4g}, Var b {self.sigma_b2:.4g}; {scales}"

    def __repr__(self) -> str:
        return f"{self._head()}\n{self._table()}"

    def _repr_html_(self) -> str:
        return f"<p>{self._head()}</p>{self._table()._repr_html_()}"


def _scale(slope: float) -> float:
    size = abs(math.log(slope)) if slope > 0.0 else math.inf
    return math.inf if size < 1e-6 else 1.0 / size


def _fixed_point(step: Callable[[float], float], q: float) -> float:
    """Where q -> step(q) leads from q: the next fixed point in its direction."""
    change = step(q) - q
    if abs(change) <= 1e-9 * q:
        return q
    until = _TINY if change < 0.0 else _HUGE
    for near, far in itertools.pairwise(np.geomspace(q, until, 241)):
        if (step(far) - far) * change <= 0.0:
            return _cross(lambda q: (step(q) - q) * change > 0.0, near, far)
    return until


def _slope_of_correlation(squares: np.ndarray, sigma_b2: float, q: float) -> float:
    """How the distance from the fixed correlation changes by a layer, where two inputs part: it settles below 1."""
    low, high = 0.0, 1.0 - 1e-6
    for _ in range(60):
        middle = (low + high) / 2
        total = float(polyval(middle, squares)) + sigma_b2
        low, high = (middle, high) if total > middle * q else (low, middle)
    return float(polyval(low, squares[1:] * np.arange(1, _TERMS))) / q


@np.errstate(all="ignore")
def theory(
    activation: str,
    sigma_w2: float,
    sigma_b2: float = 0.0,
    depth: int = 50,
    *,
    input_square: float = 1.0,
    input_cosine: float = 0.0,
) -> Theory:
    """Mean-field theory of a wide random network: variance of z, correlation and gradient, layer by layer.

    Parameters
    ----------
    activation : str
        From `activations`.
    sigma_w2 : float
        n Var w, n the fan in.
    sigma_b2 : float
        Var b.
    depth : int
        Layers.
    input_square, input_cosine : float
        Mean square of an input's values, and the cosine of two inputs.

    Returns
    -------
    Theory

    Raises
    ------
    ValueError
        An unknown name, or numbers that are not finite and at least 0 (depth: at least 1).

    References
    ----------
    Poole et al. (2016), eq. 3 (q) and 5 (c); Schoenholz et al. (2017), eq. 5 (chi) and 7 to 9 and 17 (depth scales).

    Examples
    --------
    >>> import fastinit
    >>> t = fastinit.theory("relu", 2.0, depth=30)
    >>> round(float(t.q[-1]), 3), round(float(t.chi[-1]), 3), t.xi_grad     # He (2015): nothing fades, nothing grows
    (2.0, 1.0, inf)
    >>> round(float(fastinit.theory("relu", 1.0, depth=30).q[-1]) * 2**29, 9)  # Xavier and ReLU: halved by every layer
    1.0
    """
    known = find(activation)
    sigma_w2, sigma_b2 = at_least_zero("sigma_w2", sigma_w2), at_least_zero("sigma_b2", sigma_b2)
    input_square = at_least_zero("input_square", input_square)
    depth = positive_integer("depth", depth)
    if not -1.0 <= input_cosine <= 1.0:
        raise ValueError(f"input_cosine={input_cosine!r}; give a number in [-1, 1]")

    def step(q: float) -> float:
        return sigma_w2 * mean_square(known.f, q) + sigma_b2

    def series(q: float) -> np.ndarray:
        """Squares of the Hermite coefficients; what the series leaves out goes to its last term."""
        squares: np.ndarray = np.square(_hermite() @ known.f(math.sqrt(q) * fixed_nodes()[0]))
        squares[-1] += max(mean_square(known.f, q) - squares.sum(), 0.0)
        return squares

    qs, cs, chis = [sigma_w2 * input_square + sigma_b2], [], []
    cs.append((sigma_w2 * input_square * input_cosine + sigma_b2) / qs[0] if qs[0] > 0.0 else 1.0)
    for layer in range(depth):
        q, c = min(qs[-1], 1e300), cs[-1]
        chis.append(sigma_w2 * mean_square(known.derivative, q))
        if layer + 1 < depth:
            qs.append(step(q))
            covariance = sigma_w2 * float(polyval(c, series(q))) + sigma_b2
            cs.append(min(covariance / qs[-1], 1.0) if qs[-1] > 0.0 else 1.0)
    end = _fixed_point(step, min(max(qs[0], _TINY), _HUGE))
    chi = sigma_w2 * mean_square(known.derivative, end)
    slope_q = (step(end * 1.001) - step(end * 0.999)) / (0.002 * end)
    slope_c = _slope_of_correlation(series(end) * sigma_w2, sigma_b2, end) if chi > 1.0 + 1e-9 else chi
    return Theory(activation, float(sigma_w2), float(sigma_b2), np.array(qs), np.array(cs), np.array(chis),
                  _scale(slope_q), _scale(slope_c), _scale(chi))  # fmt: skip


@np.errstate(all="ignore")
def gain_table(*names: str) -> Table:
    """Gains and critical variances of activations, side by side.

    Parameters
    ----------
    *names : str
        From `activations`; all of them if none is given.

    Returns
    -------
    Table
        forward and backward: gains by `activation_gain`; maclaurin: of the straight line near 0; torch:
        `calculate_gain`; critical: n Var w by `critical`, and the variance of z that goes with it.

    Examples
    --------
    >>> import fastinit
    >>> print(fastinit.gain_table("relu", "tanh"))
    activation  forward  backward  maclaurin  torch  critical n Var w  Var z
    relu           1.41      1.41              1.41                 2    any
    tanh           1.59      1.47          1   1.67                 1      0
    """
    rows: list[list[Cell]] = []
    for name in names or activations:
        known = find(name)
        sigma_w2: float | None = None
        q: float | str | None = None
        with contextlib.suppress(ValueError):  # there is no critical point
            sigma_w2, q = critical(name)
        q = "any" if q != q else q
        rows.append([name, known.forward, known.backward, known.maclaurin, known.torch_gain, sigma_w2, q])
    return Table(["activation", "forward", "backward", "maclaurin", "torch", "critical n Var w", "Var z"], rows)
