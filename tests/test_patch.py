"""patch_torch: what torch's code draws inside is fastinit's, at once or when needed, and nothing is left afterwards."""

import copy
import ctypes
import functools
import io
import math
import os
import pickle
import subprocess
import sys
import threading

import fastinit
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from architectures import NAMES, maker
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

init = nn.init
BOTH = pytest.mark.parametrize("defer", [False, True], ids=["at once", "when needed"])
RANDOM = {
    "uniform_": {"a": -1.0, "b": 2.0}, "normal_": {"std": 0.1}, "trunc_normal_": {"std": 0.02}, "xavier_uniform_": {},
    "xavier_normal_": {"gain": 2.0}, "kaiming_uniform_": {"a": 5**0.5}, "kaiming_normal_": {"nonlinearity": "relu"},
    "orthogonal_": {}, "sparse_": {"sparsity": 0.3},
}  # fmt: skip


def drawn(law="normal_", shape=(64, 64), generator=0, **numbers):
    """The first draw of a generator, by hand."""
    return getattr(fastinit, law)(torch.empty(shape), **numbers, generator=fastinit.Generator(generator))


def patched(defer=True):
    return fastinit.patch_torch(generator=0, defer=defer)


class Counting(TorchDispatchMode):
    """Counts the floating elements that torch itself draws."""

    def __init__(self):
        super().__init__()
        self.drawn = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        result = func(*args, **(kwargs or {}))
        if func.overloadpacket.__name__ in (
            "normal_",
            "uniform_",
            "randn",
            "rand",
            "normal",
            "randn_like",
            "rand_like",
        ):
            self.drawn += result.numel()
        return result


# ---- values and laws -------------------------------------------------------------------------------------------------


@BOTH
@pytest.mark.parametrize("law, numbers", RANDOM.items())
def test_an_initialiser_of_torchs_gives_the_bits_of_ours(law, numbers, defer):
    with patched(defer):
        a, b = (getattr(init, law)(torch.empty(37, 53), **numbers) for _ in range(2))
    generator = fastinit.Generator(0)
    for x in (a, b):
        assert torch.equal(x, getattr(fastinit, law)(torch.empty(37, 53), **numbers, generator=generator))


def moments(x):
    x = x.double()
    return x.mean().item(), x.std(correction=0).item()


@pytest.mark.parametrize("name", ["layers", *NAMES])
def test_a_model_has_torchs_laws_and_waiting_changes_no_bit(name):
    make = maker(name)
    torch.manual_seed(5)
    reference = make()
    torch.manual_seed(5)
    with fastinit.patch_torch(), Counting() as counting:
        waited = make()
    assert counting.drawn == 0
    torch.manual_seed(5)
    with fastinit.patch_torch(defer=False):
        at_once = make()
    for (key, ours), other, theirs in zip(
        waited.state_dict().items(), at_once.state_dict().values(), reference.state_dict().values(), strict=True
    ):
        assert torch.equal(ours, other), key
        assert ours.dtype == theirs.dtype and ours.stride() == theirs.stride(), key
        if theirs.unique().numel() < 3:  # constants
            assert torch.equal(ours, theirs), key
            continue
        (mean, std), (their_mean, their_std) = moments(ours), moments(theirs)
        assert abs(mean - their_mean) < 7 * their_std / ours.numel() ** 0.5, key
        assert abs(std / their_std - 1) < 7 / ours.numel() ** 0.5, key
        assert (ours == 0).sum() == (theirs == 0).sum(), key
        assert ours.abs().max() < 2 * theirs.abs().max(), key


