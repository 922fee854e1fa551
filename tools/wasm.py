"""Compile C to WebAssembly together with the library's core, unmodified: python tools/wasm.py OUT.wasm SOURCE...

The compiler is zig's, from the package ziglang. The module has no imports; it exports what a source marks with
__attribute__((export_name("..."))). With --program it is a WASI program instead, which begins at main.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parent.parent
CORE = ROOT / "csrc" / "core"
SOURCES = [*sorted(CORE.glob("*.c")), CORE / "kernels" / "baseline.c"]
TARGET = ["-target", "wasm32-wasi", "-mcpu=generic+simd128"]
OPTIMISED = ["-O3", "-flto", "-s"]  # of the one level its table is known while linking: kernels not called are left out


def core_flags() -> list[str]:
    """The flags that every build of the core has."""
    found = re.search(r"^CORE_FLAGS = (.*)$", (ROOT / "csrc" / "levels.mk").read_text(encoding="utf-8"), re.M)
    if found is None:
        raise ValueError("csrc/levels.mk has no line CORE_FLAGS = ...")
    return found[1].split()


def build(out: Path, sources: Sequence[Path], *, program: bool = False) -> bytes:
    """Compile the sources and the core into the file `out`: the module's bytes."""
    kind = [] if program else ["-mexec-model=reactor"]
    out.parent.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", "ziglang", "cc", *TARGET, *kind, *OPTIMISED, *core_flags(), f"-I{CORE}"]
    subprocess.run([*command, *sources, *SOURCES, "-o", out], check=True)
    return out.read_bytes()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--program", action="store_true", help="a WASI program, which begins at main")
    parser.add_argument("out", type=Path)
    parser.add_argument("sources", type=Path, nargs="+")
    given = parser.parse_args()
    size = len(build(given.out, given.sources, program=given.program))
    print(f"{given.out}: {size:,} bytes")


if __name__ == "__main__":
    main()
