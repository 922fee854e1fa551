"""Recipes, rules and init_model_: every parameter by rule, keyed by its name, planned whole before the first fill."""

import copy
import math
import re
from functools import partial

import fastinit
import pytest

torch = pytest.importorskip("torch")

from architectures import NAMES, Layers, maker
from torch import nn


def values(model):
    return {name: tensor.clone() for name, tensor in model.state_dict().items()}


def same(a, b, names=None):
    return [name for name in names or a if not torch.equal(a[name], b[name])]


class Net(nn.Module):
    def __init__(self, extra=False, d=64):
        super().__init__()
        if extra:
            self.extra = nn.Linear(d, d)
        self.embedding = nn.Embedding(100, d, padding_idx=0)
        self.conv, self.up = nn.Conv2d(16, 32, 3, groups=4), nn.ConvTranspose2d(16, 32, 3)
        self.norm = nn.BatchNorm2d(32)
        self.attention, self.recurrent, self.cell = nn.MultiheadAttention(d, 4), nn.LSTM(d, d), nn.GRUCell(d, d)
        self.head = nn.Linear(d, 100, bias=False)
        self.head.weight = self.embedding.weight
        self.gate, self.token = nn.Parameter(torch.ones(3)), nn.Parameter(torch.empty(1, 1, d))


RULES = [
    ("gate", 0.1),
    ("token", partial(fastinit.normal_, std=0.02)),
    (nn.Embedding, partial(nn.init.normal_, std=0.02)),
    (re.compile(r"recurrent\.weight_hh.*"), fastinit.orthogonal_),
    (lambda name, tensor, module: tensor.dim() == 1, 0),
    ("*norm*", 1),
    ("*", partial(fastinit.kaiming_normal_, nonlinearity="relu")),
]


# ---- rules -----------------------------------------------------------------------------------------------------------


def test_a_layer_more_changes_no_other_and_wrapping_changes_no_key():
    plain = Net()
    table = fastinit.init_model_(plain, RULES, 0)
    expected = values(plain)
    larger = Net(extra=True)
    fastinit.init_model_(larger, RULES, 0)
    assert not same(expected, values(larger))
    compiled = torch.compile(Net(), backend="eager")
    assert fastinit.init_model_(compiled, RULES, 0).rows == table.rows
    parallel = nn.DataParallel(Net())
    fastinit.init_model_(parallel, RULES, 0)
    assert not same(expected, values(compiled._orig_mod)) and not same(expected, values(parallel.module))
    fastinit.init_model_(larger, RULES, 1)
    assert len(same(expected, values(larger))) > 5


def test_a_parameter_has_the_key_of_its_name():
    net = Net()
    fastinit.init_model_(net, RULES, fastinit.Generator(7))
    child = fastinit.Generator(7).fold_in("up.weight")
    by_hand = fastinit.kaiming_normal_(torch.empty(16, 32, 3, 3), nonlinearity="relu", layout="IO...", generator=child)
    assert torch.equal(net.up.weight, by_hand)
    torch.manual_seed(3)
    fastinit.init_model_(net, RULES)
    first = values(net)
    fastinit.init_model_(net, RULES)
    assert same(first, values(net))
    torch.manual_seed(3)
    fastinit.init_model_(net, RULES)
    assert not same(first, values(net))


def test_the_table_tells_what_was_done():
    net = Net()
    table = fastinit.init_model_(net, RULES, 0, check=True)
    rows = {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}
    assert len(rows) == len(list(net.parameters())) and "tied: head.weight" in rows["embedding.weight"]["note"]
    for name, row in rows.items():
        if row["std"] and dict(net.named_parameters())[name].numel() > 1000:
            assert abs(row["measured"] / row["std"] - 1) < 0.05, name
    fans = {name: (row["fan in"], row["fan out"]) for name, row in rows.items()}
    assert fans["conv.weight"] == (36, 72) and fans["up.weight"] == (144, 288)
    assert fans["attention.in_proj_weight"] == (64, 64) == fans["recurrent.weight_ih_l0"] == fans["cell.weight_hh"]
    assert rows["gate"]["rule"] == "0.1" and rows["gate"]["std"] == 0 and (net.gate == 0.1).all()
    assert (net.embedding.weight[0] == 0).all() and net.head.weight is net.embedding.weight
    weight = net.recurrent.weight_hh_l0
    assert torch.allclose(weight.T @ weight, torch.eye(64), atol=1e-4)
    before = values(net)
    dry = fastinit.init_model_(net, RULES, 1, dry_run=True)
    assert (
        not same(before, values(net)) and dry.column("rule") == table.column("rule") and "<table" in dry._repr_html_()
    )


def test_the_fans_of_gpt2s_layer_are_those_of_a_product_from_the_right():
    pytest.importorskip("transformers")
    table = fastinit.init_model_(maker("gpt2")(), partial(fastinit.lecun_normal_), 0, dry_run=True)
    rows = {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}
    assert rows["transformer.h.0.attn.c_attn.weight"]["fan in"] == 64
    assert rows["transformer.h.0.attn.c_attn.weight"]["fan out"] == 192


