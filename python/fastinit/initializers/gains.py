"""Gains: by how much the weights must be larger because an activation follows."""

import math
import numbers

import numpy as np

from ..activations import Elementwise, activations, find
from ..checks import did_you_mean, number, one_of, squared
from ..quadrature import mean_square_adaptive

_TORCH_LAYERS = ("conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d")
_TORCH_GAINS = dict.fromkeys(_TORCH_LAYERS, 1.0) | {
    row.name: row.torch_gain for row in activations.values() if row.torch_gain is not None
}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The gain that torch.nn.init recommends for an activation.

    torch's values for sigmoid, tanh and selu keep neither signals nor gradients exactly; `activation_gain` derives
    those that do, for these and other activations.

    Parameters
    ----------
    nonlinearity : str
        linear, conv1d to conv3d, conv_transpose1d to conv_transpose3d, sigmoid: 1; tanh: 5/3; relu: sqrt 2;
        leaky_relu: sqrt(2 / (1 + slope^2)); selu: 3/4.
    param : float, optional
        The negative slope of leaky_relu; 0.01 if None.

    Returns
    -------
    float

    Raises
    ------
    ValueError
        Another name, or a slope that is not a number.

    Examples
    --------
    >>> import fastinit
    >>> fastinit.calculate_gain("tanh")
    1.6666666666666667
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2.0 / (1 + squared("negative_slope", _slope(0.01 if param is None else param))))
    if not isinstance(nonlinearity, str) or nonlinearity not in _TORCH_GAINS:
        is_other = isinstance(nonlinearity, str) and nonlinearity in activations
        meant = "" if is_other else did_you_mean(nonlinearity, _TORCH_GAINS)
        raise ValueError(
            f"Unsupported nonlinearity {nonlinearity}{meant}; known: "
            f"{', '.join(map(repr, _TORCH_GAINS))}. activation_gain gives the gain of any activation, to pass to "
            "xavier_* or, squared, to variance_scaling_"
        )
    return _TORCH_GAINS[nonlinearity]


def _slope(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise ValueError(f"negative_slope {value} not a valid number")
    return number("negative_slope", value)


@np.errstate(all="ignore")
def activation_gain(
    f: str | Elementwise, direction: str = "forward", method: str = "quadrature", derivative: Elementwise | None = None
) -> float:
    """The gain of any activation: what the weights' standard deviation must be multiplied by because it follows.

    Parameters
    ----------
    f : str or callable
        A name from `activations`, or a function of a float64 array, elementwise.
    direction : {"forward", "backward"}
        Keep the mean square of the signals, 1/sqrt(E f(x)^2), or of the gradients, 1/sqrt(E f'(x)^2), x ~ N(0, 1).
    method : {"quadrature", "maclaurin"}
        "maclaurin" takes f for the straight line that it is near 0, as Glorot and Bengio did: 1/abs(f'(0)) both ways.
    derivative : callable, optional
        f' for a callable f; found by differences if None.

    Returns
    -------
    float
        A name's to the last digit; a callable's to about 1e-6 by quadrature. The latter comes from the machine's own
        math library, so its last bits may differ between machines.

    Raises
    ------
    TypeError
        f is neither a name nor callable.
    ValueError
        An unknown name, direction or method; or an f for which the gain is not a finite number above 0.

    References
    ----------
    Glorot and Bengio (2010), section 4.2.1; He et al. (2015), eq. 8; Poole et al. (2016), eq. 3.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> fastinit.activation_gain("gelu")
    1.5335304411955353
    >>> fastinit.activation_gain("sigmoid", method="maclaurin")
    4.0
    >>> round(fastinit.activation_gain(lambda x: np.maximum(x, 0)), 6)
    1.414214
    """
    one_of("direction", direction, ("forward", "backward"), "directions")
    one_of("method", method, ("quadrature", "maclaurin"), "methods")
    if isinstance(f, str):
        known = find(f, "f", "; or give a callable")
        gain = known.maclaurin if method == "maclaurin" else getattr(known, direction)
        if gain is None:
            raise ValueError(
                f"f={f!r} is no straight line near 0, so it has no Maclaurin gain; use method='quadrature'"
            )
        return gain
    if not callable(f):
        raise TypeError(f"f is {f!r} of type {type(f).__name__}; give an activation's name or a callable")
    slope = derivative or _differences(f)
    if method == "maclaurin":
        return _reciprocal(abs(float(_values(slope, np.zeros(1))[0])), "f'(0)")
    if direction == "forward":
        return _reciprocal(math.sqrt(mean_square_adaptive(lambda x: _values(f, x))), "E f(x)^2")
    return _reciprocal(math.sqrt(mean_square_adaptive(lambda x: _values(slope, x))), "E f'(x)^2")


def _values(f: Elementwise, x: np.ndarray) -> np.ndarray:
    y = np.asarray(f(x), dtype=float)
    if y.shape != x.shape:
        raise ValueError(f"f gives shape {y.shape} for an array of shape {x.shape}; give an elementwise function")
    return y


def _differences(f: Elementwise) -> Elementwise:
    step = 2.0**-17  # about the cube root of the spacing: error of rounding and of the next term alike
    return lambda x: (_values(f, x + step) - _values(f, x - step)) / (2.0 * step)


def _reciprocal(size: float, what: str) -> float:
    if not (math.isfinite(size) and size > 0.0):
        raise ValueError(f"{what} is {size}, which gives no gain; give an f that is finite and not constant 0 there")
    return 1.0 / size
