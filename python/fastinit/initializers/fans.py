"""Fan in and fan out of a weight, for the layouts in use."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from ..checks import integers, is_integer, number, one_of

if TYPE_CHECKING:
    from ..backends import Tensor

# layout -> (axis of the inputs, axis of the outputs, the axis that counts all groups)
LAYOUTS = {"OI...": (1, 0, 0), "IO...": (0, 1, 0), "...IO": (-2, -1, -1)}


def compute_fans(
    tensor_or_shape: "Tensor | Sequence[int]",
    *,
    layout: str = "OI...",
    groups: int = 1,
    fans: Sequence[float] | None = None,
) -> tuple[float, float]:
    """Fan in and fan out: how many inputs feed one output, how many outputs one input feeds.

    Parameters
    ----------
    tensor_or_shape : array, tensor or tuple of int
        A weight of two or more dimensions, or its shape.
    layout : {"OI...", "IO...", "...IO"}
        Where the output and input axes are: ``"OI..."`` is torch's (Linear, Conv), ``"IO..."`` that of torch's
        transposed convolutions, ``"...IO"`` that of Keras and JAX, and of a NumPy matrix used as ``x @ W``.
    groups : int
        Of a grouped convolution. It divides the axis that the layout does not already store per group.
    fans : (fan_in, fan_out), optional
        Given outright (a packed projection, say): returned as they are.

    Returns
    -------
    (fan_in, fan_out)

    Raises
    ------
    ValueError
        Fewer than two dimensions, an unknown layout, groups that do not divide, fans that are not two positive numbers.

    Examples
    --------
    >>> import fastinit
    >>> fastinit.compute_fans((128, 784))                    # torch.nn.Linear(784, 128).weight
    (784, 128)
    >>> fastinit.compute_fans((784, 128), layout="...IO")    # x @ W
    (784, 128)
    >>> fastinit.compute_fans((4, 1, 3, 3), groups=4)        # Conv2d(4, 4, 3, groups=4).weight
    (9, 9)
    """
    if fans is not None:
        return given_fans(fans)
    one_of("layout", layout, LAYOUTS, "layouts")
    inputs, outputs, grouped = LAYOUTS[layout]
    shape = _shape_of(tensor_or_shape)
    if len(shape) < 2:
        raise ValueError(
            "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions "
            f"(its shape is {shape}); fill a bias with zeros_, or give fans=(fan_in, fan_out)"
        )
    fan_in, fan_out = shape[inputs], shape[outputs]
    if groups != 1 or isinstance(groups, bool):
        if not is_integer(groups) or groups < 1 or shape[grouped] % groups:
            raise ValueError(
                f"groups={groups!r} does not divide axis {grouped} of shape {shape} (layout {layout!r}); give a "
                "positive integer that does"
            )
        if grouped % len(shape) == outputs % len(shape):
            fan_out //= groups
        else:
            fan_in //= groups
    if len(shape) > 2:
        receptive = math.prod(shape[2:] if layout[0] != "." else shape[:-2])
        return fan_in * receptive, fan_out * receptive
    return fan_in, fan_out


def _shape_of(tensor_or_shape: Any) -> tuple[int, ...]:  # Any: whatever was given
    shape = integers(getattr(tensor_or_shape, "shape", tensor_or_shape))
    if shape is None:
        weight = any(hasattr(getattr(tensor_or_shape, name, None), "shape") for name in ("weight", "W", "kernel"))
        raise TypeError(
            f"tensor_or_shape is of type {type(tensor_or_shape).__name__}; "
            + ("did you mean its .weight?" if weight else "give a weight, or its shape: a tuple of integers")
        )
    if any(n < 0 for n in shape):
        raise ValueError(f"shape {shape} has a negative size; give the shape of a weight")
    return shape


def given_fans(fans: Sequence[float]) -> tuple[float, float]:
    """Two positive numbers, as numbers whatever they come as."""
    try:
        fan_in, fan_out = fans
        as_floats = number("fan_in", fan_in), number("fan_out", fan_out)
        if 0.0 < min(as_floats) and max(as_floats) < math.inf:
            return fan_in if is_integer(fan_in) else as_floats[0], fan_out if is_integer(fan_out) else as_floats[1]
    except (TypeError, ValueError):
        pass
    raise ValueError(f"fans={fans!r}: give two positive numbers, fans=(fan_in, fan_out)")
