"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import pkgutil

import fastinit
import numpy as np
import pytest

MODULES = sorted(module.name for module in pkgutil.iter_modules(fastinit.__path__) if not module.name.startswith("_"))
NEEDS = {"autograd": "torch", "plots": "matplotlib", "tracing": "torch"}
WITHOUT = {"tensors", "tracing", "version"}  # nothing in them is for users


def test_modules_are_found():
    assert {*NEEDS, *WITHOUT, "reference", *(part.__name__.removeprefix("fastinit.") for part in fastinit._PARTS)} <= {
        *MODULES
    }


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    if name in NEEDS:
        pytest.importorskip(NEEDS[name])
    results = doctest.testmod(importlib.import_module(f"fastinit.{name}"))
    assert results.failed == 0 and (results.attempted > 0) is (name not in WITHOUT)


UFUNCS = [name for name in fastinit.__all__ if isinstance(getattr(fastinit, name), np.ufunc)]


@pytest.mark.parametrize("name", UFUNCS)
def test_examples_of_ufuncs(name):
    examples = doctest.DocTestParser().get_doctest(getattr(fastinit, name).__doc__, {}, name, None, None)
    assert examples.examples and doctest.DocTestRunner().run(examples).failed == 0


def test_every_public_function_has_an_example():
    for name in fastinit.__all__:
        item = getattr(fastinit, name)
        if callable(item) and name != "__version__" and not (item.__doc__ or "").startswith("Deprecated"):
            assert ">>> " in item.__doc__ or name == "get_num_threads", name
