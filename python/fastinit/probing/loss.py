"""The loss, decided once: what was given as loss= and target=, as a value that either driver reads."""

from collections.abc import Callable
from typing import Any, NamedTuple

from ..generator import Randomness

KINDS = ("random", "mse", "cross_entropy")


class Loss(NamedTuple):
    """kind: one of KINDS, or "callable", whose function is of (output, target), or of (output) without target."""

    kind: str
    function: Callable[..., Any] | None  # Any: a scalar tensor from torch, (loss, dL/doutput) from NumPy
    target: Any  # an array, a tensor, or what the callable takes
    generator: Randomness

    def call(self, output: object) -> Any:
        """What the callable says of an output."""
        assert self.function is not None
        return self.function(output) if self.target is None else self.function(output, self.target)


def parse_loss(loss: str | Callable[..., Any], target: object, generator: Randomness) -> Loss:
    """A ValueError for an unknown loss, or one without its target."""
    if callable(loss):
        return Loss("callable", loss, target, generator)
    if loss not in KINDS:
        known = ", ".join(map(repr, KINDS))
        raise ValueError(
            f"loss={loss!r} is unknown; give {known} or a callable that returns the loss (for a list of Dense the loss "
            "and dL/doutput)"
        )
    if loss != "random" and target is None:
        raise ValueError(f"loss={loss!r} needs target=")
    return Loss(loss, None, target, generator)
