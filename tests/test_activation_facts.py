"""The table of activations: every row has every fact that the package uses, each is true, a new row is enough."""

import ast
import math
from dataclasses import replace
from pathlib import Path

import fastinit
import numpy as np
import pytest
from fastinit import Activation, Dense, activations, probe
from fastinit.activations import of_torch
from fastinit.theory import needed
from nets import inputs, net, scaled

Z = np.linspace(-9.0, 9.0, 3601)  # 0 is among them
ROWS = pytest.mark.parametrize("row", activations.values(), ids=list(activations))


@ROWS
def test_parity_and_sides(row):
    assert row.odd == np.allclose(row.f(-Z), -row.f(Z), rtol=1e-14, atol=0)
    below = Z[Z <= 0]
    assert row.rectifies == (not row.f(below).any() and not row.derivative(below).any())
    assert row.at_zero == row.f(np.zeros(3))[0]
    low, high = row.saturation
    assert low <= 0 < high
    z = np.array([-np.inf, -50.0, 0.0, 50.0, np.inf, np.nan])
    assert row.beyond(z) == 2 * math.isfinite(low) + 2 * math.isfinite(high)


def test_who_saturates_on_both_sides_and_who_can_die():
    by_fact = {fact: {name for name, row in activations.items() if getattr(row, fact)} for fact in
               ("flat_on_both_sides", "rectifies")}  # fmt: skip
    assert by_fact["flat_on_both_sides"] == {"tanh", "sigmoid", "softsign", "hardtanh", "hardsigmoid"}
    assert by_fact["rectifies"] == {"relu", "relu6", "squared_relu"}


@ROWS
def test_gradients_in_one_pass_and_from_the_output(row):
    gradient = np.cos(3 * Z)
    np.testing.assert_allclose(row.pull_back(gradient, Z), gradient * row.derivative(Z), rtol=1e-14, atol=0)
    if row.from_output:
        formula, derivative = row.from_output
        near = Z[np.abs(Z) < 6]
        np.testing.assert_allclose(derivative(row.f(near)), row.derivative(near), rtol=1e-9)
        y = row.f(near)
        assert np.allclose(eval(formula.replace("y (", "y * (").replace("²", "**2"), {"y": y}), derivative(y))


@ROWS
def test_what_torch_calls_it(row):
    torch = pytest.importorskip("torch")
    assert bool(row.torch) == (row.name not in {"linear", "squared_relu"})
    z = torch.from_numpy(Z)
    for name, arguments in row.torch:
        function = getattr(torch.nn.functional, name, None) or getattr(torch, name)
        np.testing.assert_allclose(function(z, **arguments).numpy(), row.f(Z), rtol=1e-9, atol=1e-12)
        assert of_torch(name, (), arguments) is row and of_torch(name, tuple(arguments.values()), {}) is row
        assert of_torch(name, (), {**arguments, "inplace": False}) is row
        assert all(of_torch(name, (), {**arguments, which: 0.3}) is None for which in arguments)


def test_what_torch_computes_without_arguments():
    torch = pytest.importorskip("torch")
    for name in {name for row in activations.values() for name, _ in row.torch}:
        function, row = getattr(torch.nn.functional, name, None) or getattr(torch, name), of_torch(name, (), {})
        np.testing.assert_allclose(function(torch.from_numpy(Z)).numpy(), row.f(Z), rtol=1e-9, atol=1e-12)
    assert of_torch("rrelu", (), {}) is None and of_torch("softmax", (), {}) is None


@ROWS
def test_torchs_gain(row):
    torch = pytest.importorskip("torch")
    try:
        theirs = torch.nn.init.calculate_gain(row.name)
    except ValueError:
        theirs = None
    assert row.torch_gain == theirs


