"""Sigmoid, tanh, derivatives: right to the last places, as ufuncs, without a warning, the same bits everywhere."""

import copy
import os
import pickle
import subprocess
import sys
import sysconfig

import fastinit
import mpmath as mp
import numpy as np
import pytest
from fastinit import _core

NAMES = ["sigmoid", "dsigmoid", "tanh", "dtanh"]
UFUNCS = [*NAMES, "sigmoid_backward", "tanh_backward"]


def exact(name: str, z: float) -> mp.mpf:
    with mp.workprec(200):
        z = mp.mpf(float(z))
        if name == "sigmoid":
            return 1 / (1 + mp.exp(-z))
        if name == "tanh":
            return mp.tanh(z)
        e = mp.exp(-abs(z) * (1 if name == "dsigmoid" else 2))
        return (1 if name == "dsigmoid" else 4) * e / (1 + e) ** 2


def ulps(value: float, truth: mp.mpf, digits: int, least: int) -> float:
    """How far off, in units of the last place that a number of so many bits has near the truth."""
    with mp.workprec(200):
        exponent = mp.frexp(truth)[1] if truth else least
        return float(abs(mp.mpf(float(value)) - truth) / mp.ldexp(1, max(exponent - digits, least)))


def points(rng, n: int, far: float) -> np.ndarray:
    """Where it matters: near 0, the middle, both tails into the subnormals, powers of two."""
    return np.concatenate([
        3 * rng.normal(size=n), rng.uniform(-40, 40, n), rng.uniform(-far, far, n), rng.uniform(-2, 2, n),
        np.exp(rng.uniform(np.log(far) - 100, np.log(far), n)) * rng.choice([-1, 1], n),
        2.0 ** np.arange(-60, 9), [0.0, -0.0, 14.15],
    ])  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_float64_against_200_bits(name):
    z = points(np.random.default_rng(1), 700, 750.0)
    y = getattr(fastinit, name)(z)
    assert max(ulps(value, exact(name, x), 53, -1074) for x, value in zip(z, y, strict=True)) < 1.25


@pytest.mark.parametrize("name", NAMES)
def test_float32_against_200_bits(name):
    z = points(np.random.default_rng(2), 500, 104.0).astype(np.float32)
    y = getattr(fastinit, name)(z)
    assert max(ulps(value, exact(name, x), 24, -149) for x, value in zip(z, y, strict=True)) < 0.51


def wide(name: str, z: np.ndarray) -> np.ndarray:
    """In double by NumPy's own exp: other code than ours, right to a few 1e-16."""
    with np.errstate(all="ignore"):
        z = z.astype(np.float64)
        if name == "tanh":
            return np.tanh(z)
        e = np.exp(-np.abs(z) * (2 if name == "dtanh" else 1))
        if name == "sigmoid":
            return np.where(z < 0, e, 1.0) / (1 + e)
        return (4 if name == "dtanh" else 1) * e / (1 + e) ** 2


@pytest.mark.parametrize("name", NAMES)
def test_float32_one_input_in_4099(name):
    """A stratified sample of the exhaustive sweep, `make ulp`: every 4099th bit pattern, 4099 being a prime."""
    z = np.arange(0, 2**32, 4099, dtype=np.uint64).astype(np.uint32).view(np.float32)
    y, truth = getattr(fastinit, name)(z), wide(name, z)
    assert (np.isnan(y) == np.isnan(z)).all()
    kept = ~np.isnan(z)
    with np.errstate(all="ignore"):
        place = np.maximum(np.spacing(np.abs(truth[kept].astype(np.float32))), 2.0**-149).astype(np.float64)
    error = np.abs(y[kept].astype(np.float64) - truth[kept]) / place
    assert error.max() < 1.0 and (error > 0.51).mean() < 1e-4


@pytest.mark.parametrize("name", NAMES)
def test_float16_all_inputs_are_nearest(name):
    z = np.arange(65536, dtype=np.uint16).view(np.float16)
    with np.errstate(all="ignore"):
        assert np.array_equal(getattr(fastinit, name)(z), wide(name, z).astype(np.float16), equal_nan=True)


