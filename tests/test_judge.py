"""The judge's rules: each on a network made to have the fault, and not on its healthy twin; awkward models;
sentences."""

import math
import random
import warnings
from types import SimpleNamespace

import fastinit
import numpy as np
import pytest

torch = pytest.importorskip("torch")
from fastinit.probing import trial
from judged_nets import Cells, ReZero, Wrapped, clouds, mlp, normed, sequences, tokens
from torch import nn
from torch.nn import functional


def kinds(model, x, y=None, **options):
    """Those that are bad."""
    options.setdefault("steps", 20)
    return {f.kind for f in fastinit.probe(model, x, y, **options).findings if f.severity != "note"}


def fires(kind, sick, healthy, batch, **options):
    options.setdefault("steps", 20)
    assert kind in kinds(sick, *batch, **options)
    twin = fastinit.probe(healthy, *batch, **options)
    assert twin.ok, twin


# ---- each rule -------------------------------------------------------------------------------------------------------


def test_tells_nothing_apart():
    fires("tells nothing apart", mlp(20, 0.02), mlp(20), clouds())


def test_answers_that_nothing_moves():
    model, (x, y) = mlp(), clouds()
    for layer in model[2::2]:
        nn.init.zeros_(layer.weight)
        layer.bias = None
    evidence = fastinit.probe(model, x, y, steps=0).evidence
    assert evidence.apart == -99 and evidence.rough is None
    assert "tells nothing apart" in kinds(model, x, y)
    evidence = fastinit.probe(mlp(), x[:1], y[:1], steps=0).evidence
    assert evidence.apart is None and evidence.rough is None and evidence.left_out


def test_goes_too_far():
    fires("goes too far", mlp(8, 3.0), mlp(8), clouds())


def test_rough():
    fires("rough", mlp(20, 1.5, nn.Tanh), mlp(20, 0.18, nn.Tanh), clouds())


@pytest.mark.parametrize("first", [True, False], ids=["batch first", "time first"])
def test_does_not_reach_back(first):
    x, y = sequences()
    x = x if first else x.transpose(0, 1)
    fires("does not reach back", Cells(0.3, first=first), Cells(1.0, first=first), (x, y))


def test_a_gradient_that_underflows_on_its_way_back_is_found_and_zeros_that_open_are_not():
    x, y = sequences(120)
    assert "does not reach back" in kinds(Cells(0.1), x, y)
    zero = Cells(1.0)
    nn.init.zeros_(zero.rnn.weight_hh_l0)
    assert fastinit.probe(zero, x, y, steps=20).ok


def test_confident():
    sick = mlp()
    sick[-1].weight.data.mul_(1000)
    fires("confident", sick, mlp(), clouds())


def test_does_not_learn():
    fires("does not learn", normed(0.003), normed(0.25), clouds())
    found = fastinit.probe(normed(0.003), *clouds(), steps=0)
    assert found.evidence.trial is None and "no trial was made" in repr(found)


def test_symmetric():
    sick = mlp()
    for layer in sick[::2]:
        nn.init.constant_(layer.weight, 0.05)
    fires("symmetric", sick, mlp(), clouds())
    zero_head, zero_body = mlp(), mlp()
    nn.init.zeros_(zero_head[-1].weight)
    assert fastinit.probe(zero_head, *clouds(), steps=20).ok
    for layer in zero_body[::2]:
        nn.init.zeros_(layer.weight)
    assert "symmetric" not in kinds(zero_body, *clouds())  # all alike, but what does not move is not what parts them


def test_symmetric_in_a_branch_is_a_note():
    class Branch(nn.Module):
        def __init__(self):
            super().__init__()
            self.body, self.branch, self.out = mlp(1, out=32), nn.Linear(32, 32), nn.Linear(32, 4)
            nn.init.constant_(self.branch.weight, 0.01)
            nn.init.zeros_(self.branch.bias)

        def forward(self, x):
            h = self.body(x)
            return self.out(h + torch.tanh(self.branch(h)).mean(1, keepdim=True))

    found = fastinit.probe(Branch(), *clouds(), steps=20)
    assert found.ok and [f.kind for f in found.findings] == ["symmetric"]


def test_not_finite():
    x, y = clouds()
    fires("not finite", mlp(8, 1e6), mlp(8), (x, y))
    x[0, 0] = float("nan")
    found = fastinit.probe(mlp(), x, y)
    assert [f.kind for f in found.findings] == ["not finite"] and "NaN in x" in found.findings[0].advice


