"""Builds the C core once per instruction-set level, and the extension module that links them.

One build serves CPython 3.11 and every later one (the limited API), but for free-threaded builds, which have none.
"""

import re
import sysconfig
from glob import glob
from pathlib import Path

import numpy
from setuptools import Extension, setup

HEADERS = glob("csrc/**/*.h", recursive=True)
FLAGS = {name: value.split() for name, value in re.findall(r"^(\w+) = (.*)$", Path("csrc/levels.mk").read_text(), re.M)}
MACHINE = sysconfig.get_platform().rpartition("-")[2]  # what is built for, which need not be this machine
CFLAGS = ["-O3", "-fvisibility=hidden", *FLAGS["CORE_FLAGS"], *FLAGS.get(f"MACHINE_{MACHINE}", [])]
LEVELS = {name.removeprefix("LEVEL_"): flags for name, flags in FLAGS.items() if name.startswith("LEVEL_")}
CORE_MACROS = [("FI_X86_LEVELS", None)]
if MACHINE not in ("x86_64", "amd64"):
    LEVELS, CORE_MACROS = {"baseline": []}, []
LIMITED = not sysconfig.get_config_var("Py_GIL_DISABLED")


def library(name, sources, flags, macros=()):
    build = {"sources": sources, "obj_deps": {"": HEADERS}, "cflags": CFLAGS + flags, "macros": list(macros)}
    return f"fastinit_{name}", build


LIBRARIES = [library("core", sorted(glob("csrc/core/*.c")), [], CORE_MACROS)]
LIBRARIES += [library(level, [f"csrc/core/kernels/{level}.c"], flags) for level, flags in LEVELS.items()]

setup(
    options={"bdist_wheel": {"py_limited_api": "cp311"}} if LIMITED else {},
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
            # what the limited API lacks would else be called as if it were there
            extra_compile_args=[*CFLAGS, "-Werror=implicit-function-declaration"],
            extra_link_args=[] if MACHINE == "amd64" else ["-pthread"],  # amd64: Windows
            py_limited_api=LIMITED,
            define_macros=[
                *([("Py_LIMITED_API", "0x030b0000")] if LIMITED else []),
                ("NPY_NO_DEPRECATED_API", "NPY_2_0_API_VERSION"),
                ("NPY_TARGET_VERSION", "NPY_1_25_API_VERSION"),  # of NumPy 1.26: what is built with 2 runs there too
            ],
        )
    ],
)
