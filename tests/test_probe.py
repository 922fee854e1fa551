"""The probe: gradients against autograd and differences, every fault beside its healthy twin, theory against measurement, and
the constructions of torch that break hand-written hooks."""

import copy
import math
import re

import fastinit
import matplotlib
import numpy as np
import pytest
from fastinit import Dense, mean_field, mlp, probe

matplotlib.use("Agg")

BATCH = 256


def inputs(n=128, batch=BATCH):
    return fastinit.normal_(np.empty((batch, n), np.float32), generator=1)


def scaled(scale):
    return lambda w, generator: fastinit.variance_scaling_(w, scale, "fan_in", "normal", generator=generator)


def net(activation, init, depth=10, width=128, **options):
    return mlp([128] + [width] * depth + [10], activation, init=init, generator=0, **options)


def kinds(result, least="bad"):
    serious = {"note": ("note", "bad", "severe"), "bad": ("bad", "severe")}[least]
    return {finding.kind for finding in result.findings if finding.severity in serious}


# ---- the NumPy network ----------------------------------------------------------------------------------------------


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
        (lambda: probe(mlp([8, 2]), np.ones((4, 8), np.float32), loss="mse"), "needs target="),
        (lambda: probe(mlp([8, 2]), np.ones((4, 8), np.float32), loss="hinge"), "loss='hinge'"),
        (lambda: probe(mlp([8, 2]), np.ones((4, 8), np.float32), names=["a", "b"]), "2 entries for 1"),
        (lambda: probe(mlp([8, 2]), np.ones((4, 8), np.float32)).plot("bar"), "kind='bar'"),
        (lambda: mean_field.theory("relu", -1.0), "sigma_w2=-1.0"),
        (lambda: mean_field.theory("relu", 1.0, depth=0), "depth=0"),
        (lambda: mean_field.theory("relu", 1.0, input_cosine=2.0), "input_cosine"),
        (lambda: mean_field.critical("nothing"), "unknown"),
        (lambda: mean_field.critical("squared_relu"), "no critical point"),
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
    for function in (probe, fastinit.lsuv_):
        with pytest.raises(TypeError, match="give a list of fastinit.Dense"):
            function(model, inputs())


# ---- theory ---------------------------------------------------------------------------------------------------------


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


# ---- findings: each on a net made to have it, and not on its healthy twin --------------------------------------------


def repeated(w):
    return fastinit.xavier_normal_(w, generator=0)


def half_dead(w, generator):
    fastinit.kaiming_normal_(w, generator=generator)
    w -= np.float32(0.1)  # more inhibition than inputs can overcome
    return w


FAULTS = {
    "vanishing": ("relu", fastinit.xavier_normal_, 20), "exploding": ("tanh", scaled(30.0), 16),
    "drift": ("relu", scaled(0.5), 12), "saturated": ("tanh", scaled(20.0), 4), "dead": ("relu", half_dead, 4),
    "collapsed": ("sigmoid", scaled(1.0), 6), "symmetric": ("tanh", lambda w: fastinit.constant_(w, 0.01), 3),
    "repeated": ("tanh", repeated, 4), "no gradient": ("tanh", fastinit.zeros_, 3),
    "wrong init": ("relu", lambda w, generator: fastinit.kaiming_uniform_(w, 5**0.5, generator=generator), 4),
    "not finite": ("relu", lambda w: fastinit.constant_(w, 1e30), 4),
}  # fmt: skip
HEALTHY = {"relu": fastinit.kaiming_normal_, "tanh": scaled(1.0), "sigmoid": scaled(1.0)}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_found_and_its_healthy_twin_is_not(kind):
    activation, init, depth = FAULTS[kind]
    result = probe(net(activation, init, depth), inputs())
    assert kind in kinds(result) and not result.ok
    finding = next(f for f in result.findings if f.kind == kind)
    assert finding.advice and finding.source and finding.message and str(finding).startswith(finding.severity)
    twin = "tanh" if activation == "sigmoid" else activation
    healthy = probe(net(twin, HEALTHY[twin], min(depth, 10) if twin == "tanh" else depth), inputs())
    assert healthy.ok and kind not in kinds(healthy, "note" if kind != "drift" else "bad")


