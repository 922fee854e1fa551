"""Activations: sigmoid and tanh as ufuncs, and the one registry of activations, their derivatives and gains."""

import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from ._core import dsigmoid, dtanh, sigmoid, sigmoid_backward, tanh, tanh_backward

__all__ = ["Activation", "activations", "dsigmoid", "dtanh", "sigmoid", "sigmoid_backward", "tanh", "tanh_backward"]

for _ufunc in (dsigmoid, dtanh, sigmoid, sigmoid_backward, tanh, tanh_backward):
    with contextlib.suppress(AttributeError):  # an older NumPy's ufuncs take no attributes
        _ufunc.__module__ = (
            "fastinit"  # else pickle looks for them in every module there is, and stirs those that are lazy
        )


@dataclass(frozen=True)
class Activation:
    """An activation function and what is known of it.

    Attributes
    ----------
    name : str
    f, derivative : callable
        Of a float array, elementwise, of the same dtype; the derivative takes the pre-activation z too.
    forward, backward : float
        The gains 1/sqrt(E f(x)^2) and 1/sqrt(E f'(x)^2) for x ~ N(0, 1): with Var w = gain^2 / fan they keep the size of the
        signals, or of the gradients, from layer to layer. Written by tools/gain_constants.py.
    maclaurin : float or None
        1/abs(f'(0)), the gain of the straight line that f is near 0; None where there is none.
    saturation : (float, float)
        z below the first or above the second is saturated: there abs(f') stays under 5.91% of its largest, which is what
        abs(tanh z) > 0.97 comes to. Infinite on a side that never saturates; for the ReLUs, 0 and below.

    Examples
    --------
    >>> import fastinit
    >>> fastinit.activations["tanh"].maclaurin
    1.0
    >>> fastinit.activations["sigmoid"].saturation
    (-4.1845914400698785, 4.1845914400698785)
    """

    name: str
    f: Callable[[np.ndarray], np.ndarray]
    derivative: Callable[[np.ndarray], np.ndarray]
    forward: float
    backward: float
    maclaurin: float | None
    saturation: tuple[float, float]


def _like(z, values):
    """values in the dtype of z, if z is of floats."""
    dtype = np.asarray(z).dtype
    return np.asarray(values, dtype if dtype.kind == "f" else np.float64)[()]


def normal_density(z):
    return np.exp(-0.5 * np.square(z)) / math.sqrt(2.0 * math.pi)


def _normal_cdf(z):
    return _like(z, 0.5 * np.vectorize(math.erfc, otypes=[float])(-np.asarray(z) * math.sqrt(0.5)))


def _step(z, below, above):
    """`below` where z <= 0, `above` elsewhere; NaN stays."""
    return _like(z, np.where(z > 0, above, np.where(z <= 0, below, z)))


def _between(z, lo, hi, value):
    """`value` strictly between lo and hi, 0 elsewhere; NaN stays."""
    return _like(z, np.where((z > lo) & (z < hi), value, np.where(np.isnan(z), z, 0.0)))


def _elu(z):
    return np.where(z > 0, z, np.expm1(np.minimum(z, 0)))


def _delu(z):
    return np.exp(np.minimum(z, 0))


def _softplus(z):
    return np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))


def _dmish(z):
    return np.tanh(_softplus(z)) + z * sigmoid(z) * dtanh(_softplus(z))


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. (2017)
_INNER = 0.044715  # Hendrycks and Gimpel (2016)


def _gelu_tanh_argument(z):
    return math.sqrt(2.0 / math.pi) * (z + _INNER * z * z * z)


def _gelu_tanh(z):
    return z * sigmoid(2.0 * _gelu_tanh_argument(z))


def _dgelu_tanh(z):
    twice = 2.0 * _gelu_tanh_argument(z)
    return sigmoid(twice) + z * dsigmoid(twice) * (2.0 * math.sqrt(2.0 / math.pi)) * (1.0 + 3.0 * _INNER * z * z)


