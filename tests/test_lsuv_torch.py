"""LSUV of torch modules: what a layer really multiplies with has variance 1, or a sentence and nothing is changed."""

from functools import partial

import fastinit
import pytest
from fastinit import probe

torch = pytest.importorskip("torch")
from torch import nn
from torch.nn.utils import parametrizations, prune, spectral_norm
from torch.nn.utils import weight_norm as hooked_weight_norm

pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm. is deprecated")
X = torch.randn(256, 64, generator=torch.Generator().manual_seed(0))


def linear(std=None, **options):
    torch.manual_seed(1)
    layer = nn.Linear(64, 64, **options)
    if std is not None:
        nn.init.normal_(layer.bias, 0, std)
    return layer


def variances(model, x):
    """Of z of each layer, in a pass of the test's own."""
    found, handles = {}, []

    def keep(name, module, args, out):
        found.setdefault(name, out.double().var(correction=0).item())

    for name, module in model.named_modules():
        if isinstance(module, (nn.Linear, nn.Conv2d, nn.ConvTranspose2d)):
            handles.append(module.register_forward_hook(partial(keep, name)))
    with torch.no_grad():
        model(x)
    for handle in handles:
        handle.remove()
    return found


def fails(model, x, error, message, **options):
    kept = {name: value.clone() for name, value in model.state_dict().items()}
    state = torch.get_rng_state()
    with pytest.raises(error, match=message):
        fastinit.lsuv_(model, x, **options)
    assert all(torch.equal(value, kept[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), state) and not any(m._forward_pre_hooks for m in model.children())


def test_lsuv_of_a_torch_model():
    model = nn.Sequential(
        nn.Conv2d(3, 8, 3), nn.ReLU(inplace=True), nn.Flatten(), nn.Linear(8 * 36, 16), nn.Tanh(), nn.Linear(16, 4)
    )
    x = torch.randn(128, 3, 8, 8)
    report = fastinit.lsuv_(model, x, tolerance=0.05, generator=0)
    assert report.column("layer") == ["0", "3", "5"] and all(abs(v - 1) <= 0.05 for v in report.column("Var z after"))
    found = probe(model, x)
    assert all(layer.z.var == pytest.approx(1, abs=0.06) for layer in found.layers)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in model.modules())


def test_what_the_report_says_is_measured_anew():
    model = nn.Sequential(linear(), nn.Dropout(0.5), linear(), nn.BatchNorm1d(64), nn.ReLU(), linear())
    model[0].register_forward_hook(lambda module, args, z: 2 * z)
    report = fastinit.lsuv_(model.eval(), X, generator=0)
    assert report.column("Var z after") == pytest.approx(list(variances(model, X).values()))


def test_centred_convolutions():
    model = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.ConvTranspose2d(8, 4, 3))
    x = torch.rand(16, 3, 12, 12) * 3
    report = fastinit.lsuv_(model, x, center=True, tolerance=0.01, generator=0)
    z = model(x)
    assert z.mean((0, 2, 3)).abs().max() < 1e-5 and abs(z.var() - 1) < 0.02
    assert all(abs(mean) < 1e-5 for mean in report.column("mean z after"))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
@pytest.mark.parametrize("center", [False, True])
def test_dtypes(dtype, center):
    model = nn.Sequential(linear(), nn.ReLU(), linear()).to(dtype)
    fastinit.lsuv_(model, X.to(dtype) + 1, center=center, tolerance=0.02, generator=0)
    assert all(abs(v - 1) < 0.03 for v in variances(model, X.to(dtype) + 1).values())


@pytest.mark.parametrize("transposed", [False, True], ids=["the same", "a view of it"])
def test_a_shared_weight_is_scaled_once(transposed):
    model = nn.Sequential(linear(), nn.Tanh(), linear())
    model[2].weight = nn.Parameter(model[0].weight.detach().t()) if transposed else model[0].weight
    report = fastinit.lsuv_(model, 3 * X, generator=0)
    assert report.column("layer") == ["0", "2 (weight of 0)"] and report.column("scalings") == [1, 0]
    assert report.column("Var z after") == pytest.approx(list(variances(model, 3 * X).values()))


def test_a_head_that_shares_its_weight_with_an_embedding():
    class Language(nn.Module):
        def __init__(self):
            super().__init__()
            self.table, self.body, self.head = nn.Embedding(50, 64), linear(), nn.Linear(64, 50, bias=False)
            self.head.weight = self.table.weight

        def forward(self, x):
            return self.head(torch.tanh(self.body(self.table(x))))

    model, x = Language(), torch.arange(50).expand(8, 50)
    report = fastinit.lsuv_(model, x, generator=0)
    assert report.column("layer") == ["body", "head (weight of table too)"]
    assert all(abs(v - 1) <= 0.1 for v in variances(model, x).values())


