"""Every example in a docstring runs and prints what it says."""

import doctest
import importlib
import pkgutil

import fastinit
import numpy as np
import pytest

MODULES = sorted(
    module.name.removeprefix("fastinit.")
    for module in pkgutil.walk_packages(fastinit.__path__, "fastinit.")
    if "._" not in module.name and not module.ispkg
)
MODELS = {  # behind models.doors
    "asking", "calls", "deferred", "disk", "expected", "filling", "hearing", "laws", "names", "pages", "recipe",
    "rules", "silent", "steps", "waiting",
}  # fmt: skip
PROBING = {  # behind probing.probe
    "causes", "cures", "draws", "expectation", "loss", "numpy_driver", "optimisers", "paths",
    "torch_answers", "torch_bench", "torch_driver", "trial",
}  # fmt: skip
NEEDS = {
    "autograd": "torch",
    "guard": "torch",
    **{f"models.{name}": "torch" for name in MODELS},
    "models.doors": "torch",
    "models.presets": "torch",
    **{f"probing.{name}": "torch" for name in ("paths", "torch_answers", "torch_bench", "torch_driver")},
    "show.plots": "matplotlib",
    "torch_models": "torch",
}
# nothing in them is for users, or not by this name
WITHOUT = {
    "backends", "checks", "guard",
    "initializers.deprecated", "initializers.filling", "initializers.underscored",
    "devices", "quadrature", "sharding", "show.progress", "show.svg", "torch_models", "version",
    *(f"probing.{name}" for name in PROBING),
    *(f"models.{name}" for name in MODELS),
}  # fmt: skip


def test_modules_are_found():
    homes = {getattr(getattr(fastinit, name), "__module__", "fastinit") for name in fastinit.__all__}
    assert {"reference", *NEEDS, *WITHOUT, *(home.removeprefix("fastinit.") for home in homes - {"fastinit"})} <= {
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
