"""A progress bar, if tqdm is installed."""

import importlib.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def bar(total: int, what: str, shown: bool = True, **options: Any) -> Iterator[Callable[..., object]]:  # Any: tqdm's
    """Gives what is to be called at each step, or with how far it has come."""
    if not shown or importlib.util.find_spec("tqdm") is None:
        yield lambda step=1: None
        return
    from tqdm.auto import tqdm

    with tqdm(total=total, desc=what, leave=False, disable=None, **options) as drawn:
        yield drawn.update
