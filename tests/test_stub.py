"""The extension's stub says what the extension is."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import fastinit
import pytest


def test_the_stub_is_the_module(tmp_path: Path) -> None:
    pytest.importorskip("mypy")
    package = Path(fastinit.__file__).parent
    stubs = tmp_path / "fastinit"  # without the package around it, whose imports mypy would read through, torch's too
    stubs.mkdir()
    (stubs / "__init__.pyi").touch()
    shutil.copy(package / "_core.pyi", stubs)
    environment = os.environ | {"MYPYPATH": str(tmp_path), "PYTHONPATH": str(package.parent)}
    command = [sys.executable, "-m", "mypy.stubtest", "fastinit._core"]
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
