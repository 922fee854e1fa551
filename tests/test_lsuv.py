"""LSUV: every layer's variance is 1 at the end, in NumPy and in torch; or a sentence, and nothing is changed."""

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
    assert report.column("Var z after") == [pytest.approx(z.var(dtype=np.float64)) for z in zs]
    assert probe(layers, inputs()).ok


def test_centred_units():
    layers = net("relu", fastinit.xavier_normal_, 4)
    layers[1].bias[:] = 7.0
    report = fastinit.lsuv_(layers, inputs() + 3, tolerance=0.02, center=True, generator=0)
    for z, mean in zip(fastinit.forward(layers, inputs() + 3)[0], report.column("mean z after"), strict=True):
        assert abs(z.mean(axis=0)).max() < 1e-5 and abs(z.var() - 1) <= 0.02 and abs(mean) < 1e-5


def test_a_bias_stays_and_is_reckoned_with():
    layers = mlp([64, 64], generator=0)
    layers[0].bias[:] = bias = fastinit.normal_(np.empty(64, np.float32), 0, 0.5, generator=2)
    report = fastinit.lsuv_(layers, inputs(64), tolerance=1e-4, iterations=1, generator=0)
    assert np.array_equal(layers[0].bias, bias) and report.column("scalings") == [1]
    assert fastinit.forward(layers, inputs(64))[0][0].var() == pytest.approx(1, abs=1e-3)


def test_a_shared_weight_is_scaled_once():
    layers = mlp([64] * 4, "relu", generator=0)
    layers[2].weight = layers[0].weight.T
    report = fastinit.lsuv_(layers, inputs(64) * 3, generator=0)
    assert report.column("layer") == ["layer1", "layer2", "layer3 (weight of layer1)"]
    assert report.column("scalings") == [1, 1, 0] and report.column("factor")[2] is None
    zs, _ = fastinit.forward(layers, inputs(64) * 3)
    assert report.column("Var z after") == [pytest.approx(z.var()) for z in zs]


def biased(std):
    layers = mlp([64] * 3, "relu", generator=0)
    fastinit.normal_(layers[1].bias, 0, std, generator=2)
    return layers


def changed(change):
    layers = mlp([64] * 3, "relu", generator=0)
    change(layers)
    return layers


@pytest.mark.parametrize(
    "layers, x, options, message",
    [
        (mlp([64, 2]), inputs(64), {"tolerance": 0}, "tolerance=0"),
        (mlp([64, 2]), inputs(64), {"iterations": 0}, "iterations=0"),
        (mlp([64, 2]), inputs(64) * 0, {}, "z of layer1 does not depend on x .variance 0"),
        (mlp([64, 2]), inputs(64) * 0 + 1, {}, "z of layer1 does not depend on x"),
        (mlp([64, 2]), inputs(64)[:1] * 0, {}, "z of layer1 does not depend on x"),
        (changed(lambda n: n[0].bias.fill(-9)), inputs(64), {}, "z of layer2 does not depend on x"),
        (changed(lambda n: n[1].weight.fill(0)), inputs(64), {"orthogonal": False}, "layer2 does not depend on x"),
        (biased(2.0), inputs(64), {}, "layer2 .* of which its bias gives .* center=True"),
        (biased(0.95), 3 * inputs(64), {}, "layer2 .* of which its bias gives .* center=True"),
        (biased(2.0), inputs(64) * 0, {}, "z of layer1 does not depend"),
        (mlp([64, 2]), np.where(inputs(64) > 2, np.nan, inputs(64)), {}, "z of layer1 holds .* NaN"),
        (mlp([64, 2]), inputs(64)[:0], {}, "z of layer1 is empty"),
        (mlp([64, 2]), inputs(32), {}, "layer1 takes"),
        (changed(lambda n: n[1].weight.setflags(write=False)), inputs(64), {}, "weight of layer2 .* read-only"),
        (changed(lambda n: setattr(n[1], "bias", None)), inputs(64), {"center": True}, "layer2 has no bias"),
        (mlp([64, 64], dtype=np.float16), inputs(64), {"tolerance": 1e-7}, "layer1 .* after 10 scalings"),
    ],
)
def test_a_sentence_names_the_layer_and_nothing_is_changed(layers, x, options, message):
    kept = [a.copy() for layer in layers for a in (layer.weight, layer.bias) if a is not None]
    with pytest.raises(ValueError, match=message):
        fastinit.lsuv_(layers, x, **{"generator": 0, **options})
    after = [a for layer in layers for a in (layer.weight, layer.bias) if a is not None]
    assert all(np.array_equal(a, b) for a, b in zip(after, kept, strict=True))


def test_weights_that_are_no_real_numbers_are_refused_by_name():
    for dtype, message in ((int, "weight of layer1 cannot be scaled"), (complex, "weight of layer1 is complex")):
        with pytest.raises(TypeError, match=message):
            fastinit.lsuv_([fastinit.Dense(np.ones((2, 2), dtype), name="layer1")], np.ones((3, 2)))


@pytest.mark.parametrize("model", [3, [], [1], None, "net"])
def test_what_is_no_network_is_refused(model):
    with pytest.raises(TypeError, match=r"give a list of fastinit.Dense"):
        fastinit.lsuv_(model, inputs())


@pytest.mark.parametrize("variance, scalings", [(0.85, 1), (0.95, 0), (1.05, 0), (1.15, 1)])
def test_the_tolerance(variance, scalings):
    x = inputs(64)
    report = fastinit.lsuv_(mlp([64, 64]), x * np.float32((variance / x.var()) ** 0.5), generator=0)  # a rotation
    assert report.column("scalings") == [scalings]