def test_the_lessons_number_and_the_tails():
    assert f"{fastinit.dsigmoid(14.15):.3e}" == "7.157e-07"
    for dtype, last in ((np.float32, (103.0, 103.9)), (np.float64, (744.0, 745.1))):
        assert fastinit.dsigmoid(np.array(last, dtype)).min() > 0
        assert fastinit.dsigmoid(dtype(last[1] + 1)) == 0
    z = np.float32([18, 20, 50, 88, 100])
    y = fastinit.sigmoid(z)
    assert (y * (1 - y) == 0).all() and (fastinit.dsigmoid(z) > 0).all()  # what every framework computes, and the truth


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_limits_and_signs(dtype):
    inf = np.array([np.inf, -np.inf, np.nan, 0.0, -0.0], dtype)
    with np.errstate(all="raise"):
        assert np.array_equal(fastinit.sigmoid(inf), np.array([1, 0, np.nan, 0.5, 0.5], dtype), equal_nan=True)
        assert np.array_equal(fastinit.dsigmoid(inf), np.array([0, 0, np.nan, 0.25, 0.25], dtype), equal_nan=True)
        assert np.array_equal(fastinit.dtanh(inf), np.array([0, 0, np.nan, 1, 1], dtype), equal_nan=True)
        t = fastinit.tanh(inf)
    assert np.array_equal(t, np.array([1, -1, np.nan, 0, 0], dtype), equal_nan=True)
    assert not np.signbit(t[3]) and np.signbit(t[4])


@pytest.mark.parametrize("dtype, bits", [("f2", "u2"), ("f4", "u4"), ("f8", "u8")])
def test_even_and_odd_bit_for_bit(dtype, bits):
    z = np.concatenate([points(np.random.default_rng(3), 3000, 700.0), [1e-310, 5e-324]]).clip(-6e4, 6e4).astype(dtype)
    for name in ("dsigmoid", "dtanh"):
        f = getattr(fastinit, name)
        assert (f(z).view(bits) == f(-z).view(bits)).all()
    assert (fastinit.tanh(-z) == -fastinit.tanh(z)).all()
    assert np.allclose(fastinit.sigmoid(z).astype("f8") + fastinit.sigmoid(-z), 1, rtol=0, atol=np.finfo(dtype).eps)


def test_monotone_where_steps_are_smallest():
    for start in (-1e-3, 1e-6, 0.25, 1.0, 3.0, 8.0, 9.0, 16.0, 17.0):
        z = np.float32(start) + np.arange(200_000, dtype=np.float32) * np.spacing(np.float32(start))
        for f in (fastinit.sigmoid, fastinit.tanh):
            assert (np.diff(f(np.sort(z))) >= 0).all()


@pytest.mark.parametrize("mode", ["warn", "raise"])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_no_floating_point_flag(dtype, mode):
    z = np.array([0, 1e-40, 5e-324, 1, 9, 20, 88, 104, 700, 745, 746, 1e30, np.inf, np.nan], "f8").astype(
        "f4" if dtype == "f4" else "f8"
    )
    with np.errstate(all="ignore"):
        z = np.concatenate([z, -z]).astype(dtype)
    with np.errstate(all=mode):
        for name in UFUNCS:
            f = getattr(fastinit, name)
            for x in (z, z[::2], z[3:4][0]):
                f(*[x] * f.nin)


