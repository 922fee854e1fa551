"""Mean-field theory: closed forms, quadrature by SciPy, and networks that were measured."""

import math

import fastinit
import numpy as np
import pytest
from fastinit import probe
from nets import inputs, net, scaled


def test_critical_points():
    assert fastinit.critical("tanh") == (1.0, 0.0)
    sigma_w2, q = fastinit.critical("relu")
    assert sigma_w2 == pytest.approx(2.0, abs=1e-9) and math.isnan(q)
    from scipy.integrate import quad

    sigma_w2, q = fastinit.critical("sigmoid")

    def mean(g):
        return quad(
            lambda x: g(math.sqrt(q) * x) ** 2 * math.exp(-x * x / 2) / math.sqrt(2 * math.pi), -12, 12, limit=200
        )[0]

    assert sigma_w2 * mean(lambda z: float(fastinit.dsigmoid(z))) == pytest.approx(1.0, abs=1e-8)
    assert sigma_w2 * mean(lambda z: float(fastinit.sigmoid(z))) == pytest.approx(q, rel=1e-8)
    assert sigma_w2 == pytest.approx(103.0, abs=0.05)


def test_theory_in_closed_form():
    half = fastinit.theory("relu", 1.0, depth=20)
    np.testing.assert_allclose(half.q, 0.5 ** np.arange(20), rtol=1e-9)
    np.testing.assert_allclose(half.chi, 0.5, rtol=1e-9)
    he = fastinit.theory("relu", 2.0, depth=8)
    c = 0.0
    for found in he.c:  # Cho and Saul (2009): the arc-cosine kernel of degree 1
        assert found == pytest.approx(c, abs=2e-4)
        c = (math.sqrt(1 - c * c) + (math.pi - math.acos(c)) * c) / math.pi
    linear = fastinit.theory("linear", 0.9, 0.1, depth=200)
    assert linear.q[-1] == pytest.approx(1.0, abs=1e-6) and linear.xi_grad == pytest.approx(-1 / math.log(0.9))
    assert fastinit.theory("tanh", 1.0).xi_grad == math.inf
    assert fastinit.theory("sigmoid", 16.0).xi_grad == pytest.approx(1.088, abs=0.001)  # fades by e in about a layer


@pytest.mark.parametrize(
    "activation, scale", [("tanh", 1.0), ("tanh", 25 / 9), ("sigmoid", 16.0), ("relu", 2.0), ("gelu", 2.35)]
)
def test_theory_meets_a_network_of_width_1000(activation, scale):
    found = probe(net(activation, scaled(scale), 8, 1000), inputs())
    for layer in found.layers[1:-1]:
        assert layer.z.rms == pytest.approx(layer.predicted, rel=0.12)
        assert layer.dz.rms == pytest.approx(layer.predicted_dz, rel=0.25)
    t = fastinit.theory(activation, scale, depth=8)
    np.testing.assert_allclose([layer.z.rms**2 for layer in found.layers[:8]], t.q, rtol=0.25)


def test_dead_units_are_what_chance_makes_of_alike_inputs():
    found = probe(net("relu", fastinit.kaiming_normal_, 30, 256), inputs())
    assert found.ok and found.layers[29].dead > 0.15
    for layer in found.layers[:-1]:
        assert layer.dead == pytest.approx(layer.dead_expected, abs=0.08)


def test_gain_table_names_every_activation():
    table = fastinit.gain_table()
    assert table.column("activation") == list(fastinit.activations)
    assert "relu" in repr(table) and "<table" in table._repr_html_()


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: fastinit.theory("relu", -1.0), "sigma_w2=-1.0"),
        (lambda: fastinit.theory("relu", 1.0, depth=0), "depth=0"),
        (lambda: fastinit.theory("relu", 1.0, input_cosine=2.0), "input_cosine"),
        (lambda: fastinit.critical("nothing"), "unknown"),
        (lambda: fastinit.critical("squared_relu"), "no critical point"),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("activation", fastinit.activations)
def test_the_callers_floating_point_settings_do_not_matter(activation):
    fastinit.critical.cache_clear()
    x = inputs(16, 32)
    with np.errstate(all="raise"):
        for sigma_w2 in (1e-3, 1.5, 30.0):
            fastinit.theory(activation, sigma_w2, 0.1)
        repr(fastinit.gain_table(activation)), fastinit.activation_gain(activation)
        layers = fastinit.mlp([16, 8, 4], activation, generator=0)
        for scale in (1.0, 1e3, 1e-30, 1e20):
            zs, outputs = fastinit.forward(layers, x * np.float32(scale))
            fastinit.backward(layers, x * np.float32(scale), zs, outputs, np.ones_like(outputs[-1]))
        fastinit.lsuv_(layers, x, generator=0)
        fastinit.cross_entropy(np.array([[1e30, 0.0], [-1e3, 800.0]]), np.array([0, 1]))
        fastinit.mean_squared_error(np.array([1e-200]), np.array([0.0]))