@ROWS
def test_the_package_uses_each_row(row):
    """What the probe asks of any activation it may meet."""
    assert all(0 < n_var_w < math.inf for n_var_w in needed(row.name)) and needed(row.name)
    found = probe(net(row.name, scaled(50.0), 3), inputs())
    layer = found.layers[1]
    assert (layer.saturated is not None) == row.flat_on_both_sides and (layer.dead is not None) == row.rectifies
    assert layer.predicted is not None and layer.predicted_dz is not None and layer.critical in needed(row.name)
    assert repr(found) and fastinit.gain_table(row.name).column("activation") == [row.name]


def swish(name: str, **facts) -> Activation:
    """An activation that the table does not have: tanh(z / 2), odd, flat on both sides."""
    tanh = activations["tanh"]
    return replace(tanh, name=name, f=lambda z: np.tanh(z / 2), derivative=lambda z: tanh.derivative(z / 2) / 2,
                   forward=2.5, backward=2.6, maclaurin=2.0, saturation=tuple(2 * z for z in tanh.saturation),
                   torch=(), torch_gain=None, fused=None, from_output=None, **facts)  # fmt: skip


def test_a_new_row_is_enough(monkeypatch):
    row = swish("half_tanh")
    monkeypatch.setitem(activations, row.name, row)
    assert fastinit.critical(row.name) == (4.0, 0.0)
    assert fastinit.describe(np.array([-9.0, 0.0, 3.0, 5.0]), activation=row.name).saturated == 2
    healthy = probe(net(row.name, scaled(4.0), 6), inputs())
    assert healthy.ok and healthy.layers[0].saturated is not None and healthy.layers[0].critical == 4.0
    sick = probe(net(row.name, scaled(900.0), 6), inputs(), steps=0)
    assert sick.layers[1].saturated > 0.5 and sick.findings[0].cause.startswith("layer1 to layer7: n Var w is 8")
    assert fastinit.activation_gain(row.name) == 2.5 and row.name in fastinit.gain_table().column("activation")
    assert Dense(np.ones((2, 2)), activation=row.name)
    ax = pytest.importorskip("matplotlib.pyplot").figure().add_subplot()
    assert fastinit.plot_activation(row.name, ax).get_title().startswith(row.name)


def test_a_new_rectifier_can_die(monkeypatch):
    clipped = replace(activations["relu6"], name="relu3", f=lambda z: np.clip(z, 0, 3), saturation=(0.0, 3.0), torch=())
    monkeypatch.setitem(activations, "relu3", clipped)
    found = probe(net("relu3", lambda w: fastinit.constant_(w, -0.1), 3), np.abs(inputs()), steps=0)
    assert found.layers[0].dead == 1.0 and "layer1 are off" in found.findings[0].cause


PACKAGE = Path(fastinit.__file__).parent
FILES = sorted(str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py"))


def names_in(*nodes: ast.AST | None) -> list[str]:
    values = [node.value for node in nodes if isinstance(node, ast.Constant)]
    return [value for value in values if value in activations]


def names_of(node: ast.Assign) -> list[str]:
    return [target.id for target in node.targets if isinstance(target, ast.Name)]


@pytest.mark.parametrize("path", FILES)
def test_no_other_file_lists_activations(path):
    """No two names side by side, and no comparison with one; "linear" alone, the lack of an activation, is none.

    Not meant: the table itself, and the file that makes torch's sigmoid and tanh anew.
    """
    if path in ("activations.py", "autograd.py"):
        return
    tree = ast.parse((PACKAGE / path).read_text())
    tree.body = [node for node in tree.body if not isinstance(node, ast.Assign) or names_of(node) != ["__all__"]]
    for node in ast.walk(tree):
        if isinstance(node, ast.Tuple | ast.List | ast.Set):
            assert len(names_in(*node.elts)) < 2, node.lineno
        elif isinstance(node, ast.Dict):
            assert len(names_in(*node.keys)) < 2, node.lineno
        elif isinstance(node, ast.Compare):
            compared = {*names_in(node.left, *node.comparators)} - {"linear"}
            assert not compared or (path, compared) == ("initializers/gains.py", {"leaky_relu"}), node.lineno
