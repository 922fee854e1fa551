"""torch CPU tensors and Parameters are filled in place, as torch.nn.init fills them."""

import inspect
import subprocess
import sys
import warnings

import fastinit
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make test TORCH=1")
NAMES = [name for name in dir(torch.nn.init) if name.endswith("_") and name[0] != "_"] + ["calculate_gain"]


def equal(tensor, array):
    return bool((tensor.detach().to(torch.float64).numpy() == array.astype(np.float64)).all())


@pytest.mark.parametrize("name", NAMES)
def test_signature_is_torchs_and_additions_are_keyword_only(name):
    theirs = inspect.signature(getattr(torch.nn.init, name)).parameters
    ours = inspect.signature(getattr(fastinit, name)).parameters
    positional = [p for p in ours.values() if p.kind is not p.KEYWORD_ONLY]
    assert [(p.name, p.default) for p in positional] == [(p.name, p.default) for p in theirs.values()]


@pytest.mark.parametrize("old", ["uniform", "normal", "constant", "eye", "dirac", "xavier_uniform", "xavier_normal",
                                 "kaiming_uniform", "kaiming_normal", "orthogonal", "sparse"])  # fmt: skip
def test_old_names_warn_and_do_the_same(old):
    shape = (4, 4, 3) if old == "dirac" else (4, 4)
    more = {"constant": (0.5,), "sparse": (0.5,)}.get(old, ())
    seed = {} if old in ("constant", "eye", "dirac") else {"generator": 1}
    with pytest.warns(FutureWarning, match=f"{old}_"):
        a = getattr(fastinit, old)(np.empty(shape), *more, **seed)
    assert (a == getattr(fastinit, old + "_")(np.empty(shape), *more, **seed)).all()


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64", "complex64", "complex128"])
def test_tensor_gets_the_values_of_an_array(dtype):
    tensor = torch.empty(40, 30, dtype=getattr(torch, dtype))
    assert fastinit.normal_(tensor, generator=3) is tensor
    if dtype == "bfloat16":
        expected = torch.from_numpy(fastinit.normal_(np.empty((40, 30), "f4"), generator=3)).to(torch.bfloat16)
    else:
        expected = torch.from_numpy(fastinit.normal_(np.empty((40, 30), dtype), generator=3))
    assert torch.equal(tensor, expected)


def test_parameters_and_views_of_leaves():
    lstm = torch.nn.LSTM(5, 7)
    expected = fastinit.xavier_uniform_(np.empty((7, 5), "f4"), generator=1)
    fastinit.xavier_uniform_(lstm.weight_ih_l0.chunk(4)[1], generator=1)
    assert equal(lstm.weight_ih_l0[7:14], expected)
    transposed = torch.nn.Parameter(torch.empty(5, 7)).t()
    assert equal(fastinit.xavier_uniform_(transposed, generator=1), expected)


def test_a_fill_counts_as_an_in_place_change():
    w = torch.nn.Parameter(torch.ones(3, 3))
    loss = (w * w).sum()
    fastinit.uniform_(w)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()
    for fill in (fastinit.zeros_, fastinit.eye_, fastinit.orthogonal_):
        loss = (w * w).sum()
        fill(w)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


def test_torchs_generator_governs_tensors():
    def draw(**k):
        return fastinit.normal_(torch.empty(4), **k).tolist()

    torch.manual_seed(0)
    first, second = draw(), draw()
    torch.manual_seed(0)
    with torch.random.fork_rng():
        assert draw() == first
    assert draw() == first != second
    generator = torch.Generator().manual_seed(5)
    a, b = draw(generator=generator), draw(generator=generator)
    assert a != b
    assert draw(generator=generator.manual_seed(5)) == a
    before = fastinit.default_generator.get_state()
    draw()
    assert fastinit.default_generator.get_state() == before


