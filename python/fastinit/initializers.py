"""The initialisers: every function of torch.nn.init, and what JAX and Keras add.

Each fills its tensor in place and returns that very object. What is added to a function of torch's is keyword-only.
"""

import math
import operator
import sys
import warnings
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from . import _core
from .fans import compute_fans
from .gains import calculate_gain
from .generator import take_key
from .tensors import DTYPES, Opened, check_fits, open_any, open_floating, round_to_dtype, write

__all__ = [
    "bilinear_", "constant_", "delta_orthogonal_", "dirac_", "eye_", "glorot_normal_", "glorot_uniform_", "he_normal_",
    "he_uniform_", "identity_", "kaiming_normal_", "kaiming_uniform_", "lecun_normal_", "lecun_uniform_", "normal_", "ones_",
    "orthogonal_", "sparse_", "trunc_normal_", "truncated_std", "uniform_", "variance_scaling_", "xavier_normal_",
    "xavier_uniform_", "zeros_",
]  # fmt: skip

# Parameters and errors that the random initialisers share; joined to their docstrings below.
_TENSOR = """
    tensor : numpy.ndarray or torch.Tensor
        Filled in place: float16, bfloat16, float32, float64, complex64 or complex128; any layout; torch tensors on the CPU."""
_GENERATOR = """
    generator : int, Generator, numpy.random.Generator, BitGenerator, SeedSequence or torch.Generator, optional
        Where the randomness comes from. None: `default_generator` for an array, torch's default generator for a torch
        tensor. An int does not move on: the same int for two tensors gives them equal values. Use one `Generator` for
        all, or ``generator.fold_in(layer_name)`` for each."""
_BLOCK = """
    global_shape, offset : tuple of int, optional
        The tensor is the block at ``offset`` of a whole of this shape, and gets that block's values (and the whole's fans)."""
_FANS = """
    layout : {"OI...", "IO...", "...IO"}
        Where the output and input axes are: torch's (the default), that of torch's transposed convolutions, that of
        Keras, JAX and a NumPy ``x @ W``. With the wrong one, fan in and fan out change places.
    groups : int
        Of a grouped convolution.
    fans : (fan_in, fan_out), optional
        Given outright."""
_RETURNS = """

    Returns
    -------
    tensor
        The very object that was given.

    Raises
    ------
    TypeError
        The tensor or the generator is of a kind that cannot be filled or drawn from.
    ValueError
        A value is out of range, or the tensor is read-only or shares memory with itself. It is then untouched.
"""


def _documented(function):
    """Fill in what the initialisers' docstrings share."""
    shared = {"{tensor}": _TENSOR, "{generator}": _GENERATOR, "{block}": _BLOCK, "{fans}": _FANS, "{returns}": _RETURNS}
    for name, text in shared.items():
        function.__doc__ = function.__doc__.replace("\n    " + name, text)
    return function


# ---- what all fills share --------------------------------------------------------------------------------------------


def _block(opened: Opened, global_shape, offset) -> tuple[tuple[int, ...] | None, tuple[int, ...] | None]:
    """global_shape and offset, checked against the tensor."""
    if global_shape is None:
        if offset is not None:
            raise ValueError(f"offset={offset!r} without global_shape; give the shape of the whole tensor too")
        return _NO_BLOCK
    shape = opened.shape
    try:
        whole = tuple(operator.index(n) for n in global_shape)
        begin = (0,) * len(whole) if offset is None else tuple(operator.index(n) for n in offset)
    except TypeError:
        raise TypeError(
            f"global_shape={global_shape!r}, offset={offset!r}; give one integer a dimension, in tuples"
        ) from None
    if len(whole) != len(shape) or len(begin) != len(shape):
        raise ValueError(
            f"global_shape={whole} and offset={begin} need one integer for each of the {len(shape)} dimensions"
        )
    if any(o < 0 or o + n > w for o, n, w in zip(begin, shape, whole, strict=True)):
        raise ValueError(f"a block of shape {shape} at offset {begin} does not lie within global_shape {whole}")
    if math.prod(whole) >= 2**62:
        raise ValueError(f"global_shape={whole} has {math.prod(whole)} elements; give fewer than 2**62")
    return whole, begin


