"""The C core on every machine that a compiler and an emulator for are installed: `make test-targets`.

On each target it builds the core's own tests and a program that prints values, runs both, and compares the values, at
every level that runs there, with the golden digests; and activations and moments with those of the first target. What
is not installed is named. Run: python tests/targets.py [TEXT] for the targets whose name has TEXT.
"""

import hashlib
import json
import os
import re
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parent.parent
ZIG = f"{sys.executable} {ROOT / 'tools' / 'zig_cc.py'}"
WASI = f"{sys.executable} {ROOT / 'tests' / 'wasi.py'}"
MACHINES = dict(re.findall(r"^MACHINE_(\w+) = (.*)$", (ROOT / "csrc" / "levels.mk").read_text(encoding="utf-8"), re.M))


class Target(NamedTuple):
    """A machine: what compiles for it, what runs its programs here, and whether it has x86-64's levels."""

    name: str
    compiler: str
    run: str = ""
    options: str = ""
    levels: bool = False
    module: str = ""  # Python's, that the commands need


TARGETS = [  # zig's last: it compiles each machine's C library first
    Target("x86-64, gcc", "gcc", levels=True),
    Target("x86-64, clang", "clang", levels=True),
    Target("x86-64, musl, gcc", "musl-gcc", options="-static", levels=True),
    Target("i386, gcc", "i686-linux-gnu-gcc", "qemu-i386", f"-static {MACHINES['i686']}"),
    Target("aarch64, gcc", "aarch64-linux-gnu-gcc", "qemu-aarch64", "-static"),
    Target("s390x (big-endian), gcc", "s390x-linux-gnu-gcc", "qemu-s390x", f"-static {MACHINES['s390x']}"),
    Target("x86-64, Windows, MinGW", "x86_64-w64-mingw32-gcc", "wine", "-static", levels=True),
    Target("wasm32, zig, wasmtime", f"{ZIG} wasm32-wasi", WASI, "-mcpu=generic+simd128", module="wasmtime"),
    Target("x86-64, musl, zig", f"{ZIG} x86_64-linux-musl", levels=True, module="ziglang"),
    Target("x86-64, zig", f"{ZIG} x86_64-linux-gnu.2.17", levels=True, module="ziglang"),
    Target("aarch64, musl, zig", f"{ZIG} aarch64-linux-musl", "qemu-aarch64", module="ziglang"),
    Target("x86-64, Windows, zig", f"{ZIG} x86_64-windows-gnu", "wine", levels=True, module="ziglang"),
]
LAWS = {  # of the names in golden.json: the law, and its parameters
    "uniform_": (0, (-0.5, 2.0)),
    "normal_": (1, (0.5, 2.0)),
    "trunc_normal_ narrow": (2, (0.0, 1.0, -2.0, 2.0)),
    "trunc_normal_ narrow, uneven": (2, (0.0, 1.0, -1.0, 0.5)),
    "trunc_normal_ wide": (2, (0.0, 1.0, -1.0, 9.0)),
    "trunc_normal_ tail": (2, (-4.0, 1.0, 0.0, 3.0)),
    "trunc_normal_ far tail": (2, (100.0, 1.0, -1.0, 0.0)),
    "trunc_normal_ plain": (2, (0.0, 0.02, -2.0, 2.0)),
}
DTYPES = ["float32", "float64", "float16", "bfloat16"]  # in the order of fi_dtype
SIZES = [4, 8, 2, 2]
MOMENTS, VALUES = 4, 5  # of values.c
MOMENTS_BYTES = 15 * 8
SPARSE = (100, 70, 37)  # rows, columns, chosen


class Request(NamedTuple):
    """A line of values.c's input, how many bytes answer it, and the digest that they are to have, if golden."""

    name: str
    line: str
    size: int
    digest: str | None


