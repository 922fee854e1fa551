"""A torch tensor's memory is opened and left as torch has it; what cannot be filled is named in words."""

import warnings

import fastinit
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make test TORCH=1")
nn = torch.nn

FILLS = {
    "normal_": fastinit.normal_,
    "xavier_uniform_": fastinit.xavier_uniform_,
    "orthogonal_": fastinit.orthogonal_,
    "sparse_": lambda t: fastinit.sparse_(t, 0.5),
    "zeros_": fastinit.zeros_,
    "eye_": fastinit.eye_,
}


@pytest.mark.skipif(np.lib.NumpyVersion(np.__version__) < "2.1.0", reason="NumPy takes no writeable memory by DLPack")
@pytest.mark.parametrize("fill", FILLS.values(), ids=FILLS)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.complex64])
def test_a_storage_stays_resizable(fill, dtype):
    tensor = torch.empty(4, 4, dtype=dtype)
    fill(tensor)
    fill(tensor.t())
    tensor.resize_(10, 10)
    tensor.untyped_storage().resize_(0)
    torch.ones(200, dtype=dtype, out=tensor)


@pytest.mark.parametrize("name", ["normal_", "xavier_uniform_", "orthogonal_", "sparse_"])  # the others are torch's own
def test_an_emptied_storage_is_refused(name):
    tensor = torch.ones(4, 4)
    tensor.untyped_storage().resize_(0)
    with pytest.raises(TypeError, match="memory is elsewhere"):
        FILLS[name](tensor)


def test_views_that_memory_does_not_show_are_refused():
    tensor = torch.ones(4, 4)
    with pytest.raises(TypeError, match="neg view"):
        fastinit.normal_(torch._neg_view(tensor))
    assert (tensor == 1).all()


def test_a_clone_is_made_real_only_when_written():
    original = torch.ones(4, 4)
    clone = torch._lazy_clone(original)
    from fastinit.backends import backend_of

    array, dtype, name = backend_of(clone).read(clone)
    assert torch._C._is_cow_tensor(clone) and (array == 1).all() and (dtype.name, name) == ("float32", "float32")
    fastinit.normal_(clone)
    assert (original == 1).all() and (clone != 1).all()


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16, torch.float64, torch.int32, torch.bool])
def test_what_is_read_is_the_tensors_memory(dtype):
    from fastinit.backends import backend_of

    tensor = torch.arange(12).reshape(3, 4).to(dtype).t()
    array, _, name = backend_of(tensor).read(tensor)
    assert (array.shape, name) == ((4, 3), str(dtype).removeprefix("torch."))
    assert array.ctypes.data == tensor.data_ptr()
    assert array.strides == tuple(step * tensor.element_size() for step in tensor.stride())


def test_modes_of_torch_do_not_matter():
    torch.manual_seed(0)
    expected = [fastinit.normal_(torch.empty(3)).tolist() for _ in range(3)]
    torch.manual_seed(0)
    with torch.inference_mode():
        found = [fastinit.normal_(torch.empty(3)).tolist()]
    with torch.no_grad():
        found.append(fastinit.normal_(torch.empty(3)).tolist())
    try:
        torch.set_default_device("meta")
        found.append(fastinit.normal_(torch.empty(3, device="cpu")).tolist())
    finally:
        torch.set_default_device(None)
    assert found == expected


@pytest.mark.parametrize("transform", ["vmap", "grad", "jvp"])
def test_a_fill_inside_a_transform_says_so(transform):
    def body(t):
        fastinit.normal_(t)
        return t.sum()

    tensor = torch.ones(2, 3)
    with pytest.raises(TypeError, match=r"vmap.*fill the tensors before"):
        if transform == "jvp":
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch's own, at the first jvp
                torch.func.jvp(body, (tensor,), (tensor,))
        else:
            getattr(torch.func, transform)(body)(tensor)
    assert (tensor == 1).all()


@pytest.mark.parametrize("given, words", [
    (nn.Linear(4, 4), r"Linear; did you mean its \.weight"), (nn.Conv2d(2, 2, 3), r"\.weight"),
    (nn.Sequential(nn.Linear(4, 4)), "each of its param"), (nn.Linear(4, 4).parameters(), "each of its param"),
    (nn.Linear(4, 4).state_dict(), "each of its param"), (fastinit.mlp([3, 4, 2])[0], "did you mean its"),
], ids=["linear", "conv", "network", "parameters", "state", "dense"])  # fmt: skip
def test_what_holds_tensors_is_no_tensor(given, words):
    for fill in (fastinit.xavier_normal_, fastinit.zeros_, fastinit.eye_, fastinit.kaiming_uniform_, fastinit.dirac_):
        with pytest.raises(TypeError, match=words):
            fill(given)