def test_torchs_seed_decides_and_a_generator_in_the_call_wins():
    def build(seed):
        torch.manual_seed(seed)
        with fastinit.patch_torch():
            return torch.cat([nn.Linear(30, 30).weight, torch.randn(30, 30)])

    assert torch.equal(build(1), build(1)) and not torch.equal(build(1), build(2))
    with patched():
        x = torch.randn(64, 64, generator=torch.Generator().manual_seed(3))
        y = init.trunc_normal_(torch.empty(64, 64), generator=torch.Generator().manual_seed(3))
        z = torch.randn(64, 64)
    given = [torch.Generator().manual_seed(3) for _ in range(2)]
    assert torch.equal(x, fastinit.normal_(torch.empty(64, 64), generator=given[0]))
    assert torch.equal(y, fastinit.trunc_normal_(torch.empty(64, 64), generator=given[1]))
    assert torch.equal(z, drawn())


def test_a_draw_that_is_never_carried_out_takes_its_key():
    with patched():
        torch.empty(5).normal_()
        x = torch.empty(64, 64).normal_()
    generator = fastinit.Generator(0)
    fastinit.normal_(torch.empty(5), generator=generator)
    assert torch.equal(x, fastinit.normal_(torch.empty(64, 64), generator=generator))


def test_what_is_overwritten_or_freed_unread_is_never_drawn(monkeypatch):
    from fastinit.models.steps import Draw

    elements, run = [], Draw.run
    monkeypatch.setattr(Draw, "run", lambda self, part, *a: (elements.append(part.numel()), run(self, part, *a)))
    with patched():
        layer = nn.Linear(64, 64)
        init.normal_(layer.weight)
        nn.Linear(64, 64)
        layer.bias.data.fill_(1)
        twin = copy.deepcopy(layer)
        nn.Linear(64, 64).load_state_dict(nn.Linear(64, 64).state_dict())
    assert sorted(n for n in elements if n > 1) == [64, 4096, 4096, 4096]  # a weight and its copy, and what was loaded
    assert torch.equal(layer.weight, twin.weight) and (layer.bias == 1).all()


# ---- whatever reads memory, or shares it -----------------------------------------------------------------------------


def numpy_before(t):
    a = t.numpy()
    t.normal_()
    return torch.from_numpy(a)


def address(t):
    pointer = t.normal_().data_ptr()
    return torch.tensor((ctypes.c_float * t.numel()).from_address(pointer)).reshape(64, 64)


def saved(t):
    file = io.BytesIO()
    torch.save(t.normal_(), file)
    file.seek(0)
    return torch.load(file)


def forked(t):
    t.normal_()
    read, write = os.pipe()
    if not (child := os.fork()):
        try:
            os.write(write, bytes([torch.equal(t, drawn())]))
        finally:
            os._exit(0)
    ok = os.read(read, 1)
    os.waitpid(child, 0)
    return t if ok == b"\1" else None


def wrapped(t):
    class Two(torch.Tensor):
        @staticmethod
        def __new__(cls, inner):
            return torch.Tensor._make_wrapper_subclass(cls, inner.shape, dtype=inner.dtype)

        def __init__(self, inner):
            self.inner = inner

        def __tensor_flatten__(self):
            return ["inner"], None

        @classmethod
        def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
            return func(*(a.inner if isinstance(a, Two) else a for a in args))

    return torch.add(Two(t.normal_()), 0)