def test_narrow_and_confident():
    assert "narrow" in kinds(probe(net("relu", fastinit.kaiming_normal_, 40, 32), inputs()))
    assert "narrow" not in kinds(probe(net("relu", fastinit.kaiming_normal_, 10, 128), inputs()), "note")
    labels = np.arange(BATCH) % 10
    large = net("relu", fastinit.kaiming_normal_, 3)
    large[-1].weight *= 30
    result = probe(large, inputs(), labels, loss="cross_entropy")
    assert "confident" in kinds(result) and result.loss > 10
    large[-1].weight[...] = 0
    result = probe(large, inputs(), labels, loss="cross_entropy")
    assert result.loss == pytest.approx(math.log(10)) and result.ok


@pytest.mark.parametrize("activation, init, depth", [
    ("relu", fastinit.kaiming_normal_, 30), ("tanh", scaled(1.0), 10), ("gelu", scaled(2.35), 8), ("selu", fastinit.lecun_normal_, 10),
    ("tanh", fastinit.xavier_uniform_, 10), ("leaky_relu", fastinit.kaiming_uniform_, 10), ("elu", scaled(1.25), 8),
])  # fmt: skip
@pytest.mark.parametrize("width", [128, 512])
def test_right_initialisations_are_found_right(activation, init, depth, width):
    result = probe(net(activation, init, depth, width), inputs())
    assert result.ok, result


