"""The network in NumPy: gradients against differences and autograd, streams by layer, and the papers' own results."""

import copy
import math

import fastinit
import numpy as np
import pytest
from fastinit import Dense, mlp, probe


@pytest.mark.parametrize("activation", list(fastinit.activations))
@pytest.mark.parametrize("layout", ["OI...", "...IO"])
def test_gradients_agree_with_differences(activation, layout):
    generator = fastinit.Generator(3)

    def weight(n, m):
        w = fastinit.normal_(np.empty((m, n)), std=0.5, generator=generator)
        return w if layout == "OI..." else w.T.copy()

    layers = [Dense(weight(5, 7), fastinit.normal_(np.empty(7), std=0.1, generator=generator), activation, layout),
              Dense(weight(7, 3), None, "linear", layout)]  # fmt: skip
    x, target = (
        fastinit.normal_(np.empty((6, 5)), generator=generator),
        fastinit.normal_(np.empty((6, 3)), generator=generator),
    )

    def loss():
        return fastinit.mean_squared_error(fastinit.forward(layers, x)[1][-1], target)

    zs, outputs = fastinit.forward(layers, x)
    found = fastinit.backward(layers, x, zs, outputs, loss()[1])
    for layer, (_, dw, db) in zip(layers, found, strict=True):
        for parameter, gradient in ((layer.weight, dw), (layer.bias, db)):
            if parameter is None:
                continue
            for at in [(0,) * parameter.ndim, tuple(n - 1 for n in parameter.shape)]:
                before, step = parameter[at], 1e-6
                parameter[at] = before + step
                above = loss()[0]
                parameter[at] = before - step
                below = loss()[0]
                parameter[at] = before
                assert gradient[at] == pytest.approx((above - below) / (2 * step), rel=2e-4, abs=1e-8)


def test_gradients_agree_with_autograd():
    torch = pytest.importorskip("torch")
    layers = mlp([20, 30, 30, 4], "tanh", generator=0, dtype=np.float64)
    x = fastinit.normal_(np.empty((16, 20)), generator=1)
    labels = np.arange(16) % 4
    twin = torch.nn.Sequential(
        torch.nn.Linear(20, 30), torch.nn.Tanh(), torch.nn.Linear(30, 30), torch.nn.Tanh(), torch.nn.Linear(30, 4)
    ).double()
    linear = [m for m in twin if isinstance(m, torch.nn.Linear)]
    with torch.no_grad():
        for ours, theirs in zip(layers, linear, strict=True):
            theirs.weight.copy_(torch.from_numpy(ours.weight)), theirs.bias.copy_(torch.from_numpy(ours.bias))
    loss = torch.nn.functional.cross_entropy(twin(torch.from_numpy(x)), torch.from_numpy(labels))
    loss.backward()
    zs, outputs = fastinit.forward(layers, x)
    value, grad = fastinit.cross_entropy(outputs[-1], labels)
    assert value == pytest.approx(loss.item(), rel=1e-13)
    for (_, dw, db), theirs in zip(fastinit.backward(layers, x, zs, outputs, grad), linear, strict=True):
        np.testing.assert_allclose(dw, theirs.weight.grad.numpy(), rtol=1e-10, atol=1e-15)
        np.testing.assert_allclose(db, theirs.bias.grad.numpy(), rtol=1e-10, atol=1e-15)


def test_mlp_fills_each_layer_from_its_own_stream():
    first, again, deeper = (
        mlp([8, 8, 8, 2], generator=0),
        mlp([8, 8, 8, 2], generator=0),
        mlp([8, 8, 16, 2], generator=0),
    )
    assert all((a.weight == b.weight).all() for a, b in zip(first, again, strict=True))
    assert (first[0].weight == deeper[0].weight).all() and (first[0].weight != first[1].weight).any()
    assert [layer.activation for layer in first] == ["tanh", "tanh", "linear"]
    fastinit.manual_seed(0)
    assert (mlp([8, 8, 8])[0].weight != mlp([8, 8, 8])[0].weight).any()  # the default generator moves on


def train(layers, x, labels, rate, steps=300):
    """The smallest loss on the way: the last is a matter of chance in a deep net, and of how many threads BLAS has."""
    smallest = math.inf
    for _ in range(steps):
        zs, outputs = fastinit.forward(layers, x)
        loss, grad = fastinit.cross_entropy(outputs[-1], labels)
        smallest = min(smallest, loss)
        for layer, (_, dw, db) in zip(layers, fastinit.backward(layers, x, zs, outputs, grad), strict=True):
            layer.weight -= rate * dw
            layer.bias -= rate * db
    return smallest


def test_he_learns_at_30_layers_where_xavier_does_not():
    x = fastinit.normal_(np.empty((200, 20), np.float32), generator=5)
    labels = (x[:, 0] > 0).astype(int) + 2 * (x[:, 1] > 0)
    nets = {name: mlp([20] + [64] * 30 + [4], "relu", init=init, generator=1)
            for name, init in (("He", fastinit.kaiming_normal_), ("Xavier", fastinit.xavier_normal_))}  # fmt: skip
    losses = {
        name: min(train(copy.deepcopy(layers), x, labels, rate) for rate in (0.01, 0.03))
        for name, layers in nets.items()
    }
    assert losses["He"] < 0.6 and losses["Xavier"] > 0.95 * math.log(4)


def test_glorot_2010_figures_6_and_7():
    """tanh, 5 layers: with the standard U(-1/sqrt n, 1/sqrt n) activations shrink forward and gradients backward; with
    the normalised one both stay. Mean singular value of a layer's Jacobian: the paper prints 0.5 and 0.8."""

    def standard(w, generator):
        bound = 1 / math.sqrt(w.shape[1])
        return fastinit.uniform_(w, -bound, bound, generator=generator)

    spread, gradient, jacobian = {}, {}, {}
    for name, init in (("standard", standard), ("normalised", fastinit.xavier_uniform_)):
        layers = mlp([300] * 6 + [10], "tanh", init=init, generator=2)
        x = fastinit.normal_(np.empty((500, 300), np.float32), generator=3)
        result = probe(layers, x)
        spread[name] = result.layers[4].a.std / result.layers[0].a.std
        gradient[name] = result.layers[0].dz.rms / result.layers[4].dz.rms
        zs, _ = fastinit.forward(layers, x)
        values = [
            np.linalg.svd(fastinit.dtanh(zs[2][i])[:, None] * layers[2].weight, compute_uv=False).mean()
            for i in range(5)
        ]
        jacobian[name] = np.mean(values)
    assert spread["standard"] < 0.2 and spread["normalised"] > 0.45
    assert gradient["standard"] < 0.15 and gradient["normalised"] > 0.35
    assert jacobian["standard"] == pytest.approx(0.48, abs=0.04) and jacobian["normalised"] == pytest.approx(
        0.72, abs=0.04
    )


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: mlp([8]), "two or more"),
        (lambda: mlp([8, 0]), "positive"),
        (lambda: mlp([8, 2], "tan"), "activation='tan'"),
        (lambda: Dense(np.ones(3)), "two dimensions"),
        (lambda: Dense(np.ones((3, 2)), np.ones(2)), r"needs \(3,\)"),
        (lambda: Dense(np.ones((3, 2)), layout="OI"), "layout='OI'"),
        (lambda: fastinit.forward(mlp([8, 2]), np.ones((4, 7), np.float32)), r"takes \(batch, 8\)"),
        (lambda: fastinit.cross_entropy(np.ones((3, 2)), np.ones(3)), "integer labels"),
        (lambda: fastinit.mean_squared_error(np.ones(3), np.ones(2)), "give the same"),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()