_NO_BLOCK = (None, None)


def _fill(opened: Opened, fill, parameters: tuple[float, ...], generator, block):
    """fill: one of the core's, with the law's parameters."""
    fill(opened.array, opened.dtype, *parameters, *take_key(generator, opened.is_torch), *block)
    return opened.done()


def _number(name: str, value) -> float:
    if type(value) is float:
        return value
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        return float(value)
    except (TypeError, ValueError):
        raise TypeError(f"{name} is {value!r} of type {type(value).__name__}; give a number") from None


def _std(value, name: str = "std") -> float:
    value = _number(name, value)
    if not value >= 0.0:
        raise ValueError(f"{name}={value!r}; give a number >= 0")
    return value


def _interval(opened: Opened, a, b) -> tuple[float, float]:
    a, b = _number("a", a), _number("b", b)
    if not a <= b:
        raise ValueError(f"a={a!r}, b={b!r}: give bounds with a <= b")
    return a, b


# ---- random fills ----------------------------------------------------------------------------------------------------


@_documented
def uniform_(tensor, a: float = 0.0, b: float = 1.0, generator=None, *, global_shape=None, offset=None):
    """Fill with values from the uniform distribution on [a, b].

    Parameters
    ----------
    {tensor}
    a, b : float
        Bounds. Both are rounded to the dtype; no value leaves them, and in float32 and float64 none is b itself.
    {generator}
    {block}
    {returns}
    Examples
    --------
    >>> import numpy as np, fastinit
    >>> fastinit.uniform_(np.empty(3, np.float32), -1, 1, generator=0)
    array([-0.3729859 , -0.02975947, -0.54097813], dtype=float32)
    """
    opened = open_floating(tensor)
    if opened is None:
        return tensor
    a, b = _interval(opened, a, b)
    check_fits(opened.dtype, a=a, b=b)
    block = _block(opened, global_shape, offset)
    bounds = round_to_dtype(opened.dtype, a), round_to_dtype(opened.dtype, b)
    return _fill(opened, _core.fill_uniform, bounds, generator, block)


@_documented
def normal_(tensor, mean: float = 0.0, std: float = 1.0, generator=None, *, global_shape=None, offset=None):
    """Fill with values from the normal distribution N(mean, std^2).

    Box and Muller's transform of two words to two values; float32 values reach 6.56 standard deviations, float64 8.57.

    Parameters
    ----------
    {tensor}
    mean, std : float
        std >= 0. For a complex tensor std^2 is the variance of the whole number, half for each part, as torch has it.
    {generator}
    {block}
    {returns}
    Examples
    --------
    >>> import numpy as np, fastinit
    >>> w = fastinit.normal_(np.empty((256, 256)), std=0.02, generator=0)
    >>> round(float(w.std()), 3)
    0.02
    """
    opened = open_floating(tensor)
    if opened is None:
        return tensor
    mean, std = _number("mean", mean), _std(std)
    check_fits(opened.dtype, mean=mean, std=std)
    block = _block(opened, global_shape, offset)
    if opened.is_complex:
        if mean != 0.0:
            raise ValueError(f"mean={mean!r}: a complex tensor's normal has mean 0; add the mean afterwards")
        std *= math.sqrt(0.5)
    return _fill(opened, _core.fill_normal, (mean, std), generator, block)


