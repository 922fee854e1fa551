"""Fills that are a matrix, or a convolution kernel, of a given form."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Never

import numpy as np

from .._core import Dtype, fill_orthogonal
from ..backends import T, open_floating, to_fill
from ..checks import finite, fits, is_integer, number, plain_signature, refuse
from ..generator import Randomness, take_key
from .filling import Offset, block_of

if TYPE_CHECKING:
    from ..backends import Tensor


Place = tuple[int, ...] | None  # the two halves of a Block


def _orthogonal(
    array: np.ndarray, dtype: Dtype, gain: float, seed: int, stream: int, shape: Place, offset: Place
) -> None:
    """The law of orthogonal_: the shorter side of the matrix (first axis, the others) is orthonormal."""
    whole = array.shape if shape is None else shape
    rows, columns = whole[0], math.prod(whole[1:])
    if rows > columns:  # the core's rows are the shorter side
        rows, columns = columns, rows
        array = array.transpose(*range(1, array.ndim), 0)
        if shape is not None and offset is not None:
            shape, offset = (*shape[1:], shape[0]), (*offset[1:], offset[0])
    fill_orthogonal(array, dtype, gain, seed, stream, shape, offset, rows, columns)


def _delta_orthogonal(
    array: np.ndarray, dtype: Dtype, gain: float, seed: int, stream: int, shape: Place, offset: Place
) -> None:
    """The law of delta_orthogonal_: that of orthogonal_ at the kernel's centre, if the block has it."""
    whole, begin = (array.shape, (0,) * array.ndim) if shape is None or offset is None else (shape, offset)
    array[...] = 0
    centre = tuple((k - 1) // 2 - b for k, b in zip(whole[2:], begin[2:], strict=True))
    if all(0 <= c < n for c, n in zip(centre, array.shape[2:], strict=True)):
        _orthogonal(array[(..., *centre)], dtype, gain, seed, stream, whole[:2], begin[:2])


@plain_signature
def orthogonal_(
    tensor: T, gain: float = 1, generator: Randomness = None, *,
    global_shape: Sequence[int] | None = None, offset: Offset | None = None, **unknown: Never,
) -> T:  # fmt: skip
    """Fill with a random orthogonal matrix: rows or columns, whichever are fewer, are orthonormal, times the gain.

    A tensor of more dimensions is taken as the matrix (shape[0], the rest). The matrix is uniform (Haar): a product of
    Householder reflections of normal vectors (Stewart), in blocks. Complex tensors become unitary. Half precision is
    computed in float32.

    Beside the tensor it takes memory for 128 numbers for each unit of the longer side; and for a copy of the matrix,
    unless rows are the shorter side, lie one after the other, and are not in half precision. A block costs what its
    rows of the whole cost, or, if columns are the shorter side, its columns.

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Filled in place: any floating or complex dtype, layout and device. Of a DTensor each rank computes the whole
        and keeps its part.
    gain : float
        A finite factor.
    generator : int, Generator, or a generator of NumPy or torch, optional
        Where the randomness comes from, as in `normal_`.
    global_shape, offset : tuple of int, optional
        The tensor is the block at ``offset`` of a whole of this shape: it gets its values. offset takes slices too, and
        pairs (begin, end).

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
    Saxe, McClelland and Ganguli (2014), "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks"; Stewart (1980), "The efficient generation of random orthogonal matrices with an application to condition
    estimators".

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> w = fastinit.orthogonal_(np.empty((3, 5)), generator=0)
    >>> bool(np.allclose(w @ w.T, np.eye(3)))
    True
    """
    if unknown:
        refuse(orthogonal_, unknown)
    opened = open_floating(tensor)
    if opened is None:
        return tensor
    shape = opened.shape
    if len(shape) < 2:
        raise ValueError(f"Only tensors with 2 or more dimensions are supported; the shape given is {shape}")
    gain = number("gain", gain)
    fits(opened.dtype, gain=gain)
    block = block_of(shape, global_shape, offset)
    if 0 in shape:
        return tensor
    return opened.fill(_orthogonal, (gain,), take_key(generator, opened.backend), block)


@plain_signature
def delta_orthogonal_(
    tensor: T, gain: float = 1.0, generator: Randomness = None, *,
    global_shape: Sequence[int] | None = None, offset: Offset | None = None, **unknown: Never,
) -> T:  # fmt: skip
    """Fill a convolution kernel with an orthogonal matrix at its centre and zeros elsewhere.

    Parameters
    ----------
    tensor : numpy.ndarray or torch.Tensor
        Filled in place: any floating or complex dtype, layout and device. Of a DTensor each rank computes the whole
        and keeps its part.
        Of shape ``(out, in, *kernel)``, 3 to 5 dimensions, out >= in.
    gain : float
        A finite factor.
    generator : int, Generator, or a generator of NumPy or torch, optional
        Where the randomness comes from, as in `normal_`.
    global_shape, offset : tuple of int, optional
        The tensor is the block at ``offset`` of a whole of this shape: it gets its values. offset takes slices too, and
        pairs (begin, end).

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
    Xiao et al. (2018), "Dynamical isometry and a mean field theory of CNNs".

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> w = fastinit.delta_orthogonal_(np.empty((4, 2, 3, 3)), generator=0)
    >>> bool(np.allclose(w[:, :, 1, 1].T @ w[:, :, 1, 1], np.eye(2))), int(np.count_nonzero(w))
    (True, 8)
    """
    if unknown:
        refuse(delta_orthogonal_, unknown)
    opened = open_floating(tensor)
    if opened is None:
        return tensor
    block = block_of(opened.shape, global_shape, offset)
    shape = opened.within(block)[0]
    if not 3 <= len(shape) <= 5:
        raise ValueError(f"tensor has shape {shape}; delta_orthogonal_ needs 3 to 5 dimensions, (out, in, *kernel)")
    if shape[0] < shape[1]:
        raise ValueError(f"tensor has shape {shape}; delta_orthogonal_ needs out >= in, that is shape[0] >= shape[1]")
    gain = number("gain", gain)
    fits(opened.dtype, gain=gain)
    if 0 in opened.shape:
        return tensor
    return opened.fill(_delta_orthogonal, (gain,), take_key(generator, opened.backend), block)


@plain_signature
def eye_(tensor: T) -> T:
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


@plain_signature
def identity_(tensor: T, gain: float = 1.0) -> T:
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
    gain = finite("gain", gain)
    _dimensions(tensor, 2, 2, "(rows, columns)")
    backend = to_fill(tensor)
    backend.try_value(tensor, "gain", gain)
    backend.fill(tensor, "val", 0)
    if 0 not in tensor.shape:
        backend.fill_diagonal(tensor, gain)
    return tensor


@plain_signature
def dirac_(tensor: T, groups: int = 1) -> T:
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
    out, into, *kernel = _dimensions(tensor, 3, 5, "(out, in, *kernel)")
    if not is_integer(groups) or groups < 1 or out % groups:
        raise ValueError(f"groups={groups!r}: dim 0 must be divisible by groups; dim 0 is {out}")
    backend = to_fill(tensor)
    backend.fill(tensor, "val", 0)
    if out and into and 0 not in kernel:
        per_group = out // groups
        group, channel = np.divmod(np.arange(groups * min(per_group, into)), min(per_group, into))
        centre = (np.full_like(channel, k // 2) for k in kernel)
        backend.put(tensor, (group * per_group + channel, channel, *centre), 1)
    return tensor


@plain_signature
def bilinear_(tensor: T) -> T:
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
    *_, height, width = _dimensions(tensor, 4, 4, "(channels, channels per group, height, width)")
    square = np.outer(_triangle(height), _triangle(width))
    opened.backend.write(tensor, np.broadcast_to(square, opened.shape).astype(np.float64))
    return tensor


def _triangle(size: int) -> np.ndarray:
    factor = (size + 1) // 2
    centre = (2 * factor - 1 - factor % 2) / (2 * factor)
    return 1 - np.abs(np.arange(size) / factor - centre)


def _dimensions(tensor: Tensor, least: int, most: int, axes: str) -> tuple[int, ...]:
    """The shape of a tensor that has so many dimensions."""
    shape = to_fill(tensor).shape(tensor)
    if not least <= len(shape) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        raise ValueError(f"Only tensors with {wanted} dimensions {axes} are supported; the shape given is {shape}")
    return shape
