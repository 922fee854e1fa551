"""What the probe finds: every fault on a net made to have it, and not on its healthy twin; the cures cure."""

import math
import re

import fastinit
import numpy as np
import pytest
from fastinit import mlp, probe
from nets import BATCH, inputs, kinds, net, scaled


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


@pytest.mark.parametrize(
    "activation, init, depth",
    [
        ("relu", fastinit.kaiming_normal_, 30),
        ("tanh", scaled(1.0), 10),
        ("gelu", scaled(2.35), 8),
        ("selu", fastinit.lecun_normal_, 10),
        ("tanh", fastinit.xavier_uniform_, 10),
        ("leaky_relu", fastinit.kaiming_uniform_, 10),
        ("elu", scaled(1.25), 8),
    ],
)
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
    for init, name in (
        (lambda w, generator: fastinit.kaiming_uniform_(w, 5**0.5, generator=generator), "torch's default"),
        (lambda w, generator: fastinit.normal_(w, std=0.01, generator=generator), "normal of std 0.01"),
        (lambda w, generator: fastinit.uniform_(w, generator=generator), "not centred"),
        (lambda w: fastinit.constant_(w, 0.5), "a constant 0.5"),
    ):
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


def test_every_kind_in_the_documentation_can_be_found():
    named = set(re.findall(r'"([a-z ]+)"', fastinit.Finding.__doc__.split("severity")[0]))
    assert named == {*FAULTS, "narrow", "confident"}


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


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: probe(mlp([8, 2]), np.ones((4, 8), np.float32), loss="mse"), "needs target="),
        (lambda: probe(mlp([8, 2]), np.ones((4, 8), np.float32), loss="hinge"), "loss='hinge'"),
        (lambda: probe(mlp([8, 2]), np.ones((4, 8), np.float32), names=["a", "b"]), "2 entries for 1"),
        (lambda: probe(mlp([8, 2]), np.ones((4, 8), np.float32)).plot("bar"), "kind='bar'"),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("model", [3, [], [1], None, "net"])
def test_what_is_no_network_is_refused(model):
    with pytest.raises(TypeError, match=r"give a list of fastinit.Dense"):
        probe(model, inputs())
