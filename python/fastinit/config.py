"""Threads, the instruction-set level, and what this build is."""

import contextlib
import os
from pathlib import Path

from . import _core
from .checks import positive_integer
from .generator import STREAM_VERSION, default_generator
from .version import __version__


def set_num_threads(threads: int) -> None:
    """How many threads a large fill may use; values do not depend on it.

    Parameters
    ----------
    threads : int
        At least 1.

    Examples
    --------
    >>> import fastinit
    >>> before = fastinit.get_num_threads()
    >>> fastinit.set_num_threads(1)
    >>> fastinit.get_num_threads()
    1
    >>> fastinit.set_num_threads(before)
    """
    _core.set_threads(min(positive_integer("threads", threads), 256))


def get_num_threads() -> int:
    """How many threads a large fill may use. At import: ``FASTINIT_NUM_THREADS``, or what the process may use."""
    return _core.get_threads()


def _usable_cpus(group: Path = Path("/sys/fs/cgroup")) -> int:
    """Processors in this process's affinity, less if a cgroup's quota grants less: rounded up, as a fill is short."""
    cpus = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpus
    with contextlib.suppress(OSError, ValueError, ZeroDivisionError):  # cgroup v2: "max 100000" or "200000 100000"
        allowed, period = map(int, (group / "cpu.max").read_text().split())
        quota = _granted(allowed, period)
    with contextlib.suppress(OSError, ValueError, ZeroDivisionError):  # cgroup v1: -1 for no quota
        allowed = int((group / "cpu/cpu.cfs_quota_us").read_text())
        if allowed > 0:
            quota = _granted(allowed, int((group / "cpu/cpu.cfs_period_us").read_text()))
    return max(1, min(cpus, quota))


def _granted(allowed: int, period: int) -> int:
    return -(-allowed // period)


def _configure() -> None:
    """Read FASTINIT_ISA and FASTINIT_NUM_THREADS, at import."""
    level = os.environ.get("FASTINIT_ISA")
    if level and not _core.use_level(level):
        raise ImportError(
            f"FASTINIT_ISA={level!r} is not a level of this machine; known ones: {', '.join(_core.levels()[1])}"
        )
    threads = os.environ.get("FASTINIT_NUM_THREADS")
    if threads and not (threads.isascii() and threads.isdigit() and int(threads) >= 1):
        raise ImportError(f"FASTINIT_NUM_THREADS={threads!r} is not known; give a positive integer: 1, 2, 3, ...")
    _core.set_threads(min(int(threads), 256) if threads else _usable_cpus())


def _self_check() -> bool:
    """Random123's known answers for Threefry4x32-20, all bits 0 and all bits 1."""
    ones = (0xFFFFFFFF,) * 4
    return (
        _core.threefry4x32((0,) * 4, (0,) * 4) == (0x9C6CA96A, 0xE17EAE66, 0xFC10ECD4, 0x5256A7D8)
        and _core.threefry4x32(ones, ones) == (0x2A881696, 0x57012287, 0xF6C7446E, 0xA16A6732)
    )  # fmt: skip


def show_config() -> dict[str, object]:
    """What this fastinit is and runs on.

    Returns
    -------
    dict
        version, stream_version, isa (the level in use), isa_available (what ``FASTINIT_ISA`` takes here), threads,
        default_seed, self_check (whether known answers come out), path.

    Examples
    --------
    >>> import fastinit
    >>> fastinit.show_config()["self_check"]
    True
    """
    isa, available = _core.levels()
    return {
        "version": __version__,
        "stream_version": STREAM_VERSION,
        "isa": isa,
        "isa_available": available,
        "threads": get_num_threads(),
        "default_seed": default_generator.initial_seed(),
        "self_check": _self_check(),
        "path": os.path.dirname(__file__),
    }


_configure()