# NumPy before 2.2 has pickle look for a ufunc in every module, mpmath's deprecated ones too
@pytest.mark.filterwarnings("ignore:the .* module is deprecated:DeprecationWarning")
def test_they_are_ufuncs():
    z = np.linspace(-3, 3, 24)
    for name in UFUNCS:
        f = getattr(fastinit, name)
        assert (
            isinstance(f, np.ufunc)
            and f.__name__ == name
            and pickle.loads(pickle.dumps(f)) is f
            and copy.deepcopy(f) is f
        )
        assert getattr(f, "__module__", "") == "fastinit" or not hasattr(f, "__dict__")
        assert f.types == (["e->e", "f->f", "d->d"] if f.nin == 1 else ["ee->e", "ff->f", "dd->d"])
        args = (z,) * f.nin
        expected = f(*args)
        out = np.full(24, 9.0)
        assert (
            f(*args, out=out, where=z > 0) is out and (out[z > 0] == expected[z > 0]).all() and (out[z <= 0] == 9).all()
        )
        grid = f(*(a.reshape(4, 6).T for a in args))
        assert (grid == expected.reshape(4, 6).T).all()
        same = z.copy()
        assert f(*(same,) * f.nin, out=same) is same and (same == expected).all()
        if f.nin == 1:  # overlapping, not the same
            shifted = np.concatenate([[0.0], z])
            f(shifted[1:], out=shifted[:-1])
            assert (shifted[:-1] == expected).all()
    assert (fastinit.sigmoid_backward(np.ones((3, 1)), z) == np.stack([fastinit.dsigmoid(z)] * 3)).all()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_layouts_and_lengths(dtype):
    rng = np.random.default_rng(4)
    for name in NAMES:
        f = getattr(fastinit, name)
        for n in (0, 1, 2, 3, 7, 8, 127, 128, 129, 511, 512, 513, 1000, 5000):
            z = (5 * rng.normal(size=n)).astype(dtype)
            one_by_one = np.array([f(x) for x in z[:40]], dtype)
            y = f(z)
            assert y.dtype == dtype and (y[:40] == one_by_one).all()
            spread = np.zeros(3 * n + 1, dtype)
            spread[1 : 3 * n + 1 : 3] = z
            assert (f(spread[1 : 3 * n + 1 : 3]) == y).all()
            assert (f(z[::-1]) == y[::-1]).all()
            assert (f(z.astype(z.dtype.newbyteorder())) == y).all()
            raw = np.zeros(n * z.itemsize + 1, np.uint8)
            raw[1:] = z.view(np.uint8)
            misaligned = raw[1:].view(dtype)
            assert (f(misaligned) == y).all()
            into = np.zeros(2 * n, dtype)[::2]
            assert (f(z, out=into) == y).all()
    assert fastinit.sigmoid(np.empty((0, 3), dtype)).shape == (0, 3)
    assert type(fastinit.tanh(np.array(0.5, dtype))) is np.dtype(dtype).type


def test_promotion_is_that_of_np_tanh():
    for code in "?bBhHiIlLqQefd":
        z = np.ones(3, code)
        assert fastinit.dsigmoid(z).dtype == np.tanh(z).dtype
        assert fastinit.sigmoid_backward(z, z).dtype == np.tanh(z).dtype
    assert fastinit.sigmoid([0, 1]).dtype == np.float64 and fastinit.sigmoid(3).dtype == np.float64
    assert fastinit.sigmoid(np.ones(2, "f4"), dtype="f8").dtype == np.float64
    assert fastinit.sigmoid_backward(2.0, np.ones(2, "f4")).dtype == np.float32
    for bad in (np.ones(2, complex), np.array(["a"]), np.array([None])):
        with pytest.raises(TypeError):
            fastinit.dtanh(bad)

    class Mine(np.ndarray):
        pass

    assert type(fastinit.tanh(np.ones(3).view(Mine))) is Mine


@pytest.mark.parametrize("name", UFUNCS)
def test_levels_give_the_same_bits(name):
    rng = np.random.default_rng(5)
    f = getattr(fastinit, name)
    for dtype in ("f2", "f4", "f8"):
        z = [(rng.choice([1e-3, 1, 10, 300], 20_001) * rng.normal(size=20_001)).astype(dtype) for _ in range(f.nin)]
        results = []
        for level in _core.levels()[1]:
            assert _core.use_level(level)
            results.append(f(*z).tobytes())
        assert len(set(results)) == 1


