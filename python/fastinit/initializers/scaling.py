"""One rule, the variance scale / fan, and the names it goes by: Xavier (Glorot), Kaiming (He), LeCun."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Never

from .._core import Dtype, fill_normal, fill_truncated, fill_uniform
from ..backends import T
from ..checks import at_least_zero, fits, one_of, plain_signature, refuse, squared, warn
from ..generator import Randomness
from .fans import compute_fans, given_fans
from .filling import Offset, Plan, fill_by, rounded
from .gains import calculate_gain
from .random import truncated_std

_TRUNCATED_STD = truncated_std(-2.0, 2.0)
# mode -> the fan, of fan in and fan out
MODES: dict[str, Callable[[float, float], float]] = {
    "fan_in": lambda fan_in, fan_out: fan_in,
    "fan_out": lambda fan_in, fan_out: fan_out,
    "fan_avg": lambda fan_in, fan_out: (fan_in + fan_out) / 2,
    "fan_geo_avg": lambda fan_in, fan_out: math.sqrt(fan_in * fan_out),
}
DISTRIBUTIONS = ("truncated_normal", "normal", "uniform")


@plain_signature
def variance_scaling_(
    tensor: T, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal",
    generator: Randomness = None, *, layout: str = "OI...", groups: int = 1, fans: Sequence[float] | None = None,
    global_shape: Sequence[int] | None = None, offset: Offset | None = None, **unknown: Never,
) -> T:  # fmt: skip
    """Fill with values of mean 0 and variance scale / fan: the one rule behind Xavier, He and LeCun.

    A layer z = W x + b of independent inputs has Var z = fan_in Var w E x^2, so this choice of Var w is what keeps
    signals (fan_in) or gradients (fan_out) from growing or fading from layer to layer.

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Filled in place: any floating or complex dtype, layout and device; of a DTensor each rank fills its part.
    scale : float
        >= 0. LeCun 1, He 2, Xavier 1 with "fan_avg"; the square of a gain.
    mode : {"fan_in", "fan_out", "fan_avg", "fan_geo_avg"}
        Which fan: that of the inputs, the outputs, their mean or their geometric mean.
    distribution : {"truncated_normal", "normal", "uniform"}
        "truncated_normal" is cut at 2 standard deviations, and widened so that the variance is still scale / fan.
    generator : int, Generator, numpy.random.Generator, BitGenerator, SeedSequence or torch.Generator, optional
        Where the randomness comes from. None: `default_generator`, or torch's own for a torch tensor. An int gives each
        tensor the same values: use one `Generator` for all, or ``generator.fold_in(layer_name)`` for each.
    layout : {"OI...", "IO...", "...IO"}
        Where the output and input axes are: torch's (the default), that of torch's transposed convolutions, that of
        Keras, JAX and a NumPy ``x @ W``. With the wrong one, fan in and fan out change places.
    groups : int
        Of a grouped convolution.
    fans : (fan_in, fan_out), optional
        Given outright.
    global_shape, offset : tuple of int, optional
        The tensor is the block at ``offset`` of a whole of this shape: it gets its values, and the whole's fans. offset
        takes slices too, and pairs (begin, end).

    Returns
    -------
    tensor
        The very object that was given.

    Raises
    ------
    TypeError, ValueError
        The tensor, the generator or a value cannot be used, and why. The tensor is then untouched.

    References
    ----------
    He, Zhang, Ren and Sun (2015), "Delving deep into rectifiers", eqs. 10 and 14; Glorot and Bengio (2010),
    "Understanding the difficulty of training deep feedforward neural networks", eq. 12.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> w = fastinit.variance_scaling_(np.empty((512, 512)), scale=2.0, generator=0)
    >>> round(float(512 * w.var()), 1)
    2.0
    """
    if unknown:
        refuse(variance_scaling_, unknown)
    return fill_by(_scaled, tensor, generator, global_shape, offset, scale, mode, distribution, layout, groups, fans)


def _scaled(
    dtype: Dtype, shape: tuple[int, ...], is_complex: bool, scale: float, mode: str, distribution: str, layout: str,
    groups: int, fans: Sequence[float] | None,
) -> Plan:  # fmt: skip
    """The law of variance scale / fan."""
    if fans is not None:
        fans = given_fans(fans)
    scale = at_least_zero("scale", scale)
    one_of("mode", mode, MODES, "modes")
    one_of("distribution", distribution, DISTRIBUTIONS, "distributions")
    fan = MODES[mode](*compute_fans(shape, layout=layout, groups=groups, fans=fans))
    if math.isinf(fan):
        raise ValueError(f"fans={fans!r} give no finite {mode}; give smaller ones")
    std = math.sqrt(scale / fan) if fan else 0.0  # no fan, no element
    if is_complex:
        std *= math.sqrt(0.5)  # of each part, so that the variance of the whole is as asked
    fits(dtype, std=std)
    if distribution == "normal":
        return fill_normal, (0.0, std)
    if distribution == "truncated_normal":
        std /= _TRUNCATED_STD
    bound = rounded(dtype, (math.sqrt(3.0) if distribution == "uniform" else 2.0) * std)
    fits(dtype, bound=bound)
    return (fill_uniform, (-bound, bound)) if distribution == "uniform" else (fill_truncated, (0.0, std, -bound, bound))


def _xavier(
    dtype: Dtype, shape: tuple[int, ...], is_complex: bool, distribution: str, gain: float, layout: str, groups: int,
    fans: Sequence[float] | None,
) -> Plan:  # fmt: skip
    scale = squared("gain", at_least_zero("gain", gain))
    return _scaled(dtype, shape, is_complex, scale, "fan_avg", distribution, layout, groups, fans)


def _kaiming(
    dtype: Dtype, shape: tuple[int, ...], is_complex: bool, distribution: str, a: float, mode: str, nonlinearity: str,
    layout: str, groups: int, fans: Sequence[float] | None,
) -> Plan | None:  # fmt: skip
    if 0 in shape:
        warn("Initializing zero-element tensors is a no-op")
        return None
    scale = at_least_zero(f"gain for a={a!r}", calculate_gain(nonlinearity, a)) ** 2
    return _scaled(dtype, shape, is_complex, scale, fan_mode(mode), distribution, layout, groups, fans)


@plain_signature
def xavier_uniform_(
    tensor: T, gain: float = 1.0, generator: Randomness = None, *,
    layout: str = "OI...", groups: int = 1, fans: Sequence[float] | None = None,
    global_shape: Sequence[int] | None = None, offset: Offset | None = None, **unknown: Never,
) -> T:  # fmt: skip
    """Glorot and Bengio's uniform: on [-r, r], r = gain sqrt(6 / (fan_in + fan_out)). Also called Glorot's.

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Filled in place: any floating or complex dtype, layout and device; of a DTensor each rank fills its part.
    gain : float
        >= 0; of the activation that follows, see `calculate_gain` and `activation_gain`.
    generator : int, Generator, or a generator of NumPy or torch, optional
        Where the randomness comes from, as in `normal_`.
    layout, groups, fans
        Which axes are the inputs and the outputs, or fan in and fan out themselves, as in `variance_scaling_`.
    global_shape, offset : tuple of int, optional
        The tensor is the block at ``offset`` of a whole of this shape: it gets its values, and the whole's fans. offset
        takes slices too, and pairs (begin, end).

    Returns
    -------
    tensor
        The very object that was given.

    Raises
    ------
    TypeError, ValueError
        The tensor, the generator or a value cannot be used, and why. The tensor is then untouched.

    References
    ----------
    Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", eq. 16.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> w = fastinit.xavier_uniform_(np.empty((128, 784), np.float32), generator=0)
    >>> bool(abs(w).max() <= (6 / (128 + 784)) ** 0.5)
    True
    """
    if unknown:
        refuse(xavier_uniform_, unknown)
    return fill_by(_xavier, tensor, generator, global_shape, offset, "uniform", gain, layout, groups, fans)


@plain_signature
def xavier_normal_(
    tensor: T, gain: float = 1.0, generator: Randomness = None, *,
    layout: str = "OI...", groups: int = 1, fans: Sequence[float] | None = None,
    global_shape: Sequence[int] | None = None, offset: Offset | None = None, **unknown: Never,
) -> T:  # fmt: skip
    """Glorot and Bengio's normal: N(0, std^2), std = gain sqrt(2 / (fan_in + fan_out)).

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Filled in place: any floating or complex dtype, layout and device; of a DTensor each rank fills its part.
    gain : float
        >= 0; of the activation that follows, see `calculate_gain` and `activation_gain`.
    generator : int, Generator, or a generator of NumPy or torch, optional
        Where the randomness comes from, as in `normal_`.
    layout, groups, fans
        Which axes are the inputs and the outputs, or fan in and fan out themselves, as in `variance_scaling_`.
    global_shape, offset : tuple of int, optional
        The tensor is the block at ``offset`` of a whole of this shape: it gets its values, and the whole's fans. offset
        takes slices too, and pairs (begin, end).

    Returns
    -------
    tensor
        The very object that was given.

    Raises
    ------
    TypeError, ValueError
        The tensor, the generator or a value cannot be used, and why. The tensor is then untouched.

    References
    ----------
    Glorot and Bengio (2010), "Understanding the difficulty of training deep feedforward neural networks", eq. 12.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> w = fastinit.xavier_normal_(np.empty((300, 500)), generator=0)
    >>> round(float(w.std()), 3)
    0.05
    """
    if unknown:
        refuse(xavier_normal_, unknown)
    return fill_by(_xavier, tensor, generator, global_shape, offset, "normal", gain, layout, groups, fans)


def fan_mode(mode: str) -> str:
    """A mode of torch's, which takes it in capitals too."""
    lower = mode.lower() if isinstance(mode, str) else mode
    one_of("mode", lower, ("fan_in", "fan_out"), "modes")
    return lower


