"""What `import fastinit` offers: the names of __all__ and no others, each documented."""

import re
import subprocess
import sys
import warnings
from pathlib import Path

import fastinit
import numpy as np
import pytest

API = (Path(__file__).parents[1] / "docs/api.md").read_text()


def run(*arguments):
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, timeout=300)


def test_no_name_stands_beside_all():
    assert sorted(fastinit.__dir__()) == dir(fastinit) == sorted(fastinit.__all__)
    assert len(set(fastinit.__all__)) == len(fastinit.__all__)
    star = {}
    exec("from fastinit import *", star)
    assert {*star} - {"__builtins__"} == {*fastinit.__all__}


@pytest.mark.parametrize("name", [name for name in fastinit.__all__ if name != "__version__"])
def test_every_name_is_documented(name):
    item = getattr(fastinit, name)
    assert item.__doc__ and re.search(rf"(?<![\w.]){name}(?!\w)", API), name


@pytest.mark.parametrize("module", ["autograd", "reference"])
def test_documented_modules_are_there(module):
    if module == "autograd":
        pytest.importorskip("torch")
    assert run("-c", f"import fastinit.{module}, fastinit; fastinit.{module}").returncode == 0


def test_import_without_docstrings():
    done = run(
        "-OO", "-c", "import fastinit, numpy as np; fastinit.normal_(np.empty(3)); print(fastinit.normal_.__doc__)"
    )
    assert done.stdout == "None\n", done.stderr


def test_warnings_point_at_the_caller():
    for call in (
        lambda: fastinit.uniform(np.empty(3)),
        lambda: fastinit.kaiming_normal_(np.empty((0, 3))),
        lambda: fastinit.trunc_normal_(np.empty(3), mean=9),
    ):
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            call()
        assert [warning.filename for warning in caught] == [__file__]
