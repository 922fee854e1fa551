"""The laws: uniform, normal, truncated normal, and normal with zeros."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Never

import numpy as np

from .._core import Dtype, fill_normal, fill_truncated, fill_uniform, sparse_mask, truncated_moments
from ..backends import T, open_floating
from ..checks import at_least_zero, bounds, fits, number, plain_signature, refuse, warn
from ..generator import Randomness, take_key
from .filling import Offset, Plan, fill_by, rounded


def _uniform(dtype: Dtype, shape: tuple[int, ...], is_complex: bool, a: float, b: float) -> Plan:
    a, b = bounds(a, b)
    fits(dtype, a=a, b=b)
    return fill_uniform, (rounded(dtype, a), rounded(dtype, b))


def _normal(dtype: Dtype, shape: tuple[int, ...], is_complex: bool, mean: float, std: float) -> Plan:
    mean, std = number("mean", mean), at_least_zero("std", std)
    fits(dtype, mean=mean, std=std)
    if is_complex:
        if mean != 0.0:
            raise ValueError(f"mean={mean!r}: a complex tensor's normal has mean 0; add the mean afterwards")
        std *= math.sqrt(0.5)
    return fill_normal, (mean, std)


def _truncated(
    dtype: Dtype, shape: tuple[int, ...], is_complex: bool, mean: float, std: float, a: float, b: float
) -> Plan:
    fits(dtype, mean=mean, std=std, a=a, b=b)
    if is_complex:
        raise TypeError(
            f"tensor has dtype complex{16 * dtype.itemsize}; a truncated normal needs a real tensor: fill its real and "
            "imag parts"
        )
    return fill_truncated, (mean, std, rounded(dtype, a), rounded(dtype, b))


@plain_signature
def uniform_(
    tensor: T, a: float = 0.0, b: float = 1.0, generator: Randomness = None, *,
    global_shape: Sequence[int] | None = None, offset: Offset | None = None, **unknown: Never,
) -> T:  # fmt: skip
    """Fill with values from the uniform distribution on [a, b].

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Filled in place: any floating or complex dtype, layout and device; of a DTensor each rank fills its part.
    a, b : float
        Bounds. Both are rounded to the dtype; no value leaves them, and in float32 and float64 none is b itself.
    generator : int, Generator, numpy.random.Generator, BitGenerator, SeedSequence or torch.Generator, optional
        Where the randomness comes from. None: `default_generator`, or torch's own for a torch tensor. An int gives each
        tensor the same values: use one `Generator` for all, or ``generator.fold_in(layer_name)`` for each.
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

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> fastinit.uniform_(np.empty(3, np.float32), -1, 1, generator=0)
    array([-0.3729859 , -0.02975947, -0.54097813], dtype=float32)
    """
    if unknown:
        refuse(uniform_, unknown)
    return fill_by(_uniform, tensor, generator, global_shape, offset, a, b)


@plain_signature
def normal_(
    tensor: T, mean: float = 0.0, std: float = 1.0, generator: Randomness = None, *,
    global_shape: Sequence[int] | None = None, offset: Offset | None = None, **unknown: Never,
) -> T:  # fmt: skip
    """Fill with values from the normal distribution N(mean, std^2).

    Box and Muller's transform of two words to two values; float32 values reach 6.56 standard deviations, float64 8.57.

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Filled in place: any floating or complex dtype, layout and device; of a DTensor each rank fills its part.
    mean, std : float
        std >= 0. For a complex tensor std^2 is the variance of the whole number, half for each part, as torch has it.
    generator : int, Generator, numpy.random.Generator, BitGenerator, SeedSequence or torch.Generator, optional
        Where the randomness comes from. None: `default_generator`, or torch's own for a torch tensor. An int gives each
        tensor the same values: use one `Generator` for all, or ``generator.fold_in(layer_name)`` for each.
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

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> w = fastinit.normal_(np.empty((256, 256)), std=0.02, generator=0)
    >>> round(float(w.std()), 3)
    0.02
    """
    if unknown:
        refuse(normal_, unknown)
    return fill_by(_normal, tensor, generator, global_shape, offset, mean, std)


@plain_signature
def trunc_normal_(
    tensor: T, mean: float = 0.0, std: float = 1.0, a: float = -2.0, b: float = 2.0, generator: Randomness = None, *,
    sigmas: bool = False, global_shape: Sequence[int] | None = None, offset: Offset | None = None,
    **unknown: Never,
) -> T:  # fmt: skip
    """Fill with values from N(mean, std^2) given that they fall in [a, b], by inverse CDF: one pass, for any bounds.

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Filled in place: any floating or complex dtype, layout and device; of a DTensor each rank fills its part.
    mean, std : float
        Of the normal before it is truncated; std >= 0. `truncated_std` says what is left of the std.
    a, b : float
        Bounds, a <= b: absolute, as torch's are, and rounded to the dtype. Equal bounds give a constant.
    generator : int, Generator, numpy.random.Generator, BitGenerator, SeedSequence or torch.Generator, optional
        Where the randomness comes from. None: `default_generator`, or torch's own for a torch tensor. An int gives each
        tensor the same values: use one `Generator` for all, or ``generator.fold_in(layer_name)`` for each.
    sigmas : bool
        Whether a and b are counted in standard deviations from the mean, as JAX's and timm's are.
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
    if unknown:
        refuse(trunc_normal_, unknown)
    mean, std = number("mean", mean), at_least_zero("std", std)
    a, b = bounds(a, b)
    if sigmas:
        a, b = mean + a * std, mean + b * std
    if mean < a - 2 * std or mean > b + 2 * std:
        warn("mean is more than 2 std from [a, b] in trunc_normal_: nearly all of the normal lies outside the bounds")
    return fill_by(_truncated, tensor, generator, global_shape, offset, mean, std, a, b)


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
    return truncated_moments(*bounds(a, b))[2]


