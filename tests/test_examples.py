"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib

import numpy as np
import pytest

import fastinit


@pytest.mark.parametrize("module", ["autograd", "config", "fans", "gains", "generator", "initializers", "plots", "reference", "registry", "statistics"])
def test_examples(module):
    if module == "autograd":
        pytest.importorskip("torch")
    if module == "plots":
        pytest.importorskip("matplotlib")
    results = doctest.testmod(importlib.import_module(f"fastinit.{module}"))
    assert results.attempted > 0 and results.failed == 0


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
