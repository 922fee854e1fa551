"""Activations: sigmoid and tanh as ufuncs, and the one table of activations with all that the package knows of them.

A row says it all: nothing else in the package has a list of names. A new activation is a new row here, and its formula
in tools/gain_constants.py, which works out the gains and bounds.
"""

import contextlib
import functools
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from ._core import dsigmoid, dtanh, sigmoid, sigmoid_backward, tanh, tanh_backward
from .checks import one_of
from .quadrature import normal_density

for _ufunc in (dsigmoid, dtanh, sigmoid, sigmoid_backward, tanh, tanh_backward):
    with contextlib.suppress(AttributeError):  # an older NumPy's ufuncs take no attributes
        _ufunc.__module__ = (
            "fastinit"  # else pickle looks for them in every module there is, and stirs those that are lazy
        )

Elementwise = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Activation:
    """An activation function and what is known of it.

    Attributes
    ----------
    name : str
    f, derivative : callable
        Of a float array, elementwise, of the same dtype; the derivative takes the pre-activation z too.
    forward, backward : float
        The gains 1/sqrt(E f(x)^2) and 1/sqrt(E f'(x)^2) for x ~ N(0, 1): with Var w = gain^2 / fan they keep the
        size of the signals, or of the gradients, from layer to layer. Written by tools/gain_constants.py.
    maclaurin : float or None
        1/abs(f'(0)), the gain of the straight line that f is near 0; None where there is none.
    saturation : (float, float)
        z below the first or above the second is saturated: there abs(f') stays under 5.91% of its largest, which is
        what abs(tanh z) > 0.97 comes to. Infinite on a side that never saturates; for the ReLUs, 0 and below.
    odd : bool
        f(-z) = -f(z).
    rectifies : bool
        f and f' are exactly 0 for z <= 0, so that a unit can be off for every input, and stay so.
    torch : tuple of (str, mapping)
        The functions of torch that compute it, each with the arguments beyond z, in its order, that change what it
        computes, as they must be given; empty: no single function does.
    torch_gain : float or None
        The gain that torch.nn.init.calculate_gain gives it.
    fused : callable or None
        f'(z) times a gradient in one pass, of (gradient, z), where there is a better way than two.
    from_output : (str, callable) or None
        The derivative as textbooks write it, of y = f(z), which breaks off in the tails: how it reads, and the formula.

    Examples
    --------
    >>> import fastinit
    >>> fastinit.activations["tanh"].maclaurin
    1.0
    >>> fastinit.activations["sigmoid"].saturation
    (-4.1845914400698785, 4.1845914400698785)
    """

    name: str
    f: Elementwise
    derivative: Elementwise
    forward: float
    backward: float
    maclaurin: float | None
    saturation: tuple[float, float]
    odd: bool = False
    rectifies: bool = False
    torch: tuple[tuple[str, Mapping[str, object]], ...] = ()
    torch_gain: float | None = None
    fused: Callable[[np.ndarray, np.ndarray], np.ndarray] | None = None
    from_output: tuple[str, Elementwise] | None = None

    @functools.cached_property
    def at_zero(self) -> float:
        """f(0)."""
        return float(self.f(np.zeros(1))[0])

    @property
    def flat_on_both_sides(self) -> bool:
        """Whether it saturates towards both ends, and is no ReLU with an upper end."""
        return all(map(math.isfinite, self.saturation)) and not self.rectifies

    def beyond(self, z: np.ndarray) -> int:
        """How many values are saturated; infinities are counted, NaN is not."""
        low, high = self.saturation
        return int(np.count_nonzero(z < low)) + int(np.count_nonzero(z > high))

    def pull_back(self, gradient: np.ndarray, z: np.ndarray) -> np.ndarray:
        """dL/dz of dL/da: the gradient times f'(z)."""
        return self.fused(gradient, z) if self.fused else gradient * self.derivative(z)


def find(name: str, argument: str = "activation", more: str = "") -> Activation:
    """The row of a name; a ValueError that lists the names for another."""
    one_of(argument, name, activations, "activations", more)
    return activations[name]


def of_torch(function: str, args: Sequence[object], named: Mapping[str, object]) -> Activation | None:
    """What torch's function of this name computes with these arguments beyond z; None: nothing that has a row."""
    calls = [(row, arguments) for row in activations.values() for name, arguments in row.torch if name == function]
    if not calls:
        return None
    defaults = calls[0][1]  # the first row of a function is the one that it computes when it is given nothing
    given = {**defaults, **dict(zip(defaults, args, strict=False)), **{k: v for k, v in named.items() if k in defaults}}
    return next((row for row, arguments in calls if arguments == given), None)


