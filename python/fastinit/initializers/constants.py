"""Fills of one value."""

from ..backends import T, to_fill
from ..checks import plain_signature


@plain_signature
def constant_(tensor: T, val: float) -> T:
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
    to_fill(tensor).fill(tensor, "val", val)
    return tensor


@plain_signature
def zeros_(tensor: T) -> T:
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


@plain_signature
def ones_(tensor: T) -> T:
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
