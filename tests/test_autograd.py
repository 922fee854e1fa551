"""sigmoid and tanh for torch: any number of derivatives, in every way that torch takes them, right in the tails."""

import copy
import functools
import itertools
import pickle
from collections.abc import Callable

import fastinit
import mpmath as mp
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed: make test TORCH=1")
from fastinit import autograd

# of torch about itself, when it first differentiates forward, or compiles
pytestmark = pytest.mark.filterwarnings("ignore:.torch.jit.script:DeprecationWarning")
func = torch.func
PAIRS = [(autograd.sigmoid, torch.sigmoid), (autograd.tanh, torch.tanh)]
both = pytest.mark.parametrize("f, theirs", PAIRS, ids=["sigmoid", "tanh"])


def exact(name: str, order: int, z: float) -> float:
    """The order-th derivative, correct to float64: y' = y (1 - y) of the sigmoid, y' = 1 - y^2 of tanh, and on."""
    with mp.workprec(2500):  # 1 - y has the digits of e^-700
        x = mp.mpf(z)
        if name == "sigmoid":
            y = 1 / (1 + mp.exp(-x))
            d = y * (1 - y)
            return float([y, d, d * (1 - 2 * y), d * (1 - 6 * d)][order])
        y = mp.tanh(x)
        d = 1 - y * y
        return float([y, d, -2 * y * d, d * (6 * y * y - 2)][order])


def by_grad(f: Callable, order: int, z: torch.Tensor) -> torch.Tensor:
    z = z.clone().requires_grad_()
    y = f(z)
    for _ in range(order):
        (y,) = torch.autograd.grad(y.sum(), z, create_graph=True)
    return y.detach()


def by_func_grad(f: Callable, order: int, z: torch.Tensor) -> torch.Tensor:
    for _ in range(order):
        f = func.grad(f)
    return func.vmap(f)(z)


def by_jvp(f: Callable, order: int, z: torch.Tensor) -> torch.Tensor:
    for _ in range(order):
        f = functools.partial(lambda g, x: func.jvp(g, (x,), (torch.ones_like(x),))[1], f)
    return f(z)


# ---- right -----------------------------------------------------------------------------------------------------------


@both
@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("way", [by_grad, by_func_grad, by_jvp])
def test_derivatives_are_right_in_the_tails(f, theirs, order, way):
    for dtype, far in ((torch.float64, 300.0), (torch.float32, 40.0)):
        z = torch.cat([torch.linspace(-far, far, 61), torch.tensor([30.0, 32.5, 38.0, 1e-3, -1e-6])]).to(dtype)
        found = way(f, order, z).double().numpy()
        truth = np.array([exact(f.__name__, order, x) for x in z.tolist()])
        # the third derivative has a zero where terms of the first's size cancel
        size = np.array([exact(f.__name__, 1, x) for x in z.tolist()]) if order == 3 else np.abs(truth)
        assert (np.abs(found - truth) <= 8 * torch.finfo(dtype).eps * size).all()


@both
@pytest.mark.parametrize("order", [2, 3])
def test_forward_and_reverse_in_every_order(f, theirs, order):
    """A transform that another one does not see through gives 0, without a word."""
    z = torch.tensor(0.7, dtype=torch.float64)
    for ways in itertools.product((func.grad, func.jacrev, func.jacfwd), repeat=order):
        g = f
        for way in ways:
            g = way(g)
        assert g(z).item() == pytest.approx(exact(f.__name__, order, 0.7), rel=1e-14), ways


@both
def test_second_derivative_where_float32_is_subnormal(f, theirs):
    z = torch.tensor([88.0, 95.0, 100.0, -100.0]) / (2 if f is autograd.tanh else 1)
    found = by_grad(f, 2, z).double().numpy()
    truth = np.array([exact(f.__name__, 2, x) for x in z.tolist()])
    assert (found != 0).all() and (np.abs(found - truth) <= 4 * 2.0**-149).all()