READERS = {
    "numpy() before": numpy_before,
    "numpy() after": lambda t: torch.from_numpy(t.normal_().numpy()),
    "__array__": lambda t: torch.from_numpy(np.asarray(t.normal_())),
    "dlpack": lambda t: torch.from_dlpack(t.normal_()),
    "data_ptr": address,
    "torch.save": saved,
    "pickle": lambda t: pickle.loads(pickle.dumps(nn.Parameter(t.normal_()))),
    "deepcopy": lambda t: copy.deepcopy(nn.Parameter(t.normal_())),
    "clone, then another fill": lambda t: (t.normal_().clone(), t.normal_())[0],
    "tolist": lambda t: torch.tensor(t.normal_().tolist()),
    "item": lambda t: torch.tensor([x.item() for x in t.normal_().flatten()]).reshape(64, 64),
    "bytes": lambda t: torch.from_numpy(t.normal_().view(torch.uint8).numpy()).view(torch.float32),
    "a view taken before": lambda t: (t.t(), t.normal_())[0].clone().t(),
    "a list": lambda t: torch.stack([t.normal_()])[0],
    "deeper": lambda t: torch.block_diag(*[[t.normal_()]][0]),
    "out=": lambda t: torch.add(torch.empty(64, 64).normal_(), 0, out=t),
    "type()": lambda t: t.normal_().type(torch.float64).float(),
    "to()": lambda t: t.normal_().to(torch.float64).float(),
    "to() that copies": lambda t: t.normal_().to(torch.float32, False, True),
    "to(copy=True)": lambda t: t.normal_().to("cpu", copy=True),
    "to() that gives itself": lambda t: t.normal_().to(torch.float32).to("cpu"),
    "copy_": lambda t: torch.empty(64, 64).copy_(t.normal_()),
    "data set": lambda t: (setattr(p := nn.Parameter(torch.zeros(3)), "data", t.normal_()), p.detach())[1],
    "swap": lambda t: (torch.utils.swap_tensors(t, torch.empty(64, 64).normal_()), t)[1],
    "share_memory_": lambda t: t.normal_().share_memory_(),
    "share_memory_ before": lambda t: t.share_memory_().normal_(),
    "from_numpy": lambda t: torch.from_numpy(np.empty((64, 64), np.float32)).normal_(),
    "fork": forked,
    "a wrapper": wrapped,
    "vmap": lambda t: torch.func.vmap(lambda row: row + 0)(t.normal_()),
    "a custom operator": lambda t: torch.ops.aten.add(t.normal_(), 0),
    "a forward pass": lambda t: torch.eye(64) @ t.normal_(),
    "another thread, inside": lambda t: in_a_thread(lambda: (t.normal_(), t.sum())[0]),
    "inference mode": lambda t: torch.inference_mode()(lambda: torch.empty(64, 64).normal_())().clone(),
    "compile": lambda t: torch.compile(lambda x: x + 0, backend="eager")(t.normal_()),
}


def in_a_thread(call):
    result = []
    with patched():
        thread = threading.Thread(target=lambda: result.append(patched_call(call)))
        thread.start()
        thread.join()
    return result[0]


def patched_call(call):
    with patched():
        return call()


@BOTH
@pytest.mark.parametrize("reader", READERS)
def test_a_reader_sees_what_was_drawn(reader, defer):
    with patched(defer):
        t = torch.empty(64, 64)
        with torch._C.DisableTorchFunction():
            t.fill_(math.nan)  # what its memory held before, unheard
        got = READERS[reader](t)
        got = got.float().clone()
    assert torch.equal(got, drawn().float()), reader


@BOTH
def test_parts_and_views_and_calls_with_numbers(defer):
    with patched(defer), torch.no_grad():
        t = nn.Parameter(torch.empty(64, 64))
        v = t[1]
        init.normal_(t)
        t[3].normal_()
        t[0].zero_()
        t.mul_(0.5)
        t /= 2
        t.data[5] = 1
        v.add_(3)
        t[7, :] = 7
        t[torch.tensor([8, 9])] = 0
        t[t > 1e3] = 5.0
        packed = torch.empty(96, 64)
        for i in (0, 32, 64):
            init.xavier_uniform_(packed[i : i + 32])
    generator = fastinit.Generator(0)
    x = fastinit.normal_(torch.empty(64, 64), generator=generator)
    fastinit.normal_(x[3], generator=generator)
    x[0] = 0
    x *= 0.25
    x[5] = 1
    x[1] += 3
    x[7], x[8:10] = 7, 0
    assert torch.equal(t, x)
    assert torch.equal(
        packed, torch.cat([fastinit.xavier_uniform_(torch.empty(32, 64), generator=generator) for _ in "qkv"])
    )


