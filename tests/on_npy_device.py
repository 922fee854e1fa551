"""What test_devices.py runs in a process of its own: a device made of NumPy arrays, behind torch's PrivateUse1 key."""

import math

import fastinit
import numpy as np
import pytest
import torch
from fastinit import devices
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

_setup_privateuseone_for_python_backend("npy")
copied = []  # elements, of each copy from the CPU
DTYPES = {
    torch.float16: np.float16, torch.bfloat16: np.int16, torch.float32: np.float32, torch.float64: np.float64,
    torch.complex64: np.complex64, torch.int32: np.int32,
}  # fmt: skip


class Npy(torch.Tensor):
    """Its memory is `raw`; torch sees no address."""

    @staticmethod
    def __new__(cls, raw, dtype):
        tensor = torch._C._acc.create_empty_tensor(raw.shape, dtype)
        tensor.__class__ = Npy
        return tensor

    def __init__(self, raw, dtype):
        self.raw = raw


def on_cpu(tensor):
    """A copy on the CPU, made without torch's kernels."""
    copy = torch.from_numpy(tensor.raw.copy())
    return copy.view(torch.bfloat16) if tensor.dtype is torch.bfloat16 else copy


def _array(tensor):
    if isinstance(tensor, Npy):
        return tensor.raw
    return (tensor.view(torch.int16) if tensor.dtype is torch.bfloat16 else tensor).resolve_conj().numpy()


def _kernel(name):
    return torch.library.impl(f"aten::{name}", "privateuseone")


@_kernel("empty.memory_format")
def _empty(size, *, dtype=None, layout=None, device=None, pin_memory=None, memory_format=None):
    dtype = dtype or torch.float32
    return Npy(np.full(size, 77, DTYPES[dtype]), dtype)


@_kernel("empty_strided")
def _empty_strided(size, stride, *, dtype=None, layout=None, device=None, pin_memory=None):
    return _empty(size, dtype=dtype)


@_kernel("slice.Tensor")
def _slice(self, dim=0, start=None, end=None, step=1):
    return Npy(self.raw[(slice(None),) * dim + (slice(start, end, step),)], self.dtype)


@_kernel("detach")
def _detach(self):
    return Npy(self.raw, self.dtype)


@_kernel("alias")
def _alias(self):
    return Npy(self.raw, self.dtype)


@_kernel("as_strided")
def _as_strided(self, size, stride, storage_offset=None):
    steps = [step * self.raw.itemsize for step in stride]
    return Npy(np.lib.stride_tricks.as_strided(self.raw, size, steps), self.dtype)


@_kernel("fill_.Scalar")
def _fill(self, value):
    self.raw[...] = value
    return self


@_kernel("_index_put_impl_")
def _index_put(self, indices, values, accumulate=False, unsafe=False):
    self.raw[tuple(axis.numpy() for axis in indices)] = _array(values)
    return self


@_kernel("_copy_from")
def _copy_from(source, target, non_blocking=False):
    copied.append(source.numel())
    _array(target)[...] = _array(source)
    return target


@_kernel("copy_")
def _copy(self, source, non_blocking=False):
    copied.append(source.numel())
    self.raw[...] = _array(source)
    return self


RANDOM = [
    ("kaiming_normal_", (64, 48), ()),
    ("xavier_uniform_", (33, 3, 5, 5), ()),
    ("trunc_normal_", (1000,), (0.0, 0.02)),
    ("sparse_", (50, 30), (0.3,)),
    ("orthogonal_", (20, 30), ()),
    ("delta_orthogonal_", (6, 4, 3), ()),
    ("normal_", (), ()),
    ("normal_", (5, 0), ()),
    ("uniform_", (1, 1, 5000), ()),
]