def test_backward_multiplies_before_it_rounds():
    rng = np.random.default_rng(6)
    for dtype in ("f2", "f4"):
        z, grad = (3 * rng.normal(size=4000)).astype(dtype), rng.normal(size=4000).astype(dtype)
        for name, derivative in (("sigmoid_backward", "dsigmoid"), ("tanh_backward", "dtanh")):
            truth = wide(derivative, z) * grad.astype("f8")
            rounded = truth.astype(dtype)
            assert (getattr(fastinit, name)(grad, z) == rounded).mean() > 0.999
    huge = fastinit.sigmoid_backward(np.float32(3e38), np.float32(80.0))
    assert huge == pytest.approx(3e38 * float(exact("dsigmoid", 80.0)), rel=1e-6)


def test_saturation_is_where_the_derivative_is_small():
    for name, activation in fastinit.activations.items():
        lo, hi = activation.saturation
        z = np.linspace(-40, 40, 80_001)
        size = np.abs(activation.derivative(z))
        floor = (1 - 0.97**2) * size.max()
        if name != "squared_relu":  # whose derivative has no largest value
            assert (size[(z < lo - 1e-9) | (z > hi + 1e-9)] < floor).all(), name
            for bound, step in ((lo, 1e-6), (hi, -1e-6)):
                if np.isfinite(bound):
                    assert abs(activation.derivative(np.array([bound + step]))[0]) > floor * (1 - 1e-4), name


@pytest.mark.parametrize("name", fastinit.activations)
def test_registry_keeps_dtype_and_nan(name):
    activation = fastinit.activations[name]
    z = np.array([-50, -3, -1, -0.0, 0, 0.5, 3, 50, np.nan], np.float32)
    for f in (activation.f, activation.derivative):
        y = f(z)
        assert y.dtype == np.float32 and y.shape == z.shape and np.isfinite(y[:-1]).all()
        assert np.allclose(y[:-1], f(z[:-1].astype("f8")), rtol=2e-5, atol=1e-6)
        assert np.isnan(y[-1]) or name == "linear"


class TestTorch:
    @pytest.fixture(autouse=True)
    def torch(self):
        return pytest.importorskip("torch")

    def test_forward_is_torchs_to_one_ulp(self, torch):
        import fastinit.autograd as ours

        z = torch.linspace(-30, 30, 100_001)
        for f, g in ((ours.sigmoid, torch.sigmoid), (ours.tanh, torch.tanh)):
            a, b = f(z).numpy(), g(z).numpy()
            within = np.abs(a - b) <= 1.01 * np.spacing(np.abs(a))
            assert within.mean() > 0.999  # torch's own is off by more here and there
            assert torch.equal(f(z.bfloat16()), f(z.bfloat16().float()).bfloat16())

    def test_gradcheck(self, torch):
        import fastinit.autograd as ours

        z = torch.tensor([-8.0, -1.0, -1e-3, 0.0, 0.7, 3.0, 9.0], dtype=torch.float64, requires_grad=True)
        for f in (ours.sigmoid, ours.tanh):
            assert torch.autograd.gradcheck(f, (z,))

    def test_gradients_in_the_tail_and_training(self, torch):
        import fastinit.autograd as ours

        z = torch.tensor([20.0, -40.0, 80.0], requires_grad=True)
        ours.sigmoid(z).sum().backward()
        expected = [float(exact("dsigmoid", x)) for x in z.tolist()]
        assert np.allclose(z.grad.numpy(), expected, rtol=1e-6, atol=0)
        stuck, moves = (torch.tensor([18.0], requires_grad=True) for _ in range(2))
        for z, f in ((stuck, torch.sigmoid), (moves, ours.sigmoid)):
            for _ in range(3):  # a saturated unit, and the three lines that train it
                f(z).sum().backward()
                z.data -= 1e7 * z.grad
                z.grad = None
        assert stuck.item() == 18.0 and moves.item() < 18.0
        assert ours.tanh(torch.zeros(2, 3).T).shape == (3, 2)

    def test_other_devices_are_refused(self, torch):
        import fastinit.autograd as ours

        with pytest.raises(TypeError, match="CPU"):
            ours.sigmoid(torch.zeros(2, device="meta"))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
