"""deferred_init: a model is built without drawing, and filled later with the bits that it would have had."""

import copy
import math
import pickle
import resource
import subprocess
import sys

import fastinit
import pytest

torch = pytest.importorskip("torch")

from architectures import NAMES, Layers, maker
from torch import nn


@pytest.mark.parametrize("name", ["layers", *NAMES])
def test_parameters_are_meta_ties_are_kept_and_buffers_are_real(name):
    make = maker(name)
    model, reference = fastinit.deferred_init(make), make()
    assert [n for n, _ in model.named_parameters()] == [n for n, _ in reference.named_parameters()]
    for ours, theirs in zip(model.parameters(), reference.parameters(), strict=True):
        assert ours.is_meta and ours.shape == theirs.shape and ours.dtype == theirs.dtype
        assert ours.stride() == theirs.stride() and ours.requires_grad == theirs.requires_grad
    for (key, ours), theirs in zip(model.named_buffers(), reference.buffers(), strict=True):
        assert torch.equal(ours, theirs), key
    fastinit.init_model_(model, generator=0)
    assert not any(p.is_meta for p in model.parameters())
    assert len(list(model.parameters())) == len(list(reference.parameters()))
    for (key, ours), theirs in zip(model.state_dict().items(), reference.state_dict().values(), strict=True):
        if theirs.unique().numel() < 3:
            assert torch.equal(ours, theirs), key
        elif theirs.is_floating_point():
            assert abs(ours.std() / theirs.std() - 1) < 8 / math.sqrt(ours.numel()), key


def test_wrapped_copied_and_pickled_models_keep_their_recipe():
    def build():
        return nn.Sequential(nn.Linear(8, 8), nn.Linear(8, 8))

    model = fastinit.deferred_init(build)
    nn.init.zeros_(model[0].weight)  # meta: nothing
    others = {
        "compiled": torch.compile(copy.deepcopy(model), backend="eager"),
        "parallel": nn.DataParallel(copy.deepcopy(model)),
        "pickled": pickle.loads(pickle.dumps(model)),
    }
    fastinit.init_model_(model, generator=0)
    for kind, other in others.items():
        fastinit.init_model_(other, generator=0)
        for a, b in zip(model.parameters(), other.parameters(), strict=True):
            assert torch.equal(a, b), kind


def test_all_arguments_are_the_functions_and_errors_are_its_own():
    model = fastinit.deferred_init(nn.Linear, 3, out_features=4, bias=False)
    assert model.weight.shape == (4, 3) and model.weight.is_meta
    with pytest.raises(TypeError, match="returned a list; give what returns"):
        fastinit.deferred_init(list)
    with pytest.raises(ZeroDivisionError):
        fastinit.deferred_init(lambda: nn.Linear(3, 1 // 0))
    assert not torch.overrides._get_current_function_mode_stack()


def test_what_is_read_follows_torchs_seed():
    class Read(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight = nn.Parameter(torch.randn(8, 8))
            self.norm = self.weight.norm().item()
            self.shared = nn.Parameter(self.weight.data)  # one memory, two parameters
            self.integers = nn.Parameter(torch.arange(3), requires_grad=False)

    torch.manual_seed(1)
    model = fastinit.deferred_init(Read)
    torch.manual_seed(1)
    with fastinit.patch_torch():
        reference = Read()
    fastinit.init_model_(model, generator=5)
    assert model.norm == reference.norm and torch.equal(model.weight, reference.weight)
    assert torch.equal(model.shared, reference.weight) and torch.equal(model.integers, torch.arange(3))


def test_a_large_model_takes_no_time_and_no_memory():
    text = """
import resource, time, fastinit, torch
from torch import nn
fastinit.deferred_init(nn.Linear, 3, 3)
now = lambda: resource.getrusage(resource.RUSAGE_SELF)
before = now()
model = fastinit.deferred_init(lambda: nn.Sequential(*(nn.Linear(16384, 16384) for _ in range(250))))  # 268 GB
after = now()
print((after.ru_maxrss - before.ru_maxrss) / 1e3, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
"""
    done = subprocess.run([sys.executable, "-c", text], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    megabytes, seconds = map(float, done.stdout.split())
    assert megabytes < 50 and seconds < 3, done.stdout


def test_an_error_while_building_draws_nothing():
    def build():
        large = [nn.Linear(8192, 8192) for _ in range(20)]  # 5 GB
        raise KeyError(len(large))

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(KeyError):
        fastinit.deferred_init(build)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 500_000


def test_meta_is_made_on_the_device_that_is_asked_for():
    model = fastinit.deferred_init(Layers)
    fastinit.init_model_(model, generator=0, device=torch.device("cpu"))
    x = model.recurrent(torch.ones(2, 1, 64))[0]
    assert x.isfinite().all() and model.head.weight is model.embedding.weight
