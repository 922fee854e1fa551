"""What every test finds, in any order and any worker: a process as it was, no window, BLAS and OpenMP on one thread."""

import os
import sys
from collections.abc import Iterator

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before NumPy comes; workers would wait for each other's threads
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("MPLBACKEND", "Agg")

import fastinit
import pytest
from fastinit import _core


@pytest.fixture(autouse=True)
def _as_it_was() -> Iterator[None]:
    """Puts back what a test may turn: fastinit's level, threads and default generator, and torch's."""
    level, threads, state = _core.levels()[0], fastinit.get_num_threads(), fastinit.default_generator.get_state()
    torch = sys.modules.get("torch")
    torch_state = torch and torch.get_rng_state()
    yield
    _core.use_level(level)
    fastinit.set_num_threads(threads)
    fastinit.default_generator.set_state(state)
    if torch:
        torch.set_rng_state(torch_state)