@_documented
def trunc_normal_(
    tensor, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator=None, *, sigmas: bool = False,
    global_shape=None, offset=None,
):  # fmt: skip
    """Fill with values from N(mean, std^2) given that they fall in [a, b], by inverse CDF: one pass, for any bounds.

    Parameters
    ----------
    {tensor}
    mean, std : float
        Of the normal before it is truncated; std >= 0. `truncated_std` says what is left of the std.
    a, b : float
        Bounds, a <= b: absolute, as torch's are, and rounded to the dtype. Equal bounds give a constant.
    {generator}
    sigmas : bool
        Whether a and b are counted in standard deviations from the mean, as JAX's and timm's are.
    {block}
    {returns}
    Warns
    -----
    UserWarning
        As torch does, where the mean is more than 2 std outside [a, b]. The values are right there too.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> w = fastinit.trunc_normal_(np.empty(100_000, np.float32), std=0.02, a=-2, b=2, sigmas=True, generator=0)
    >>> round(float(abs(w).max()), 3), round(float(w.std() / 0.02), 2)
    (0.04, 0.88)
    """
    opened = open_floating(tensor)
    if opened is None:
        return tensor
    mean, std = _number("mean", mean), _std(std)
    a, b = _interval(opened, a, b)
    if sigmas:
        a, b = mean + a * std, mean + b * std
    check_fits(opened.dtype, mean=mean, std=std, a=a, b=b)
    if opened.is_complex:
        raise TypeError(
            f"tensor has dtype {tensor.dtype}; a truncated normal needs a real tensor: fill its real and imag parts"
        )
    if mean < a - 2 * std or mean > b + 2 * std:
        warnings.warn(
            "mean is more than 2 std from [a, b] in trunc_normal_: nearly all of the normal lies outside the bounds",
            stacklevel=2,
        )
    block = _block(opened, global_shape, offset)
    bounds = round_to_dtype(opened.dtype, a), round_to_dtype(opened.dtype, b)
    return _fill(opened, _core.fill_truncated, (mean, std, *bounds), generator, block)


def truncated_std(a: float = -2.0, b: float = 2.0) -> float:
    """Standard deviation of a standard normal truncated to [a, b], in units of the untruncated one.

    Divide by it to get a truncated normal of a wanted std.

    Parameters
    ----------
    a, b : float
        Bounds in standard deviations from the mean, a <= b; either may be infinite.

    Raises
    ------
    ValueError
        a > b, or NaN.

    Examples
    --------
    >>> import fastinit
    >>> fastinit.truncated_std(-2, 2)
    0.8796256610342398
    """
    a, b = _number("a", a), _number("b", b)
    if not a <= b:
        raise ValueError(f"a={a!r}, b={b!r}: give bounds with a <= b")
    return _core.truncated_moments(a, b)[2]


_TRUNCATED_STD = truncated_std(-2.0, 2.0)
_MODES = ("fan_in", "fan_out", "fan_avg", "fan_geo_avg")
_DISTRIBUTIONS = ("uniform", "normal", "truncated_normal")


def _fan(mode: str, fan_in: float, fan_out: float) -> float:
    if mode == "fan_in":
        return fan_in
    if mode == "fan_out":
        return fan_out
    return (fan_in + fan_out) / 2 if mode == "fan_avg" else math.sqrt(fan_in * fan_out)


@_documented
def variance_scaling_(
    tensor, scale: float = 1.0, mode: str = "fan_in", distribution: str = "truncated_normal", generator=None, *,
    layout: str = "OI...", groups: int = 1, fans: Sequence[float] | None = None, global_shape=None, offset=None,
):  # fmt: skip
    """Fill with values of mean 0 and variance scale / fan: the one rule behind Xavier, He and LeCun.

    A layer z = W x + b of independent inputs has Var z = fan_in Var w E x^2, so this choice of Var w is what keeps signals
    (fan_in) or gradients (fan_out) from growing or fading from layer to layer.

    Parameters
    ----------
    {tensor}
    scale : float
        >= 0. LeCun 1, He 2, Xavier 1 with "fan_avg"; the square of a gain.
    mode : {"fan_in", "fan_out", "fan_avg", "fan_geo_avg"}
        Which fan: that of the inputs, the outputs, their mean or their geometric mean.
    distribution : {"truncated_normal", "normal", "uniform"}
        "truncated_normal" is cut at 2 standard deviations, and widened so that the variance is still scale / fan.
    {generator}
    {fans}
    {block}
    {returns}
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
    opened = open_floating(tensor)
    if opened is None:
        return tensor
    block = _block(opened, global_shape, offset)
    shape, dtype = block[0] or opened.shape, opened.dtype.name
    rule = shape, dtype, opened.is_complex, scale, mode, distribution, layout, groups, fans
    try:
        fill, parameters = _scaled(*rule)
    except TypeError:  # not hashable, so not cached: say what is wrong with it
        fill, parameters = _scaled.__wrapped__(*rule)
    return _fill(opened, fill, parameters, generator, block)


@lru_cache(maxsize=1024, typed=True)
def _scaled(shape, dtype_name, is_complex, scale, mode, distribution, layout, groups, fans):
    """The core's fill for `variance_scaling_` and its parameters, once for each kind of layer."""
    scale = _std(scale, "scale")
    if mode not in _MODES:
        raise ValueError(f"mode={mode!r} is unknown; known modes: {', '.join(map(repr, _MODES))}")
    if distribution not in _DISTRIBUTIONS:
        raise ValueError(
            f"distribution={distribution!r} is unknown; known ones: {', '.join(map(repr, _DISTRIBUTIONS))}"
        )
    fan = _fan(mode, *compute_fans(shape, layout=layout, groups=groups, fans=fans))
    std = math.sqrt(scale / fan) if fan else 0.0  # no fan, no element
    if is_complex:
        std *= math.sqrt(0.5)  # of each part, so that the variance of the whole is as asked
    dtype = DTYPES[dtype_name]
    check_fits(dtype, std=std)
    if distribution == "normal":
        return _core.fill_normal, (0.0, std)
    std = std if distribution == "uniform" else std / _TRUNCATED_STD
    bound = round_to_dtype(dtype, (math.sqrt(3.0) if distribution == "uniform" else 2.0) * std)
    check_fits(dtype, bound=bound)
    if distribution == "uniform":
        return _core.fill_uniform, (-bound, bound)
    return _core.fill_truncated, (0.0, std, -bound, bound)