def test_one_initialiser_is_for_weights():
    net = nn.Sequential(nn.Embedding(9, 8), nn.Linear(8, 8), nn.LayerNorm(8))
    embedding = net[0].weight.clone()
    fastinit.init_model_(net, fastinit.orthogonal_, 0)
    assert torch.equal(net[0].weight, embedding) and (net[1].bias == 0).all() and (net[2].weight == 1).all()
    assert torch.allclose(net[1].weight @ net[1].weight.T, torch.eye(8), atol=1e-5)


def test_the_first_rule_wins_and_a_recipe_may_be_overridden():
    net = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    fastinit.init_model_(net, {"1.*": 2, "*.weight": 3, "*": 4}, 0)
    assert [float(p.detach().mean()) for p in net.parameters()] == [3, 4, 2, 2]
    fastinit.init_model_(net, {**fastinit.recipe(net), "1.weight": 5}, 0)
    assert (net[1].weight == 5).all() and net[0].weight.std() > 0.1
    fastinit.init_model_(net, {"0.*": 6, **fastinit.recipe(net)}, 0)
    assert (net[0].weight == 6).all() and net[1].weight.std() > 0.1


def own(tensor, generator):
    return fastinit.normal_(tensor, generator=generator).abs_()


def test_ones_own_function_gets_the_tensor_and_its_generator():
    net = nn.Linear(8, 8)
    fastinit.init_model_(net, {"weight": own, "*": None}, 0)
    expected = fastinit.normal_(torch.empty(8, 8), generator=fastinit.Generator(0).fold_in("weight")).abs()
    assert torch.equal(net.weight, expected)


# ---- bad input: a sentence, and nothing filled -----------------------------------------------------------------------


def breaks(tensor, generator):
    raise ArithmeticError("no")


@pytest.mark.parametrize("rules, kind, sentence", [
    ([("0.*", 1)], ValueError, "no rule matches '1.weight' (and 1 more); add one, ('*', None) last to leave the rest"),
    ([("2.*", 1), ("*", 0)], ValueError, "no parameter is called '2.*'; correct that pattern"),
    ([(3, 1), ("*", 0)], TypeError, "pattern 3 is unknown; give a name with * and ?"),
    ([("*", "normal")], TypeError, "the rule for '*' is 'normal'; give an initialiser"),
    ([("0.weight", 1), ("*", fastinit.xavier_normal_)], ValueError, "0.bias: Fan in and fan out can not be computed"),
    ([("1.weight", partial(fastinit.normal_, std=-1)), ("*", 0)], ValueError, "1.weight: std=-1.0; give a finite"),
    ([("1.bias", fastinit.orthogonal_), ("*", 0)], ValueError, "1.bias: Only tensors with 2 or more dimensions"),
    ([("1.bias", breaks), ("*", 0)], ValueError, "1.bias: its rule breaks raised ArithmeticError: no; nothing"),
    ([("1.bias", lambda tensor: None), ("*", 0)], ValueError, "A rule is called as rule(tensor, generator=...)"),
    ([("*", partial(fastinit.normal_, 0.0))], TypeError, "name them: partial(f, std=0.02)"),
    ([("*", partial(fastinit.normal_, generator=0))], TypeError, "normal_ has a generator= of its own"),
    ([("*", partial(fastinit.normal_, sigma=1))], TypeError, "0.weight: normal_() got an unexpected keyword argument"),
    (["*"], TypeError, "rules hold '*'; give pairs (pattern, rule)"),
])  # fmt: skip
def test_what_is_wrong_is_said_and_nothing_is_filled(rules, kind, sentence):
    net = nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))
    before = values(net)
    with pytest.raises(kind, match=re.escape(sentence)):
        fastinit.init_model_(net, rules, 0)
    assert not same(before, values(net))


def test_models_that_cannot_be_filled():
    with pytest.raises(TypeError, match=r"give a torch\.nn\.Module"):
        fastinit.init_model_(torch.ones(3))
    with pytest.raises(TypeError, match="weight has no shape yet"):
        fastinit.init_model_(nn.LazyLinear(3))
    with torch.device("meta"):
        net = nn.Sequential(nn.Linear(3, 3), nn.BatchNorm1d(3))
    with pytest.raises(ValueError, match=r"0\.weight is on the meta device and has no values that could be left"):
        fastinit.init_model_(net, [("*.bias", 0), ("*", None)])
    with pytest.raises(ValueError, match=r"buffer 1\.running_mean is on the meta device"):
        fastinit.init_model_(net, [("*", 0)])
    with pytest.raises(ValueError, match="does not say how 'scale' \\(and 1 more\\) begins"):
        fastinit.init_model_(Layers())
    fastinit.init_model_(Layers(), strict=False)

    class Raises(nn.Module):
        def reset_parameters(self):
            raise ArithmeticError("no")

    with pytest.raises(ValueError, match=r"1 \(Raises\) cannot say how its parameters begin"):
        fastinit.recipe(nn.Sequential(nn.Linear(3, 3), Raises()))