def requests() -> Iterator[Request]:
    golden = json.loads((ROOT / "tests" / "data" / "golden.json").read_text(encoding="utf-8"))["digests"]

    def line(law: int, dtype: int, function: int, count: int, seed: int, *rest: int) -> str:
        return " ".join(f"{n:x}" for n in (law, dtype, function, count, seed, 0, *rest, *[0] * (4 - len(rest))))

    for name, (law, parameters) in LAWS.items():
        # Generator(20261124).fold_in(name)
        child = hashlib.blake2b(name.encode(), digest_size=8, key=(20261124).to_bytes(8, "little"), person=b"name")
        seed = int.from_bytes(child.digest(), "little")
        bits = [struct.unpack("<Q", struct.pack("<d", p))[0] for p in parameters]
        for d, dtype in enumerate(DTYPES):
            for shape in ("1x1", "1x5", "257x3", "50x100", "7x10007", "6x5x3x3"):
                count = 1
                for n in shape.split("x"):
                    count *= int(n)
                key = f"{name} {dtype} {shape}"
                yield Request(key, line(law, d, VALUES, count, seed, *bits), count * SIZES[d], golden[key])
            if law == 1:
                for function in range(4) if dtype != "bfloat16" else ():
                    text = line(law, d, function, 20011, seed, *bits)
                    yield Request(f"activation {function} {dtype}", text, 20011 * SIZES[d], None)
                if d < 2:
                    yield Request(f"moments {dtype}", line(law, d, MOMENTS, 20011, seed, *bits), MOMENTS_BYTES, None)
    rows, columns, chosen = SPARSE
    yield Request("sparse mask", line(3, 0, VALUES, rows, 5, columns, chosen), rows * columns, None)


class Missing(Exception):
    """What a target needs is not installed."""


def _find(command: str) -> list[str]:
    words = command.split()
    if words and not shutil.which(words[0]):
        raise Missing(words[0])
    return words


def _run(command: list[str], text: bytes = b"") -> bytes:
    """What the command prints, given this text, in the project's folder."""
    quiet = {**os.environ, "WINEDEBUG": "-all"}  # wine talks
    done = subprocess.run(command, input=text, capture_output=True, env=quiet, cwd=ROOT)
    if done.returncode:
        raise RuntimeError(f"{' '.join(command)} ended with {done.returncode}:\n{(done.stdout + done.stderr).decode()}")
    return done.stdout


def check(target: Target, build: Path, reference: dict[str, str]) -> str:
    """Build and run; what was seen. An error says what is wrong."""
    if target.module:
        try:
            __import__(target.module)
            __import__("ziglang")
        except ImportError as missing:
            raise Missing(f"Python's {missing.name}") from None
    _find(target.compiler)
    run = _find(target.run)
    exe = ".exe" if "Windows" in target.name else ".wasm" if "wasm" in target.name else ".out"
    variables = [f"CC={target.compiler}", f"BUILD={build}", f"OPTIONS={target.options}", f"EXE={exe}"]
    _run(["make", "-s", "-C", str(ROOT / "tests" / "c"), "programs", f"X86={'1' * target.levels}", *variables])
    own = _run([*run, str(build / f"test_core{exe}"), "tests/data/threefry_kat.txt"]).decode()
    own = own.strip().splitlines()[-1]
    values = [*run, str(build / f"values{exe}")]
    levels = _run(values).decode().split()
    asked = list(requests())
    text = "".join(f"{request.line}\n" for request in asked).encode()
    wrong = []
    for level in levels:
        answers, at = _run([*values, level], text), 0
        for name, _, size, digest in asked:
            found = hashlib.sha256(answers[at : at + size]).hexdigest()[:32]
            at += size
            if found != (digest or reference.setdefault(name, found)):
                wrong.append(f"{name} at {level}")
        if at != len(answers):
            wrong.append(f"{len(answers)} bytes of {at} at {level}")
    if wrong:
        raise RuntimeError(f"{len(wrong)} digests differ: {', '.join(wrong[:5])}")
    return f"{own}; {len(asked)} digests equal at {', '.join(levels)}"


def main(text: str = "") -> int:
    failed = 0
    reference: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as scratch:
        for i, target in enumerate(TARGETS):
            if i and text not in target.name:
                continue
            began = time.monotonic()
            try:
                said = check(target, Path(scratch) / str(i), reference)
            except Missing as missing:
                said = f"not run: {missing} is not installed"
            except RuntimeError as error:
                said = f"FAILED: {error}"
                failed += 1
            print(f"{target.name}: {said} ({time.monotonic() - began:.0f} s)", flush=True)
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