def _gain(gain, name: str = "gain") -> float:
    gain = _number(name, gain)
    if not 0.0 <= gain < math.inf:
        raise ValueError(f"{name}={gain!r}; give a finite number >= 0")
    return gain


@_documented
def xavier_uniform_(
    tensor, gain: float = 1.0, generator=None, *, layout="OI...", groups=1, fans=None, global_shape=None, offset=None
):
    """Glorot and Bengio's uniform: on [-r, r], r = gain sqrt(6 / (fan_in + fan_out)). Also called Glorot's.

    Parameters
    ----------
    {tensor}
    gain : float
        >= 0; of the activation that follows, see `calculate_gain` and `activation_gain`.
    {generator}
    {fans}
    {block}
    {returns}
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
    return variance_scaling_(
        tensor, _gain(gain) ** 2, "fan_avg", "uniform", generator,
        layout=layout, groups=groups, fans=fans, global_shape=global_shape, offset=offset,
    )  # fmt: skip


@_documented
def xavier_normal_(
    tensor, gain: float = 1.0, generator=None, *, layout="OI...", groups=1, fans=None, global_shape=None, offset=None
):
    """Glorot and Bengio's normal: N(0, std^2), std = gain sqrt(2 / (fan_in + fan_out)).

    Parameters
    ----------
    {tensor}
    gain : float
        >= 0; of the activation that follows, see `calculate_gain` and `activation_gain`.
    {generator}
    {fans}
    {block}
    {returns}
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
    return variance_scaling_(
        tensor, _gain(gain) ** 2, "fan_avg", "normal", generator,
        layout=layout, groups=groups, fans=fans, global_shape=global_shape, offset=offset,
    )  # fmt: skip


def _kaiming(tensor, a, mode, nonlinearity, distribution, generator, layout, groups, fans, global_shape, offset):
    if not isinstance(mode, str) or mode.lower() not in ("fan_in", "fan_out"):
        raise ValueError(f"mode={mode!r} is not supported; give 'fan_in' or 'fan_out'")
    gain = calculate_gain(nonlinearity, a)
    if 0 in getattr(tensor, "shape", ()):
        open_floating(tensor)
        warnings.warn("Initializing zero-element tensors is a no-op", stacklevel=3)
        return tensor
    return variance_scaling_(
        tensor, gain**2, mode.lower(), distribution, generator,
        layout=layout, groups=groups, fans=fans, global_shape=global_shape, offset=offset,
    )  # fmt: skip