@both
@pytest.mark.parametrize(
    "z",
    [
        torch.tensor([-8.0, -1.0, -1e-3, 0.0, 0.7, 3.0, 9.0]),
        torch.linspace(-3, 3, 12).reshape(3, 4).T,
        torch.linspace(-3, 3, 24).reshape(4, 6)[1:, ::2],
        torch.tensor(0.3),
        torch.empty(0, 3),
    ],
    ids=["vector", "transposed", "strided", "0-d", "empty"],
)
def test_gradcheck(f, theirs, z):
    z = z.double().requires_grad_()
    more = {"check_batched_grad": True} if z.numel() else {}
    forward = {"check_forward_ad": True, "check_batched_forward_grad": True} if z.numel() else {}
    assert torch.autograd.gradcheck(f, (z,), **more, **forward)
    assert torch.autograd.gradgradcheck(f, (z,), check_fwd_over_rev=bool(z.numel()), check_rev_over_rev=True, **more)
    if z.numel():
        assert torch.autograd.gradgradcheck(by_jvp_of(f), (z,))  # the third, reverse over reverse over forward


def by_jvp_of(f: Callable) -> Callable:
    return lambda z: func.jvp(f, (z,), (torch.ones_like(z),))[1]


def test_the_gradient_penalty_is_torchs():
    """Of a tanh network: what a Wasserstein critic or a physics-informed network differentiates twice."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        weights = [torch.randn(6, 8), torch.randn(8, 8), torch.randn(8, 1)]
        x = torch.randn(16, 6, dtype=torch.float64)
    found = []
    for tanh in (autograd.tanh, torch.tanh):
        w1, w2, w3 = parameters = [w.double().div(3).requires_grad_() for w in weights]
        points = x.clone().requires_grad_()
        out = tanh(tanh(points @ w1) @ w2) @ w3
        (slope,) = torch.autograd.grad(out.sum(), points, create_graph=True)
        penalty = ((slope.norm(dim=1) - 1) ** 2).mean()
        found.append([penalty.detach(), *torch.autograd.grad(penalty, parameters)])
    for ours, theirs in zip(*found, strict=True):
        assert torch.allclose(ours, theirs, rtol=1e-13, atol=1e-15)


# ---- torch.func and its older twin -----------------------------------------------------------------------------------


@both
@pytest.mark.filterwarnings(
    "ignore:Attempted to insert a get_attr Node:UserWarning"
)  # by linearize, for torch.tanh too
def test_every_transform_is_torchs(f, theirs):
    z, v = torch.linspace(-3, 3, 5, dtype=torch.float64), torch.linspace(1, 2, 5, dtype=torch.float64)
    mixed = torch.linspace(-1, 1, 25, dtype=torch.float64).reshape(5, 5)

    def scalar(f, x):
        return (mixed @ f(mixed @ x)).pow(2).sum()

    def vector(f, x):
        return mixed @ f(mixed @ x)

    transforms = {
        "grad": lambda f: func.grad(lambda x: scalar(f, x))(z),
        "grad of grad": lambda f: func.grad(lambda y: func.grad(lambda x: scalar(f, x))(y).pow(2).sum())(z),
        "vjp": lambda f: func.vjp(lambda x: vector(f, x), z)[1](v)[0],
        "jvp": lambda f: func.jvp(lambda x: vector(f, x), (z,), (v,))[1],
        "jvp of vjp": lambda f: func.jvp(lambda x: func.vjp(lambda y: vector(f, y), x)[1](v)[0], (z,), (v,))[1],
        "jacrev": lambda f: func.jacrev(lambda x: vector(f, x))(z),
        "jacfwd": lambda f: func.jacfwd(lambda x: vector(f, x))(z),
        "hessian": lambda f: func.hessian(lambda x: scalar(f, x))(z),
        "jacrev of jacfwd": lambda f: func.jacrev(func.jacfwd(lambda x: vector(f, x)))(z),
        "jacfwd of jacfwd": lambda f: func.jacfwd(func.jacfwd(lambda x: vector(f, x)))(z),
        "linearize": lambda f: func.linearize(lambda x: vector(f, x), z)[1](v),
        "hessian, older": lambda f: torch.autograd.functional.hessian(lambda x: scalar(f, x), z),
        "hessian, older, at once": lambda f: torch.autograd.functional.hessian(
            lambda x: scalar(f, x), z, vectorize=True
        ),
        "jacobian, older, forward": lambda f: torch.autograd.functional.jacobian(
            lambda x: vector(f, x), z, strategy="forward-mode", vectorize=True
        ),
        "vhp, older": lambda f: torch.autograd.functional.vhp(lambda x: scalar(f, x), z, v)[1],
    }  # fmt: skip
    for name, transform in transforms.items():
        ours, expected = transform(f), transform(theirs)
        assert ours.shape == expected.shape and expected.any(), name
        assert torch.allclose(ours, expected, rtol=1e-12, atol=1e-14 * float(expected.abs().max())), name


@both
def test_vmap(f, theirs):
    z = torch.linspace(-4, 4, 24, dtype=torch.float64).reshape(2, 3, 4)
    w = torch.linspace(1, 2, 4, dtype=torch.float64)
    for dim in (0, 1, 2, -1):
        for to in (0, 1, -1):
            assert torch.allclose(func.vmap(f, in_dims=dim, out_dims=to)(z), func.vmap(theirs, dim, to)(z))
    assert torch.allclose(func.vmap(func.vmap(f, in_dims=1), in_dims=2)(z), func.vmap(func.vmap(theirs, 1), 2)(z))
    for each in (
        lambda g: func.vmap(func.grad(lambda x: g(x).pow(2).sum()))(z),  # gradients of each sample
        lambda g: func.vmap(lambda a: func.vjp(g, w)[1](a)[0])(
            z.reshape(6, 4)
        ),  # only the upstream gradient in a batch
        lambda g: func.vmap(lambda x: func.vjp(g, x)[1](w)[0])(z.reshape(6, 4)),  # only z
        lambda g: func.vmap(lambda x, a: func.vjp(g, x)[1](a)[0], in_dims=(0, 1))(z[0], z[0].T.contiguous()),
        lambda g: func.vmap(lambda a: func.jvp(g, (w,), (a,))[1], in_dims=1)(z.reshape(4, 6)),
        lambda g: func.vmap(func.hessian(lambda x: g(x).prod()), in_dims=2)(z),
        lambda g: func.grad(lambda x: func.vmap(func.grad(lambda y: g(y).sum()), in_dims=1)(x).pow(2).sum())(z),
        lambda g: func.vmap(lambda x: g(x) * g(w), chunk_size=2)(z.reshape(6, 4)),
        # a gradient that reaches what is not in the batch, through what is
        lambda g: func.grad(lambda x: func.vmap(lambda a: func.vjp(g, x)[1](a)[0])(z.reshape(6, 4)).pow(2).sum())(w),
    ):
        ours, expected = each(f), each(theirs)
        assert ours.shape == expected.shape and torch.allclose(ours, expected, rtol=1e-12, atol=1e-14)


def test_forward_mode_of_dual_numbers():
    import torch.autograd.forward_ad as dual

    z, v = torch.linspace(-3, 3, 7, dtype=torch.float64), torch.linspace(1, 2, 7, dtype=torch.float64)
    for f, theirs in PAIRS:
        found = []
        for g in (f, theirs):
            x = z.clone().requires_grad_()
            with dual.dual_level():
                tangent = dual.unpack_dual(g(dual.make_dual(x, v))).tangent
                found.append([tangent.detach(), *torch.autograd.grad(tangent.sum(), x)])
        assert all(torch.allclose(a, b, rtol=1e-12) for a, b in zip(*found, strict=True))


# ---- whatever the upstream gradient and z look like ------------------------------------------------------------------


def gradients() -> dict[str, torch.Tensor]:
    grid = torch.arange(1.0, 97.0, dtype=torch.float64).reshape(8, 12)
    return {
        "plain": grid[:3, :4].clone(),
        "strided": grid[1:7:2, 2:10:2],  # of a storage that begins elsewhere
        "transposed": grid[2:6, 3:6].T,
        "expanded": torch.tensor(2.5, dtype=torch.float64).expand(3, 4),
        "a row for all": grid[4, 5:9].expand(3, 4),
        "a column for all": grid[2:5, 7:8].expand(3, 4),
        "zeros": torch.zeros(3, 4, dtype=torch.float64),
        "torch's own zero": torch._efficientzerotensor((3, 4), dtype=torch.float64),
        "negated by a bit": torch._neg_view(grid[1:4, 1:5]),
    }


@both
@pytest.mark.parametrize("kind", gradients())
def test_upstream_gradients(f, theirs, kind):
    upstream = gradients()[kind]
    line = torch.linspace(-5, 5, 96, dtype=torch.float64)
    for z in (line[:12].reshape(3, 4), line[:12].reshape(4, 3).T, line.reshape(8, 12)[2:5, 1:9:2]):
        z = z.detach().requires_grad_()
        (found,) = torch.autograd.grad(f(z), z, upstream, create_graph=True)
        derivative = fastinit.dsigmoid if f is autograd.sigmoid else fastinit.dtanh
        truth = (upstream + torch.zeros(3, 4)).numpy() * derivative(z.detach().numpy())
        assert np.allclose(found.detach().numpy(), truth, rtol=1e-15, atol=0)
        for again in gradients().values():  # and the second upstream gradient too
            (second,) = torch.autograd.grad(found, z, again, retain_graph=True)
            x = z.detach().requires_grad_()
            (first,) = torch.autograd.grad(theirs(x), x, upstream, create_graph=True)
            assert torch.allclose(second, torch.autograd.grad(first, x, again)[0], rtol=1e-12, atol=1e-14)


@both
def test_a_long_strided_upstream_gradient(f, theirs):
    """Longer than what is gathered at a time."""
    z = torch.linspace(-5, 5, 1500, dtype=torch.float64, requires_grad=True)
    upstream = torch.arange(3100.0, dtype=torch.float64)[17::2][:1500]
    (found,) = torch.autograd.grad(f(z), z, upstream)
    (expected,) = torch.autograd.grad(theirs(z), z, upstream)
    assert torch.allclose(found, expected, rtol=1e-12, atol=0)


@both
def test_layouts_of_z(f, theirs):
    line = torch.linspace(-5, 5, 240, dtype=torch.float64)
    channels_last = line.reshape(2, 6, 4, 5).to(memory_format=torch.channels_last)
    views = [line[3::7], line.reshape(15, 16).T, line.reshape(3, 4, 20).permute(2, 0, 1)[::3], line[:5].expand(4, 5),
             channels_last, torch._neg_view(line), line[:0].reshape(0, 7), line[9], line[3:9:2, None]]  # fmt: skip
    for z in views:
        for order in (0, 1, 2):
            ours = by_grad(f, order, z)
            assert ours.shape == z.shape and torch.equal(ours, by_grad(f, order, z.clone().contiguous()))
            assert torch.allclose(ours, by_grad(theirs, order, z), rtol=1e-12, atol=1e-14)
    assert f(channels_last).is_contiguous(memory_format=torch.channels_last)  # as torch keeps it


@both
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_dtypes_are_torchs(f, theirs, dtype):
    z = torch.linspace(-4, 4, 33).to(dtype)
    for order in (0, 1, 2, 3):
        ours, expected = by_grad(f, order, z), by_grad(theirs, order, z)
        assert ours.dtype == expected.dtype == dtype
        assert torch.allclose(
            ours, by_grad(theirs, order, z.double()).to(dtype), rtol=0, atol=8 * torch.finfo(dtype).eps
        )
    grads = func.grad(func.grad(lambda x: f(x).sum()))(z[3])
    assert grads.dtype == dtype


@both
def test_integers_become_what_torch_makes_of_them(f, theirs):
    for z in (torch.arange(-3, 4), torch.tensor([True, False]), torch.arange(4, dtype=torch.uint8)):
        assert f(z).dtype == theirs(z).dtype == torch.float32 and torch.allclose(f(z), theirs(z))


def test_what_cannot_be_taken_says_so():
    z = torch.zeros(2)
    for bad, words in [
        (z.to("meta"), "z is on meta; fastinit.autograd works on CPU tensors"),
        (z.to(torch.complex64), "z has dtype torch.complex64; give float16, bfloat16, float32 or float64"),
        (z.to_sparse(), r"to_dense\(\)"),
        (np.zeros(2), r"z is of type numpy.ndarray; .* fastinit.sigmoid"),
        (0.5, r"z is of type float; .* fastinit.sigmoid"),
    ]:
        with pytest.raises(TypeError, match=words):
            autograd.sigmoid(bad)


# ---- what the user has stays as it was -------------------------------------------------------------------------------


@both
def test_storages_can_be_resized_afterwards(f, theirs):
    z, upstream = torch.zeros(4, requires_grad=True), torch.ones(4)
    y = f(z)
    y.backward(upstream)
    for tensor in (z.detach(), upstream, y.detach(), z.grad):
        size = tensor.untyped_storage().size()
        tensor.untyped_storage().resize_(2 * size)
        assert tensor.untyped_storage().size() == 2 * size


@both
def test_grad_modes_and_versions(f, theirs):
    z = torch.ones(3, requires_grad=True)
    assert f(z).requires_grad and not f(z.detach()).requires_grad
    with torch.no_grad():
        assert not f(z).requires_grad
    with torch.inference_mode():
        assert torch.allclose(f(torch.ones(3)), theirs(torch.ones(3)))
    x = torch.ones(3)
    y = f(held := x.requires_grad_() * 1)
    held += 1
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        y.sum().backward()
    checkpointed = torch.utils.checkpoint.checkpoint(lambda t: f(t).sum(), z, use_reentrant=False)
    checkpointed.backward()
    assert torch.allclose(z.grad, by_grad(theirs, 1, z.detach()))


def test_a_module_that_holds_them_is_copied_and_pickled():
    for f, _ in PAIRS:
        assert copy.deepcopy(f) is f and pickle.loads(pickle.dumps(f)) is f


# ---- who watches -----------------------------------------------------------------------------------------------------


@both
def test_watchers_see_one_function_and_the_dispatcher_one_pass_each_way(f, theirs):
    from torch.overrides import TorchFunctionMode
    from torch.utils._python_dispatch import TorchDispatchMode

    class Functions(TorchFunctionMode):
        def __torch_function__(self, function, types, args=(), kwargs=None):
            seen.append(function)
            return function(*args, **(kwargs or {}))

    class Operators(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            seen.append(function)
            return function(*args, **(kwargs or {}))

    class Mine(torch.Tensor):
        pass

    seen: list[object] = []
    z = torch.zeros(3, requires_grad=True)
    with Functions():
        f(z)
    assert seen == [f]
    seen.clear()
    with Operators():
        torch.autograd.grad(f(z), z, torch.ones(3))
    work = [op for op in seen if "detach" not in str(op) and "ones" not in str(op)]
    ops = torch.ops.fastinit
    first, second = (ops._sigmoid, ops._sigmoid_backward) if f is autograd.sigmoid else (ops._tanh, ops._tanh_backward)
    assert work == [first.default, second.default]
    assert type(f(torch.zeros(3).as_subclass(Mine))) is Mine


# ---- compiled --------------------------------------------------------------------------------------------------------


def test_the_operators_keep_torchs_rules():
    z, grad = torch.linspace(-3, 3, 12).reshape(3, 4), torch.ones(3, 4)
    quick = ("test_schema", "test_autograd_registration", "test_faketensor")
    for tensor, upstream in ((z, grad), (z.T, grad.T), (z[:, ::2], grad[:, :2]), (z.bfloat16(), grad.bfloat16())):
        for name in ("sigmoid", "tanh"):
            torch.library.opcheck(getattr(torch.ops.fastinit, f"_{name}").default, (tensor,), test_utils=quick)
            backward = getattr(torch.ops.fastinit, f"_{name}_backward").default
            torch.library.opcheck(backward, (upstream, tensor), test_utils=quick)


@both
def test_compiled_whole(f, theirs):
    z, v = torch.linspace(-20, 20, 24).reshape(4, 6), torch.linspace(1, 2, 24).reshape(4, 6)

    def several(x):
        second = func.grad(lambda y: func.grad(lambda t: f(t).sum())(y).pow(2).sum())(x)
        return second, func.jvp(f, (x,), (v,))[1], func.vmap(func.grad(lambda y: f(y).sum()), in_dims=1)(x)

    compiled = functools.partial(torch.compile, fullgraph=True, backend="aot_eager")
    for ours, expected in zip(compiled(several)(z), several(z), strict=True):
        assert torch.allclose(ours, expected, rtol=1e-6, atol=0)
    a, b = z.clone().requires_grad_(), z.clone().requires_grad_()
    compiled(lambda x: f(2 * x).sum())(a).backward()
    f(2 * b).sum().backward()
    assert torch.equal(a.grad, b.grad)


class Net(torch.nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return autograd.tanh(autograd.sigmoid(x.T) * 2)


def test_exported():
    z = torch.linspace(-20, 20, 24).reshape(4, 6)
    again = torch.export.export(Net(), (z,)).module()
    a, b = z.clone().requires_grad_(), z.clone().requires_grad_()
    again(a).sum().backward()
    Net()(b).sum().backward()
    assert torch.equal(again(z), Net()(z)) and torch.equal(a.grad, b.grad)


@pytest.mark.long  # it calls a C++ compiler
def test_compiled_by_inductor():
    z = torch.linspace(-20, 20, 24).reshape(4, 6)
    a, b = z.clone().requires_grad_(), z.clone().requires_grad_()
    torch.compile(Net(), fullgraph=True)(a).sum().backward()
    Net()(b).sum().backward()
    assert torch.allclose(a.grad, b.grad, rtol=1e-6)
