"""What the measures draw at random: the same numbers in every pass, for arrays and tensors alike."""

import numpy as np
from numpy.typing import NDArray

from ..generator import Generator
from ..initializers.random import normal_, uniform_


class Draws:
    """Arrays by what they are for. generator: an int, or a `Generator`, which does not move on."""

    def __init__(self, generator: object) -> None:
        if isinstance(generator, Generator):
            self._root = generator
        elif isinstance(generator, (int, np.integer)) and not isinstance(generator, bool):
            self._root = Generator(int(generator))
        else:
            raise TypeError(
                f"generator is {generator!r} of type {type(generator).__name__}; give an integer or a "
                f"fastinit.Generator"
            )

    def normal(self, purpose: str, shape: tuple[int, ...]) -> NDArray[np.float32]:
        """Standard normals."""
        return normal_(np.empty(shape, np.float32), generator=self._root.fold_in(purpose))

    def labels(self, shape: tuple[int, ...], classes: int) -> NDArray[np.int64]:
        """Classes, all alike probable."""
        return (uniform_(np.empty(shape), generator=self._root.fold_in("labels")) * classes).astype(np.int64)