# ---- formulas --------------------------------------------------------------------------------------------------------


def _like(z: np.ndarray, values: np.ndarray) -> np.ndarray:
    """values in the dtype of z, if z is of floats."""
    dtype = np.asarray(z).dtype
    result: np.ndarray = np.asarray(values, dtype if dtype.kind == "f" else np.float64)[()]
    return result


def _normal_cdf(z: np.ndarray) -> np.ndarray:
    return _like(z, 0.5 * np.vectorize(math.erfc, otypes=[float])(-np.asarray(z) * math.sqrt(0.5)))


def _step(z: np.ndarray, below: float | np.ndarray, above: float) -> np.ndarray:
    """`below` where z <= 0, `above` elsewhere; NaN stays."""
    return _like(z, np.where(z > 0, above, np.where(z <= 0, below, z)))


def _between(z: np.ndarray, lo: float, hi: float, value: float | np.ndarray) -> np.ndarray:
    """`value` strictly between lo and hi, 0 elsewhere; NaN stays."""
    return _like(z, np.where((z > lo) & (z < hi), value, np.where(np.isnan(z), z, 0.0)))


def _elu(z: np.ndarray) -> np.ndarray:
    return _like(z, np.where(z > 0, z, np.expm1(np.minimum(z, 0))))


def _delu(z: np.ndarray) -> np.ndarray:
    return _like(z, np.exp(np.minimum(z, 0)))


def _softplus(z: np.ndarray) -> np.ndarray:
    return _like(z, np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z))))


def _dmish(z: np.ndarray) -> np.ndarray:
    return _like(z, np.tanh(_softplus(z)) + z * sigmoid(z) * dtanh(_softplus(z)))


_SELU_SCALE, _SELU_ALPHA = 1.0507009873554805, 1.6732632423543772  # Klambauer et al. (2017)
_INNER = 0.044715  # Hendrycks and Gimpel (2016)


def _gelu_tanh_argument(z: np.ndarray) -> np.ndarray:
    return _like(z, math.sqrt(2.0 / math.pi) * (z + _INNER * z * z * z))


def _gelu_tanh(z: np.ndarray) -> np.ndarray:
    return _like(z, z * sigmoid(2.0 * _gelu_tanh_argument(z)))


def _dgelu_tanh(z: np.ndarray) -> np.ndarray:
    twice = 2.0 * _gelu_tanh_argument(z)
    outer, inner = 2.0 * math.sqrt(2.0 / math.pi), 1.0 + 3.0 * _INNER * z * z
    return _like(z, sigmoid(twice) + z * dsigmoid(twice) * outer * inner)


def _call(function: str, **arguments: object) -> tuple[str, Mapping[str, object]]:
    return function, arguments