@plain_signature
def kaiming_uniform_(
    tensor: T, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Randomness = None, *,
    layout: str = "OI...", groups: int = 1, fans: Sequence[float] | None = None,
    global_shape: Sequence[int] | None = None, offset: Offset | None = None, **unknown: Never,
) -> T:  # fmt: skip
    """He's uniform: on [-r, r], r = gain sqrt(3 / fan).

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Filled in place: any floating or complex dtype, layout and device; of a DTensor each rank fills its part.
    a : float
        Negative slope of the leaky ReLU that follows (only for ``nonlinearity="leaky_relu"``).
    mode : {"fan_in", "fan_out"}
        Keep the size of the signals forward, or of the gradients backward.
    nonlinearity : str
        As `calculate_gain` takes it; use "relu" or "leaky_relu".
    generator : int, Generator, or a generator of NumPy or torch, optional
        Where the randomness comes from, as in `normal_`.
    layout, groups, fans
        Which axes are the inputs and the outputs, or fan in and fan out themselves, as in `variance_scaling_`.
    global_shape, offset : tuple of int, optional
        The tensor is the block at ``offset`` of a whole of this shape: it gets its values, and the whole's fans. offset
        takes slices too, and pairs (begin, end).

    Returns
    -------
    tensor
        The very object that was given.

    Raises
    ------
    TypeError, ValueError
        The tensor, the generator or a value cannot be used, and why. The tensor is then untouched.

    References
    ----------
    He, Zhang, Ren and Sun (2015), "Delving deep into rectifiers", eqs. 10 and 14.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> w = fastinit.kaiming_uniform_(np.empty((64, 96)), nonlinearity="relu", generator=0)
    >>> bool(abs(w).max() <= (6 / 96) ** 0.5)
    True
    """
    if unknown:
        refuse(kaiming_uniform_, unknown)
    return fill_by(
        _kaiming, tensor, generator, global_shape, offset, "uniform", a, mode, nonlinearity, layout, groups, fans
    )


