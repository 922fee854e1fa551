"""The extension's stub says what the extension is."""

import os
import site
import subprocess
import sys
from pathlib import Path

import fastinit
import pytest


def test_the_stub_is_the_module(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    root = str(Path(fastinit.__file__).parent.parent)
    environment = os.environ | {"MYPY_CACHE_DIR": str(tmp_path)}
    if root not in site.getsitepackages():  # mypy finds what is installed, and must be told of any other place
        environment |= {"MYPYPATH": root, "PYTHONPATH": root}
    command = [sys.executable, "-m", "mypy.stubtest", "fastinit._core"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
