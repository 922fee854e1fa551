"""Gains: by how much the weights must be larger because an activation follows."""

import math
import numbers

__all__ = ["calculate_gain"]

_LINEAR = ("linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d", "sigmoid")
_KNOWN = {**dict.fromkeys(_LINEAR, 1.0), "tanh": 5.0 / 3, "relu": math.sqrt(2.0), "selu": 0.75}


def calculate_gain(nonlinearity: str, param: float | None = None) -> float:
    """The gain that torch.nn.init recommends for an activation.

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
    if nonlinearity not in _KNOWN:
        known = ", ".join(map(repr, [*_KNOWN, "leaky_relu"]))
        raise ValueError(f"Unsupported nonlinearity {nonlinearity}; known: {known}")
    return _KNOWN[nonlinearity]
