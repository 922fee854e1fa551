"""Every constant of csrc/core/constants is what its script in tools/ makes of it; a changed digit is noticed."""

import dataclasses
import importlib
from pathlib import Path
from types import SimpleNamespace

import mpmath as mp
import numpy as np
import pytest

ROOT = Path(__file__).parent.parent
FITS = ["NARROW_F64", "WIDE_F32", "WIDE_F64"]


@pytest.fixture
def tools():
    """The scripts, at their own precision, which they set when they are imported first."""
    names = ["header", "prove_normals", "fit_activations", "fit_truncated", "quadrature"]
    with mp.workprec(200):
        yield SimpleNamespace(**{name: importlib.import_module(name) for name in names})


def neighbour(kind, x):
    """The next float or double."""
    return float(np.nextafter(np.float32(float(x)), np.float32(9)) if kind == "float" else np.nextafter(float(x), 9.0))


@pytest.mark.parametrize("script", ["prove_normals", "fit_activations", "quadrature"])
def test_headers_are_what_the_scripts_write(tools, script):
    for name, text in getattr(tools, script).headers().items():
        assert (tools.header.FOLDER / f"{name}.h").read_text() == text


def test_every_header_has_its_script_in_make_constants():
    recipe = (ROOT / "Makefile").read_text().partition("\nconstants:")[2].partition("\n\n")[0]
    for path in (ROOT / "csrc/core/constants").iterdir():
        script = path.read_text().partition("Written by tools/")[2].partition(".py")[0]
        assert (ROOT / f"tools/{script}.py").is_file() and script in recipe


def test_a_changed_digit_of_the_normals_is_noticed(tools):
    script = tools.prove_normals
    for fit in script.LOGARITHM + script.OCTANT:
        script.prove(fit)
        for i, c in enumerate(fit.coefficients):
            changed = [*fit.coefficients[:i], neighbour(fit.kind, c), *fit.coefficients[i + 1 :]]
            with pytest.raises(ValueError, match=r"a digit has changed|are not those"):
                script.prove(dataclasses.replace(fit, coefficients=changed))


def test_the_narrow_probit_of_single_precision_is_proved(tools):
    script, stored = tools.fit_truncated, tools.header.read("probit")
    (comment, odd), (_, even) = stored["FI_PROBIT_NARROW_ODD_F32"], stored["FI_PROBIT_NARROW_EVEN_F32"]
    assert script.NARROW_ERROR_F32 in comment and script.narrow_error(odd, even) == script.NARROW_ERROR_F32
    for i in range(len(odd)):
        changed = [*odd[:i], mp.mpf(neighbour("float", odd[i])), *odd[i + 1 :]]
        assert script.narrow_error(changed, even) != script.NARROW_ERROR_F32
        changed = [*even[:i], mp.mpf(neighbour("float", even[i])), *even[i + 1 :]]
        assert script.narrow_error(odd, changed) != script.NARROW_ERROR_F32


@pytest.mark.parametrize("name", FITS)
def test_the_probits_are_off_by_what_their_header_says(tools, name):
    """The fit itself takes half a minute (make constants); what it left is held against exact mathematics."""
    script, stored = tools.fit_truncated, tools.header.read("probit")
    form, width = name.split("_")
    kind = "float" if width == "F32" else "double"
    comment, top = stored[f"FI_PROBIT_{form}_TOP_{width}"]
    bottom = stored[f"FI_PROBIT_{form}_BOTTOM_{width}"][1]
    assert comment.endswith(script.error(name, top, bottom))
    for i in (0, len(top) // 2, len(top) - 1):
        changed = [*top[:i], mp.mpf(neighbour(kind, top[i])), *top[i + 1 :]]
        assert not comment.endswith(script.error(name, changed, bottom))
