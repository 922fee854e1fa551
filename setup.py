"""Builds the C core once per instruction-set level, and the extension module that links them."""

import platform
import re
import sys
from glob import glob
from pathlib import Path

import numpy
from setuptools import Extension, setup

if sys.platform == "win32":
    raise SystemExit("fastinit builds with gcc or clang on POSIX systems; use WSL on Windows")

HEADERS = glob("csrc/**/*.h", recursive=True)
FLAGS = {name: value.split() for name, value in re.findall(r"^(\w+) = (.*)$", Path("csrc/levels.mk").read_text(), re.M)}
CFLAGS = ["-O3", "-fvisibility=hidden", *FLAGS.pop("CORE_FLAGS")]
LEVELS = {name.removeprefix("LEVEL_"): flags for name, flags in FLAGS.items()}
if platform.machine().lower() not in ("x86_64", "amd64"):
    LEVELS = {"baseline": []}


def library(name, sources, flags):
    return f"fastinit_{name}", {"sources": sources, "obj_deps": {"": HEADERS}, "cflags": CFLAGS + flags}


LIBRARIES = [library("core", sorted(glob("csrc/core/*.c")), [])]
LIBRARIES += [library(level, [f"csrc/core/kernels/{level}.c"], flags) for level, flags in LEVELS.items()]

setup(
    libraries=LIBRARIES,
    ext_modules=[
        Extension(
            "fastinit._core",
            sources=sorted(glob("csrc/ext/*.c")),
            depends=[
                *HEADERS,
                *glob("csrc/core/**/*.c", recursive=True),
                "csrc/levels.mk",
            ],  # relink when a library changed
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