# ---- recipes ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["layers", *NAMES])
def test_asking_a_finished_model_touches_nothing_and_gives_the_recipe_of_its_construction(name):
    make = maker(name)
    model = make()
    before, pointers, state = values(model), [p.data_ptr() for p in model.parameters()], torch.get_rng_state()
    attributes = {id(m): {k: id(v) for k, v in vars(m).items()} for m in model.modules()}
    asked = fastinit.recipe(model)
    assert not same(before, values(model)) and pointers == [p.data_ptr() for p in model.parameters()]
    assert attributes == {id(m): {k: id(v) for k, v in vars(m).items()} for m in model.modules()}
    assert torch.equal(state, torch.get_rng_state())
    built = fastinit.recipe(fastinit.deferred_init(make))
    only_built = {"scale", "position"} if name == "layers" else set()  # no reset_parameters of theirs
    assert built.keys() - asked.keys() == only_built and "steps" in repr(asked) and "<table" in asked._repr_html_()
    different = {key for key in asked if str(asked[key]) != str(built[key])}
    assert different == ({"bilinear.weight"} if name == "layers" else set())  # filled anew by the constructor


@pytest.mark.parametrize("name", ["layers", *NAMES])
def test_inside_patch_torch_it_takes_over_what_waits(name):
    make = maker(name)
    torch.manual_seed(0)
    deferred = fastinit.deferred_init(make)
    fastinit.init_model_(deferred, generator=0)
    torch.manual_seed(0)
    with fastinit.patch_torch():
        inside = make()
        fastinit.init_model_(inside, generator=0)
    assert not same(values(deferred), values(inside))


class Reset(nn.Module):
    """Every way of filling a parameter in reset_parameters."""

    def __init__(self):
        super().__init__()
        self.packed, self.computed = nn.Parameter(torch.empty(6, 4)), nn.Parameter(torch.empty(5))
        self.scaled, self.rows = nn.Parameter(torch.empty(4, 4)), nn.Parameter(torch.empty(4, 1, 3))
        self.data, self.part = nn.Parameter(torch.empty(3)), nn.Parameter(torch.zeros(3))
        self.register_buffer("buffer", torch.zeros(3))
        self.count = 0
        self.reset_parameters()

    def reset_parameters(self):
        for i in (0, 2, 4):
            nn.init.xavier_uniform_(self.packed[i : i + 2])
        with torch.no_grad():
            self.computed.copy_(torch.arange(5.0).log1p())
            self.scaled.normal_().mul_(0.1)
            self.rows.normal_()
            self.rows[1:2].zero_()
            self.part[1] = 3
            self.buffer.fill_(self.count)
        self.data.data = torch.ones(3)
        self.count += 1


def test_boxes_computed_values_and_what_is_not_known():
    model = Reset()
    asked, built = fastinit.recipe(model), fastinit.recipe(fastinit.deferred_init(Reset))
    assert model.count == 1 and (model.buffer == 0).all()
    assert "part" not in asked and "part" in built  # of a finished model, what else is in it is not known
    assert str(asked["packed"]).count("xavier_uniform_") == 3 and str(asked["packed"]).startswith("[0:2, 0:4]: xavier")
    assert str(asked["scaled"]) == "normal_(), then mul_(0.1)" and str(asked["rows"]).endswith("[1, 0, 0:3]: 0")
    assert str(asked["computed"]) == "values" and str(asked["data"]) == "1"
    fastinit.init_model_(model, {**asked, "part": None}, 0)
    generator = fastinit.Generator(0).fold_in("packed")
    each = [fastinit.xavier_uniform_(torch.empty(2, 4), generator=generator) for _ in "qkv"]
    assert torch.equal(model.packed, torch.cat(each))
    assert torch.equal(model.computed, torch.arange(5.0).log1p()) and (model.data == 1).all()
    scaled = fastinit.normal_(torch.empty(4, 4), generator=fastinit.Generator(0).fold_in("scaled"))
    assert torch.equal(model.scaled, scaled * 0.1) and (model.rows[1] == 0).all() and (model.rows[0] != 0).all()
    other = fastinit.deferred_init(Reset)
    fastinit.init_model_(other, generator=0)
    assert not same(values(model), values(other))


def test_a_recipe_stays_with_its_modules():
    model = fastinit.deferred_init(lambda: nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4)))
    whole = nn.Sequential(model[1], copy.deepcopy(model[0]), nn.Linear(4, 4))
    assert list(fastinit.recipe(whole)) == ["0.weight", "0.bias", "1.weight", "1.bias", "2.weight", "2.bias"]
    fastinit.init_model_(whole, generator=0)
    expected = fastinit.init_model_(nn.Sequential(*(nn.Linear(4, 4) for _ in "abc")), generator=0)
    assert math.isclose(expected[0][3], 0.5 / math.sqrt(3)) and whole[0].weight.std() > 0
    whole[0].weight = nn.Parameter(torch.empty(5, 5))
    fastinit.init_model_(whole, generator=0)
    packed = fastinit.deferred_init(Reset)
    packed.packed = nn.Parameter(torch.empty(3, 3))
    with pytest.raises(ValueError, match="packed: its recipe fills"):
        fastinit.init_model_(packed)
