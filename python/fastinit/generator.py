"""Where the randomness comes from: a seed and the number of the next stream."""

import hashlib
import os
import secrets
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeAlias, TypedDict

from . import _core
from .backends import Backend, backends
from .checks import is_integer

if TYPE_CHECKING:
    import numpy as np
    import torch

# what generator= takes
NumPyRandomness: TypeAlias = "np.random.Generator | np.random.BitGenerator | np.random.SeedSequence"
Randomness: TypeAlias = "int | np.integer | Generator | NumPyRandomness | torch.Generator | None"
STREAM_VERSION = 1


class State(TypedDict):
    """Everything there is to a generator."""

    version: int
    seed: int
    stream: int


def _as_seed(seed: object, name: str = "seed") -> int:
    """An integer in [-2**63, 2**64), as one in [0, 2**64)."""
    if not is_integer(seed):
        raise TypeError(f"{name} is {seed!r} of type {type(seed).__name__}; give an integer in [-2**63, 2**64)")
    if not -(2**63) <= seed < 2**64:
        raise ValueError(f"{name}={seed} is out of range; give an integer in [-2**63, 2**64)")
    return int(seed) % 2**64


class Generator:
    """A seed and the number of the next stream: every fill takes one stream, whatever its size.

    Filling tensors in the same order from the same seed gives the same bits on every machine. `fold_in` gives a layer
    a generator of its own, so that adding, removing or resizing another layer leaves its weights as they are.

    Parameters
    ----------
    seed : int, optional
        In [-2**63, 2**64). None: from the system's entropy.

    Notes
    -----
    An *integer* passed as ``generator=`` does not move on: two tensors filled with ``generator=0`` get equal first
    values. Use one Generator for all, or one ``fold_in`` a layer.

    Examples
    --------
    >>> import numpy as np, fastinit
    >>> generator = fastinit.Generator(0)
    >>> w1, w2 = np.empty((4, 4)), np.empty((4, 4))
    >>> _ = fastinit.xavier_uniform_(w1, generator=generator)
    >>> _ = fastinit.xavier_uniform_(w2, generator=generator)
    >>> bool((w1 == w2).any())
    False
    >>> fastinit.Generator(0).fold_in("fc1.weight") == fastinit.Generator(0).fold_in("fc1.weight")
    True
    """

    __slots__ = ("_state",)  # [seed, stream]; replaced, or moved on by _core.take, in one step: threads may share it

    def __init__(self, seed: int | None = None) -> None:
        self._state = [secrets.randbits(64) if seed is None else _as_seed(seed), 0]

    def manual_seed(self, seed: int) -> "Generator":
        """Start again from this seed, at stream 0; returns the generator itself."""
        self._state = [_as_seed(seed), 0]
        return self

    def seed(self) -> int:
        """Start again from a seed out of the system's entropy, and return that seed."""
        seed = secrets.randbits(64)
        self.manual_seed(seed)
        return seed

    def initial_seed(self) -> int:
        """The seed, in [0, 2**64)."""
        return self._state[0]

    def get_state(self) -> State:
        """Everything there is to a generator: the stream version, the seed and the number of the next stream."""
        seed, stream = self._state
        return {"version": STREAM_VERSION, "seed": seed, "stream": stream}

    def set_state(self, state: State) -> "Generator":
        """Go back to what `get_state` returned."""
        try:
            version, seed, stream = state["version"], state["seed"], state["stream"]
        except (TypeError, KeyError, IndexError):
            raise TypeError(f"state is {state!r}; give what get_state returned") from None
        if version != STREAM_VERSION:
            raise ValueError(f"state is of stream version {version!r}; this fastinit has version {STREAM_VERSION}")
        self._state = [_as_seed(seed), _as_seed(stream, "stream")]
        return self

    def fold_in(self, name: str | int) -> "Generator":
        """A child generator that depends on this one's seed and on the name alone; this one does not move on.

        Parameters
        ----------
        name : str or int
            A layer's name, say. ``1`` and ``"1"`` give different children.
        """
        if isinstance(name, str):
            return Generator(_child_seed(self._state[0], b"name", name.encode()))
        return Generator(_child_seed(self._state[0], b"index", _as_seed(name, "name").to_bytes(8, "little")))

    def spawn(self, n_children: int) -> list["Generator"]:
        """``n_children`` new generators, each at the cost of one stream of this one."""
        if not is_integer(n_children) or n_children < 0:
            raise ValueError(f"n_children={n_children!r}; give a non-negative integer")
        taken = (_core.take(self._state) for _ in range(n_children))
        return [Generator(_child_seed(seed, b"spawn", stream.to_bytes(8, "little"))) for seed, stream in taken]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Generator) and self.get_state() == other.get_state()

    def __reduce__(self) -> "tuple[Callable[[State], Generator], tuple[State]]":
        return _from_state, (self.get_state(),)

    def __repr__(self) -> str:
        return "Generator(seed={}, stream={})".format(*self._state)


def _from_state(state: State) -> Generator:
    return Generator(0).set_state(state)


def _child_seed(seed: int, kind: bytes, data: bytes) -> int:
    digest = hashlib.blake2b(data, digest_size=8, key=seed.to_bytes(8, "little"), person=kind)
    return int.from_bytes(digest.digest(), "little")


#: What arrays are filled from when no generator is given. (A torch tensor then follows torch's default generator.)
#: In a forked child it starts anew from the system's entropy, unless it was seeded.
default_generator: Generator = Generator()

_from_entropy = default_generator._state  # seeding puts another list in its place


def _in_a_forked_child() -> None:
    if default_generator._state is _from_entropy:
        _from_entropy[:] = [secrets.randbits(64), 0]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_a_forked_child)


def manual_seed(seed: int) -> Generator:
    """Seed `default_generator`, which fills arrays that are given no generator; returns it.

    Parameters
    ----------
    seed : int
        In [-2**63, 2**64).

    Examples
    --------
    >>> import fastinit
    >>> fastinit.manual_seed(0)
    Generator(seed=0, stream=0)
    """
    return default_generator.manual_seed(seed)


def take_key(generator: "Randomness", backend: Backend[Any]) -> tuple[int, int]:
    """The key (seed, stream) of a fill, from whatever was given as generator=; moves its owner on by one draw."""
    if isinstance(generator, Generator):
        return _core.take(generator._state)
    if generator is None:
        drawn = backend.draw_own()
        return _core.take(default_generator._state) if drawn is None else (drawn, 0)
    if is_integer(generator):
        return _as_seed(generator, "generator"), 0
    for owner in backends():
        if (drawn := owner.draw(generator)) is not None:
            return drawn, 0
    raise TypeError(
        f"generator is {generator!r} of type {type(generator).__name__}; give an int, a fastinit.Generator, a NumPy "
        "Generator, BitGenerator or SeedSequence, or a torch.Generator"
    )
