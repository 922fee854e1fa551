"""Fans for every kind of layer, and the initialisers that are matrices or kernels of a given form."""

import math

import fastinit
import ml_dtypes
import numpy as np
import pytest

FANS = [  # shape, keywords, (fan in, fan out), checked by counting connections below
    ((128, 784), {}, (784, 128)),
    ((784, 128), {"layout": "...IO"}, (784, 128)),
    ((784, 128), {"layout": "IO..."}, (784, 128)),
    ((16, 3, 5, 7), {}, (105, 560)),
    ((5, 7, 3, 16), {"layout": "...IO"}, (105, 560)),
    ((3, 16, 5, 7), {"layout": "IO..."}, (105, 560)),
    ((4, 1, 3, 3), {"groups": 4}, (9, 9)),
    ((8, 2, 3), {"groups": 4}, (6, 6)),
    ((8, 2, 3), {"groups": 4, "layout": "IO..."}, (6, 6)),
    ((3, 2, 8), {"groups": 4, "layout": "...IO"}, (6, 6)),
    ((30, 10), {"fans": (10, 10)}, (10, 10)),
    ((5, 0), {}, (0, 5)),
]


@pytest.mark.parametrize("shape, keywords, fans", FANS)
def test_compute_fans(shape, keywords, fans):
    assert fastinit.compute_fans(shape, **keywords) == fans
    assert fastinit.compute_fans(np.empty(shape), **keywords) == fans


