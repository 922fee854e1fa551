"""LSUV: every layer's variance is 1 at the end, in NumPy and in torch."""

import fastinit
import numpy as np
import pytest
from fastinit import mlp, probe
from nets import inputs, net


def test_lsuv_ends_within_tolerance():
    layers = net("relu", fastinit.xavier_normal_, 8)
    report = fastinit.lsuv_(layers, inputs(), tolerance=0.02, generator=0)
    assert len(report) == 9
    zs, _ = fastinit.forward(layers, inputs())
    assert all(abs(z.var(dtype=np.float64) - 1) <= 0.02 for z in zs)
    assert probe(layers, inputs()).ok


def test_lsuv_of_a_torch_model():
    torch = pytest.importorskip("torch")
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(8 * 36, 16), nn.Tanh(), nn.Linear(16, 4)
    )
    x = torch.randn(128, 3, 8, 8)
    report = fastinit.lsuv_(model, x, tolerance=0.05, generator=0)
    assert report.column("layer") == ["0", "3", "5"] and all(abs(v - 1) <= 0.05 for v in report.column("Var z after"))
    found = probe(model, x)
    assert all(layer.z.var == pytest.approx(1, abs=0.06) for layer in found.layers)
    assert not any(m._forward_hooks for m in model.modules())
    with pytest.raises(TypeError, match="parametrized"):
        fastinit.lsuv_(nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(8, 8))), torch.randn(9, 8))
    with pytest.raises(ValueError, match="no Linear"):
        fastinit.lsuv_(nn.ReLU(), torch.randn(9, 8))


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: fastinit.lsuv_(mlp([8, 2]), np.ones((4, 8), np.float32), tolerance=0), "tolerance=0"),
        (lambda: fastinit.lsuv_(mlp([8, 2]), np.ones((4, 8), np.float32), iterations=0), "iterations=0"),
        (lambda: fastinit.lsuv_(mlp([8, 2]), np.zeros((4, 8), np.float32)), "variance 0"),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("model", [3, [], [1], None, "net"])
def test_what_is_no_network_is_refused(model):
    with pytest.raises(TypeError, match=r"give a list of fastinit.Dense"):
        fastinit.lsuv_(model, inputs())