_INF = math.inf
_ROWS = (  # name, f, f', gains forward, backward and Maclaurin's, saturation
    Activation(
        "linear", lambda z: z * 1.0, lambda z: np.ones_like(z, dtype=np.result_type(z, 1.0)),
        1.0, 1.0, 1.0, (-_INF, _INF), odd=True, torch_gain=1.0, fused=lambda gradient, z: gradient,
    ),
    Activation(
        "sigmoid", sigmoid, dsigmoid,
        1.8462285453386054, 4.7226460859379743, 4.0, (-4.1845914400698785, 4.1845914400698785),
        torch=(_call("sigmoid"),), torch_gain=1.0, fused=sigmoid_backward,
        from_output=("y (1 - y)", lambda y: y * (1 - y)),
    ),
    Activation(
        "tanh", tanh, dtanh,
        1.5925374197228314, 1.4674135916307951, 1.0, (-2.0922957200349392, 2.0922957200349392),
        odd=True, torch=(_call("tanh"),), torch_gain=5.0 / 3, fused=tanh_backward,
        from_output=("1 - y²", lambda y: 1 - y * y),
    ),
    Activation(
        "relu", lambda z: np.maximum(z, 0), lambda z: _step(z, 0.0, 1.0),
        1.4142135623730951, 1.4142135623730951, None, (0.0, _INF), rectifies=True,
        torch=(_call("relu"),), torch_gain=math.sqrt(2.0), fused=lambda gradient, z: gradient * (z > 0),
    ),
    Activation(
        "leaky_relu", lambda z: np.where(z > 0, z, 0.01 * z), lambda z: _step(z, 0.01, 1.0),
        1.4141428569978353, 1.4141428569978353, None, (0.0, _INF),
        torch=(_call("leaky_relu", negative_slope=0.01),),
        torch_gain=math.sqrt(2.0 / (1 + 0.01**2)),
    ),
    Activation(
        "elu", _elu, _delu, 1.2451983007007066, 1.2234285575526209, 1.0, (-2.8285243545700847, _INF),
        torch=(_call("elu", alpha=1.0),),
    ),
    Activation(
        "selu", lambda z: _SELU_SCALE * np.where(z > 0, z, _SELU_ALPHA * _elu(np.minimum(z, 0))),
        lambda z: _SELU_SCALE * _step(z, _SELU_ALPHA * _delu(z), 1.0),
        1.0, 0.96602577697390117, None, (-2.8285243545700847, _INF), torch=(_call("selu"),), torch_gain=0.75,
    ),
    Activation(
        "gelu", lambda z: z * _normal_cdf(z), lambda z: _normal_cdf(z) + z * normal_density(z),
        1.5335304411955352, 1.4811144127083482, 2.0, (-2.1746209249603874, _INF),
        torch=(_call("gelu", approximate="none"),),
    ),
    Activation(
        "gelu_tanh", _gelu_tanh, _dgelu_tanh, 1.5335805216661469, 1.4811680580933506, 2.0, (-2.1823490304599287, _INF),
        torch=(_call("gelu", approximate="tanh"),),
    ),
    Activation(
        "silu", lambda z: z * sigmoid(z), lambda z: sigmoid(z) + z * dsigmoid(z),
        1.6765324703310912, 1.6233202579524973, 2.0, (-3.644164250764001, _INF), torch=(_call("silu"),),
    ),
    Activation(
        "mish", lambda z: z * np.tanh(_softplus(z)), _dmish,
        1.4868475812732081, 1.4447552325473195, 5 / 3, (-3.7121187213031948, _INF), torch=(_call("mish"),),
    ),
    Activation(
        "softplus", _softplus, sigmoid, 1.0418668355353017, 1.8462285453386054, 2.0, (-2.7676059396006676, _INF),
        torch=(_call("softplus", beta=1.0, threshold=20.0),),
    ),
    Activation(
        "softsign", lambda z: z / (1 + np.abs(z)), lambda z: 1 / np.square(1 + np.abs(z)),
        2.3375333631085397, 2.095780608943311, 1.0, (-3.1134503489486356, 3.1134503489486356),
        odd=True, torch=(_call("softsign"),),
    ),
    Activation(
        "hardtanh", lambda z: np.clip(z, -1, 1), lambda z: _between(z, -1, 1, 1.0),
        1.3920361404483098, 1.2102870624325223, 1.0, (-1.0, 1.0), odd=True,
        torch=(_call("hardtanh", min_val=-1.0, max_val=1.0),),
    ),
    Activation(
        "hardsigmoid", lambda z: np.clip(z + 3, 0, 6) / 6, lambda z: _between(z, -3, 3, 1 / 6),
        1.897840424729559, 6.0081158251966812, 6.0, (-3.0, 3.0), torch=(_call("hardsigmoid"),),
    ),
    Activation(
        "hardswish", lambda z: z * np.clip(z + 3, 0, 6) / 6,
        lambda z: _like(z, np.where(z >= 3, 1.0, _between(z, -3, 3, (2 * z + 3) / 6))),
        1.7366572127665416, 1.6700763674413823, 2.0, (-3.0, _INF), torch=(_call("hardswish"),),
    ),
    Activation(
        "relu6", lambda z: np.clip(z, 0, 6), lambda z: _between(z, 0, 6, 1.0),
        1.4142135650950737, 1.4142135637683407, None, (0.0, 6.0), rectifies=True,
        torch=(_call("relu6"), _call("hardtanh", min_val=0.0, max_val=6.0)),
    ),
    Activation(
        "squared_relu", lambda z: np.square(np.maximum(z, 0)), lambda z: 2 * np.maximum(z, 0),
        0.81649658092772603, 0.70710678118654752, None, (0.0, _INF), rectifies=True,
    ),
    Activation(
        "sin", np.sin, np.cos, 1.5208666231788149, 1.3272506002845751, 1.0, (-_INF, _INF), odd=True,
        torch=(_call("sin"),),
    ),
)  # fmt: skip

#: Every activation known by name.
activations: dict[str, Activation] = {row.name: row for row in _ROWS}
