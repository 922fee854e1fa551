"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib

import pytest

import fastinit


@pytest.mark.parametrize("module", ["config", "fans", "gains", "generator", "initializers", "reference"])
def test_examples(module):
    results = doctest.testmod(importlib.import_module(f"fastinit.{module}"))
    assert results.attempted > 0 and results.failed == 0


def test_every_public_function_has_an_example():
    for name in fastinit.__all__:
        item = getattr(fastinit, name)
        if callable(item) and name != "__version__" and not (item.__doc__ or "").startswith("Deprecated"):
            assert ">>> " in item.__doc__ or name == "get_num_threads", name