def test_closed():
    sick = mlp()
    nn.init.zeros_(sick[2].weight)
    nn.init.constant_(sick[2].bias, -1.0)  # nothing passes, and nothing ever will
    fires("closed", sick, mlp(), clouds())


def test_strange_but_healthy():
    x, y = clouds()
    assert fastinit.probe(ReZero(), x, y, steps=20).ok
    assert fastinit.probe(mlp(), x, y.float()[:, None] * torch.ones(4), steps=20).ok
    assert fastinit.probe(mlp(), x, steps=20).ok
    assert fastinit.probe(mlp(out=1), x, steps=20).ok


def test_limits_can_be_given():
    x, y = clouds()
    found = fastinit.probe(mlp(), x, y, steps=0, limits={"start": fastinit.Limit(0.1, 0.2, 1e9)})
    assert [f.kind for f in found.findings] == ["confident"]
    with pytest.raises(ValueError, match="limits"):
        fastinit.probe(mlp(), x, y, limits={"begin": fastinit.Limit(1, 2, 3)})


# ---- measures --------------------------------------------------------------------------------------------------------


def test_a_step_that_is_known():
    """One linear layer, where each measure is a formula."""
    torch.manual_seed(0)
    model, x, y = nn.Linear(64, 8, bias=False), torch.randn(256, 64), torch.randn(256, 8)
    evidence = fastinit.probe(model, x, y, steps=0, rate=0.01).evidence
    loss = functional.mse_loss(model(x), y)
    gradient = torch.autograd.grad(loss, model.weight)[0]
    moved = -0.01 * x.double() @ gradient.sign().double().T
    spread = (moved - moved.mean(0)).square().mean()
    assert evidence.step == pytest.approx(math.log10(moved.square().mean().sqrt()), abs=1e-3)
    assert evidence.apart == pytest.approx(math.log10(spread / moved.square().mean()), abs=1e-3)
    assert evidence.far == pytest.approx(math.log10(spread.sqrt() / y.std(unbiased=False)), abs=1e-2)
    assert evidence.rough == pytest.approx(-3 - math.log10(2) / 2, abs=0.05)
    constant = functional.mse_loss(y.mean(0).expand_as(y), y)
    assert evidence.start == pytest.approx(float(loss.detach() / constant), rel=0.02)


def test_what_a_trial_tries():
    small, large = SimpleNamespace(large=False, labelled=True), SimpleNamespace(large=True, labelled=False)
    assert trial._plans(small, 0.001) == [("Adam", 0.001), ("Adam", 0.01), ("SGD", 0.1)]
    assert trial._plans(large, 0.001)[0] == ("Adam", 0.0001) and trial.passes(large, 20) == 4 * 21
    evidence = fastinit.probe(mlp(), *clouds(), steps=20).evidence
    assert 0.15 < evidence.trial.gain < 1 and evidence.trial.labelled and evidence.trial.most == 20


def test_only_the_step_and_the_noise_are_measured():
    model, (x, y) = nn.Sequential(nn.Dropout(0.5), mlp()), clouds()
    evidence = fastinit.probe(model, x, y, rate=1e-9, steps=0).evidence
    assert evidence.step < -6 and -4 < evidence.rough < -2  # the same masks in each pass
    evidence = fastinit.probe(nn.Sequential(nn.Embedding(30, 16), mlp(out=30)), tokens(), tokens(), steps=0).evidence
    assert -4 < evidence.rough < -2 and abs(evidence.back) < 1


def test_the_same_evidence_twice_and_from_any_random_state():
    shift = Wrapped(mlp(), lambda out: out + random.random() + np.random.rand())
    model, (x, y) = nn.Sequential(nn.Dropout(0.5), shift, nn.BatchNorm1d(4)), clouds()
    first = fastinit.probe(model, x, y, steps=20).evidence
    torch.manual_seed(77)
    np.random.seed(3)
    random.seed(3)
    assert fastinit.probe(model, x, y, steps=20).evidence == first
    assert (
        fastinit.probe(model.eval(), x, y, steps=20).evidence == first and not model.training
    )  # judged in training mode


