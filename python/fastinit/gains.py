"""Gains: by how much the weights must be larger because an activation follows; and the one registry of activations."""

import math
import numbers
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

__all__ = ["Activation", "activation_gain", "activations", "calculate_gain"]


@dataclass(frozen=True)
class Activation:
    """An activation function and what is known of it.

    Attributes
    ----------
    name : str
    f, derivative : callable
        Of a float array, elementwise; the derivative takes the pre-activation.
    forward, backward : float
        The gains 1/sqrt(E f(x)^2) and 1/sqrt(E f'(x)^2) for x ~ N(0, 1): with Var w = gain^2 / fan they keep the size of the
        signals, or of the gradients, from layer to layer. Written by tools/gain_constants.py.
    maclaurin : float or None
        1/|f'(0)|, the gain of the straight line that f is near 0; None where there is none.

    Examples
    --------
    >>> import fastinit
    >>> fastinit.activations["tanh"].maclaurin
    1.0
    """

    name: str
    f: Callable[[np.ndarray], np.ndarray]
    derivative: Callable[[np.ndarray], np.ndarray]
    forward: float
    backward: float
    maclaurin: float | None


def _sigmoid(z):
    e = np.exp(-np.abs(z))
    return np.where(z >= 0, 1.0, e) / (1.0 + e)


def _dsigmoid(z):
    e = np.exp(-np.abs(z))
    return e / (1.0 + e) ** 2


def _dtanh(z):
    e = np.exp(-2.0 * np.abs(z))
    return 4.0 * e / (1.0 + e) ** 2


def _softplus(z):
    return np.maximum(z, 0.0) + np.log1p(np.exp(-np.abs(z)))


def _normal_cdf(z):
    return 0.5 * np.vectorize(math.erfc, otypes=[float])(-np.asarray(z) * math.sqrt(0.5))


def _normal_density(z):
    return np.exp(-0.5 * np.square(z)) / math.sqrt(2.0 * math.pi)


def _dmish(z):
    t = np.tanh(_softplus(z))
    return t + z * _sigmoid(z) * (1.0 - t * t)


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. (2017)


def _elu(z):
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0.0)))


def _delu(z):
    return np.exp(np.minimum(z, 0.0))


def _dselu(z):
    return _SELU_SCALE * np.where(z > 0, 1.0, _SELU_ALPHA * _delu(z))


def _slope(negative):
    """(f, f') of a leaky ReLU."""
    return lambda z: np.where(z > 0, z, negative * z), lambda z: np.where(z > 0, 1.0, negative)


_TABLE = [
    Activation("linear", lambda z: z * 1.0, lambda z: np.ones_like(z), 1.0, 1.0, 1.0),
    Activation("sigmoid", _sigmoid, _dsigmoid, 1.8462285453386054, 4.7226460859379743, 4.0),
    Activation("tanh", np.tanh, _dtanh, 1.5925374197228314, 1.4674135916307951, 1.0),
    Activation("relu", *_slope(0.0), 1.4142135623730951, 1.4142135623730951, None),
    Activation("leaky_relu", *_slope(0.01), 1.4141428569978353, 1.4141428569978353, None),
    Activation("elu", _elu, _delu, 1.2451983007007066, 1.2234285575526209, 1.0),
    Activation(
        "selu", lambda z: _SELU_SCALE * np.where(z > 0, z, _SELU_ALPHA * _elu(np.minimum(z, 0.0))), _dselu,
        1.0, 0.96602577697390117, None,
    ),
    Activation(
        "gelu", lambda z: z * _normal_cdf(z), lambda z: _normal_cdf(z) + z * _normal_density(z),
        1.5335304411955352, 1.4811144127083482, 2.0,
    ),
    Activation(
        "silu", lambda z: z * _sigmoid(z), lambda z: _sigmoid(z) + z * _dsigmoid(z),
        1.6765324703310912, 1.6233202579524973, 2.0,
    ),
    Activation("mish", lambda z: z * np.tanh(_softplus(z)), _dmish, 1.4868475812732081, 1.4447552325473195, 5 / 3),
    Activation("softplus", _softplus, _sigmoid, 1.0418668355353017, 1.8462285453386054, 2.0),
    Activation(
        "softsign", lambda z: z / (1.0 + np.abs(z)), lambda z: 1.0 / np.square(1.0 + np.abs(z)),
        2.3375333631085397, 2.095780608943311, 1.0,
    ),
    Activation(
        "hardtanh", lambda z: np.clip(z, -1.0, 1.0), lambda z: np.where(np.abs(z) < 1.0, 1.0, 0.0),
        1.3920361404483098, 1.2102870624325223, 1.0,
    ),
    Activation(
        "hardswish", lambda z: z * np.clip(z + 3.0, 0.0, 6.0) / 6.0,
        lambda z: np.where(z <= -3.0, 0.0, np.where(z >= 3.0, 1.0, (2.0 * z + 3.0) / 6.0)),
        1.7366572127665416, 1.6700763674413823, 2.0,
    ),
    Activation(
        "squared_relu", lambda z: np.square(np.maximum(z, 0.0)), lambda z: 2.0 * np.maximum(z, 0.0),
        0.81649658092772603, 0.70710678118654752, None,
    ),
    Activation("sin", np.sin, np.cos, 1.5208666231788149, 1.3272506002845751, 1.0),
]  # fmt: skip