def test_a_zero_head_and_a_zero_branch_are_no_fault():
    torch = pytest.importorskip("torch")
    head = net("relu", fastinit.kaiming_normal_, 6)
    fastinit.zeros_(head[-1].weight)
    result = probe(head, inputs())
    assert result.ok and "symmetric" not in kinds(result, "note")

    class Residual(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.stem, self.inner, self.outer, self.head = (torch.nn.Linear(128, 128) for _ in range(4))
            for m in (self.stem, self.inner):
                fastinit.kaiming_normal_(m.weight, generator=fastinit.Generator(id(m) % 1000)), fastinit.zeros_(m.bias)
            fastinit.zeros_(self.outer.weight), fastinit.zeros_(self.outer.bias)

        def forward(self, x):
            x = torch.relu(self.stem(x))
            return self.head(x + self.outer(torch.relu(self.inner(x))))

    assert probe(Residual(), inputs()).ok


def test_wrong_init_names_what_it_looks_like():
    for init, name in ((lambda w, generator: fastinit.kaiming_uniform_(w, 5**0.5, generator=generator), "torch's default"),
                       (lambda w, generator: fastinit.normal_(w, std=0.01, generator=generator), "normal of std 0.01"),
                       (lambda w, generator: fastinit.uniform_(w, generator=generator), "not centred"),
                       (lambda w: fastinit.constant_(w, 0.5), "a constant 0.5")):  # fmt: skip
        result = probe(net("relu", init, 3), inputs())
        assert any(name in f.message for f in result.findings if f.kind == "wrong init"), result


def test_thresholds_can_be_moved():
    model = net("relu", fastinit.xavier_normal_, 4)
    assert "wrong init" in kinds(probe(model, inputs()), "note")
    assert "wrong init" not in kinds(
        probe(model, inputs(), thresholds=fastinit.Thresholds(wrong_init=(5.0, 9.0))), "note"
    )


def test_the_advice_cures():
    sick = probe(net("relu", fastinit.xavier_normal_, 20), inputs())
    cure = next(f for f in sick.findings if f.kind == "vanishing").advice
    weight_for = {}

    def init(weight, generator):
        return eval(
            cure.split("#")[0].replace(")", ", generator=generator)", 1),
            {"fastinit": fastinit, "weight": weight, "generator": generator},
        )

    weight_for["cured"] = net("relu", init, 20)
    assert probe(weight_for["cured"], inputs()).ok


# ---- what is shown --------------------------------------------------------------------------------------------------


def test_what_is_shown(recwarn):
    import matplotlib.pyplot as plt

    result = probe(net("relu", half_dead, 4), inputs())
    text = repr(result)
    assert text.startswith(("bad", "severe")) and "cure:" in text and max(map(len, text.splitlines())) <= 250
    markup = result._repr_html_()
    assert markup.index("cure") < markup.index("<table") and "<svg" in markup and "<script" not in markup
    for opened, closed in (("<tr", "</tr>"), ("<td", "</td>"), ("<p ", "</p>")):
        assert markup.count(opened) == markup.count(closed)
    assert len(result.plot("all")) == 3
    for kind in ("std", "grad", "ridge"):
        _, ax = plt.subplots()
        assert result.plot(kind, ax) is ax and ax.has_data()
    plt.close("all")
    assert result["layer2"] is result.layers[1] and result.stats("dw").names == [f"layer{i}" for i in range(1, 6)]
    with pytest.raises(KeyError, match="no layer is named"):
        result["nothing"]
    frame = result.to_pandas()
    assert list(frame.index) == [f"layer{i}" for i in range(1, 6)]
    compared = result.compare(probe(net("relu", fastinit.kaiming_normal_, 4), inputs()), names=["dead", "He"])
    assert compared.column("verdict")[1] == "no fault found"


# ---- torch ----------------------------------------------------------------------------------------------------------


def make(torch, inplace=False, depth=4):
    layers = []
    for i in range(depth):
        linear = torch.nn.Linear(32, 32)
        fastinit.kaiming_normal_(linear.weight, generator=fastinit.Generator(i)), fastinit.zeros_(linear.bias)
        layers += [linear, torch.nn.ReLU(inplace=inplace)]
    head = torch.nn.Linear(32, 10)
    fastinit.lecun_normal_(head.weight, generator=9), fastinit.zeros_(head.bias)
    return torch.nn.Sequential(*layers, head)


def numbers(result):
    return [(layer.z.rms, layer.dz.rms, layer.dw.rms, layer.activation, layer.dead) for layer in result.layers]


def test_torch_and_numpy_agree():
    torch = pytest.importorskip("torch")
    model = make(torch)
    x = inputs(32, 128)
    theirs = probe(model, x)
    ours = probe([Dense(m.weight.detach().numpy(), m.bias.detach().numpy(), "relu" if i < 4 else "linear")
                  for i, m in enumerate(m for m in model if isinstance(m, torch.nn.Linear))], x)  # fmt: skip
    assert len(ours.layers) == len(theirs.layers) == 5
    for a, b in zip(ours.layers, theirs.layers, strict=True):
        assert a.z.rms == pytest.approx(b.z.rms, rel=1e-5) and a.dz.rms == pytest.approx(b.dz.rms, rel=1e-5)
        assert (
            a.dw.rms == pytest.approx(b.dw.rms, rel=1e-5)
            and a.dead == b.dead
            and (a.fan_in, a.fan_out) == (b.fan_in, b.fan_out)
        )
        if a.predicted:
            assert a.predicted == pytest.approx(b.predicted, rel=1e-5)


def functional(torch, model):
    class Functional(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layers = torch.nn.ModuleList(m for m in model if isinstance(m, torch.nn.Linear))

        def forward(self, x):
            for layer in self.layers[:-1]:
                x = torch.nn.functional.relu(layer(x))
            return {"out": (self.layers[-1](x), None)}

    return Functional()


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")  # torch's own, from its compiler
@pytest.mark.parametrize("way", ["inplace", "functional", "compiled", "compiled in place", "data parallel", "no_grad", "inference_mode",
                                 "inference input", "checkpoint"])  # fmt: skip
def test_awkward_torch_gives_the_same_numbers(way):
    torch = pytest.importorskip("torch")
    plain, x = make(torch), torch.from_numpy(inputs(32, 128))
    expected = numbers(probe(plain, x))
    if way == "inplace":
        found = probe(make(torch, inplace=True), x)
    elif way == "functional":
        found = probe(functional(torch, plain), x)
    elif way == "compiled":
        found = probe(torch.compile(plain), x)
    elif way == "compiled in place":
        plain.compile()
        found = probe(plain, x)
    elif way == "data parallel":
        found = probe(torch.nn.DataParallel(plain), x)
    elif way == "no_grad":
        with torch.no_grad():
            found = probe(plain, x)
    elif way == "inference_mode":
        with torch.inference_mode():
            found = probe(plain, x)
    elif way == "inference input":
        with torch.inference_mode():
            made = x.clone()
        found = probe(plain, made)
    else:

        class Checkpointed(torch.nn.Module):
            def __init__(self):
                super().__init__()
                self.body = plain

            def forward(self, x):
                return torch.utils.checkpoint.checkpoint(self.body, x, use_reentrant=False)

        found = probe(Checkpointed(), x)
    assert numbers(found) == expected


def test_modules_used_twice_are_told_apart():
    torch = pytest.importorskip("torch")

    class Twice(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.shared = torch.nn.Linear(32, 32)
            self.weight = torch.nn.Parameter(torch.randn(32, 4))

        def forward(self, x):
            y = torch.tanh(self.shared(x))
            y = self.shared(y)
            y += x
            return y.sigmoid() @ self.weight

    result = probe(Twice(), inputs(32, 64))
    assert [layer.name for layer in result.layers][:2] == ["shared", "shared#2"]
    assert [layer.activation for layer in result.layers] == ["tanh", "sigmoid", None]
    assert "repeated" not in kinds(result, "note") and result.layers[2].fan_in == 32


def test_convolutions_norms_and_groups():
    torch = pytest.importorskip("torch")
    nn = torch.nn
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, groups=2, stride=2), nn.Tanh(),
                          nn.ConvTranspose2d(16, 4, 3, groups=2), nn.GELU("tanh"), nn.Flatten(), nn.Dropout(), nn.LazyLinear(5))  # fmt: skip
    x = torch.randn(64, 3, 12, 12)
    with pytest.raises(TypeError, match="has no shape yet"):
        probe(model, x)
    model(x)
    before = copy.deepcopy(model.state_dict())
    result = probe(model, x, torch.arange(64) % 5, loss="cross_entropy")
    assert [(layer.fan_in, layer.fan_out) for layer in result.layers[:3]] == [(27, 72), (36, 72), (72, 18)]
    assert [layer.activation for layer in result.layers] == ["relu", "tanh", "gelu_tanh", None]
    assert [layer.normalized for layer in result.layers[:2]] == [True, False] and result.layers[0].units == 8
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


@pytest.mark.parametrize("kind", ["LSTM", "MultiheadAttention", "Embedding", "TransformerEncoderLayer", "RNN"])
def test_modules_that_are_seen_as_a_whole(kind):
    torch = pytest.importorskip("torch")
    nn = torch.nn
    if kind == "Embedding":
        result = probe(nn.Sequential(nn.Embedding(10, 8), nn.Linear(8, 3)), torch.randint(10, (20, 5)))
        assert [layer.kind for layer in result.layers] == ["Embedding", "Linear"]
    elif kind == "MultiheadAttention":
        x = torch.randn(4, 6, 16)
        result = probe(nn.MultiheadAttention(16, 4, batch_first=True), {"query": x, "key": x, "value": x})
        assert [layer.name for layer in result.layers] == ["MultiheadAttention.0", "MultiheadAttention.1"]
    elif kind == "TransformerEncoderLayer":
        result = probe(nn.TransformerEncoderLayer(16, 4, 32, batch_first=True), torch.randn(4, 6, 16))
        assert [layer.name for layer in result.layers] == ["self_attn", "linear1", "linear2"]
    else:
        result = probe(getattr(nn, kind)(8, 16), torch.randn(5, 7, 8))
        assert result.layers[0].name == f"{kind}.0" and result.layers[0].dz is not None
    assert result.layers[0].z.size and repr(result)


def test_parametrized_and_frozen_weights():
    torch = pytest.importorskip("torch")
    nn = torch.nn
    model = nn.Sequential(nn.utils.parametrizations.weight_norm(nn.Linear(32, 32)), nn.Tanh(), nn.Linear(32, 2))
    result = probe(model, inputs(32))
    assert [layer.name for layer in result.layers] == ["0", "2"] and result.layers[0].dw is not None
    frozen = make(torch)
    frozen[0].requires_grad_(False)
    result = probe(frozen, inputs(32))
    assert result.layers[0].dz is None and result.ok
    assert any(f.kind == "no gradient" and "frozen" in f.message for f in result.findings)
    with torch.no_grad():
        frozen[2].weight.fill_(0), frozen[2].bias.fill_(-1)
    assert "dead" in kinds(probe(frozen, inputs(32)))


def test_the_autograd_pair_is_seen():
    torch = pytest.importorskip("torch")
    import fastinit.autograd

    class Ours(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = torch.nn.Linear(32, 32), torch.nn.Linear(32, 4)

        def forward(self, x):
            return self.b(fastinit.autograd.sigmoid(self.a(x)))

    assert [layer.activation for layer in probe(Ours(), inputs(32)).layers] == ["sigmoid", None]


def test_the_model_leaves_as_it_came():
    torch = pytest.importorskip("torch")
    nn = torch.nn
    model = nn.Sequential(nn.Linear(32, 32), nn.BatchNorm1d(32), nn.Dropout(), nn.ReLU(), nn.Linear(32, 4))
    model[1].eval()
    model[0].weight.grad = torch.ones(32, 32)
    seen = []
    hook = model[0].register_forward_hook(lambda *_: seen.append(1))
    x = torch.randn(64, 32, requires_grad=True)
    state, flags, random = (
        copy.deepcopy(model.state_dict()),
        [m.training for m in model.modules()],
        torch.get_rng_state(),
    )
    buffers = [id(b) for b in model.buffers()]
    versions = [p._version for p in model.parameters()]
    assert numbers_of_dz(probe(model, x)) == numbers_of_dz(probe(model, x))  # dropout draws the same each time
    assert torch.equal(random, torch.get_rng_state()) and [m.training for m in model.modules()] == flags
    assert all(torch.equal(state[name], value) for name, value in model.state_dict().items())
    assert [id(b) for b in model.buffers()] == buffers and [p._version for p in model.parameters()] == versions
    assert (model[0].weight.grad == 1).all() and model[4].weight.grad is None and x.grad is None
    assert (
        len(seen) == 2
        and len(model[0]._forward_hooks) == 1
        and not model[4]._forward_hooks
        and not model._forward_pre_hooks
    )
    hook.remove()

    class Broken(nn.Module):
        def __init__(self):
            super().__init__()
            self.a = nn.Linear(32, 32)

        def forward(self, x):
            raise RuntimeError("broken") if self.a(x).numel() else None

    broken = Broken()
    with pytest.raises(RuntimeError, match="broken"):
        probe(broken, x)
    assert not broken._forward_hooks and not broken.a._forward_hooks


def numbers_of_dz(result):
    return [layer.dz.rms for layer in result.layers]


def test_nothing_is_kept_alive():
    torch = pytest.importorskip("torch")
    import gc
    import weakref

    model, x = make(torch), torch.from_numpy(inputs(32, 64))
    kept = []
    model[1].register_forward_hook(lambda module, args, out: kept.append(weakref.ref(out)))
    result = probe(model, x)
    gc.collect()
    assert kept and kept[0]() is None and result.layers


@pytest.mark.filterwarnings("ignore:.*torch.jit:DeprecationWarning")
@pytest.mark.parametrize("case", ["script", "lazy", "inference", "no floats", "sharded"])
def test_what_cannot_be_probed_says_so(case):
    torch = pytest.importorskip("torch")
    nn = torch.nn
    x = torch.randn(8, 32)

    class FullyShardedDataParallel(nn.Module):
        pass

    class NoFloats(nn.Module):
        def forward(self, x):
            return x.argmax(1)

    if case == "script":
        model, message = torch.jit.script(make(torch)), "TorchScript"
    elif case == "lazy":
        model, message = nn.LazyLinear(3), "no shape yet"
    elif case == "inference":
        with torch.inference_mode():
            model, message = nn.Linear(32, 3), "inference_mode"
    elif case == "sharded":
        model, message = FullyShardedDataParallel(), "sharded"
    else:
        model, message = NoFloats(), "without a tensor of floats"
    with pytest.raises(TypeError, match=message):
        probe(model, x)


@pytest.mark.parametrize("loss", ["mse", "cross_entropy", "callable"])
def test_losses_of_a_torch_model(loss):
    torch = pytest.importorskip("torch")
    model, x = make(torch), torch.from_numpy(inputs(32, 64))
    target = torch.zeros(64, 10) if loss == "mse" else torch.arange(64) % 10
    function = torch.nn.functional.mse_loss if loss == "mse" else torch.nn.functional.cross_entropy
    result = probe(model, x, target, loss=function if loss == "callable" else loss)
    value = function(model(x), target)
    value.backward()
    assert result.loss == pytest.approx(value.item())
    assert result.layers[0].dw.rms == pytest.approx(fastinit.describe(model[0].weight.grad).rms)


# ---- LSUV -----------------------------------------------------------------------------------------------------------


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


# ---- the papers' own results ----------------------------------------------------------------------------------------


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
    """tanh, 5 layers: with the standard U(-1/sqrt n, 1/sqrt n) activations shrink forward and gradients shrink backward; with the
    normalised one both stay. Mean singular value of a layer's Jacobian: the paper prints 0.5 and 0.8."""

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


def test_every_kind_in_the_documentation_can_be_found():
    named = set(re.findall(r'"([a-z ]+)"', fastinit.Finding.__doc__.split("severity")[0]))
    assert named == {*FAULTS, "narrow", "confident"}