@pytest.mark.parametrize("name", ["sigmoid_backward", "tanh_backward"])
class TestChained:
    """reduce and accumulate: each step takes the last one's value for its gradient, as a loop would."""

    def loop(self, name, values):
        rows = [values[0]]
        for row in values[1:]:
            rows.append(getattr(fastinit, name)(rows[-1], row))
        return np.array(rows)

    @pytest.mark.parametrize("n", [1, 2, 7, 700])
    def test_one_dimension(self, name, dtype, n):
        f, values = getattr(fastinit, name), np.linspace(0.1, 0.9, 2 * n).astype(dtype)
        for x in (values[:n], values[::2], values[:n][::-1]):
            wanted = self.loop(name, x)
            assert np.array_equal(f.accumulate(x), wanted) and f.reduce(x) == wanted[-1]
            assert np.array_equal(f.reduceat(x, [0, n // 2])[-1], self.loop(name, x[n // 2 :])[-1])
            inside = x.copy()
            assert np.array_equal(f.accumulate(inside, out=inside), wanted)

    @pytest.mark.parametrize("axis", [0, 1, 2])
    def test_axes(self, name, dtype, axis):
        f, x = getattr(fastinit, name), np.linspace(0.1, 0.9, 3 * 40 * 5).astype(dtype).reshape(3, 40, 5)
        wanted = np.moveaxis(self.loop(name, np.moveaxis(x, axis, 0)), 0, axis)
        for layout in (x, np.asfortranarray(x), np.repeat(x, 2, axis=2)[..., ::2]):
            assert np.array_equal(f.accumulate(layout, axis=axis), wanted)
            assert np.array_equal(f.reduce(layout, axis=axis), wanted.take(-1, axis))


OUTLIVES = """
import gc, sys
import numpy as np, fastinit
functions = [fastinit.sigmoid, fastinit.tanh_backward]
for name in [name for name in sys.modules if name.startswith("fastinit")]:
    del sys.modules[name]
del fastinit
gc.collect()
print(functions[0](np.zeros(3))[0], functions[1](np.ones(3), np.zeros(3))[0])
"""


def test_a_ufunc_outlives_its_module():
    environment = os.environ | {"MALLOC_PERTURB_": "85"}  # what is freed is overwritten
    if not sysconfig.get_config_var("Py_GIL_DISABLED"):  # which takes no other allocator
        environment["PYTHONMALLOC"] = "malloc"
    done = subprocess.run(
        [sys.executable, "-c", OUTLIVES], env=environment, capture_output=True, text=True, timeout=300
    )
    assert (done.returncode, done.stdout) == (0, "0.5 1.0\n"), done.stderr


class TestPlot:
    @pytest.fixture(autouse=True)
    def pyplot(self):
        matplotlib = pytest.importorskip("matplotlib")
        matplotlib.use("Agg")
        import matplotlib.pyplot as plt

        yield plt
        plt.close("all")

    @pytest.mark.parametrize("log", [False, True])
    def test_what_is_drawn(self, log):
        ax = fastinit.plot_activation(["sigmoid", "tanh"], log=log, low=-20, high=20)
        lines = {line.get_label(): line for line in ax.lines}
        z, y = lines["sigmoid'"].get_data()
        assert np.allclose(y, fastinit.dsigmoid(z)) and ax.get_yscale() == ("log" if log else "linear")
        assert len(ax.patches) == 4  # two saturated ranges each
        if log:
            broken = lines["sigmoid' as y (1 - y) in float32"].get_ydata()
            assert np.isnan(broken[z > 17.5]).all() and not np.isnan(broken[np.abs(z) < 10]).any()
        else:
            line = lines["tanh near 0: a straight line"]
            assert np.allclose(line.get_xdata(), line.get_ydata())

    @pytest.mark.parametrize("name", fastinit.activations)
    def test_every_activation(self, name, pyplot):
        figure, ax = pyplot.subplots()
        assert fastinit.plot_activation(name, ax) is ax and len(ax.lines) >= 3
        figure.canvas.draw()

    def test_errors(self, pyplot):
        for name, bounds in (("swish", {}), ([], {}), ("tanh", {"low": 1, "high": 1}), ("tanh", {"low": -np.inf})):
            with pytest.raises(ValueError, match="give"):
                fastinit.plot_activation(name, **bounds)
        assert not pyplot.get_fignums()