@BOTH
def test_zeros_and_ones_of_any_size(defer):
    with patched(defer):
        t = torch.empty(6).normal_()
        t[:2].expand(3, 2).fill_(7)  # as many elements as the memory has, and not all of it
        z, o, i = torch.zeros(600, 600), torch.ones(600, 600), torch.zeros(600, 600, dtype=torch.int64)
        z[0].normal_()
        b, s, f = torch.zeros_like(o), float(torch.ones(600, 600).sum()), torch.full((2,), torch.randn(1).abs().sum())
        spread = torch.empty(6)[:2].expand(3, 2)
    assert torch.equal(t[2:], drawn(shape=(6,))[2:]) and (t[:2] == 7).all()
    assert z[1:].abs().sum() == 0 and z[0].std() > 0.5 and bool((o == 1).all()) and s == 360000 and i.sum() == 0
    assert b.sum() == 0 and (f != 0).all() and spread.shape == (3, 2)


def test_numbers_that_are_wrong_are_refused_where_they_are_given():
    for call in (
        lambda: init.normal_(torch.empty(3), std=-1.0),
        lambda: init.xavier_uniform_(torch.empty(3)),
        lambda: init.orthogonal_(torch.empty(3)),
        lambda: init.sparse_(torch.empty(3, 3), sparsity=2.0),
        lambda: torch.empty(3).fill_(2**70),
        lambda: torch.randn(3).clamp_(),
    ):
        with patched(), pytest.raises((ValueError, RuntimeError, OverflowError)):
            call()


# ---- what is torch's stays torch's -----------------------------------------------------------------------------------


@BOTH
def test_what_is_not_ours_is_torchs(defer):
    from torch._subclasses import FakeTensorMode

    class Own(torch.Tensor):
        pass

    with patched(defer) as hearing:
        with FakeTensorMode():
            assert type(nn.Linear(4, 4).weight.data).__name__ == "FakeTensor"
        with torch.device("meta"):
            assert nn.Linear(4, 4).weight.is_meta and torch.randn(3).is_meta
        for draw in (lambda x: torch.randn(4) + x, lambda x: torch.randn_like(x) + x):
            y = torch.func.vmap(draw, randomness="different")(torch.zeros(3, 4))
            assert (y[0] != y[1]).all()
        own = torch.empty(64, 64).as_subclass(Own)
        assert init.trunc_normal_(own).std() > 0.5
        assert torch.randint(0, 5, (3,)).shape == (3,) and nn.Dropout(0.5)(torch.ones(10)).shape == (10,)
        c, d = torch.randn(1000, dtype=torch.complex64), torch.rand(2, out=torch.empty(2))
        x = torch.ones(4, requires_grad=True)
        y = x * 2
        y.normal_()
        (y * 3).sum().backward()
        assert (x.grad == 0).all()
        with pytest.raises(RuntimeError, match="leaf"):
            nn.Parameter(torch.empty(3)).normal_()
        lazy = nn.LazyLinear(8)
        lazy(torch.ones(2, 4))
        skipped = nn.utils.skip_init(nn.Linear, 8, 8)
        assert init.zeros_(torch.empty(0)).numel() == 0
    assert abs(c.abs().square().mean() - 1) < 0.2 and d.shape == (2,) and lazy.weight.std() > 0 and skipped is not None
    assert hearing is not None


@BOTH
def test_arguments_of_torchs_factories(defer):
    with patched(defer):
        b, c = torch.rand(size=(2, 2), requires_grad=True), torch.randn((2, 3))
        f = torch.empty(500).uniform_(to=3.0, **{"from": 2.0})
        h, i = torch.randn(3, dtype=torch.float64, device="cpu"), torch.randn([])
        k = torch.empty(4, 3, 5, 5).to(memory_format=torch.channels_last).normal_()
        bare = torch.empty(64, 64).t().normal_()
        with Counting() as counting:
            n, m = torch.normal(1.0, 0.02, (64, 64)), torch.normal(mean=0.0, std=2.0, size=(64, 64))
            t = torch.normal(torch.zeros(1000), 3.0)
    assert b.requires_grad and b.is_leaf and c.shape == (2, 3) and 2 <= f.min() and f.max() <= 3
    assert counting.drawn == 1000 and abs(n.mean() - 1) < 0.01 and abs(m.std() - 2) < 0.2 and abs(t.std() - 3) < 0.5
    assert h.dtype == torch.float64 and i.shape == () and k.std() > 0.5 and bare.std() > 0.5


