"""The probe of networks in NumPy: faults and healthy twins, causes and cures, what is shown, sentences."""

import fastinit
import numpy as np
import pytest
from fastinit import mlp, probe
from nets import BATCH, inputs, kinds, net, scaled

LABELS = np.arange(BATCH) % 10


def half_dead(w, generator):
    fastinit.kaiming_normal_(w, generator=generator)
    w -= np.float32(0.1)  # more inhibition than inputs can overcome
    return w


FAULTS = {
    "tells nothing apart": ("relu", scaled(1 / 3), 30), "goes too far": ("relu", scaled(30.0), 8),
    "rough": ("tanh", scaled(30.0), 16), "symmetric": ("tanh", lambda w: fastinit.constant_(w, 0.01), 3),
    "closed": ("relu", fastinit.zeros_, 3), "not finite": ("relu", lambda w: fastinit.constant_(w, 1e30), 4),
    "confident": ("relu", scaled(60.0), 4), "does not learn": ("sigmoid", scaled(1.0), 12),
}  # fmt: skip
HEALTHY = {"relu": fastinit.kaiming_normal_, "tanh": scaled(1.0)}


@pytest.mark.parametrize("kind", FAULTS)
def test_a_fault_is_found_and_its_healthy_twin_is_not(kind):
    activation, init, depth = FAULTS[kind]
    result = probe(net(activation, init, depth), inputs(), LABELS, steps=20)
    assert kind in kinds(result) and not result.ok
    finding = next(f for f in result.findings if f.kind == kind)
    assert finding.advice and finding.rule.source and finding.message and str(finding).startswith(finding.severity)
    twin = "tanh" if activation == "sigmoid" else activation
    healthy = probe(net(twin, HEALTHY[twin], depth), inputs(), LABELS, steps=20)
    assert healthy.ok, healthy


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
    result = probe(net(activation, init, depth, width), inputs(), steps=0)
    assert result.ok, result


def test_one_seed_used_twice_is_a_note():
    result = probe(net("tanh", lambda w: fastinit.xavier_normal_(w, generator=0), 4), inputs(), steps=0)
    assert result.ok and kinds(result, "note") == {"repeated"}
    assert "layer2" in result.findings[0].message and "fold_in" in result.findings[0].advice


@pytest.mark.parametrize(
    "init, activation, depth, cause, layer",
    [
        (scaled(1 / 3), "relu", 30, "n Var w is", "layer1"),
        (fastinit.zeros_, "tanh", 3, "exactly 0", "layer1.weight"),
        (half_dead, "relu", 12, "are off for every input", "layer2"),
        (scaled(1.0), "sigmoid", 12, "passes on", "layer3"),
    ],
)
def test_a_cause_is_named_where_it_begins(init, activation, depth, cause, layer):
    finding = probe(net(activation, init, depth), inputs(), LABELS, steps=0).findings[0]
    assert finding.kind == "tells nothing apart" and cause in finding.cause and finding.layer == layer, finding


def test_causes_are_named_only_under_a_symptom():
    shallow = probe(net("relu", fastinit.xavier_normal_, 3), inputs(), LABELS, steps=20)
    assert shallow.ok and not shallow.findings  # n Var w is 1 and relu needs 2: no matter in so few layers


def test_the_line_that_is_advised_cures():
    model, x = net("relu", scaled(1 / 3), 30), inputs()
    sick = probe(model, x, LABELS, steps=20)
    exec(sick.findings[0].advice, {"fastinit": fastinit, "model": model, "x": x})
    cured = probe(model, x, LABELS, steps=20)
    assert not sick.ok and cured.ok
    before, after = sick.compare(cured, names=["as it was", "cured"])
    assert before[0] == "as it was" and before[1].startswith("severe") and after[1] == "no fault found"


def test_a_zero_head_is_no_fault():
    head = net("relu", fastinit.kaiming_normal_, 6)
    fastinit.zeros_(head[-1].weight)
    result = probe(head, inputs(), LABELS)
    assert result.ok and result.loss == pytest.approx(np.log(10))


def test_what_is_shown(recwarn):
    import matplotlib.pyplot as plt

    result = probe(net("relu", half_dead, 4), inputs(), LABELS, steps=20)
    assert "dead" in result.table().header and result["layer3"].dead > 0.05
    text = repr(result)
    assert text.startswith(result.verdict) and "trial: " in text and max(map(len, text.splitlines())) <= 250
    markup = result._repr_html_()
    assert markup.index(result.verdict) < markup.index("<table") and "<svg" in markup and "<script" not in markup
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
    assert list(result.to_pandas().index) == [f"layer{i}" for i in range(1, 6)]


def test_the_report_in_vietnamese():
    import matplotlib.pyplot as plt

    sick = net("relu", scaled(1 / 3), 30)
    english, report = (probe(sick, inputs(), LABELS, steps=20, language=language) for language in ("en", "vi"))
    assert [f.kind for f in report.findings] == [
        f.kind for f in english.findings
    ] and report.evidence == english.evidence
    assert report.verdict.startswith("nặng: ") and "có lẽ vì" in repr(report) and "lớp" in report.table().header
    words = "likely because,cure:,seen:,layer ,healthy,steps of,a constant answer,not looked at,note:".split(",")
    assert not [word for word in words if word in repr(report) + report._repr_html_()]
    axes = report.plot("all")
    assert [ax.get_title() for ax in axes] == ["tín hiệu, lan truyền xuôi", "gradient, lan truyền ngược", "z theo lớp"]
    plt.close("all")


@pytest.mark.parametrize(
    "call, message",
    [
        (lambda: probe(mlp([8, 2]), np.ones((4, 8), np.float32), loss="mse"), "needs target="),
        (lambda: probe(mlp([8, 2]), np.ones((4, 8), np.float32), loss="hinge"), "loss='hinge'"),
        (lambda: probe(mlp([8, 2]), np.ones((4, 8), np.float32), names=["a", "b"]), "2 entries for 1"),
        (lambda: probe(mlp([8, 2]), np.ones((4, 8), np.float32)).plot("bar"), "kind='bar'"),
        (lambda: probe(mlp([8, 2]), np.ones((4, 8), np.float32), steps=1.5), "steps=1.5"),
        (lambda: probe(mlp([8, 2]), np.ones((4, 8), np.float32), rate=2), "rate=2"),
    ],
)
def test_bad_input_is_told(call, message):
    with pytest.raises(ValueError, match=message):
        call()


@pytest.mark.parametrize("model", [3, [], [1], None, "net"])
def test_what_is_no_network_is_refused(model):
    with pytest.raises(TypeError, match=r"give a list of fastinit.Dense"):
        probe(model, inputs())
