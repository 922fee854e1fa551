"""Presets: each gives the standard deviations of its paper, by name and shape, and says what it cannot match."""

import math
import re

import fastinit
import pytest
from fastinit import presets

torch = pytest.importorskip("torch")

from architectures import maker
from torch import nn


class Block(nn.Module):
    def __init__(self, d, residual="o_proj", cross=False):
        super().__init__()
        for name in ("q_proj", "k_proj", "v_proj", residual):
            setattr(self, name, nn.Linear(d, d))
        self.fc1, self.fc2, self.norm = nn.Linear(d, 4 * d), nn.Linear(4 * d, d), nn.LayerNorm(d)


class Net(nn.Module):
    def __init__(self, d=64, n=3, parts=("decoder",)):
        super().__init__()
        self.embedding = nn.Embedding(100, d)
        for part in parts:
            setattr(self, part, nn.ModuleList(Block(d) for _ in range(n)))
        self.head = nn.Linear(d, 100, bias=False)


def stds(model, rules, names):
    table = fastinit.init_model_(model, rules, 0, check=True)
    rows = {row[0]: dict(zip(table.header, row, strict=True)) for row in table.rows}
    for row in rows.values():
        assert row["std"] == 0 or abs(row["measured"] / row["std"] - 1) < 0.1, row
    assert all(row["rule"] == "0" for name, row in rows.items() if name.endswith("bias"))
    assert all(row["rule"] == "1" for name, row in rows.items() if "norm" in name and name.endswith("weight"))
    return [rows[name]["std"] for name in names]


def test_gpt2():
    names = ["decoder.0.o_proj.weight", "decoder.2.fc2.weight", "decoder.1.fc1.weight", "embedding.weight"]
    assert stds(Net(), presets.gpt2(3, std=0.1), names) == pytest.approx([0.1 / math.sqrt(6)] * 2 + [0.1] * 2)
    table = fastinit.init_model_(maker("gpt2")(), presets.gpt2(2), 0)
    rules = dict(zip(table.column("parameter"), table.column("rule"), strict=True))
    assert (
        rules["transformer.h.1.attn.c_proj.weight"] == "normal_(std=0.01)" == rules["transformer.h.0.mlp.c_proj.weight"]
    )
    assert rules["transformer.wte.weight"] == "normal_(std=0.02)" and rules["transformer.ln_f.weight"] == "1"


def test_the_preset_is_what_transformers_does_to_gpt2():
    """In law, by transformers' own code."""
    model = maker("gpt2")()
    ours, theirs = (fastinit.init_model_(model, rules, 0) for rules in (presets.gpt2(2), None))
    assert ours.column("std") == pytest.approx(theirs.column("std"))


def test_depth_scaled():
    names = ["decoder.0.o_proj.weight", "decoder.2.fc2.weight", "decoder.1.v_proj.weight"]
    expected = [0.1 / math.sqrt(2), 0.1 / math.sqrt(6), 0.1]
    assert stds(Net(), presets.depth_scaled(0.1), names) == pytest.approx(expected)
    with pytest.raises(ValueError, match=re.escape("wo.weight: its name, wo.weight, has no number")):
        fastinit.init_model_(nn.ModuleDict({"wo": nn.Linear(3, 3)}), presets.depth_scaled())


def test_small():
    names = ["decoder.0.o_proj.weight", "decoder.2.fc1.weight", "head.weight"]
    assert stds(Net(), presets.small(64, 3), names) == pytest.approx([2 / (3 * 8), *[math.sqrt(2 / 320)] * 2])


def test_t_fixup():
    net = Net(parts=("encoder", "decoder"))
    leaves = ("q_proj", "v_proj", "o_proj", "fc1")
    names = [f"{part}.0.{leaf}.weight" for part in ("encoder", "decoder") for leaf in leaves]
    xavier = [math.sqrt(1 / 64), math.sqrt(1 / 64), math.sqrt(1 / 64), math.sqrt(2 / (64 + 256))]
    gains = [1, *[0.67 * 3**-0.25] * 3, 1, *[27**-0.25] * 3]
    got = stds(net, presets.t_fixup(3), [*names, "embedding.weight"])
    assert got == pytest.approx([*(gain * std for gain, std in zip(gains, xavier * 2, strict=True)), 27**-0.25 / 8])


@pytest.mark.parametrize("given, in_encoder, in_decoder", [
    ({"encoder": 3, "decoder": 3}, 0.87 * (81 * 3) ** (-1 / 16), 36**-0.25),
    ({"encoder": 3}, 24**-0.25, 24**-0.25), ({"decoder": 3}, 24**-0.25, 24**-0.25),
])  # fmt: skip
def test_deepnorm(given, in_encoder, in_decoder):
    net = Net(parts=("encoder", "decoder"))
    names = [f"{part}.0.{leaf}.weight" for part in ("encoder", "decoder") for leaf in ("k_proj", "v_proj", "fc2")]
    xavier, wide = math.sqrt(1 / 64), math.sqrt(2 / (64 + 256))
    expected = [xavier, in_encoder * xavier, in_encoder * wide, xavier, in_decoder * xavier, in_decoder * wide]
    assert stds(net, presets.deepnorm(**given), names) == pytest.approx(expected)


def test_deepnorm_needs_a_number_of_layers_and_values_of_their_own():
    with pytest.raises(ValueError, match="give how many layers there are"):
        presets.deepnorm()
    with pytest.raises(ValueError, match=r"no parameter is called '.*v_proj"):
        fastinit.init_model_(nn.TransformerEncoderLayer(64, 4), presets.deepnorm(encoder=3))


class Residual(nn.Module):
    """Named as torchvision names them."""

    def __init__(self, m):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 7)
        block = {f"conv{i + 1}": nn.Conv2d(16, 16, 3) for i in range(m)}
        self.layer1 = nn.ModuleList([nn.ModuleDict(block)])
        self.fc = nn.Linear(16, 10)


@pytest.mark.parametrize("m", [2, 3])
def test_fixup(m):
    names = ["conv1.weight", "layer1.0.conv1.weight", f"layer1.0.conv{m}.weight", "fc.weight"]
    inside = math.sqrt(2 / 144) * 16 ** (-1 / (2 * m - 2))
    assert stds(Residual(m), presets.fixup(16, m), names) == pytest.approx([math.sqrt(2 / 147), inside, 0, 0])
    with pytest.raises(ValueError, match="a branch of one layer would stay 0"):
        presets.fixup(16, 1)


def test_mup():
    names = ["embedding.weight", "decoder.0.q_proj.weight", "decoder.0.fc2.weight", "head.weight"]
    base = fastinit.deferred_init(Net, 32)
    assert stds(Net(128), presets.mup(base, 0.1), names) == pytest.approx([0.1, 0.05, 0.05, 0.025])
    assert stds(Net(32), presets.mup(base, 0.1), names) == pytest.approx([0.1] * 4)
    with pytest.raises(ValueError, match=r"has no parameter decoder\.3"):
        fastinit.init_model_(Net(64, 4), presets.mup(base))


def test_siren():
    net = nn.Sequential(nn.Linear(2, 256), nn.Linear(256, 256), nn.Linear(256, 1))
    table = fastinit.init_model_(net, presets.siren("0.weight", omega=10), 0)
    assert table.column("std") == pytest.approx([
        0.5 / math.sqrt(3), 1 / math.sqrt(6), math.sqrt(2 / 256) / 10, 1 / math.sqrt(3 * 256),
        math.sqrt(2 / 256) / 10, 1 / math.sqrt(3 * 256),
    ])  # fmt: skip