# ---- no trace --------------------------------------------------------------------------------------------------------


@BOTH
def test_no_trace_is_left_after_an_exception(defer):
    before = {name: (getattr(init, name), getattr(init, name).__code__) for name in init.__all__}
    with pytest.raises(KeyError), patched(defer):
        assert init.trunc_normal_.__code__ is not before["trunc_normal_"][1]
        t = torch.empty(64, 64).normal_()
        raise KeyError
    assert torch.equal(t, drawn())
    for name, (function, code) in before.items():
        assert getattr(init, name) is function and function.__code__ is code
    assert not torch.overrides._get_current_function_mode_stack()


@BOTH
def test_kept_functions_are_reached_and_own_nothing_afterwards(defer):
    kept, bound = functools.partial(init.trunc_normal_, std=0.02), {"x": init.xavier_uniform_}
    with patched(defer):
        x, y = kept(torch.empty(64, 64)), bound["x"](torch.empty(64, 64))
    generator = fastinit.Generator(0)
    assert torch.equal(x, fastinit.trunc_normal_(torch.empty(64, 64), std=0.02, generator=generator))
    assert torch.equal(y, fastinit.xavier_uniform_(torch.empty(64, 64), generator=generator))
    torch.manual_seed(0)
    a = kept(torch.empty(64, 64))
    torch.manual_seed(0)
    assert torch.equal(a, torch.empty(64, 64).normal_(0, 1) * 0 + a) and not torch.equal(a, x)


@BOTH
def test_contexts_nest_and_the_outer_one_goes_on(defer):
    with patched(defer):
        a = torch.randn(64, 64)
        with patched(defer):
            b = torch.randn(64, 64)
            a.add_(1)
            c = init.trunc_normal_(torch.empty(64, 64))
        d = torch.randn(64, 64)
    generator = fastinit.Generator(0)
    first = fastinit.normal_(torch.empty(64, 64), generator=generator)
    assert torch.equal(a, first + 1) and torch.equal(b, first)
    assert torch.equal(c, fastinit.trunc_normal_(torch.empty(64, 64), generator=copy.copy(generator)))
    assert torch.equal(d, fastinit.normal_(torch.empty(64, 64), generator=generator))


def test_other_threads_draw_by_torch_meanwhile():
    def other():
        return [
            torch.empty(100).normal_(generator=torch.Generator().manual_seed(9)),
            init.trunc_normal_(torch.empty(100), generator=torch.Generator().manual_seed(9)),
        ]

    expected, got = other(), []

    def rounds():
        got.extend(other() for _ in range(30))

    thread = threading.Thread(target=rounds)
    thread.start()
    for _ in range(30):
        with patched():
            init.trunc_normal_(torch.empty(10))
    thread.join()
    assert all(torch.equal(x, y) for pair in got for x, y in zip(pair, expected, strict=True))


def test_a_library_that_is_imported_inside_keeps_torchs_functions(tmp_path):
    (tmp_path / "imported_inside.py").write_text("from torch.nn.init import *\nimport torch.nn.init as init\n")
    sys.path.insert(0, str(tmp_path))
    try:
        with patched():
            import imported_inside
    finally:
        sys.path.remove(str(tmp_path))
    assert imported_inside.trunc_normal_ is init.trunc_normal_ and imported_inside.init is init


def test_it_imports_torch_only_when_it_is_called():
    text = "import sys, fastinit; fastinit.patch_torch; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", text], timeout=300).returncode == 0


def test_many_tensors_that_are_freed_are_forgotten():
    with patched() as hearing:
        for _ in range(5_000):
            torch.empty(3).zero_()
        assert len(hearing.waiting._fresh) < 5_000 and len(hearing.waiting.plans) < 5_000
        kept = torch.empty(64, 64).normal_()
    assert kept.std() > 0.5
