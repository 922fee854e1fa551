"""What the benchmarks share: interleaved medians, the machine, Markdown tables, and which peers are installed."""

import importlib
import platform
import statistics
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType

import fastinit
import numpy as np
import numpy.typing as npt


def peer(name: str) -> ModuleType | None:
    """A peer's module, or None."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def interleaved(cases: Mapping[str, Callable[[], object]], rounds: int = 7, budget: float = 6.0) -> dict[str, float]:
    """Median seconds of each case {name: callable}: one run of every case a round, so that drift falls on all alike."""
    times: dict[str, list[float]] = {name: [] for name in cases}
    started = time.perf_counter()
    for case in cases.values():
        case()  # warm
    for turn in range(rounds):
        if turn >= 3 and time.perf_counter() - started > budget:
            break
        for name, case in cases.items():
            start = time.perf_counter()
            case()
            times[name].append(time.perf_counter() - start)
    return {name: statistics.median(t) for name, t in times.items()}


def check(values: npt.ArrayLike, mean: float, std: float, low: float = -np.inf, high: float = np.inf) -> None:
    """A result that is to be timed is first looked at: finite, within bounds, mean and std within 5 standard errors."""
    x = np.asarray(values, np.float64).ravel()
    assert np.isfinite(x).all() and x.min() >= low and x.max() <= high
    assert abs(x.mean() - mean) < 5 * std / x.size**0.5 + 1e-12, (x.mean(), mean)
    assert abs(x.std() / std - 1) < 5 / x.size**0.5 + 2e-3, (x.std(), std)  # 2e-3: halves round


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A Markdown table, printed."""
    print("| " + " | ".join(header) + " |")
    print("|" + "---|" * len(header))
    for row in rows:
        print("| " + " | ".join(str(cell) for cell in row) + " |")
    print()


def ns(seconds: float, size: int) -> str:
    return f"{seconds / size * 1e9:.3f}"


def machine() -> str:
    """One line on what the figures were measured on."""
    model = platform.processor() or platform.machine()
    try:
        with open("/proc/cpuinfo") as info:
            model = next(line.split(":")[1].strip() for line in info if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    commit = subprocess.run(["git", "describe", "--always", "--dirty"], capture_output=True, text=True).stdout.strip()
    versions = [
        f"{name} {module.__version__}" for name in ("numpy", "torch", "jax", "mkl_random") if (module := peer(name))
    ]
    config = fastinit.show_config()
    return (
        f"commit {commit or 'unknown'}; {model}, {config['threads']} threads, level {config['isa']}; "
        f"Python {platform.python_version()}, {', '.join(versions)}"
    )
