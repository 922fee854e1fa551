"""Wheels of fastinit for every platform, built on this one (x86-64 Linux with gcc): `make wheels`.

gcc or zig compiles, zig links; each platform's own NumPy gives its headers. Every wheel is checked by abi3audit, and
those for glibc by auditwheel; the one for this machine is installed into fresh environments without a compiler, whose
tests then run.

Run: python tools/wheels.py [TEXT] for the wheels whose platform has TEXT. They come into dist/.
"""

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
DIST = ROOT / "dist"
PYTHON = sys.executable
ZIG_CC = f"{PYTHON} {ROOT / 'tools' / 'zig_cc.py'}"
MAX_BYTES = 2_000_000


class Platform(NamedTuple):
    """What a wheel is for: its tag, sysconfig's name, zig's, and the tag of NumPy's wheel."""

    tag: str
    name: str
    zig: str
    numpy: str


PLATFORMS = [
    Platform("manylinux_2_17_x86_64", "linux-x86_64", "x86_64-linux-gnu.2.17", "manylinux2014_x86_64"),
    Platform("manylinux_2_17_aarch64", "linux-aarch64", "aarch64-linux-gnu.2.17", "manylinux2014_aarch64"),
    Platform("musllinux_1_2_x86_64", "linux-x86_64", "x86_64-linux-musl", "musllinux_1_1_x86_64"),
    Platform("musllinux_1_2_aarch64", "linux-aarch64", "aarch64-linux-musl", "musllinux_1_1_aarch64"),
    Platform("macosx_11_0_arm64", "macosx-11.0-arm64", "aarch64-macos.11.0", "macosx_11_0_arm64"),
    Platform("macosx_11_0_x86_64", "macosx-11.0-x86_64", "x86_64-macos.11.0", "macosx_10_9_x86_64"),
    Platform("win_amd64", "win-amd64", "x86_64-windows-gnu", "win_amd64"),
]
NUMPY = "numpy==2.0.2"  # its headers, of the platform: the last for every Python from 3.9 on
NEEDED = ["pytest", "ml_dtypes", "mpmath", "scipy"]
TESTS = "test_golden.py test_transforms.py test_fills.py test_config.py test_generator.py test_arguments.py".split()

# What CPython's own PC/pyconfig.h says of 64-bit Windows, as far as the limited API asks.
WINDOWS = """
#define MS_WINDOWS
#define MS_WIN32
#define MS_WIN64
#define HAVE_DECLSPEC_DLL
#define Py_ENABLE_SHARED 1
#define HAVE_SSIZE_T 1
#define HAVE_STDDEF_H 1
#define HAVE_WCHAR_H 1
#define SIZEOF_INT 4
#define SIZEOF_LONG 4
#define SIZEOF_LONG_LONG 8
#define SIZEOF_SHORT 2
#define SIZEOF_SIZE_T 8
#define SIZEOF_VOID_P 8
#define SIZEOF_WCHAR_T 2
"""