def test_meta_passes_through():
    tensor = torch.empty(3, 3, device="meta")
    for name in NAMES:
        if name in ("calculate_gain", "constant_", "dirac_", "sparse_"):
            continue
        assert getattr(fastinit, name)(tensor) is tensor
    assert fastinit.constant_(tensor, 1) is tensor
    assert fastinit.sparse_(tensor, 0.5) is tensor
    assert fastinit.dirac_(torch.empty(3, 3, 3, device="meta")).is_meta


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "int32"])
def test_fixed_fills_equal_torchs(dtype):
    dtype = getattr(torch, dtype)
    for shape, name, more in [
        ((3, 5), "eye_", ()),
        ((3, 5), "ones_", ()),
        ((3, 5), "zeros_", ()),
        ((3, 5), "constant_", (2,)),
        ((4, 2, 3), "dirac_", (2,)),
        ((6, 3, 3, 2), "dirac_", (1,)),
        ((2, 6, 3, 3, 3), "dirac_", (2,)),
    ]:
        theirs = getattr(torch.nn.init, name)(torch.empty(shape, dtype=dtype), *more)
        assert torch.equal(getattr(fastinit, name)(torch.empty(shape, dtype=dtype), *more), theirs)
        if dtype != torch.bfloat16:
            array = getattr(fastinit, name)(np.empty(shape, str(dtype)[6:]), *more)
            assert torch.equal(torch.from_numpy(array), theirs)


@pytest.mark.parametrize("name", ["xavier_uniform_", "xavier_normal_", "kaiming_uniform_", "kaiming_normal_"])
@pytest.mark.parametrize("shape", [(300, 200), (32, 16, 3, 5)])
def test_variance_is_torchs(name, shape):
    ours = getattr(fastinit, name)(torch.empty(shape), generator=1)
    torch.manual_seed(1)
    theirs = getattr(torch.nn.init, name)(torch.empty(shape))
    assert abs(ours.std() / theirs.std() - 1) < 0.05
    if "uniform" in name:
        assert abs(ours.abs().max() / theirs.abs().max() - 1) < 0.01


def test_calculate_gain_is_torchs():
    for name in [
        "linear", "conv1d", "conv2d", "conv3d", "conv_transpose1d", "conv_transpose2d", "conv_transpose3d",
        "sigmoid", "tanh", "relu", "selu", "leaky_relu",
    ]:  # fmt: skip
        assert fastinit.calculate_gain(name) == torch.nn.init.calculate_gain(name)
    assert fastinit.calculate_gain("leaky_relu", 0.2) == torch.nn.init.calculate_gain("leaky_relu", 0.2)
    for bad in (("gelu",), ("leaky_relu", True), ("leaky_relu", "x")):
        with pytest.raises(ValueError):
            torch.nn.init.calculate_gain(*bad)
        with pytest.raises(ValueError):
            fastinit.calculate_gain(*bad)


class Elsewhere(torch.Tensor):
    """A tensor subclass without memory, as a DTensor is."""

    @staticmethod
    def __new__(cls):
        return torch.Tensor._make_wrapper_subclass(cls, (3, 3), dtype=torch.float32)

    __torch_function__ = torch._C._disabled_torch_function_impl

    @classmethod
    def __torch_dispatch__(cls, function, types, args=(), kwargs=None):
        return cls()


def test_tensors_that_cannot_be_filled_say_so():
    with warnings.catch_warnings():  # quantised tensors themselves are deprecated
        warnings.simplefilter("ignore")
        quantized = torch.quantize_per_tensor(torch.zeros(3, 3), 1.0, 0, torch.qint8)
    complex_ = torch.zeros(3, 3, dtype=torch.complex64)
    for tensor, words in [
        (torch.zeros(3, 3).to_sparse(), "to_dense"),
        (quantized, "quantized"),
        (complex_.conj(), "conj"),
        (complex_.conj().imag, "neg"),
        (torch.zeros(3, 3, dtype=torch.int32), "int32"),
        (torch.zeros(3, 3, dtype=torch.bool), "bool"),
        (Elsewhere(), "memory is elsewhere"),
        (torch.nn.LazyLinear(3).weight, "without a shape"),
    ]:
        with pytest.raises(TypeError, match=words):
            fastinit.xavier_uniform_(tensor)
    with pytest.raises(ValueError, match="share memory"):
        fastinit.xavier_uniform_(torch.zeros(3, 1).expand(3, 3))


def test_torch_is_not_imported_until_a_tensor_comes():
    program = (
        "import sys, numpy as np, fastinit; fastinit.xavier_uniform_(np.empty((3, 3))); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=300)
    assert done.stdout == "False\n", done.stderr
