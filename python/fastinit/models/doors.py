"""What users call: each imports torch when it is called, and not before."""

from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

from ..checks import is_integer
from ..generator import Generator, Randomness

if TYPE_CHECKING:
    from .hearing import Hearing


def patch_torch(generator: Randomness = None, *, defer: bool = True) -> "AbstractContextManager[Hearing]":
    """Within it, what torch's code draws is drawn by fastinit: build a model inside, train it outside.

    torch's layers, ``torch.nn.init``, ``Tensor.normal_`` and ``uniform_``, ``torch.randn`` and ``rand`` and their
    ``_like``, whoever calls them and under whatever name, on this thread. Their laws stay what they are; constants,
    dropout and integers stay torch's. Nothing is left of it afterwards.

    Parameters
    ----------
    generator : int, Generator, or a generator of NumPy or torch, optional
        Where the randomness comes from, one key a draw, in the order in which torch's code asks. None: torch's default
        generator, so that ``torch.manual_seed`` decides. A generator in the call itself wins.
    defer : bool
        Whether a draw waits until its memory is read, or the context is left: what is drawn twice is then filled once,
        and what is freed unread never. The values are the same without.

    Returns
    -------
    context manager

    Notes
    -----
    Waiting is safe for whatever reads through torch's own calls. What reads memory behind them, such as a C++
    extension, a compiled function or a collective between processes, must not be given a tensor made inside until the
    context is left; else pass ``defer=False``. A call that draws nothing costs about 3 microseconds more inside.

    The order in which a model's code asks decides the values, as in torch: a layer more changes the later ones.
    `init_model_` keys each parameter by its name instead.

    Examples
    --------
    >>> import fastinit, torch
    >>> with fastinit.patch_torch(generator=0):
    ...     layer = torch.nn.Linear(784, 128)
    >>> by_hand = fastinit.kaiming_uniform_(torch.empty(128, 784), a=5**0.5, generator=fastinit.Generator(0))
    >>> torch.equal(layer.weight, by_hand)
    True
    """
    from .hearing import Hearing
    from .waiting import Waiting

    return Hearing(Generator(generator) if is_integer(generator) else generator, Waiting() if defer else None)
