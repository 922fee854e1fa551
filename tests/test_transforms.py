"""Every transform against exact mathematics on the same words: the greatest error, in units of the last place."""

import fastinit
import mpmath as mp
import numpy as np
import pytest
from fastinit import _core, reference

WARNS = pytest.mark.filterwarnings("ignore:mean is more than 2 std")


@pytest.mark.parametrize("level", fastinit.show_config()["isa_available"])
def test_words_are_the_twins(level):
    assert _core.use_level(level)
    for seed, stream, chunk in [(0, 0, 0), (1, 2, 3), (2**64 - 1, 2**63, 2**40), (20261124, 7, 2**52)]:
        assert (_core.words(seed, stream, chunk) == reference.words(seed, stream, chunk)).all()


def words(chunks, seed=5):
    return np.concatenate([reference.words(seed, 0, c) for c in range(chunks)])


def ulps(values, exact, floor):
    """Greatest error in ulp; below `floor` in ulp of floor, since what is left near 0 is absolute error."""
    size = np.maximum(np.abs(exact).astype(values.dtype), values.dtype.type(floor))
    return float((np.abs(values.astype(np.longdouble) - exact) / np.spacing(size)).max())


def test_uniform():
    w = words(20)
    x = fastinit.uniform_(np.empty(w.size, "f4"), -0.5, 0.5, generator=5)
    assert (x == reference.uniform(w)).all()
    x = fastinit.uniform_(np.empty(w.size // 2), -0.5, 0.5, generator=5)
    assert (x == reference.uniform(reference.words64(w), 52)).all()
    x = fastinit.uniform_(np.empty(w.size, "f4"), 0.1, 0.7, generator=5)
    a, b = float(np.float32(0.1)), float(np.float32(0.7))
    assert np.abs(x - ((a + b) / 2 + (b - a) * reference.uniform(w))).max() < 1.01 * 2**-24


def test_normal():
    w = words(200)
    z = fastinit.normal_(np.empty(w.size, "f4"), generator=5)
    exact = np.concatenate([reference.normal32(c) for c in w.reshape(-1, reference.CHUNK)])
    assert ulps(z, exact, 2**-8) < 7
    z = fastinit.normal_(np.empty(w.size // 2), generator=5)
    exact = np.concatenate([reference.normal64(reference.words64(c)) for c in w.reshape(-1, reference.CHUNK)])
    assert ulps(z, exact, 2**-8) < 5.5


def upper(z):
    return mp.erfc(z / mp.sqrt(2)) / 2


def exact_quantile(a, b, share, near):
    """z with P(Z < z | a < Z < b) = share, from the tail in which nothing cancels."""
    if b <= 0:
        return -exact_quantile(-b, -a, 1 - share, -near)
    if a >= 0 or share > (mp.mpf(1) / 2 - upper(-a)) / (upper(a) - upper(b)):
        target = upper(a) - share * (upper(a) - upper(b)) if a < 0 else (1 - share) * upper(a) + share * upper(b)
        return mp.findroot(lambda z: mp.log(upper(z) / target), near)
    target = upper(-a) + share * (upper(-b) - upper(-a))
    return mp.findroot(lambda z: mp.log(upper(-z) / target), near)


BOUNDS = [(-2, 2), (-3.05, 3.05), (-3, 1), (0, 3), (-1, 9), (-5, 5), (0.5, 1), (2.9, 30), (-30, -2.99),
          (3, 1e9), (3.2, 4), (10, 11), (1000, 1001), (-20, -4)]  # fmt: skip


@WARNS
@pytest.mark.parametrize("dtype, most", [("f4", 6.3), ("f8", 8.0)])
@pytest.mark.parametrize("bounds", BOUNDS)
def test_truncated_normal(bounds, dtype, most):
    with mp.workdps(40):
        w = words(1)
        bits = 31 if dtype == "f4" else 52
        ranks = reference.rank(w if dtype == "f4" else reference.words64(w), bits)
        some = np.r_[0:100, ranks.argmin(), ranks.argmax()]
        x = fastinit.trunc_normal_(np.empty(ranks.size, dtype), a=bounds[0], b=bounds[1], generator=5)
        a, b = (mp.mpf(float(np.array(bound, dtype))) for bound in bounds)
        tail = (a >= 3) - (b <= -3)  # there, ranks count from the far bound towards the near one
        worst = 0
        for k, value in zip(ranks[some], x[some], strict=True):
            share = (mp.mpf(int(k)) + mp.mpf(1) / 2) / 2**bits
            z = exact_quantile(a, b, 1 - share if tail > 0 else share, mp.mpf(float(value)))
            place = np.spacing(np.array(max(abs(float(z)), 0.25 if dtype == "f8" else 2**-8), dtype))
            worst = max(worst, abs(mp.mpf(float(value)) - z) / mp.mpf(float(place)))
        assert worst < most


@pytest.mark.parametrize(
    "alpha, beta", [(-2, 2), (-1, 1), (0, 1e-9), (1, 5), (-0.3, 40), (20, 21), (1000, 1001), (-9, -8.9999)]
)
def test_moments(alpha, beta):
    with mp.workdps(50):
        c = mp.mpf(alpha if alpha > 0 else beta if beta < 0 else 0)
        low, high = max(mp.mpf(alpha) - c, -40), min(mp.mpf(beta) - c, 40)
        points = mp.linspace(low, high, 60)
        m0, m1, m2 = (mp.quad(lambda t, k=k: t**k * mp.exp(-t * (t + 2 * c) / 2), points) for k in range(3))
        mass, mean, std = _core.truncated_moments(alpha, beta)
        assert abs(mean / float(c + m1 / m0) - 1) < 1e-13 or abs(mean - float(c + m1 / m0)) < 1e-16
        assert abs(std / float(mp.sqrt(m2 / m0 - (m1 / m0) ** 2)) - 1) < 1e-13
        exact_mass = float(m0 * mp.npdf(c))
        assert exact_mass == 0 or abs(mass / exact_mass - 1) < 1e-12


def test_elementary_functions():
    with mp.workdps(40):
        for x in np.r_[np.linspace(-37, 37, 301), 1e-9, 1e-300]:
            exp, log, tail = _core.elementary(float(x))
            exact = mp.mpf(float(x))
            assert abs(exp / mp.exp(exact) - 1) < 1e-15
            assert x <= 0 or abs(log - mp.log(exact)) <= 4e-16 * max(abs(mp.log(exact)), mp.mpf(1) / 4)
            assert abs(tail / upper(exact) - 1) < 1e-13