@_documented
def kaiming_uniform_(
    tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator=None, *, layout="OI...", groups=1,
    fans=None, global_shape=None, offset=None,
):  # fmt: skip
    """He's uniform: on [-r, r], r = gain sqrt(3 / fan).

    Parameters
    ----------
    {tensor}
    a : float
        Negative slope of the leaky ReLU that follows (only for ``nonlinearity="leaky_relu"``).
    mode : {"fan_in", "fan_out"}
        Keep the size of the signals forward, or of the gradients backward.
    nonlinearity : str
        As `calculate_gain` takes it; use "relu" or "leaky_relu".
    {generator}
    {fans}
    {block}
    {returns}
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
    return _kaiming(tensor, a, mode, nonlinearity, "uniform", generator, layout, groups, fans, global_shape, offset)


@_documented
def kaiming_normal_(
    tensor, a: float = 0, mode: str = "fan_in", nonlinearity: str = "leaky_relu", generator=None, *, layout="OI...", groups=1,
    fans=None, global_shape=None, offset=None,
):  # fmt: skip
    """He's normal: N(0, std^2), std = gain / sqrt(fan).

    Parameters
    ----------
    {tensor}
    a : float
        Negative slope of the leaky ReLU that follows (only for ``nonlinearity="leaky_relu"``).
    mode : {"fan_in", "fan_out"}
        Keep the size of the signals forward, or of the gradients backward.
    nonlinearity : str
        As `calculate_gain` takes it; use "relu" or "leaky_relu".
    {generator}
    {fans}
    {block}
    {returns}
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
    return _kaiming(tensor, a, mode, nonlinearity, "normal", generator, layout, groups, fans, global_shape, offset)


@_documented
def lecun_uniform_(tensor, generator=None, *, layout="OI...", groups=1, fans=None, global_shape=None, offset=None):
    """LeCun's uniform: on [-r, r], r = sqrt(3 / fan_in).

    Parameters
    ----------
    {tensor}
    {generator}
    {fans}
    {block}
    {returns}
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
    return variance_scaling_(
        tensor, 1.0, "fan_in", "uniform", generator,
        layout=layout, groups=groups, fans=fans, global_shape=global_shape, offset=offset,
    )  # fmt: skip


@_documented
def lecun_normal_(tensor, generator=None, *, layout="OI...", groups=1, fans=None, global_shape=None, offset=None):
    """LeCun's normal: N(0, 1 / fan_in), not truncated (JAX's is: use `variance_scaling_`).

    Parameters
    ----------
    {tensor}
    {generator}
    {fans}
    {block}
    {returns}
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
    return variance_scaling_(
        tensor, 1.0, "fan_in", "normal", generator,
        layout=layout, groups=groups, fans=fans, global_shape=global_shape, offset=offset,
    )  # fmt: skip


glorot_uniform_, glorot_normal_ = xavier_uniform_, xavier_normal_
he_uniform_, he_normal_ = kaiming_uniform_, kaiming_normal_


