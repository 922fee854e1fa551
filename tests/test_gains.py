"""Gains are what quadrature in 40 digits says, and every derivative is the derivative of its function."""

import fastinit
import gain_constants as exact
import mpmath as mp
import numpy as np
import pytest


@pytest.mark.parametrize("name", fastinit.activations)
def test_named_gains_are_exact(name):
    f, derivative, kinks = exact.ACTIVATIONS[name]
    assert abs(fastinit.activation_gain(name) / float(exact.gain(f, kinks)) - 1) < 4e-16
    assert abs(fastinit.activation_gain(name, "backward") / float(exact.gain(derivative, kinks)) - 1) < 4e-16


@pytest.mark.parametrize("name", fastinit.activations)
def test_functions_and_derivatives(name):
    f, derivative, _ = exact.ACTIVATIONS[name]
    z = np.concatenate([np.linspace(-6.01, 6.02, 101), [-80.0, -30.0, -17.0, 17.0, 30.0, 80.0]])
    for ours, theirs in [(fastinit.activations[name].f, f), (fastinit.activations[name].derivative, derivative)]:
        expected = np.array([float(theirs(mp.mpf(float(x)))) for x in z])
        assert np.allclose(ours(z), expected, rtol=1e-12, atol=1e-15)
    if name in ("sigmoid", "tanh"):  # relative, in the tails, where y (1 - y) is 0
        expected = np.array([float(derivative(mp.mpf(float(x)))) for x in z])
        assert np.allclose(fastinit.activations[name].derivative(z), expected, rtol=1e-13, atol=0)


@pytest.mark.parametrize("name", fastinit.activations)
def test_a_callable_gets_the_same_gain(name):
    known = fastinit.activations[name]
    assert abs(fastinit.activation_gain(known.f) / known.forward - 1) < 1e-6
    assert abs(fastinit.activation_gain(known.f, "backward", derivative=known.derivative) / known.backward - 1) < 1e-6
    if known.maclaurin:
        assert abs(fastinit.activation_gain(known.f, method="maclaurin") / known.maclaurin - 1) < 1e-5


def test_kinks_anywhere():
    """E max(x - c, 0)^2 = (1 + c^2) Q(c) - c phi(c)."""
    for c in (0.1, 1 / 3, -0.77):
        mean = (1 + c * c) * (1 - mp.ncdf(c)) - c * mp.npdf(c)
        gain = fastinit.activation_gain(lambda x, c=c: np.maximum(x - c, 0))
        assert abs(gain * float(mp.sqrt(mean)) - 1) < 1e-6
        gain = fastinit.activation_gain(lambda x, c=c: np.maximum(x - c, 0), "backward")
        assert abs(gain * float(mp.sqrt(1 - mp.ncdf(c))) - 1) < 1e-4  # by differences, across a step


def test_errors():
    gain = fastinit.activation_gain
    for call, words in [
        (lambda: gain("swish"), "known activations"),
        (lambda: gain("tanh", "up"), "direction="),
        (lambda: gain("tanh", method="taylor"), "method="),
        (lambda: gain("relu", method="maclaurin"), "quadrature"),
        (lambda: gain(lambda x: 0 * x), "E f(x)^2"),
        (lambda: gain(lambda x: x / 0.0 if x.size == 0 else np.full_like(x, np.inf)), "E f(x)^2"),
        (lambda: gain(lambda x: 1.0), "elementwise"),
    ]:
        with pytest.raises(ValueError) as caught:
            call()
        assert words in str(caught.value)
    with pytest.raises(TypeError, match="callable"):
        gain(3)
