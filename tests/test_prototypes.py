"""Models written as people write them, by torch.nn.init and by fastinit in its place: each parameter has one law."""

import math
from collections.abc import Callable
from functools import partial
from types import ModuleType

import fastinit
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make test TORCH=1")
from scipy import stats

nn = torch.nn
Build = Callable[[ModuleType], nn.Module]
PROTOTYPES: dict[str, Build] = {}


def prototype(build: Build) -> Build:
    PROTOTYPES[build.__name__] = build
    return build


def differences(init: ModuleType, build: Build) -> list[str]:
    """The parameters whose law is not torch's, and why."""

    def built(module: ModuleType, seed: int) -> dict[str, torch.Tensor]:
        torch.manual_seed(seed)
        return {name: p.detach() for name, p in build(module).named_parameters()}

    ours, theirs = built(init, 0), [built(torch.nn.init, seed) for seed in range(3)]
    assert list(theirs[0]) == list(ours) and ours
    return [f"{name}: {why}" for name, p in ours.items() if (why := difference(p, [other[name] for other in theirs]))]


def difference(ours: torch.Tensor, theirs: list[torch.Tensor]) -> str:
    """In what a parameter is not as torch makes it, of three seeds."""
    first, second, third = theirs
    if ours.shape != first.shape or ours.dtype != first.dtype:
        return f"{ours.dtype} {ours.shape}, not {first.dtype} {first.shape}"
    if torch.equal(first == 0, second == 0):
        fixed = (first == second) & (second == third)  # constants, masks, rows of padding
        if not torch.equal(ours[fixed], first[fixed]):
            return "what is the same for every seed is not torch's"
        a, b = ours[~fixed].double(), first[~fixed].double()
    else:  # sparse_: as many zeros in each column, but others for each seed
        if not torch.equal((ours == 0).sum(0), (first == 0).sum(0)):
            return "not as many zeros in a column as in torch's"
        a, b = ours[ours != 0].double(), first[first != 0].double()
    return another_law(a, b) if len(b) else ""


def another_law(a: torch.Tensor, b: torch.Tensor) -> str:
    if abs(a.std() / b.std() - 1) > 5 / math.sqrt(len(b)):
        return f"std {a.std():.4g}, not {b.std():.4g}"
    bounded = len(b) > 500 and b.abs().max() < 2 * b.std()  # a normal of so many values goes further out
    if bounded and abs(a.abs().max() / b.abs().max() - 1) > 0.02:
        return f"bound {a.abs().max():.4g}, not {b.abs().max():.4g}"
    p = stats.ks_2samp(a.numpy(), b.numpy()).pvalue
    return "" if p > 1e-3 else f"another distribution, p = {p:.1e}"


# ---- vision ----------------------------------------------------------------------------------------------------------


