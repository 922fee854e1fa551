"""What `python -m fastinit` and show_config say; the environment's variables; what import costs and leaves."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import fastinit
import pytest

CPU_FLAGS: set[str] = set()
if platform.machine() == "x86_64" and Path("/proc/cpuinfo").exists():
    CPU_FLAGS = set(re.findall(r"^flags\s*: (.*)$", Path("/proc/cpuinfo").read_text(), re.M)[0].split())


def run(*arguments, **environment):
    return subprocess.run(
        [sys.executable, *arguments], env={**os.environ, **environment}, capture_output=True, text=True
    )


def test_show_config():
    config = fastinit.show_config()
    assert set(config) == {
        "version",
        "stream_version",
        "isa",
        "isa_available",
        "threads",
        "default_seed",
        "self_check",
        "path",
    }
    assert config["isa"] in config["isa_available"] and config["isa_available"][0] == "baseline"
    assert config["self_check"] is True and config["stream_version"] == 1 and config["threads"] >= 1
    assert os.path.samefile(config["path"], os.path.dirname(fastinit.__file__))


def test_module_prints_the_same():
    done = run("-m", "fastinit", FASTINIT_NUM_THREADS="3", FASTINIT_ISA="baseline")
    assert done.returncode == 0, done.stderr
    for word in (
        fastinit.__version__,
        "baseline",
        "self_check",
        "True",
        "threads",
        "3",
        os.path.dirname(fastinit.__file__),
    ):
        assert word in done.stdout
    assert all(level in done.stdout for level in fastinit.show_config()["isa_available"])


@pytest.mark.parametrize("variable, value, known", [
    ("FASTINIT_ISA", "sse9", "baseline"),
    ("FASTINIT_ISA", "AVX2", "baseline"),
    ("FASTINIT_NUM_THREADS", "many", "1, 2, 3"),
    ("FASTINIT_NUM_THREADS", "0", "positive"),
    ("FASTINIT_NUM_THREADS", "-1", "positive"),
    ("FASTINIT_NUM_THREADS", "1.5", "positive"),
])  # fmt: skip
def test_unknown_values_are_errors_at_import(variable, value, known):
    done = run("-c", "import fastinit", **{variable: value})
    assert done.returncode == 1 and "ImportError" in done.stderr and variable in done.stderr and known in done.stderr


@pytest.mark.parametrize("level", fastinit.show_config()["isa_available"])
def test_levels_can_be_chosen(level):
    done = run("-c", "import fastinit; print(fastinit.show_config()['isa'])", FASTINIT_ISA=level)
    assert done.stdout.strip() == level


@pytest.mark.skipif(not CPU_FLAGS, reason="Linux on x86-64 lists the processor's features")
def test_the_levels_are_those_of_the_processor():
    """Our own CPUID and the kernel's agree; and a build for x86-64 has all three levels."""
    avx2 = {"avx2", "bmi1", "bmi2", "f16c"}
    needed = {
        "baseline": {"sse4_2", "popcnt"},
        "avx2": avx2,
        "avx512": avx2 | {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"},
    }
    assert fastinit.show_config()["isa_available"] == [name for name, flags in needed.items() if flags <= CPU_FLAGS]


def test_threads_follow_the_affinity():
    program = """
import os
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import fastinit
print(fastinit.get_num_threads())
"""
    done = run("-c", program)
    assert done.stdout.strip() == "1"


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="not Linux")
@pytest.mark.parametrize(
    "files, threads",
    [
        ({}, 8), ({"cpu.max": "max 100000"}, 8), ({"cpu.max": "150000 100000"}, 2), ({"cpu.max": "200000 100000"}, 2),
        ({"cpu.max": "200001 100000"}, 3), ({"cpu.max": "5000 100000"}, 1), ({"cpu.max": "9900000 100000"}, 8),
        ({"cpu.max": "1 0"}, 8), ({"cpu.max": ""}, 8), ({"cpu/cpu.cfs_quota_us": "-1"}, 8),
        ({"cpu/cpu.cfs_quota_us": "250000", "cpu/cpu.cfs_period_us": "100000"}, 3),
    ],
)  # fmt: skip
def test_threads_follow_a_quota_rounded_up(files, threads, tmp_path, monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(8)))
    (tmp_path / "cpu").mkdir()
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    assert fastinit.config._usable_cpus(tmp_path) == threads


@pytest.mark.parametrize("bad", [0, -1, 1.0, True, "2", None])
def test_set_num_threads_refuses(bad):
    before = fastinit.get_num_threads()
    with pytest.raises((TypeError, ValueError), match="positive integer"):
        fastinit.set_num_threads(bad)
    assert fastinit.get_num_threads() == before


def test_import_brings_in_numpy_and_little_else():
    done = run(
        "-c", "import sys, numpy; before = set(sys.modules); import fastinit; print(*sorted(set(sys.modules) - before))"
    )
    assert done.returncode == 0
    heavy = {"torch", "scipy", "matplotlib", "pandas", "mpmath", "asyncio", "unittest", "multiprocessing"}
    assert not heavy & {name.split(".")[0] for name in done.stdout.split()}
