"""init_safetensors: the weights of init_model_, in files that the safetensors package reads, from one buffer."""

import json
import resource
from functools import partial

import fastinit
import pytest

torch = pytest.importorskip("torch")
safetensors = pytest.importorskip("safetensors.torch")

from architectures import NAMES, Layers, maker
from fastinit.models import disk
from torch import nn


def read(directory):
    found = {}
    for file in sorted(directory.glob("*.safetensors")):
        found |= safetensors.load_file(file)
    return found


def init(model, directory, rules=None, max_shard_size="5GB", buffer=disk.BUFFER):
    return disk.init_safetensors(model, directory, rules, 0, True, max_shard_size, buffer)


@pytest.mark.parametrize("name", ["layers", *NAMES])
def test_a_file_has_the_weights_of_the_model_in_memory(name, tmp_path):
    make = maker(name)
    torch.manual_seed(1)
    model = fastinit.deferred_init(make)
    index = fastinit.init_safetensors(model, tmp_path, generator=0)
    assert all(p.is_meta for p in model.parameters()) and {*index.values()} == {"model.safetensors"}
    fastinit.init_model_(model, generator=0)
    stored = read(tmp_path)
    for key, tensor in model.state_dict().items():
        if key in stored:  # a tied one is there once
            assert torch.equal(stored[key], tensor) and stored[key].dtype == tensor.dtype, key
    missing = model.state_dict().keys() - stored.keys()
    assert missing <= {"head.weight", "lm_head.weight"} and [p.name for p in tmp_path.iterdir()] == [
        "model.safetensors"
    ]
    strict = missing == set()
    model.load_state_dict(stored, strict=strict)


@pytest.mark.parametrize("buffer", [1, 1000, 10_000])
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_buffers_and_shards_change_no_value(buffer, dtype, tmp_path):
    class Mixed(nn.Module):
        def __init__(self):
            super().__init__()
            self.a, self.b = nn.Linear(100, 60, dtype=dtype), nn.Conv2d(8, 16, 3, dtype=dtype)
            self.packed, self.scalar = nn.Parameter(torch.empty(90, 7, dtype=dtype)), nn.Parameter(torch.tensor(0.5))
            self.register_buffer("steps", torch.arange(7)[1:])
            self.register_buffer("empty", torch.empty(0, 3))
            for i in (0, 30, 60):
                nn.init.xavier_uniform_(self.packed[i : i + 30])
            nn.init.orthogonal_(self.a.weight)

    model = fastinit.deferred_init(Mixed)
    index = init(model, tmp_path, max_shard_size=6000, buffer=buffer)
    on_disk = json.loads((tmp_path / "model.safetensors.index.json").read_text())
    assert on_disk["weight_map"] == index and len({*index.values()}) > 2
    assert not [path for path in tmp_path.iterdir() if path.suffix == ".partial"]
    fastinit.init_model_(model, generator=0)
    stored = read(tmp_path)
    assert {*stored} == {*model.state_dict()} == {*index}
    assert on_disk["metadata"]["total_size"] == sum(t.numel() * t.element_size() for t in stored.values())
    for key, tensor in model.state_dict().items():
        assert torch.equal(stored[key], tensor), key


def test_real_models_keep_what_is_left_and_are_not_touched(tmp_path):
    model = nn.Sequential(nn.Linear(4, 4), nn.BatchNorm1d(4))
    before = {key: tensor.clone() for key, tensor in model.state_dict().items()}
    init(model, tmp_path, [("0.weight", partial(fastinit.normal_, std=0.02)), ("*", None)])
    stored = read(tmp_path)
    assert all(torch.equal(before[key], tensor) for key, tensor in model.state_dict().items())
    assert not torch.equal(stored["0.weight"], before["0.weight"]) and torch.equal(stored["0.bias"], before["0.bias"])


def test_a_full_disk_leaves_nothing(tmp_path):
    model = fastinit.deferred_init(nn.Linear, 500, 500)
    (tmp_path / "model.safetensors.index.json").write_text("as it was")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, hard))
    try:
        with pytest.raises(OSError, match=r"while writing 1,002,000 bytes to .*; nothing was left there"):
            fastinit.init_safetensors(model, tmp_path, generator=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert [path.name for path in tmp_path.iterdir()] == ["model.safetensors.index.json"]
    assert (tmp_path / "model.safetensors.index.json").read_text() == "as it was"


def test_what_is_wrong_is_said_and_nothing_is_written(tmp_path):
    folder = tmp_path / "new"
    with pytest.raises(ValueError, match=r"max_shard_size='5 apples'; give a number of bytes"):
        init(nn.Linear(3, 3), folder, max_shard_size="5 apples")
    with pytest.raises(ValueError, match="weight is on the meta device and has no values that could be left"):
        init(fastinit.deferred_init(nn.Linear, 3, 3), folder, [("bias", 0), ("*", None)])
    with pytest.raises(ValueError, match="does not say how 'scale'"):
        init(Layers(), folder)
    with pytest.raises(TypeError, match=r"weight has dtype torch\.complex64; a safetensors file here holds"):
        init(nn.Linear(3, 3, dtype=torch.complex64), folder)
    assert not folder.exists()