def hooked(kind):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch's own, of its old names
        return kind(nn.Linear(4, 4))


COMPUTED = {
    "weight_norm": lambda: hooked(nn.utils.weight_norm),
    "weight_norm, parametrization": lambda: nn.utils.parametrizations.weight_norm(nn.Linear(4, 4)),
    "spectral_norm, parametrization": lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4)),
    "orthogonal, parametrization": lambda: nn.utils.parametrizations.orthogonal(nn.Linear(4, 4)),
}


@pytest.mark.parametrize("make", COMPUTED.values(), ids=COMPUTED)
def test_a_fill_of_a_computed_weight_warns(make):
    module = make()
    for fill in (fastinit.normal_, fastinit.zeros_, fastinit.orthogonal_, lambda w: fastinit.normal_(w[:2])):
        with pytest.warns(UserWarning, match=r"weight_v .*weight_orig .*parametrizations") as caught:
            fill(module.weight)
        assert len(caught) == 1 and caught[0].filename == __file__


def test_a_fill_of_parameters_and_their_views_does_not_warn():
    module = nn.LSTM(3, 4)
    for tensor in (
        module.weight_ih_l0,
        module.weight_ih_l0.chunk(4)[1],
        module.weight_ih_l0.t(),
        module.weight_hh_l0.data,
    ):
        fastinit.normal_(tensor)
        fastinit.zeros_(tensor)
    norm = nn.utils.parametrizations.weight_norm(nn.Linear(4, 4))
    fastinit.normal_(norm.parametrizations.weight.original1)


PRIVATE = [
    name
    for name, item in vars(torch.nn.init).items()
    if name.startswith("_") and not name.startswith("__") and getattr(item, "__module__", "") == "torch.nn.init"
    and callable(item) and not isinstance(item, type) and hasattr(item, "__code__")
]  # fmt: skip


def test_torchs_underscored_names_are_those_that_are_there():
    from fastinit.initializers import underscored

    assert sorted(PRIVATE) == sorted(underscored.__all__)
    assert not {*PRIVATE} & {*fastinit.__all__}


@pytest.mark.parametrize("name", PRIVATE)
def test_torchs_underscored_names_have_its_parameters(name):
    import inspect

    ours, theirs = (inspect.signature(getattr(m, name)).parameters.values() for m in (fastinit, torch.nn.init))
    assert [(p.name, p.kind, p.default) for p in ours] == [(p.name, p.kind, p.default) for p in theirs]


@pytest.mark.parametrize("module", [fastinit, torch.nn.init], ids=["fastinit", "torch"])
def test_torchs_underscored_names_do_what_they_say(module):
    w = torch.empty(8, 6, 3)
    assert module._calculate_fan_in_and_fan_out(w) == (18, 24)
    assert [module._calculate_correct_fan(w, mode) for mode in ("fan_in", "FAN_OUT")] == [18, 24]
    with pytest.raises(ValueError, match=r"(?i)mode"):
        module._calculate_correct_fan(w, "fan_avg")
    assert module._no_grad_uniform_(w, 2.0, 3.0) is w and w.min() >= 2 and w.max() <= 3
    assert module._no_grad_normal_(w, 5.0, 0.1) is w and abs(w.mean() - 5) < 0.1 and 0.05 < w.std() < 0.2
    assert module._no_grad_trunc_normal_(w, 0.0, 1.0, 1.0, 2.0) is w and w.min() >= 1 and w.max() <= 2
    assert module._no_grad_fill_(w, 7.0) is w and (w == 7).all()
    assert module._no_grad_zero_(w) is w and (w == 0).all()
    with pytest.warns(FutureWarning, match="ones"):
        assert module._make_deprecate(module.ones_)(w) is w and (w == 1).all()


def test_numbers_given_as_tensors_are_read_at_each_call():
    scale, fan, w = torch.tensor(1.0), torch.tensor(24.0), torch.empty(4, 6)
    first = fastinit.variance_scaling_(w, scale, generator=0, fans=(fan, fan)).std()
    scale *= 100
    assert abs(fastinit.variance_scaling_(w, scale, generator=0, fans=(fan, fan)).std() / first - 10) < 0.01
    fan *= 100
    assert abs(fastinit.variance_scaling_(w, scale, generator=0, fans=(fan, fan)).std() / first - 1) < 0.01