@pytest.mark.parametrize("activation", ["relu", "tanh"])
@pytest.mark.parametrize("target", ["none", "labels", "values"])
def test_a_network_in_numpy_gives_the_evidence_of_its_twin_in_torch(activation, target):
    x = fastinit.normal_(np.empty((64, 16), np.float32), generator=1)
    y = {"none": None, "labels": np.arange(64) % 4, "values": x[:, :4].copy()}[target]
    network = fastinit.mlp([16, 32, 32, 4], activation, generator=0)
    twin = []
    for layer in network:
        linear = nn.Linear(*layer.weight.shape[::-1])
        linear.weight.data, linear.bias.data = (
            torch.from_numpy(layer.weight.copy()),
            torch.from_numpy(layer.bias.copy()),
        )
        twin += [linear, {"relu": nn.ReLU(), "tanh": nn.Tanh(), "linear": nn.Identity()}[layer.activation]]
    ours, theirs = (fastinit.probe(m, x, y, steps=5).evidence for m in (network, nn.Sequential(*twin)))
    for measure in ("step", "apart", "far", "rough", "start", "closed"):
        a, b = getattr(ours, measure), getattr(theirs, measure)
        assert a == b if a is None else a == pytest.approx(b, abs=2e-3), measure
    assert ours.trial.gain == pytest.approx(theirs.trial.gain, abs=0.01)


def test_the_best_constant_answer_of_any_loss():
    x, y = clouds()
    y = y.clamp(min=2)
    for target, own in ((y, functional.cross_entropy), (1000 + 5 * torch.randn(64, 4), functional.mse_loss)):
        ours, fitted = (fastinit.probe(mlp(), x, target, loss=loss, steps=0).evidence.start for loss in (None, own))
        assert ours == pytest.approx(fitted, rel=0.01)


# ---- awkward models --------------------------------------------------------------------------------------------------


def text(embedding):
    torch.manual_seed(2)
    return nn.Sequential(embedding, nn.Linear(8, 32), nn.Tanh(), nn.Linear(32, 30))


def tied():
    model = text(nn.Embedding(30, 8)).append(nn.Linear(30, 8, bias=False)).append(nn.Linear(8, 30, bias=False))
    model[-1].weight = model[0].weight
    return model


def normalised():
    model = mlp()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nn.utils.weight_norm(model[0])
    nn.utils.parametrizations.weight_norm(model[2])
    nn.utils.parametrizations.spectral_norm(model[4])
    return model


def frozen(model):
    model[0].requires_grad_(False)
    return model


def own(out, y):
    return functional.cross_entropy(out["answers"][0], y)


AWKWARD = {
    "max_norm": lambda x, y: (text(nn.Embedding(30, 8, max_norm=1.0)), tokens(), tokens().roll(1)),
    "in-place first ReLU": lambda x, y: (nn.Sequential(nn.ReLU(inplace=True), mlp()), x, y),
    "tied weights": lambda x, y: (tied(), tokens(), tokens()),
    "sparse bag": lambda x, y: (nn.Sequential(nn.EmbeddingBag(30, 8, sparse=True), nn.Linear(8, 4)), tokens(), y[:16]),
    "frozen first layer": lambda x, y: (frozen(mlp()), x, y),
    "frozen embedding": lambda x, y: (frozen(text(nn.Embedding(30, 8))), tokens(), tokens()),
    "LSTM": lambda x, y: (Cells(0, "LSTM"), *sequences(8)),
    "dict output, own loss": lambda x, y: (Wrapped(mlp(), lambda out: {"other": torch.ones(3), "answers": (out, 1)}), x,
    y, own), "a loss of its own": lambda x, y: (
        Wrapped(mlp(), lambda out: {"loss": functional.cross_entropy(out, y), "logits": out}),
        x, None, lambda out: out["loss"],
    ),
    "distribution": lambda x, y: (
        Wrapped(mlp(), lambda out: torch.distributions.Categorical(logits=out)),
        x, y, lambda d, y: -d.log_prob(y).mean(),
    ),
    "a loss a row": lambda x, y: (mlp(), x, y, nn.CrossEntropyLoss(reduction="none")),
    "compiled": lambda x, y: (torch.compile(mlp(), backend="eager"), x, y),
    "weight_norm, spectral_norm": lambda x, y: (normalised(), x, y),
    "DataParallel": lambda x, y: (nn.DataParallel(mlp()), x, y),
    "vmap inside": lambda x, y: (Wrapped(mlp(), lambda out: torch.func.vmap(lambda r: r * 2)(out)), x, y),
    "checkpoint": lambda x, y: (
        Wrapped(mlp(), lambda out: torch.utils.checkpoint.checkpoint(torch.tanh, out, use_reentrant=False)), x, y
    ),
    "named arguments": lambda x, y: (mlp(), {"input": x}, y),
    "bfloat16": lambda x, y: (mlp().bfloat16(), x.bfloat16(), y),
    "float64": lambda x, y: (mlp().double(), x.double(), y),
    "images": lambda x, y: (nn.Conv2d(3, 5, 3), torch.randn(4, 3, 8, 8), torch.randint(0, 5, (4, 6, 6))),
    "one label": lambda x, y: (mlp(), x, torch.zeros(64, dtype=torch.long)),
    "complex": lambda x, y: (Wrapped(nn.Linear(16, 4, dtype=torch.complex64), torch.abs), x.to(torch.complex64), y),
    "unbatched": lambda x, y: (mlp(), x[0], y[0]),
}  # fmt: skip