@pytest.mark.parametrize(
    "norm, how",
    [
        (hooked_weight_norm, "no parameter"),
        (spectral_norm, "no parameter"),
        (lambda layer: prune.l1_unstructured(layer, "weight", 0.3), "no parameter"),
        (parametrizations.weight_norm, "parametrized"),
        (parametrizations.spectral_norm, "parametrized"),
        (parametrizations.orthogonal, "parametrized"),
    ],
)
def test_a_weight_that_is_computed_anew_at_each_call(norm, how):
    fails(nn.Sequential(linear(), nn.Sequential(norm(linear()))), X, TypeError, rf"the weight of 1\.0 is {how}")


def test_weight_norm_keeps_what_was_scaled_before_it():
    model = nn.Sequential(linear())
    fastinit.lsuv_(model, 3 * X, generator=0)
    parametrizations.weight_norm(model[0])
    assert variances(model, 3 * X)["0"] == pytest.approx(1, abs=0.1)


class Standardised(nn.Linear):
    def forward(self, x):
        return nn.functional.linear(x, (self.weight - self.weight.mean()) / self.weight.std(), self.bias)


class Pair(nn.Linear):
    def forward(self, x):
        return super().forward(x), self.bias


class First(nn.Module):
    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x):
        return self.layer(x)[0]


class Own(nn.Linear):
    """Its own weight is never used."""

    def forward(self, x):
        return 3 * x


def with_weight(weight):
    layer = linear()
    layer.weight = nn.Parameter(weight)
    return layer


@pytest.mark.parametrize(
    "model, x, error, message, options",
    [
        (nn.Sequential(linear(), linear(2.0)), X, ValueError, "z of 1 .* its bias gives", {}),
        (nn.Sequential(linear()), 0 * X, ValueError, "z of 0 does not depend on x", {}),
        (nn.Sequential(linear(bias=False)), X[:1] * 0, ValueError, "z of 0 does not depend on x", {}),
        (nn.Sequential(linear()), X[:1].expand(9, -1), ValueError, "z of 0 does not depend on x", {}),
        (nn.Sequential(linear(bias=False)), X, ValueError, "0 has no bias", {"center": True}),
        (nn.Sequential(Standardised(64, 64)), X, ValueError, "z of 0 .* cannot be scaled", {}),
        (nn.Sequential(Own(64, 64)), X, ValueError, "z of 0 does not depend on", {}),
        (First(Pair(64, 64)), X, TypeError, "layer gives a tuple", {}),
        (
            nn.Sequential(with_weight(torch.ones(1, 64).expand(64, 64))),
            X,
            ValueError,
            "weight of 0 .* share memory",
            {},
        ),
        (nn.Sequential(nn.Linear(64, 4, dtype=torch.complex64)), X, TypeError, "weight of 0 is complex", {}),
        (nn.ReLU(), X, ValueError, "no Linear", {}),
        (nn.Sequential(linear()).bfloat16(), X.bfloat16(), ValueError, "after 10 scalings", {"tolerance": 1e-6}),
    ],
)
def test_a_sentence_names_the_layer_and_nothing_is_changed(model, x, error, message, options):
    fails(model, x, error, message, **options)


def test_a_model_without_values_is_refused():
    with pytest.raises(TypeError, match="on meta, where tensors have no values"):
        fastinit.lsuv_(nn.Linear(4, 4, device="meta"), torch.ones(2, 4))


def test_what_was_left_is_said():
    model = nn.TransformerEncoderLayer(64, 4, batch_first=True)
    with pytest.warns(UserWarning, match=r"self_attn.in_proj_weight, self_attn.out_proj.weight"):
        report = fastinit.lsuv_(model, torch.randn(8, 10, 64), generator=0)
    assert report.column("layer") == ["linear1", "linear2"]


def test_a_generator_moves_on_by_one_draw_and_two_models_differ():
    one, two = nn.Sequential(linear()), nn.Sequential(linear())
    torch.manual_seed(5)
    fastinit.lsuv_(one, X)
    fastinit.lsuv_(two, X)
    assert not torch.equal(one[0].weight, two[0].weight)
    torch.manual_seed(5)
    fastinit.lsuv_(two, X)
    assert torch.equal(one[0].weight, two[0].weight)