@plain_signature
def sparse_(tensor: T, sparsity: float, std: float = 0.01, generator: Randomness = None, **unknown: Never) -> T:
    """Fill a matrix with N(0, std^2), and set exactly ceil(sparsity * rows) entries of each column to zero.

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Filled in place: any floating or complex dtype, layout and device. Of a DTensor each rank fills its part, and
        finds the zeros of the whole.
    sparsity : float
        Share of each column that is zero, in [0, 1].
    std : float
        >= 0, of the entries that are not.
    generator : int, Generator, or a generator of NumPy or torch, optional
        Where the randomness comes from, as in `normal_`.

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
    Martens (2010), "Deep learning via Hessian-free optimization".

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> w = fastinit.sparse_(np.empty((10, 3)), sparsity=0.75, generator=0)
    >>> (w == 0).sum(axis=0).tolist()
    [8, 8, 8]
    """
    if unknown:
        refuse(sparse_, unknown)
    opened = open_floating(tensor)
    if opened is None:
        return tensor
    if len(opened.shape) != 2:
        raise ValueError(f"Only tensors with 2 dimensions are supported; the shape given is {opened.shape}")
    sparsity, std = number("sparsity", sparsity), at_least_zero("std", std)
    if not 0.0 <= sparsity <= 1.0:
        raise ValueError(f"sparsity={sparsity!r}; give a share in [0, 1]")
    fits(opened.dtype, std=std)
    if opened.is_complex:
        std *= math.sqrt(0.5)
    rows, columns = opened.shape
    key = take_key(generator, opened.backend)
    zero = sparse_mask(*key, rows, columns, math.ceil(sparsity * rows))

    def law(
        array: np.ndarray, dtype: Dtype, mean: float, std: float, seed: int, stream: int,
        whole: tuple[int, ...] | None, begin: tuple[int, ...] | None,
    ) -> None:  # fmt: skip
        fill_normal(array, dtype, mean, std, seed, stream, whole, begin)
        row, column = begin or (0, 0)
        mask = zero[row : row + array.shape[0], column : column + array.shape[1]]
        step = max(1, 2**22 // max(columns, 1))
        for i in range(0, len(array), step):  # by parts, so that a signal need not wait for all
            np.copyto(array[i : i + step], array.dtype.type(0), where=mask[i : i + step])

    return opened.fill(law, (0.0, std), key)
