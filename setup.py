"""Builds the C core once per instruction-set level, and the extension module that links them."""

import platform
import sys
from glob import glob

import numpy
from setuptools import Extension, setup

HEADERS = glob("csrc/*/*.h")
CFLAGS = [
    "-std=c11",
    "-O3",
    "-Wall",
    "-Wextra",
    "-fvisibility=hidden",
    "-ffp-contract=off",  # a fused multiply-add would change bits from one level to the next
    "-fno-math-errno",  # these two change no value; without them sqrt and selects do not vectorise
    "-fno-trapping-math",
]
X86 = platform.machine().lower() in ("x86_64", "amd64")

# Level name -> extra compiler flags. Every level must give the same bits, so none of them has FMA.
LEVELS = {"baseline": ["-march=x86-64-v2"] if X86 else []}
if X86:
    LEVELS["avx2"] = ["-march=x86-64-v2", "-mavx2", "-mbmi", "-mbmi2", "-mf16c"]
    LEVELS["avx512"] = LEVELS["avx2"] + [
        "-mavx512f", "-mavx512bw", "-mavx512cd", "-mavx512dq", "-mavx512vl", "-mprefer-vector-width=512",
    ]  # fmt: skip

if sys.platform == "win32":
    raise SystemExit("fastinit builds with gcc or clang on POSIX systems; use WSL on Windows")

LIBRARIES = [
    (
        f"fastinit_{level}",
        {"sources": [f"csrc/core/level_{level}.c"], "obj_deps": {"": HEADERS}, "cflags": CFLAGS + flags},
    )
    for level, flags in LEVELS.items()
]
LIBRARIES.append(
    (
        "fastinit_core",
        {
            "sources": [
                "csrc/core/dispatch.c",
                "csrc/core/parallel.c",
                "csrc/core/sparse.c",
                "csrc/core/truncated.c",
                "csrc/core/describe.c",
            ],
            "obj_deps": {"": HEADERS},
            "cflags": CFLAGS,
        },
    )
)

setup(
    libraries=LIBRARIES[::-1],
    ext_modules=[
        Extension(
            "fastinit._core",
            sources=sorted(glob("csrc/ext/*.c")),
            depends=HEADERS + glob("csrc/core/*.c"),  # relink when a library changed
            include_dirs=["csrc/core", numpy.get_include()],
            extra_compile_args=CFLAGS,
            extra_link_args=["-pthread"],
            define_macros=[
                ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
                ("NPY_TARGET_VERSION", "NPY_2_0_API_VERSION"),
            ],
        )
    ],
)