def run(*command: str | Path, **environment: str) -> str:
    """What the command prints; an error shows all of it."""
    done = subprocess.run(
        [str(word) for word in command],
        cwd=ROOT,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout


def numpy_headers(platform: Platform, work: Path) -> Path:
    """The headers of the platform's NumPy."""
    run(PYTHON, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:", "--python-version=3.11",
        f"--platform={platform.numpy}", "-d", work, NUMPY)  # fmt: skip
    with zipfile.ZipFile(next(work.glob("numpy-*.whl"))) as wheel:
        names = [name for name in wheel.namelist() if name.startswith("numpy/_core/include/")]
        wheel.extractall(work, names)
    return work / "numpy" / "_core" / "include"


def python_headers(platform: Platform, work: Path) -> Path:
    """This Python's headers; for Windows with its own pyconfig.h, and beside them the library to link with."""
    headers = Path(sysconfig.get_path("include"))
    if platform.name != "win-amd64":
        return headers
    copy = work / "python"
    shutil.copytree(headers, copy)
    (copy / "pyconfig.h").write_text(WINDOWS, encoding="utf-8")
    text = "".join(path.read_text(encoding="utf-8") for path in sorted(copy.glob("*.h")))
    functions = re.findall(r"PyAPI_FUNC\([^)]*\)\s*(\w+)\s*\(", text)
    functions += re.findall(r"#define \w+\s+(_Py\w+_SizeT)", text)  # the names that PY_SSIZE_T_CLEAN gives
    data = re.findall(r"PyAPI_DATA\([^)]*\)\s*(\w+)\s*;", text)
    lines = ["LIBRARY python3.dll", "EXPORTS", *sorted(set(functions)), *(f"{name} DATA" for name in sorted(set(data)))]
    (work / "python3.def").write_text("\n".join(lines) + "\n", encoding="utf-8")
    library: list[str | Path] = ["-D", "python3.dll", "-d", work / "python3.def", "-l", work / "python3.lib"]
    run(PYTHON, "-m", "ziglang", "dlltool", "-m", "i386:x86-64", *library)
    return copy


def compilers(platform: Platform, work: Path) -> dict[str, str]:
    """setuptools' variables. gcc's kernels are faster than clang's where it can make them."""
    zig = f"{ZIG_CC} {platform.zig}"
    include = f"-g0 -I{python_headers(platform, work)} -I{numpy_headers(platform, work)}"
    variables = {"CC": zig, "LDSHARED": f"{zig} -shared -s", "CFLAGS": include, "AR": f"{PYTHON} -m ziglang ar"}
    if platform.zig == "x86_64-linux-gnu.2.17":
        variables |= {"CC": "gcc", "AR": "ar"}
    elif platform.name.startswith("macosx"):
        variables["LDSHARED"] += " -undefined dynamic_lookup"
    elif platform.name == "win-amd64":
        variables["LDFLAGS"] = f"-L{work} -lpython3"
    return variables | {"_PYTHON_HOST_PLATFORM": platform.name}


def as_windows_names_it(wheel: Path, work: Path) -> None:
    """A module is _core.pyd there."""
    run(PYTHON, "-m", "wheel", "unpack", "-d", work / "unpacked", wheel)
    (folder,) = (work / "unpacked").iterdir()
    (module,) = folder.glob("fastinit/_core.*so")
    module.rename(module.with_name("_core.pyd"))
    wheel.unlink()
    run(PYTHON, "-m", "wheel", "pack", "-d", wheel.parent, folder)


def build(platform: Platform) -> Path:
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        base: list[str | Path] = ["build", "--build-base", work / "build"]
        base += ["bdist_wheel", "--bdist-dir", work / "bdist", "--dist-dir", work / "dist", "--plat-name", platform.tag]
        run(PYTHON, "setup.py", "-q", *base, **compilers(platform, work))
        (wheel,) = (work / "dist").glob("*.whl")
        if platform.name == "win-amd64":
            as_windows_names_it(wheel, work)
        DIST.mkdir(exist_ok=True)
        return Path(shutil.copy(wheel, DIST))


def check(wheel: Path, platform: Platform) -> str:
    """What the auditors say of it; an error if they object, or if it is large."""
    said = run(PYTHON, "-m", "abi3audit", "--strict", "--summary", wheel).split("\n")
    found = re.search(r"\d+ ABI version mismatches and \d+ ABI violations", " ".join(" ".join(said).split()))
    words = [found[0] if found else "abi3audit said nothing"]
    if platform.tag.startswith("manylinux"):
        shown = " ".join(run(PYTHON, "-m", "auditwheel", "show", wheel).split())
        policy = re.search(r'following platform tag: "(\w+)"', shown)
        if not policy or policy[1] > platform.tag:
            raise SystemExit(f"{wheel.name}: auditwheel says: {shown}")
        words.append(f"auditwheel: {policy[1]}")
    size = wheel.stat().st_size
    if size > MAX_BYTES:
        raise SystemExit(f"{wheel.name} has {size:,} bytes; {MAX_BYTES:,} are allowed")
    return f"{size / 1000:.0f} kB; {'; '.join(words)}"


def try_out(wheel: Path, python: str) -> str:
    """Install into a fresh environment of that Python, where no compiler can be found, and run tests."""
    with tempfile.TemporaryDirectory() as folder:
        run(python, "-m", "venv", Path(folder) / "venv")
        fresh = Path(folder) / "venv" / "bin" / "python"
        without = {"PATH": str(fresh.parent), "CC": "false", "PYTHONPATH": ""}
        run(fresh, "-m", "pip", "install", "-q", "--only-binary=:all:", wheel, *NEEDED, **without)
        where = run(fresh, "-P", "-c", "import fastinit; print(fastinit.__file__)", **without)
        if folder not in where:
            raise SystemExit(f"{wheel.name} was not what ran: {where}")
        options = ["-q", "-p", "no:cacheprovider", "-o", "filterwarnings="]
        tests = [f"tests/{test}" for test in TESTS]
        return run(fresh, "-P", "-m", "pytest", *options, *tests, **without).strip().splitlines()[-1]


def pythons() -> dict[str, str]:
    """Every CPython from 3.11 on that is installed: on the path, or by pyenv. Version -> the program."""
    found: dict[str, str] = {}
    versions = [f"python3.{minor}" for minor in range(11, 20)]
    candidates = [shutil.which(name) for name in versions]
    candidates += [str(path) for path in sorted(Path.home().glob(".pyenv/versions/3.*/bin/python"))]
    for candidate in filter(None, candidates):
        command = [candidate, "-c", "import sys; print(*sys.version_info[:2], sep='.')"]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode == 0 and f"python{done.stdout.strip()}" in versions:
            found.setdefault(done.stdout.strip(), candidate)
    return found


def main(text: str = "") -> None:
    for platform in PLATFORMS:
        if text not in platform.tag:
            continue
        wheel = build(platform)
        print(f"{wheel.name}: {check(wheel, platform)}", flush=True)
        if platform.tag.startswith("manylinux") and platform.name == sysconfig.get_platform():
            for version, python in pythons().items():
                print(f"  in a fresh environment of Python {version}: {try_out(wheel, python)}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