@plain_signature
def kaiming_normal_(
    tensor: T, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator: Randomness = None, *,
    layout: str = "OI...", groups: int = 1, fans: Sequence[float] | None = None,
    global_shape: Sequence[int] | None = None, offset: Offset | None = None, **unknown: Never,
) -> T:  # fmt: skip
    """He's normal: N(0, std^2), std = gain / sqrt(fan).

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Filled in place: any floating or complex dtype, layout and device; of a DTensor each rank fills its part.
    a : float
        Negative slope of the leaky ReLU that follows (only for ``nonlinearity="leaky_relu"``).
    mode : {"fan_in", "fan_out"}
        Keep the size of the signals forward, or of the gradients backward.
    nonlinearity : str
        As `calculate_gain` takes it; use "relu" or "leaky_relu".
    generator : int, Generator, or a generator of NumPy or torch, optional
        Where the randomness comes from, as in `normal_`.
    layout, groups, fans
        Which axes are the inputs and the outputs, or fan in and fan out themselves, as in `variance_scaling_`.
    global_shape, offset : tuple of int, optional
        The tensor is the block at ``offset`` of a whole of this shape: it gets its values, and the whole's fans. offset
        takes slices too, and pairs (begin, end).

    Returns
    -------
    tensor
        The very object that was given.

    Raises
    ------
    TypeError, ValueError
        The tensor, the generator or a value cannot be used, and why. The tensor is then untouched.

    References
    ----------
    He, Zhang, Ren and Sun (2015), "Delving deep into rectifiers", eqs. 10 and 14.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> w = fastinit.kaiming_normal_(np.empty((512, 200)), nonlinearity="relu", generator=0)
    >>> round(float(w.std()), 2)
    0.1
    """
    if unknown:
        refuse(kaiming_normal_, unknown)
    return fill_by(
        _kaiming, tensor, generator, global_shape, offset, "normal", a, mode, nonlinearity, layout, groups, fans
    )