#: Every activation known by name.
activations = {activation.name: activation for activation in _TABLE}

_TORCH_LINEAR = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid")
_TORCH_GAINS = {**dict.fromkeys(_TORCH_LINEAR, 1.0), "tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 0.75}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The gain that torch.nn.init recommends for an activation.

    torch's values for sigmoid, tanh and selu keep neither signals nor gradients exactly; `activation_gain` derives those
    that do, for these and other activations.

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
        slope = 0.01 if param is None else param
        if isinstance(slope, bool) or not isinstance(slope, numbers.Real):
            raise ValueError(f"negative_slope {param} not a valid number")
        return math.sqrt(2.0 / (1 + float(slope) ** 2))
    if not isinstance(nonlinearity, str) or nonlinearity not in _TORCH_GAINS:
        known = ", ".join(map(repr, [*_TORCH_GAINS, "leaky_relu"]))
        raise ValueError(
            f"Unsupported nonlinearity {nonlinearity}; known: {known}. activation_gain gives the gain of any activation, "
            "to pass to xavier_* or, squared, to variance_scaling_"
        )
    return _TORCH_GAINS[nonlinearity]


def activation_gain(
    f: str | Callable, direction: str = "forward", method: str = "quadrature", derivative: Callable | None = None
) -> float:
    """The gain of any activation: what the weights' standard deviation must be multiplied by because it follows.

    Parameters
    ----------
    f : str or callable
        A name from `activations`, or a function of a float64 array, elementwise.
    direction : {"forward", "backward"}
        Keep the mean square of the signals, 1/sqrt(E f(x)^2), or of the gradients, 1/sqrt(E f'(x)^2), x ~ N(0, 1).
    method : {"quadrature", "maclaurin"}
        "maclaurin" takes f for the straight line that it is near 0, as Glorot and Bengio did: 1/|f'(0)| in both directions.
    derivative : callable, optional
        f' for a callable f; found by differences if None.

    Returns
    -------
    float
        A name's to the last digit; a callable's to about 1e-6 by quadrature. The latter comes from the machine's own math
        library, so its last bits may differ between machines.

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
    if direction not in ("forward", "backward"):
        raise ValueError(f"direction={direction!r} is unknown; give 'forward' or 'backward'")
    if method not in ("quadrature", "maclaurin"):
        raise ValueError(f"method={method!r} is unknown; give 'quadrature' or 'maclaurin'")
    if isinstance(f, str):
        if f not in activations:
            raise ValueError(f"f={f!r} is unknown; known activations: {', '.join(activations)}; or give a callable")
        known = activations[f]
        gain = known.maclaurin if method == "maclaurin" else getattr(known, direction)
        if gain is None:
            raise ValueError(f"f={f!r} is no straight line near 0, so it has no Maclaurin gain; use method='quadrature'")
        return gain
    if not callable(f):
        raise TypeError(f"f is {f!r} of type {type(f).__name__}; give an activation's name or a callable")
    slope = derivative or _differences(f)
    if method == "maclaurin":
        return _reciprocal(abs(float(_values(slope, np.zeros(1))[0])), "f'(0)")
    if direction == "forward":
        return _reciprocal(math.sqrt(_mean_square(f)), "E f(x)^2")
    return _reciprocal(math.sqrt(_mean_square(slope)), "E f'(x)^2")


def _values(f, x):
    y = np.asarray(f(x), dtype=float)
    if y.shape != x.shape:
        raise ValueError(f"f gives shape {y.shape} for an array of shape {x.shape}; give an elementwise function")
    return y


def _differences(f):
    step = 2.0**-17  # about the cube root of the spacing: error of rounding and of the next term alike
    return lambda x: (_values(f, x + step) - _values(f, x - step)) / (2.0 * step)


def _mean_square(f) -> float:
    """E f(x)^2 by Gauss and Legendre in panels, halved until the kinks of f no longer matter."""
    nodes, weights = np.polynomial.legendre.leggauss(16)
    before = math.nan
    for panels in (3 * 2**k for k in range(4, 14)):
        edges = np.linspace(-12.0, 12.0, panels + 1)
        half = (edges[1] - edges[0]) / 2
        x = (edges[:-1, None] + half * (1.0 + nodes)).ravel()
        with np.errstate(over="ignore", under="ignore", invalid="ignore"):
            mean = float((np.square(_values(f, x)) * _normal_density(x) * np.tile(weights, panels)).sum() * half)
        if not math.isfinite(mean) or abs(mean - before) <= 1e-8 * mean:
            break
        before = mean
    return mean if mean >= 0 else math.nan


def _reciprocal(size: float, what: str) -> float:
    if not (math.isfinite(size) and size > 0.0):
        raise ValueError(f"{what} is {size}, which gives no gain; give an f that is finite and not constant 0 there")
    return 1.0 / size