@pytest.mark.parametrize("out, into, groups, kernel", [(6, 4, 1, 3), (6, 4, 2, 3), (4, 4, 4, 3), (2, 6, 2, 5)])
def test_fans_count_the_connections_of_a_convolution(out, into, groups, kernel):
    weight = np.ones((out, into // groups, kernel))
    length = 64
    connections = np.zeros((out, length, into, length))  # of a circular convolution
    for o in range(out):
        for i in range(into // groups):
            channel = o // (out // groups) * (into // groups) + i
            for k in range(kernel):
                for x in range(length):
                    connections[o, x, channel, (x + k) % length] += weight[o, i, k]
    fan_in, fan_out = fastinit.compute_fans(weight.shape, groups=groups)
    assert (connections.sum((2, 3)) == fan_in).all() and (connections.sum((0, 1)) == fan_out).all()


@pytest.mark.parametrize("shape, keywords, words", [
    ((5,), {}, "fewer than 2 dimensions"), ((), {}, "zeros_"), ((4, 4), {"layout": "OI"}, "known layouts"),
    ((4, 4), {"layout": None}, "known layouts"), ((5, 4), {"groups": 2}, "does not divide"),
    ((4, 4), {"groups": 0}, "groups=0"), ((4, 4), {"groups": True}, "groups=True"),
    ((4, 4), {"groups": 2.0}, "groups=2.0"), ((4, 4), {"fans": 3}, "two positive"),
    ((4, 4), {"fans": (1, 0)}, "two positive"), ((4, 4), {"fans": (1, math.inf)}, "two positive"),
    ((4, 4), {"fans": (1, 2, 3)}, "two"),
])  # fmt: skip
def test_bad_fans(shape, keywords, words):
    array = np.ones(shape)
    for call in (fastinit.compute_fans, fastinit.xavier_uniform_):
        with pytest.raises(ValueError, match=words):
            call(array, **keywords)
    assert (array == 1).all()


def test_layouts_give_the_right_variance():
    for layout, shape in (("OI...", (400, 100)), ("...IO", (100, 400)), ("IO...", (100, 400))):
        w = fastinit.lecun_normal_(np.empty(shape), generator=1, layout=layout)
        assert w.var() == pytest.approx(1 / 100, rel=0.03)
    depthwise = fastinit.kaiming_normal_(
        np.empty((4000, 1, 3, 3)), nonlinearity="relu", mode="fan_out", groups=4000, generator=1
    )
    assert depthwise.var() == pytest.approx(2 / 9, rel=0.03)


DTYPES = ["f2", ml_dtypes.bfloat16, "f4", "f8", "c8", "c16"]


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(7, 7), (9, 4), (4, 9), (6, 2, 3, 3), (2, 5, 3), (1, 1), (1, 8)])
def test_orthogonal(shape, dtype):
    w = fastinit.orthogonal_(np.empty(shape, dtype), gain=2.0, generator=1)
    m = w.reshape(shape[0], -1)
    m = m.astype(np.complex128 if w.dtype.kind == "c" else np.float64)
    m = m if m.shape[0] <= m.shape[1] else m.conj().T
    tolerance = {"f2": 1e-2, "f4": 1e-5, "c8": 1e-5}.get(
        np.dtype(dtype).str[1:], 1e-12 if np.dtype(dtype).itemsize >= 8 else 0.06
    )
    assert np.allclose(m @ m.conj().T, 4 * np.eye(len(m)), atol=tolerance)
    assert (w == fastinit.orthogonal_(np.empty(shape, dtype, order="F"), gain=2.0, generator=1)).all()


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
@pytest.mark.parametrize("shape", [(5, 3, 3), (4, 4, 3, 5), (6, 2, 1, 3, 3), (5, 3, 4)])
def test_delta_orthogonal(shape, dtype):
    w = fastinit.delta_orthogonal_(np.empty(shape, dtype), gain=3.0, generator=1)
    centre = w[(slice(None), slice(None), *((n // 2 if n % 2 else (n - 1) // 2) for n in shape[2:]))].astype("f8")
    assert np.allclose(centre.T @ centre, 9 * np.eye(shape[1]), atol={"f2": 3e-2, "f4": 1e-5, "f8": 1e-12}[dtype])
    assert np.count_nonzero(w) == np.count_nonzero(centre)


def test_delta_orthogonal_keeps_the_norm_of_a_signal():
    rng = np.random.default_rng(0)
    w, x = fastinit.delta_orthogonal_(np.empty((8, 8, 3)), generator=1), rng.normal(size=(8, 50))
    y = np.stack([sum(np.convolve(x[i], w[o, i, ::-1], "same") for i in range(8)) for o in range(8)])
    assert np.linalg.norm(y) == pytest.approx(np.linalg.norm(x))


@pytest.mark.parametrize("shape", [(5,), (3, 4), (2, 3, 3), (1, 1, 1, 1, 1, 1)])
def test_delta_orthogonal_needs_room(shape):
    array = np.ones(shape)
    with pytest.raises(ValueError, match=r"3 to 5|out"):
        fastinit.delta_orthogonal_(array)
    assert (array == 1).all()


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("shape", [(3, 3), (2, 5), (5, 2), (0, 3), (1, 1)])
@pytest.mark.parametrize("dtype", [*DTYPES, "i4", "u1", "?"])
def test_identity(shape, dtype, order):
    expected = np.eye(*shape) * (1 if np.dtype(dtype).kind in "ub" else -2)
    gain = 1 if np.dtype(dtype).kind in "ub" else -2
    w = np.empty(shape, dtype, order=order)
    assert fastinit.identity_(w, gain) is w and (w == expected).all()
    every_second = np.full([2 * n for n in shape], 1, dtype)
    assert (fastinit.identity_(every_second[::-2, ::2], gain) == expected).all()
    assert (fastinit.eye_(w) == np.eye(*shape)).all()


def test_identity_that_does_not_fit_touches_nothing():
    array = np.full((2, 2), 7, np.int8)
    with pytest.raises(ValueError, match="300"):
        fastinit.identity_(array, 300)
    half = np.full((2, 2), 7, np.float16)
    with pytest.raises(ValueError, match="overflows float16"):
        fastinit.identity_(half, 1e6)
    assert (array == 7).all() and (half == 7).all()


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_bilinear_enlarges_a_ramp(factor):
    size = 2 * factor - factor % 2
    kernel = fastinit.bilinear_(np.empty((1, 1, size, size)))[0, 0]
    ramp, out = np.arange(8.0), np.zeros(8 * factor + size)
    for i, value in enumerate(ramp):  # a transposed convolution of one row
        out[i * factor : i * factor + size] += value * kernel[size // 2] / kernel[size // 2].max() * kernel.max()
    inner = out[2 * factor : -3 * factor - size]
    steps = np.diff(inner) / kernel[size // 2].max() / kernel.max() * kernel[size // 2].max()
    assert np.allclose(steps, steps[0]) and kernel.sum() == pytest.approx(factor**2)
    assert np.allclose(kernel, kernel[::-1, ::-1]) and np.allclose(
        kernel, np.outer(kernel.sum(0), kernel.sum(1)) / kernel.sum()
    )


@pytest.mark.parametrize("dtype", ["f2", ml_dtypes.bfloat16, "f4"])
def test_bilinear_fills_every_pair_alike(dtype):
    w = fastinit.bilinear_(np.empty((3, 2, 4, 5), dtype))
    assert (w == w[0, 0]).all() and np.isfinite(w.astype("f4")).all()


def test_memmap_and_subclass(tmp_path):
    mapped = np.memmap(tmp_path / "weights", np.float32, "w+", shape=(30, 40))
    assert fastinit.kaiming_uniform_(mapped, generator=1) is mapped
    mapped.flush()
    expected = fastinit.kaiming_uniform_(np.empty((30, 40), np.float32), generator=1)
    assert (np.fromfile(tmp_path / "weights", np.float32).reshape(30, 40) == expected).all()

    class Weight(np.ndarray):
        pass

    own = np.empty((30, 40), np.float32).view(Weight)
    assert fastinit.kaiming_uniform_(own, generator=1) is own and (own == expected).all()
    with pytest.raises(ValueError, match="read-only"):
        fastinit.normal_(np.memmap(tmp_path / "weights", np.float32, "r", shape=(30, 40)))