@pytest.mark.parametrize("size", [64 << 20, 4096, 400])
@pytest.mark.parametrize(("name", "shape", "args"), RANDOM)
def test_random_fills_are_the_cpus(name, shape, args, size, monkeypatch):
    monkeypatch.setattr(devices, "BUFFER", size)
    for dtype in (torch.float32, torch.float64, torch.bfloat16):
        tensor = torch.empty(shape, device="npy", dtype=dtype)
        copied.clear()
        assert getattr(fastinit, name)(tensor, *args, generator=3) is tensor
        whole = getattr(fastinit, name)(torch.empty(shape, dtype=dtype), *args, generator=3)
        assert torch.equal(on_cpu(tensor), whole)
        assert sum(copied) == math.prod(shape)
        assert max(copied) <= max(1, size // dtype.itemsize)


def test_fixed_fills_and_complex_ones_are_the_cpus():
    for name, shape, args in [
        ("constant_", (3, 5), (0.5,)), ("zeros_", (3,), ()), ("ones_", (), ()), ("eye_", (3, 5), ()),
        ("identity_", (5, 3), (0.5,)), ("dirac_", (4, 2, 3), (2,)), ("bilinear_", (2, 1, 4, 4), ()),
    ]:  # fmt: skip
        tensor = getattr(fastinit, name)(torch.empty(shape, device="npy"), *args)
        assert torch.equal(on_cpu(tensor), getattr(fastinit, name)(torch.empty(shape), *args)), name
    tensor = fastinit.xavier_normal_(torch.empty(9, 4, dtype=torch.complex64, device="npy"), generator=1)
    whole = fastinit.xavier_normal_(torch.empty(9, 4, dtype=torch.complex64), generator=1)
    assert torch.equal(on_cpu(tensor), whole)


def test_torchs_seed_on_the_cpu_governs_and_blocks_fit(monkeypatch):
    monkeypatch.setattr(devices, "BUFFER", 200)
    filled = []
    for device in ("cpu", "npy"):
        torch.manual_seed(5)
        filled += [fastinit.normal_(torch.empty(7, 30, device=device)), torch.rand(1)]
    assert torch.equal(on_cpu(filled[2]), filled[0])
    assert torch.equal(filled[1], filled[3])  # one draw, as on the CPU
    whole = fastinit.kaiming_normal_(torch.empty(40, 60), generator=2)
    block = torch.empty(20, 30, device="npy")
    fastinit.kaiming_normal_(block, generator=2, global_shape=(40, 60), offset=(slice(10, 30), 5))
    assert torch.equal(on_cpu(block), whole[10:30, 5:35])


def test_parameters_views_and_versions():
    parameter = torch.nn.Parameter(torch.empty(6, 8, device="npy"))
    before = parameter._version
    assert fastinit.kaiming_uniform_(parameter, generator=1) is parameter
    assert parameter._version > before and parameter.grad_fn is None
    rows = torch.empty(6, 8, device="npy")
    fastinit.normal_(rows[2:4], generator=1)
    raw = on_cpu(rows)
    assert torch.equal(raw[2:4], fastinit.normal_(torch.empty(2, 8), generator=1))
    assert (raw[:2] == 77).all() and (raw[4:] == 77).all()


class Elsewhere(torch.Tensor):
    """On a device by its own word, and without memory there, as a fake tensor is."""

    @staticmethod
    def __new__(cls):
        return torch.Tensor._make_wrapper_subclass(cls, (3, 3), device="cuda")

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return cls()


def test_what_cannot_be_filled_says_so_and_stays():
    for dtype, args, words in [
        (torch.int32, (), "random values need"),
        (torch.float16, (0.0, 1e6), "overflows float16"),
        (torch.float32, (0.0, -1.0), "std"),
    ]:
        tensor = torch.empty(3, 3, device="npy", dtype=dtype)
        state = torch.get_rng_state()
        with pytest.raises((TypeError, ValueError), match=words):
            fastinit.normal_(tensor, *args)
        assert (tensor.raw == 77).all() and torch.equal(torch.get_rng_state(), state)
    with pytest.raises(TypeError, match="Elsewhere, whose memory is elsewhere"):
        fastinit.normal_(Elsewhere())
