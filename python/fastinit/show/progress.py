"""A progress bar, if tqdm is installed."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def bar(total: int, what: str) -> Iterator[Callable[[], object]]:
    """Gives what is to be called at each step."""
    try:
        from tqdm.auto import tqdm
    except ImportError:
        yield lambda: None
        return
    with tqdm(total=total, desc=what, leave=False, disable=None) as shown:
        yield shown.update