@prototype
def a_generator_of_images_by_class_name(init):
    def weights_init(m):
        classname = m.__class__.__name__
        if classname.find("Conv") != -1:
            init.normal_(m.weight.data, 0.0, 0.02)
        elif classname.find("BatchNorm") != -1:
            init.normal_(m.weight.data, 1.0, 0.02)
            init.constant_(m.bias.data, 0)

    net = nn.Sequential(
        nn.ConvTranspose2d(16, 64, 4, bias=False), nn.BatchNorm2d(64), nn.ReLU(True),
        nn.ConvTranspose2d(64, 32, 4, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU(True), nn.Conv2d(32, 3, 3),
    )  # fmt: skip
    return net.apply(weights_init)


@prototype
def residual_blocks_whose_last_scale_is_zero(init):
    class Block(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.bn1 = nn.Conv2d(32, 32, 3), nn.BatchNorm2d(32)
            self.conv2, self.bn2 = nn.Conv2d(32, 32, 3), nn.BatchNorm2d(32)

    net = nn.Sequential(nn.Conv2d(3, 32, 7), Block(), Block(), nn.Linear(32, 10))
    for m in net.modules():
        if isinstance(m, nn.Conv2d):
            init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
            init.constant_(m.weight, 1)
            init.constant_(m.bias, 0)
    for m in net.modules():
        if isinstance(m, Block):
            init.constant_(m.bn2.weight, 0)
    return net


@prototype
def super_resolution_by_orthogonal_filters(init):
    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv1, self.conv2, self.conv3 = nn.Conv2d(1, 64, 5), nn.Conv2d(64, 32, 3), nn.Conv2d(32, 9, 3)
            self._initialize_weights()

        def _initialize_weights(self):
            init.orthogonal_(self.conv1.weight, init.calculate_gain("relu"))
            init.orthogonal_(self.conv2.weight, gain=init.calculate_gain("leaky_relu", 0.2))
            init.orthogonal_(self.conv3.weight)

    return Net()


@prototype
def patches_by_a_view_of_their_filters(init):
    class Patches(nn.Module):
        def __init__(self):
            super().__init__()
            self.proj = nn.Conv2d(3, 96, 8, stride=8)
            self.cls_token = nn.Parameter(torch.zeros(1, 1, 96))
            self.pos_embed = nn.Parameter(torch.zeros(1, 65, 96))
            self.head = nn.Linear(96, 100)
            w = self.proj.weight.data
            init.xavier_uniform_(w.view([w.shape[0], -1]))
            init.normal_(self.cls_token, std=1e-6)
            init.trunc_normal_(self.pos_embed, std=0.02)
            init.trunc_normal_(self.head.weight, mean=0.0, std=0.01, a=-0.02, b=0.02)
            init.zeros_(self.head.bias)

    return Patches()


@prototype
def layers_that_begin_as_the_identity(init):
    net = nn.ModuleDict({"conv": nn.Conv2d(8, 8, 3), "grouped": nn.Conv1d(8, 4, 3, groups=2), "mix": nn.Linear(8, 8),
                         "volume": nn.Conv3d(4, 4, 3)})  # fmt: skip
    init.dirac_(net["conv"].weight)
    init.dirac_(net["grouped"].weight, groups=2)
    init.dirac_(net["volume"].weight)
    init.eye_(net["mix"].weight)
    for p in net.parameters():
        if p.dim() == 1:
            init.ones_(p)
    return net


# ---- language --------------------------------------------------------------------------------------------------------


@prototype
def a_small_transformer_by_module_types_and_names(init):
    class GPT(nn.Module):
        def __init__(self, layers=2, d=64):
            super().__init__()
            self.wte, self.wpe = nn.Embedding(200, d), nn.Embedding(32, d)
            self.h = nn.ModuleList(
                nn.ModuleDict({"ln": nn.LayerNorm(d), "c_attn": nn.Linear(d, 3 * d), "c_proj": nn.Linear(d, d)})
                for _ in range(layers)
            )
            self.head = nn.Linear(d, 200, bias=False)
            self.apply(self._init_weights)
            for name, p in self.named_parameters():
                if name.endswith("c_proj.weight"):
                    init.normal_(p, mean=0.0, std=0.02 / math.sqrt(2 * layers))

        def _init_weights(self, module):
            if isinstance(module, nn.Linear):
                init.normal_(module.weight, mean=0.0, std=0.02)
                if module.bias is not None:
                    init.zeros_(module.bias)
            elif isinstance(module, nn.Embedding):
                init.normal_(module.weight, mean=0.0, std=0.02)
            elif isinstance(module, nn.LayerNorm):
                init.zeros_(module.bias)
                init.ones_(module.weight)

    return GPT()


@prototype
def a_translator_by_dimensions(init):
    model = nn.Transformer(32, 4, 1, 1, 64, batch_first=True)
    for p in model.parameters():
        if p.dim() > 1:
            init.xavier_uniform_(p)
    return model


@prototype
def a_language_model_by_a_range(init):
    class RNNModel(nn.Module):
        def __init__(self):
            super().__init__()
            self.encoder, self.rnn, self.decoder = nn.Embedding(300, 40), nn.LSTM(40, 50, 2), nn.Linear(50, 300)
            self.init_weights()

        def init_weights(self):
            initrange = 0.1
            init.uniform_(self.encoder.weight.data, -initrange, initrange)
            init.zeros_(self.decoder.bias)
            init.uniform_(self.decoder.weight, -initrange, initrange)
            for name, param in self.rnn.named_parameters():
                if "weight_ih" in name:
                    init.xavier_uniform_(param.data)
                elif "weight_hh" in name:
                    init.orthogonal_(param.data)
                elif "bias" in name:
                    param.data.fill_(0)
                    n = param.size(0)
                    init.constant_(param.data[n // 4 : n // 2], 1.0)  # the gate that forgets

    return RNNModel()


@prototype
def gates_stacked_in_one_matrix(init):
    hidden = 48
    model = nn.ModuleDict({"lstm": nn.LSTM(32, hidden), "gru": nn.GRU(32, hidden), "cell": nn.LSTMCell(32, hidden)})
    for gate in model["lstm"].weight_hh_l0.chunk(4):
        init.orthogonal_(gate)
    for i in range(4):
        init.xavier_uniform_(model["lstm"].weight_ih_l0[i * hidden : (i + 1) * hidden])
    for gate in torch.split(model["gru"].weight_ih_l0.data, hidden, dim=0):
        init.kaiming_uniform_(gate, nonlinearity="sigmoid")
    with torch.no_grad():
        init.normal_(model["gru"].weight_hh_l0.view(3, hidden, hidden)[2], std=0.3)
    init.xavier_normal_(model["cell"].weight_ih.t(), gain=init.calculate_gain("tanh"))
    return model


@prototype
def embeddings_with_a_row_of_padding(init):
    def embedding(entries, dim, padding):
        m = nn.Embedding(entries, dim, padding_idx=padding)
        init.normal_(m.weight, mean=0, std=dim**-0.5)
        init.constant_(m.weight[padding], 0)
        return m

    return nn.ModuleList([embedding(100, 64, 1), embedding(80, 32, 0)])


# ---- graphs, layers by hand ------------------------------------------------------------------------------------------


@prototype
def attention_over_a_graph(init):
    class Attention(nn.Module):
        def __init__(self, in_features=60, out_features=40):
            super().__init__()
            self.W = nn.Parameter(torch.empty(size=(in_features, out_features)))
            init.xavier_uniform_(self.W.data, gain=1.414)
            self.a = nn.Parameter(torch.zeros(size=(2 * out_features, 1)))
            init.xavier_uniform_(self.a.data, gain=1.414)

    return nn.Sequential(Attention(), Attention(40, 60))


@prototype
def convolution_over_a_graph(init):
    class Convolution(nn.Module):
        def __init__(self, in_features, out_features):
            super().__init__()
            self.weight = nn.Parameter(torch.FloatTensor(in_features, out_features))
            self.bias = nn.Parameter(torch.FloatTensor(out_features))
            self.reset_parameters()

        def reset_parameters(self):
            stdv = 1.0 / math.sqrt(self.weight.size(1))
            init.uniform_(self.weight, -stdv, stdv)
            init.uniform_(self.bias, a=-stdv, b=stdv)

    return nn.Sequential(Convolution(50, 30), Convolution(30, 7))


@prototype
def layers_that_override_reset_parameters(init):
    class Linear(nn.Linear):
        def reset_parameters(self):
            init.kaiming_normal_(self.weight, a=0.1, mode="fan_in", nonlinearity="leaky_relu")
            if self.bias is not None:
                bound = 1 / math.sqrt(self.in_features)
                init.uniform_(self.bias, -bound, bound)

    class Conv(nn.Conv1d):
        def reset_parameters(self):
            init.xavier_normal_(self.weight, init.calculate_gain(nonlinearity="relu"))
            init.zeros_(self.bias)

    empty = Linear(30, 20, device="meta").to_empty(device="cpu")
    empty.reset_parameters()
    return nn.Sequential(Linear(40, 30), Linear(30, 20, bias=False), Conv(8, 16, 5), empty)


@prototype
def low_rank_adapters(init):
    class LoRA(nn.Module):
        def __init__(self, base: nn.Linear, r: int):
            super().__init__()
            self.base = base
            self.lora_A = nn.Parameter(base.weight.new_zeros((r, base.in_features)))
            self.lora_B = nn.Parameter(base.weight.new_zeros((base.out_features, r)))
            init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))
            init.zeros_(self.lora_B)
            init.kaiming_uniform_(self.base.weight, a=math.sqrt(5))
            self.base.weight.requires_grad = False

    return nn.ModuleList([LoRA(nn.Linear(64, 48), 8), LoRA(nn.Linear(48, 64).to(torch.bfloat16), 4)])


@prototype
def weights_under_a_mask(init):
    class Masked(nn.Linear):
        def __init__(self, n_in, n_out):
            super().__init__(n_in, n_out)
            self.register_buffer("mask", torch.ones(n_out, n_in).tril())
            init.kaiming_normal_(self.weight)
            self.weight.data.mul_(self.mask)
            init.zeros_(self.bias)

    reservoir = nn.Linear(50, 200, bias=False)
    init.sparse_(reservoir.weight, sparsity=0.9, std=0.5)
    return nn.Sequential(Masked(40, 40), Masked(40, 60), reservoir)


@prototype
def an_ensemble_in_one_tensor(init):
    class Ensemble(nn.Module):
        def __init__(self, members=4):
            super().__init__()
            self.weight = nn.Parameter(torch.zeros(members, 30, 40))
            self.bias = nn.Parameter(torch.zeros(members, 1, 40))
            for i in range(members):
                init.kaiming_uniform_(self.weight[i], a=math.sqrt(5))
            init.trunc_normal_(self.bias, std=1 / (2 * math.sqrt(30)))
            self.heads = nn.ParameterList(init.xavier_normal_(torch.empty(20, 30)) for _ in range(2))
            self.mixing = nn.ParameterDict({"gate": nn.Parameter(init.constant_(torch.empty(20), -1.0))})

    return Ensemble()


# ---- functions as values ---------------------------------------------------------------------------------------------


@prototype
def parameters_by_a_part_of_their_name(init):
    net = nn.Sequential()
    net.add_module("embed", nn.Linear(20, 60))
    net.add_module("norm", nn.LayerNorm(60))
    net.add_module("attn", nn.MultiheadAttention(60, 4))
    rules = {"norm.weight": init.ones_, "in_proj": init.xavier_uniform_, "out_proj.weight": init.orthogonal_,
             "embed.weight": lambda p: init.kaiming_normal_(p, nonlinearity="relu"), "bias": init.zeros_}  # fmt: skip
    for name, p in net.named_parameters():
        fill = next(fill for part, fill in rules.items() if part in name and (p.dim() > 1 or "in_proj" not in part))
        fill(p)
    return net


@prototype
def functions_as_attributes_partials_and_names(init):
    class Layer(nn.Module):
        weight_init = staticmethod(init.xavier_normal_)
        bias_init = partial(init.constant_, val=0.1)

        def __init__(self, n_in, n_out, embed_init=None, kind="kaiming_uniform_", **kwargs):
            super().__init__()
            self.embed, self.fc, self.out = nn.Embedding(n_in, n_out), nn.Linear(n_in, n_out), nn.Linear(n_out, n_out)
            (embed_init or partial(init.trunc_normal_, std=0.02))(self.embed.weight)
            self.weight_init(self.fc.weight, gain=0.5)
            type(self).bias_init(self.fc.bias)
            getattr(init, kind)(self.out.weight, **kwargs)
            init.__dict__["zeros_"](self.out.bias)

    return nn.Sequential(
        Layer(40, 30),
        Layer(30, 30, partial(init.uniform_, a=-0.05, b=0.05), "orthogonal_", gain=2**0.5),
        Layer(30, 20, init.normal_, "kaiming_normal_", mode="fan_out", nonlinearity="linear"),
    )


@prototype
def what_the_functions_return(init):
    generator = torch.Generator().manual_seed(torch.initial_seed() + 1)
    layer = nn.Linear(40, 30)
    layer.weight = nn.Parameter(init.xavier_uniform_(torch.empty(30, 40), generator=generator) * 2)
    layer.bias = nn.Parameter(init.normal_(torch.Tensor(30), 0, 1, generator=generator).abs().clamp_max(3))
    scale = init.calculate_gain("selu") * init.calculate_gain("conv2d")
    twice = nn.Parameter(init.uniform_(init.zeros_(torch.empty(40, 40)), 0, scale))
    return nn.ParameterList([layer.weight, layer.bias, twice])


@prototype
def names_of_older_years(init):
    layer = nn.Linear(40, 30)
    with pytest.warns(FutureWarning, match="deprecated"):
        init.xavier_normal(layer.weight)
        init.constant(layer.bias, 0.0)
    return layer


# ---- compared --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", PROTOTYPES)
def test_the_law_is_torchs(name):
    assert differences(fastinit, PROTOTYPES[name]) == []


def test_another_law_is_noticed():
    """Or the test above would show nothing."""

    class Wrong(ModuleType):
        def __getattr__(self, name):
            return getattr(fastinit, name)

    model = PROTOTYPES["a_language_model_by_a_range"]
    for name, fill in {
        "uniform_": lambda t, a, b: fastinit.uniform_(t, 1.05 * a, 1.05 * b),
        "orthogonal_": lambda t: fastinit.normal_(t, std=1.1 * t.shape[0] ** -0.5),
        "constant_": lambda t, value: fastinit.constant_(t, value + 1e-6),
        "zeros_": fastinit.ones_,
        "xavier_uniform_": fastinit.xavier_normal_,
    }.items():
        wrong = Wrong("wrong")
        setattr(wrong, name, fill)
        assert differences(wrong, model), name


def test_the_names_with_an_underscore_that_people_call():
    def layer_by_hand(init):
        class Layer(nn.Module):
            def __init__(self, n_in, n_out):
                super().__init__()
                self.weight, self.bias = nn.Parameter(torch.empty(n_out, n_in, 3)), nn.Parameter(torch.empty(n_out))
                self.scale, self.mixing = nn.Parameter(torch.empty(n_out, n_in)), nn.Parameter(torch.empty(40, 40))
                fan_in, fan_out = init._calculate_fan_in_and_fan_out(self.weight)
                assert (fan_in, fan_out) == (3 * n_in, 3 * n_out)
                assert init._calculate_correct_fan(self.weight, "fan_out") == fan_out
                init._no_grad_trunc_normal_(self.weight, 0.0, math.sqrt(1 / fan_in) / 0.88, -0.4, 0.4)
                init._no_grad_uniform_(self.bias, -1 / math.sqrt(fan_in), 1 / math.sqrt(fan_in))
                init._no_grad_normal_(self.scale, 1.0, 0.1)
                init._no_grad_fill_(init._no_grad_zero_(self.mixing), 0.25)

        return nn.Sequential(Layer(20, 30), Layer(30, 40))

    assert differences(fastinit, layer_by_hand) == []
