"""The probe of torch modules: the NumPy network's numbers, where hand-written hooks break; nothing is left behind."""

import copy

import fastinit
import pytest
from fastinit import Dense, probe
from nets import inputs, kinds, make


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
@pytest.mark.parametrize(
    "way",
    [
        "inplace", "functional", "compiled", "compiled in place", "data parallel", "no_grad", "inference_mode",
        "inference input", "checkpoint",
    ],
)  # fmt: skip
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
    assert [layer.activation for layer in result.layers] == [
        "tanh",
        None,
        None,
    ]  # a stream has joined what sigmoid gets
    assert "repeated" not in kinds(result, "note") and result.layers[2].fan_in == 32


def test_convolutions_norms_and_groups():
    torch = pytest.importorskip("torch")
    nn = torch.nn
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3, groups=2, stride=2), nn.Tanh(),
        nn.ConvTranspose2d(16, 4, 3, groups=2), nn.GELU("tanh"), nn.Flatten(), nn.Dropout(), nn.LazyLinear(5),
    )  # fmt: skip
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
    assert result.layers[0].dw is None and result.layers[2].dw is not None and result.ok
    with torch.no_grad():
        frozen[2].weight.fill_(0), frozen[2].bias.fill_(-1)
    assert "tells nothing apart" in kinds(probe(frozen, inputs(32)))


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
    assert seen and len(model[0]._forward_hooks) == 1 and not model[4]._forward_hooks and not model._forward_pre_hooks
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