_INF = math.inf
_TABLE = [  # name, f, f', gains forward, backward and Maclaurin's, saturation
    ("linear", lambda z: z * 1.0, lambda z: np.ones_like(z, dtype=np.result_type(z, 1.0)), 1.0, 1.0, 1.0, (-_INF, _INF)),
    ("sigmoid", sigmoid, dsigmoid, 1.8462285453386054, 4.7226460859379743, 4.0, (-4.1845914400698785, 4.1845914400698785)),
    ("tanh", tanh, dtanh, 1.5925374197228314, 1.4674135916307951, 1.0, (-2.0922957200349392, 2.0922957200349392)),
    ("relu", lambda z: np.maximum(z, 0), lambda z: _step(z, 0.0, 1.0),
     1.4142135623730951, 1.4142135623730951, None, (0.0, _INF)),
    ("leaky_relu", lambda z: np.where(z > 0, z, 0.01 * z), lambda z: _step(z, 0.01, 1.0),
     1.4141428569978353, 1.4141428569978353, None, (0.0, _INF)),
    ("elu", _elu, _delu, 1.2451983007007066, 1.2234285575526209, 1.0, (-2.8285243545700847, _INF)),
    ("selu", lambda z: _SELU_SCALE * np.where(z > 0, z, _SELU_ALPHA * _elu(np.minimum(z, 0))),
     lambda z: _SELU_SCALE * _step(z, _SELU_ALPHA * _delu(z), 1.0),
     1.0, 0.96602577697390117, None, (-2.8285243545700847, _INF)),
    ("gelu", lambda z: z * _normal_cdf(z), lambda z: _normal_cdf(z) + z * normal_density(z),
     1.5335304411955352, 1.4811144127083482, 2.0, (-2.1746209249603874, _INF)),
    ("gelu_tanh", _gelu_tanh, _dgelu_tanh, 1.5335805216661469, 1.4811680580933506, 2.0, (-2.1823490304599287, _INF)),
    ("silu", lambda z: z * sigmoid(z), lambda z: sigmoid(z) + z * dsigmoid(z),
     1.6765324703310912, 1.6233202579524973, 2.0, (-3.644164250764001, _INF)),
    ("mish", lambda z: z * np.tanh(_softplus(z)), _dmish,
     1.4868475812732081, 1.4447552325473195, 5 / 3, (-3.7121187213031948, _INF)),
    ("softplus", _softplus, sigmoid, 1.0418668355353017, 1.8462285453386054, 2.0, (-2.7676059396006676, _INF)),
    ("softsign", lambda z: z / (1 + np.abs(z)), lambda z: 1 / np.square(1 + np.abs(z)),
     2.3375333631085397, 2.095780608943311, 1.0, (-3.1134503489486356, 3.1134503489486356)),
    ("hardtanh", lambda z: np.clip(z, -1, 1), lambda z: _between(z, -1, 1, 1.0),
     1.3920361404483098, 1.2102870624325223, 1.0, (-1.0, 1.0)),
    ("hardsigmoid", lambda z: np.clip(z + 3, 0, 6) / 6, lambda z: _between(z, -3, 3, 1 / 6),
     1.897840424729559, 6.0081158251966812, 6.0, (-3.0, 3.0)),
    ("hardswish", lambda z: z * np.clip(z + 3, 0, 6) / 6,
     lambda z: _like(z, np.where(z >= 3, 1.0, _between(z, -3, 3, (2 * z + 3) / 6))),
     1.7366572127665416, 1.6700763674413823, 2.0, (-3.0, _INF)),
    ("relu6", lambda z: np.clip(z, 0, 6), lambda z: _between(z, 0, 6, 1.0),
     1.4142135650950737, 1.4142135637683407, None, (0.0, 6.0)),
    ("squared_relu", lambda z: np.square(np.maximum(z, 0)), lambda z: 2 * np.maximum(z, 0),
     0.81649658092772603, 0.70710678118654752, None, (0.0, _INF)),
    ("sin", np.sin, np.cos, 1.5208666231788149, 1.3272506002845751, 1.0, (-_INF, _INF)),
]  # fmt: skip

#: Every activation known by name.
activations = {row[0]: Activation(*row) for row in _TABLE}