@_documented
def sparse_(tensor, sparsity: float, std: float = 0.01, generator=None):
    """Fill a matrix with N(0, std^2), and set exactly ceil(sparsity * rows) entries of each column to zero.

    Parameters
    ----------
    {tensor}
    sparsity : float
        Share of each column that is zero, in [0, 1].
    std : float
        >= 0, of the entries that are not.
    {generator}
    {returns}
    References
    ----------
    Martens (2010), "Deep learning via Hessian-free optimization".

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> w = fastinit.sparse_(np.empty((10, 3)), sparsity=0.75, generator=0)
    >>> (w == 0).sum(axis=0).tolist()
    [8, 8, 8]
    """
    opened = open_floating(tensor)
    if opened is None:
        return tensor
    if len(opened.shape) != 2:
        raise ValueError(f"Only tensors with 2 dimensions are supported; the shape given is {opened.shape}")
    sparsity, std = _number("sparsity", sparsity), _std(std)
    if not 0.0 <= sparsity <= 1.0:
        raise ValueError(f"sparsity={sparsity!r}; give a share in [0, 1]")
    check_fits(opened.dtype, std=std)
    if opened.is_complex:
        std *= math.sqrt(0.5)
    rows, columns = opened.shape
    seed, stream = take_key(generator, opened.is_torch)
    zero = _core.sparse_mask(seed, stream, rows, columns, math.ceil(sparsity * rows))
    _core.fill_normal(opened.array, opened.dtype, 0.0, std, seed, stream, *_NO_BLOCK)
    step = max(1, 2**22 // max(columns, 1))
    for row in range(0, rows, step):  # by parts, so that a signal need not wait for all
        np.copyto(opened.array[row : row + step], opened.array.dtype.type(0), where=zero[row : row + step])
    return opened.done()


def _random_orthogonal(rows: int, columns: int, opened: Opened, generator) -> np.ndarray:
    """A (rows, columns) matrix whose shorter side is orthonormal, Haar distributed."""
    wide = opened.dtype.name == "float64"
    if opened.is_complex:
        dtype = np.complex128 if wide else np.complex64
    else:
        dtype = np.float64 if wide else np.float32
    matrix = np.empty((max(rows, columns), min(rows, columns)), dtype)
    key = take_key(generator, opened.is_torch)
    _core.fill_normal(matrix, DTYPES["float64" if wide else "float32"], 0.0, 1.0, *key, *_NO_BLOCK)
    q, r = np.linalg.qr(matrix)
    diagonal = np.diagonal(r)
    size = np.abs(diagonal)
    q *= np.where(size == 0, 1, diagonal / np.where(size == 0, 1, size))
    return q if rows >= columns else q.T


@_documented
def orthogonal_(tensor, gain: float = 1, generator=None):
    """Fill with a random orthogonal matrix: rows or columns, whichever are fewer, are orthonormal, times the gain.

    A tensor of more dimensions is taken as the matrix (shape[0], the rest). QR decomposition by LAPACK, the signs of R's
    diagonal made positive, so that it is uniform (Haar). The same seed gives the same bits only with the same LAPACK;
    all other initialisers keep their bits everywhere. Half precision is computed in float32.

    Parameters
    ----------
    {tensor}
    gain : float
        A finite factor.
    {generator}
    {returns}
    References
    ----------
    Saxe, McClelland and Ganguli (2014), "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks"; Mezzadri (2007), "How to generate random matrices from the classical compact groups".

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> w = fastinit.orthogonal_(np.empty((3, 5)), generator=0)
    >>> bool(np.allclose(w @ w.T, np.eye(3)))
    True
    """
    opened = open_floating(tensor)
    if opened is None:
        return tensor
    shape = opened.shape
    if len(shape) < 2:
        raise ValueError(f"Only tensors with 2 or more dimensions are supported; the shape given is {shape}")
    gain = _number("gain", gain)
    check_fits(opened.dtype, gain=gain)
    if opened.size == 0:
        return tensor
    matrix = _random_orthogonal(shape[0], opened.size // shape[0], opened, generator)
    write(opened, (matrix * gain).reshape(shape).astype(matrix.dtype, copy=False))
    return tensor


@_documented
def delta_orthogonal_(tensor, gain: float = 1.0, generator=None):
    """Fill a convolution kernel with an orthogonal matrix at its centre and zeros elsewhere.

    Parameters
    ----------
    {tensor}
        Of shape ``(out, in, *kernel)``, 3 to 5 dimensions, out >= in.
    gain : float
        A finite factor.
    {generator}
    {returns}
    References
    ----------
    Xiao et al. (2018), "Dynamical isometry and a mean field theory of CNNs".

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> w = fastinit.delta_orthogonal_(np.empty((4, 2, 3, 3)), generator=0)
    >>> bool(np.allclose(w[:, :, 1, 1].T @ w[:, :, 1, 1], np.eye(2))), int(np.count_nonzero(w))
    (True, 8)
    """
    opened = open_floating(tensor)
    if opened is None:
        return tensor
    shape = opened.shape
    if not 3 <= len(shape) <= 5:
        raise ValueError(f"tensor has shape {shape}; delta_orthogonal_ needs 3 to 5 dimensions, (out, in, *kernel)")
    if shape[0] < shape[1]:
        raise ValueError(f"tensor has shape {shape}; delta_orthogonal_ needs out >= in, that is shape[0] >= shape[1]")
    gain = _number("gain", gain)
    check_fits(opened.dtype, gain=gain)
    if opened.size == 0:
        return tensor
    matrix = _random_orthogonal(shape[0], shape[1], opened, generator)
    values = np.zeros(shape, matrix.dtype)
    values[(slice(None), slice(None), *((k - 1) // 2 for k in shape[2:]))] = matrix * gain
    write(opened, values)
    return tensor


# ---- fixed fills -----------------------------------------------------------------------------------------------------


def constant_(tensor, val: float):
    """Fill with the value ``val``.

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Of any numeric dtype.
    val : number
        Must fit the dtype.

    Returns
    -------
    tensor
        The very object that was given.

    Raises
    ------
    TypeError, ValueError
        The tensor cannot be filled, or the dtype cannot hold the value.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> fastinit.constant_(np.empty(3), 0.5)
    array([0.5, 0.5, 0.5])
    """
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(tensor, torch.Tensor):
        try:
            with torch.no_grad():
                return tensor.fill_(val)  # torch's own, on any device
        except RuntimeError as error:
            raise ValueError(f"val={val!r} cannot fill a tensor of dtype {tensor.dtype}: {error}") from None
    dtype = _core.plain(tensor)  # the common case, fast
    if not dtype:
        opened = open_any(tensor)
        dtype = None if opened.is_complex else opened.dtype
    if dtype:
        val = _number("val", val)
        if math.isfinite(val):
            check_fits(dtype, val=val)
    try:
        tensor[...] = val
    except (OverflowError, ValueError) as error:
        raise ValueError(f"val={val!r} does not fit dtype {tensor.dtype}: {error}") from None
    return tensor


def zeros_(tensor):
    """Fill with zeros: right for a bias, never for the weights of two layers in a row, whose units would stay alike.

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Of any numeric dtype.

    Returns
    -------
    tensor
        The very object that was given.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> fastinit.zeros_(np.empty(3))
    array([0., 0., 0.])
    """
    return constant_(tensor, 0)


def ones_(tensor):
    """Fill with ones.

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Of any numeric dtype.

    Returns
    -------
    tensor
        The very object that was given.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> fastinit.ones_(np.empty(3))
    array([1., 1., 1.])
    """
    return constant_(tensor, 1)


def eye_(tensor):
    """Fill a matrix with ones on the diagonal and zeros elsewhere.

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Of two dimensions and any numeric dtype.

    Returns
    -------
    tensor
        The very object that was given.

    Raises
    ------
    ValueError
        Not two dimensions.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> fastinit.eye_(np.empty((2, 3)))
    array([[1., 0., 0.],
           [0., 1., 0.]])
    """
    return identity_(tensor)


def identity_(tensor, gain: float = 1.0):
    """Fill a matrix, rectangular perhaps, with the gain on the diagonal and zeros elsewhere.

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Of two dimensions and any numeric dtype.
    gain : float
        What stands on the diagonal.

    Returns
    -------
    tensor
        The very object that was given.

    Raises
    ------
    ValueError
        Not two dimensions, or a gain that the dtype cannot hold.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> fastinit.identity_(np.empty((2, 2)), gain=0.5)
    array([[0.5, 0. ],
           [0. , 0.5]])
    """
    gain = _gain_of_any_sign(gain)
    _check_dimensions(tensor, 2, 2, "(rows, columns)")
    torch = sys.modules.get("torch")
    if torch is not None and isinstance(tensor, torch.Tensor):
        constant_(torch.empty((), dtype=tensor.dtype), gain)  # what does not fit raises here, before anything is lost
        constant_(tensor, 0)
        with torch.no_grad():
            tensor.diagonal().fill_(gain)
        return tensor
    if not _core.plain(tensor):
        open_any(tensor)
    constant_(np.empty((), tensor.dtype), gain)  # what does not fit raises here, before anything is lost
    constant_(tensor, 0)
    diagonal = np.asarray(tensor).diagonal()
    diagonal.flags.writeable = True  # it is a view of a writeable array
    diagonal[...] = gain
    return tensor


@_documented
def dirac_(tensor, groups: int = 1):
    """Fill a convolution kernel so that it passes its inputs on: a one at its centre, from channel i to channel i.

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Of shape ``(out, in, *kernel)``, 3 to 5 dimensions, any numeric dtype.
    groups : int
        Of a grouped convolution; divides shape[0]. Each group passes its own channels on.

    Returns
    -------
    tensor
        The very object that was given.

    Raises
    ------
    ValueError
        Another number of dimensions, or groups that do not divide shape[0].

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> w = fastinit.dirac_(np.empty((4, 4, 3)))
    >>> np.argwhere(w).tolist()
    [[0, 0, 1], [1, 1, 1], [2, 2, 1], [3, 3, 1]]
    """
    _check_dimensions(tensor, 3, 5, "(out, in, *kernel)")
    shape = tuple(tensor.shape)
    if isinstance(groups, bool) or not isinstance(groups, (int, np.integer)) or groups < 1 or shape[0] % groups:
        raise ValueError(f"groups={groups!r}: dim 0 must be divisible by groups; dim 0 is {shape[0]}")
    constant_(tensor, 0)
    if 0 in shape:
        return tensor
    per_group, centre = shape[0] // groups, tuple(k // 2 for k in shape[2:])
    places = [(g * per_group + i, i, *centre) for g in range(groups) for i in range(min(per_group, shape[1]))]
    return _set_ones(tensor, places, 1)


def bilinear_(tensor):
    """Fill a 4-D transposed-convolution kernel with bilinear up-sampling, the same for every pair of channels.

    Use it with ``groups=channels``; a kernel of size 2 f - f % 2 and stride f enlarges f times.

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Of shape (channels, channels per group, height, width), a floating dtype.

    Returns
    -------
    tensor
        The very object that was given.

    Raises
    ------
    ValueError
        Not four dimensions.

    References
    ----------
    Long, Shelhamer and Darrell (2015), "Fully convolutional networks for semantic segmentation", section 3.3.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> fastinit.bilinear_(np.empty((1, 1, 4, 4)))[0, 0, 0] * 16
    array([1., 3., 3., 1.])
    """
    opened = open_floating(tensor)
    if opened is None:
        return tensor
    _check_dimensions(tensor, 4, 4, "(channels, channels per group, height, width)")

    def triangle(size: int) -> np.ndarray:
        factor = (size + 1) // 2
        centre = (2 * factor - 1 - factor % 2) / (2 * factor)
        return 1 - np.abs(np.arange(size) / factor - centre)

    height, width = opened.shape[2:]
    write(opened, np.broadcast_to(np.outer(triangle(height), triangle(width)), opened.shape).astype(np.float64))
    return tensor


def _gain_of_any_sign(gain) -> float:
    gain = _number("gain", gain)
    if not math.isfinite(gain):
        raise ValueError(f"gain={gain!r}; give a finite number")
    return gain


def _check_dimensions(tensor, least: int, most: int, axes: str) -> None:
    shape = getattr(tensor, "shape", None)
    if shape is None:
        open_any(tensor)  # says what it is
    if not least <= len(shape) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        raise ValueError(
            f"Only tensors with {wanted} dimensions {axes} are supported; the shape given is {tuple(shape)}"
        )


def _set_ones(tensor, places: list[tuple[int, ...]], value):
    if places:
        index = tuple(np.array(axis) for axis in zip(*places, strict=True))
        torch = sys.modules.get("torch")
        if torch is not None and isinstance(tensor, torch.Tensor):
            with torch.no_grad():
                tensor[tuple(torch.from_numpy(axis) for axis in index)] = value
        else:
            tensor[index] = value
    return tensor


# ---- torch's old names -----------------------------------------------------------------------------------------------


def _deprecated(function):
    old = function.__name__[:-1]

    def alias(*args, **kwargs):
        warnings.warn(f"fastinit.{old} is deprecated; use fastinit.{old}_", FutureWarning, stacklevel=2)
        return function(*args, **kwargs)

    alias.__name__ = alias.__qualname__ = old
    alias.__doc__ = f"Deprecated: use `{old}_`, which does the same and says that it works in place."
    alias.__module__ = __name__
    return alias


uniform, normal, constant, eye, dirac = map(_deprecated, (uniform_, normal_, constant_, eye_, dirac_))
xavier_uniform, xavier_normal = map(_deprecated, (xavier_uniform_, xavier_normal_))
kaiming_uniform, kaiming_normal = map(_deprecated, (kaiming_uniform_, kaiming_normal_))
orthogonal, sparse = map(_deprecated, (orthogonal_, sparse_))
__all__ += ["constant", "dirac", "eye", "kaiming_normal", "kaiming_uniform", "normal", "orthogonal", "sparse", "uniform",
            "xavier_normal", "xavier_uniform"]  # fmt: skip