@plain_signature
def lecun_uniform_(
    tensor: T, generator: Randomness = None, *,
    layout: str = "OI...", groups: int = 1, fans: Sequence[float] | None = None,
    global_shape: Sequence[int] | None = None, offset: Offset | None = None, **unknown: Never,
) -> T:  # fmt: skip
    """LeCun's uniform: on [-r, r], r = sqrt(3 / fan_in).

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Filled in place: any floating or complex dtype, layout and device; of a DTensor each rank fills its part.
    generator : int, Generator, or a generator of NumPy or torch, optional
        Where the randomness comes from, as in `normal_`.
    layout, groups, fans
        Which axes are the inputs and the outputs, or fan in and fan out themselves, as in `variance_scaling_`.
    global_shape, offset : tuple of int, optional
        The tensor is the block at ``offset`` of a whole of this shape: it gets its values, and the whole's fans. offset
        takes slices too, and pairs (begin, end).

    Returns
    -------
    tensor
        The very object that was given.

    Raises
    ------
    TypeError, ValueError
        The tensor, the generator or a value cannot be used, and why. The tensor is then untouched.

    References
    ----------
    LeCun, Bottou, Orr and Mueller (1998), "Efficient BackProp", eq. 16.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> w = fastinit.lecun_uniform_(np.empty((64, 75)), generator=0)
    >>> bool(abs(w).max() <= 0.2)
    True
    """
    if unknown:
        refuse(lecun_uniform_, unknown)
    return fill_by(_scaled, tensor, generator, global_shape, offset, 1.0, "fan_in", "uniform", layout, groups, fans)


@plain_signature
def lecun_normal_(
    tensor: T, generator: Randomness = None, *,
    layout: str = "OI...", groups: int = 1, fans: Sequence[float] | None = None,
    global_shape: Sequence[int] | None = None, offset: Offset | None = None, **unknown: Never,
) -> T:  # fmt: skip
    """LeCun's normal: N(0, 1 / fan_in), not truncated (JAX's is: use `variance_scaling_`).

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Filled in place: any floating or complex dtype, layout and device; of a DTensor each rank fills its part.
    generator : int, Generator, or a generator of NumPy or torch, optional
        Where the randomness comes from, as in `normal_`.
    layout, groups, fans
        Which axes are the inputs and the outputs, or fan in and fan out themselves, as in `variance_scaling_`.
    global_shape, offset : tuple of int, optional
        The tensor is the block at ``offset`` of a whole of this shape: it gets its values, and the whole's fans. offset
        takes slices too, and pairs (begin, end).

    Returns
    -------
    tensor
        The very object that was given.

    Raises
    ------
    TypeError, ValueError
        The tensor, the generator or a value cannot be used, and why. The tensor is then untouched.

    References
    ----------
    LeCun, Bottou, Orr and Mueller (1998), "Efficient BackProp", eq. 16.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> w = fastinit.lecun_normal_(np.empty((400, 100)), generator=0)
    >>> round(float(w.std()), 2)
    0.1
    """
    if unknown:
        refuse(lecun_normal_, unknown)
    return fill_by(_scaled, tensor, generator, global_shape, offset, 1.0, "fan_in", "normal", layout, groups, fans)


glorot_uniform_ = xavier_uniform_
glorot_normal_ = xavier_normal_
he_uniform_ = kaiming_uniform_
he_normal_ = kaiming_normal_