@pytest.mark.parametrize("context", [torch.inference_mode, torch.no_grad], ids=["inference mode", "no grad"])
@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_models_are_judged_and_left_as_they_came(name, context):
    torch.manual_seed(0)
    model, x, y, *loss = AWKWARD[name](*clouds())
    before = {key: value.clone() for key, value in model.state_dict().items()}
    hooks = [len(q._forward_hooks) + len(q._forward_pre_hooks) for q in model.modules()]
    with context(), warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning)  # torch's, of weight_norm
        found = fastinit.probe(model, x, y, loss=loss[0] if loss else None, steps=20)
        assert found.ok, found
        assert found._repr_html_()
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())
    assert hooks == [len(q._forward_hooks) + len(q._forward_pre_hooks) for q in model.modules()]


def test_under_autocast():
    with torch.autocast("cpu", torch.bfloat16):  # it keeps copies of the weights
        found = fastinit.probe(mlp(), *clouds(), steps=20)
    assert found.ok, found


def test_inference_tensors_as_batch():
    with torch.inference_mode():
        x, y = clouds()
    assert fastinit.probe(mlp(), x, y, steps=20).ok
    assert fastinit.probe(mlp(), x, y, loss=functional.cross_entropy, steps=20).ok
    assert x.is_inference() and y.is_inference()


@pytest.mark.parametrize("device", ["meta"])
def test_another_default_device(device):
    model, (x, y) = mlp(), clouds()
    torch.set_default_device(device)
    try:
        assert fastinit.probe(model, x, y, steps=20).ok
    finally:
        torch.set_default_device(None)


@pytest.mark.parametrize(
    "make",
    [lambda x: (nn.Identity(), x), lambda x: (mlp().requires_grad_(False), x), lambda x: (mlp(), x[:0])],
    ids=["no parameters", "all frozen", "empty batch"],
)
def test_of_what_nothing_was_seen_nothing_is_said(make):
    found = fastinit.probe(*make(clouds()[0]))
    assert not found.ok and found.verdict.startswith("no verdict") and "no fault" not in repr(found)


X, Y = clouds()


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: fastinit.probe(nn.LazyLinear(3), X), "no shape yet"),
        (lambda: fastinit.probe(mlp(), X, loss="mse"), "needs target"),
        (lambda: fastinit.probe(mlp(), X, Y, loss="nll"), "unknown"),
        (lambda: fastinit.probe(mlp().to("meta"), X, Y), "on meta, where tensors have no values"),
        (lambda: fastinit.probe(mlp(), X.tolist(), Y), "np.array"),
        (lambda: fastinit.probe(mlp(out=1), X, Y), "class 3, but the answers have 1 column"),
        (lambda: fastinit.probe(mlp(), X, Y[:5]), "does not fit"),
        (lambda: fastinit.probe(mlp(), X, Y, language="fr"), "language"),
        (lambda: fastinit.probe(mlp(), X, Y, steps=-1), "steps"),
        (lambda: fastinit.probe(mlp(), X, Y, rate=0), "rate"),
        (lambda: fastinit.probe(mlp(), X, Y, loss=lambda out, y: 1.0), "tensor"),
        (lambda: fastinit.probe("model", X), "torch.nn.Module"),
    ],
    ids="lazy,no target,loss,meta,list,classes,shape,language,steps,rate,no tensor,no model".split(","),
)  # fmt: skip
def test_sentences(call, words):
    with pytest.raises((TypeError, ValueError), match=words):
        call()
