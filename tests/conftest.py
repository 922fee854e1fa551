"""What every test starts from, in any order and in any worker: one thread for BLAS and OpenMP, no window, the process as it was."""

import os
import sys
from collections.abc import Iterator

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_variable, "1")  # before NumPy comes: workers side by side would wait for each other's threads
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
