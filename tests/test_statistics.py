"""The law of every initialiser at fixed keys: distribution, moments, tails, independence of what could be related."""

import math
from functools import partial

import fastinit
import numpy as np
import pytest
from fastinit import _core
from scipy import special, stats

# Every p-value below is of a fixed key, so it never changes: a failure is a change of the code, not bad luck.
LEAST_P = 1e-4
SHAPE = (700, 500)  # fan in 500, fan out 700
TRUNCATED = stats.truncnorm(-2, 2)


def uniform(bound):
    return stats.uniform(-bound, 2 * bound)


def truncated(variance):
    std = math.sqrt(variance) / TRUNCATED.std()
    return stats.truncnorm(-2, 2, scale=std)


LAWS = {  # name -> (fill, its law)
    "uniform_": (partial(fastinit.uniform_, a=-1, b=3), stats.uniform(-1, 4)),
    "normal_": (partial(fastinit.normal_, mean=2, std=0.5), stats.norm(2, 0.5)),
    "trunc_normal_": (fastinit.trunc_normal_, TRUNCATED),
    "trunc_normal_ uneven": (partial(fastinit.trunc_normal_, a=-0.5, b=4), stats.truncnorm(-0.5, 4)),
    "trunc_normal_ tail": (partial(fastinit.trunc_normal_, a=4, b=9), stats.truncnorm(4, 9)),
    "xavier_uniform_": (partial(fastinit.xavier_uniform_, gain=2.0), uniform(2 * math.sqrt(6 / 1200))),
    "xavier_normal_": (partial(fastinit.xavier_normal_, gain=2.0), stats.norm(0, 2 * math.sqrt(2 / 1200))),
    "kaiming_uniform_": (
        partial(fastinit.kaiming_uniform_, a=math.sqrt(5)),
        uniform(math.sqrt(3) * math.sqrt(2 / 6 / 500)),
    ),
    "kaiming_normal_": (
        partial(fastinit.kaiming_normal_, mode="fan_out", nonlinearity="relu"),
        stats.norm(0, math.sqrt(2 / 700)),
    ),
    "lecun_uniform_": (fastinit.lecun_uniform_, uniform(math.sqrt(3 / 500))),
    "lecun_normal_": (fastinit.lecun_normal_, stats.norm(0, math.sqrt(1 / 500))),
    "variance_scaling_": (partial(fastinit.variance_scaling_, scale=3.0), truncated(3 / 500)),
    "variance_scaling_ geo": (
        partial(fastinit.variance_scaling_, scale=1.0, mode="fan_geo_avg", distribution="normal"),
        stats.norm(0, (500 * 700) ** -0.25),
    ),
}


@pytest.mark.filterwarnings("ignore:mean is more than 2 std:UserWarning")
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("name", LAWS)
def test_law(name, dtype):
    fill, law = LAWS[name]
    values = fill(np.empty(SHAPE, dtype), generator=fastinit.Generator(7).fold_in(name)).astype(np.float64).ravel()
    assert stats.kstest(values, law.cdf).pvalue > LEAST_P
    # chi-square: 1000 cells of equal probability
    counts = np.bincount(np.clip((law.cdf(values) * 1000).astype(int), 0, 999), minlength=1000)
    assert stats.chisquare(counts).pvalue > LEAST_P
    # four moments, in their own standard errors
    mean, std = law.mean(), law.std()
    z = (values - mean) / std
    for power in (1, 2, 3, 4):
        expected, square = (law.expect(lambda x, p=p: ((x - mean) / std) ** p) for p in (power, 2 * power))
        error = math.sqrt((square - expected**2) / z.size)
        assert abs((z**power).mean() - expected) < 4.5 * error, power
    # each tail: counts beyond far quantiles are binomial
    for tail in (1e-2, 1e-3, 1e-4):
        for beyond in ((values < law.ppf(tail)).sum(), (values > law.isf(tail)).sum()):
            assert stats.binomtest(int(beyond), values.size, tail).pvalue > LEAST_P, tail


def correlation_p(x, y):
    """Of no correlation, by Fisher's transform."""
    r = np.corrcoef(x.ravel(), y.ravel())[0, 1]
    return special.erfc(abs(np.arctanh(r)) * math.sqrt(x.size - 3) / math.sqrt(2))


def pairs(name):
    """Two fills that must have nothing to do with each other."""
    fill = LAWS[name][0]
    shape = (400, 640)

    def draw(generator):
        return fill(np.empty(shape, np.float32), generator=generator)

    root = fastinit.Generator(11)
    first = draw(fastinit.Generator(11))
    yield "next seed", first, draw(fastinit.Generator(12))
    yield "seed with one bit changed at the top", first, draw(fastinit.Generator(11 + 2**63))
    draw(root)
    yield "next stream", first, draw(root)
    yield "children by name", draw(root.fold_in("fc1.weight")), draw(root.fold_in("fc2.weight"))
    yield "children by number", draw(root.fold_in(1)), draw(root.fold_in(2))
    yield "neighbouring rows", first[:-1], first[1:]
    yield "neighbouring columns", first[:, :-1], first[:, 1:]
    flat = first.ravel()
    for lag in (2, 16, 31, 32, 33, 64, 4095, 4096, 4097):  # lanes, rows and chunks of the stream
        yield f"lag {lag}", flat[:-lag], flat[lag:]


@pytest.mark.filterwarnings("ignore:mean is more than 2 std:UserWarning")
@pytest.mark.parametrize("name", ["uniform_", "normal_", "trunc_normal_"])
def test_independence(name):
    for what, x, y in pairs(name):
        assert not np.array_equal(x, y), what
        x, y = x.astype(np.float64), y.astype(np.float64)
        centre_x, centre_y = x - x.mean(), y - y.mean()
        assert correlation_p(x, y) > LEAST_P, what
        assert correlation_p(centre_x**2, centre_y**2) > LEAST_P, what  # the sizes too, not the signs alone
        table = np.histogram2d(stats.rankdata(x), stats.rankdata(y), bins=16)[0]
        assert stats.chi2_contingency(table).pvalue > LEAST_P, what


def test_box_muller_pairs_are_independent():
    z = fastinit.normal_(np.empty((64, 2, 32 * 64), np.float32), generator=5).reshape(-1, 2, 32).astype(np.float64)
    x, y = z[:, 0], z[:, 1]  # the two values made of the same two words
    assert correlation_p(x, y) > LEAST_P and correlation_p(x**2, y**2) > LEAST_P
    angle, radius = np.arctan2(x, y).ravel(), (x * x + y * y).ravel()
    assert stats.kstest(angle, stats.uniform(-math.pi, 2 * math.pi).cdf).pvalue > LEAST_P
    assert stats.kstest(radius, stats.chi2(2).cdf).pvalue > LEAST_P


def test_bits_of_the_words_are_fair():
    words = np.concatenate([_core.words(3, 0, chunk).ravel() for chunk in range(200)])
    for bit in range(32):
        ones = int((words >> np.uint32(bit) & 1).sum())
        assert stats.binomtest(ones, words.size).pvalue > LEAST_P, bit


def test_sparse_counts_and_places():
    rows, columns = 40, 20_000
    w = fastinit.sparse_(np.empty((rows, columns)), 0.3, 0.5, generator=2)
    assert ((w == 0).sum(axis=0) == math.ceil(0.3 * rows)).all()
    places = (w == 0).sum(axis=1)  # every row is as likely as any other
    expected = columns * 12 / rows
    variance = columns * 12 / rows * (1 - 12 / rows)
    chi2 = ((places - expected) ** 2).sum() / variance * (rows - 1) / rows
    assert stats.chi2(rows - 1).sf(chi2) > LEAST_P
    together = ((w[0] == 0) & (w[1] == 0)).sum()  # and pairs of rows, as drawn without replacement
    assert stats.binomtest(int(together), columns, 12 / 40 * 11 / 39).pvalue > LEAST_P
    assert stats.kstest(w[w != 0], stats.norm(0, 0.5).cdf).pvalue > LEAST_P


@pytest.mark.parametrize("shape", [(6, 6), (8, 5), (5, 8)])
def test_orthogonal_is_haar(shape):
    generator, draws = fastinit.Generator(4), 3000
    w = np.stack([fastinit.orthogonal_(np.empty(shape), generator=generator) for _ in range(draws)])
    n = max(shape)
    # one coordinate of a uniform point on the sphere: (1 + x) / 2 is Beta((n-1)/2, (n-1)/2)
    for place in ((0, 0), (2, 3), (4, 4)):
        x = w[(slice(None), *place)]
        assert stats.kstest((1 + x) / 2, stats.beta((n - 1) / 2, (n - 1) / 2).cdf).pvalue > LEAST_P
    if shape[0] == shape[1]:  # both orientations alike
        assert stats.binomtest(int((np.linalg.det(w) > 0).sum()), draws).pvalue > LEAST_P
    first = w[:, 0] if shape[0] <= shape[1] else w[:, :, 0]  # a uniform point on the sphere: its signs are independent
    signs = (first > 0) @ (1 << np.arange(first.shape[1]))
    assert stats.chisquare(np.bincount(signs, minlength=1 << first.shape[1])).pvalue > LEAST_P


@pytest.mark.parametrize("dtype", ["f4", "c8"])
@pytest.mark.parametrize("side", [6, 70])
def test_traces_of_orthogonal_matrices(side, dtype):
    """tr Q^j of a Haar matrix is nearly N(1 for even j, j), of a unitary one complex N(0, j): Diaconis and Shahshahani
    (1994), "On the eigenvalues of random matrices"; means and variances exactly so for small j. And A Q is Haar too."""
    generator, draws = fastinit.Generator(6), 4000 if side < 64 else 400
    w = np.stack([fastinit.orthogonal_(np.empty((side, side), dtype), generator=generator) for _ in range(draws)])
    rotated = w @ fastinit.orthogonal_(np.empty((side, side), dtype), generator=77)
    for q in (w, rotated):
        power = q
        for j in (1, 2, 3):
            trace = np.trace(power, axis1=1, axis2=2) - (dtype == "f4" and j % 2 == 0)
            assert abs(trace.mean()) < 4 * math.sqrt(j / draws), j
            assert (abs(trace) ** 2).mean() == pytest.approx(j, abs=5 * j * math.sqrt(2 / draws)), j
            power = power @ q
    # places of several blocks of reflections, and near their edges: of one coordinate on the sphere
    n = side * (1 + (dtype == "c8"))
    for place in ((0, 0), (side - 1, 0), (side - 1, side - 2), (side // 2, side - 5)):
        x = w[(slice(None), *place)].real
        assert stats.kstest((1 + x) / 2, stats.beta((n - 1) / 2, (n - 1) / 2).cdf).pvalue > LEAST_P, place


@pytest.mark.parametrize("dtype", [np.complex64, np.complex128])
def test_complex_parts(dtype):
    z = fastinit.xavier_normal_(np.empty(SHAPE, dtype), generator=9)
    part = math.sqrt(2 / 1200 / 2)
    for x in (z.real, z.imag):
        assert stats.kstest(x.ravel().astype(np.float64), stats.norm(0, part).cdf).pvalue > LEAST_P
    assert correlation_p(z.real.astype(np.float64), z.imag.astype(np.float64)) > LEAST_P


FAR = [  # mean, std, a, b: (mean - a) (b - a) / std^2 is the density's change over [a, b], on a log scale
    (1e16, 1.0, -1.0, 1.0), (-1e16, 1.0, -1.0, 1.0), (1e5, 1e-3, 0.0, 1e-12), (-1e5, 1e-3, 0.0, 1e-12),
    (1e8, 1.0, 0.0, 1e-8), (-1e8, 1.0, 0.0, 1e-8), (1e30, 1e14, -1.0, 1.0), (1e4, 1e4, 0.0, 1e-2),
    (1e8, 1e8, 0.0, 1e-6), (3e12, 1e6, 0.0, 1e-1), (1e5, 1.0, 1e-5, 3e-5),
]  # fmt: skip


@pytest.mark.filterwarnings("ignore:mean is more than 2 std")
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("parameters", FAR, ids=str)
def test_truncated_normals_far_from_their_mean(parameters, dtype):
    mean, std, a, b = (float(np.dtype(dtype).type(p)) for p in parameters)
    x = fastinit.trunc_normal_(np.empty(100_000, dtype), mean, std, a, b, generator=0).astype("f8")
    assert ((x >= a) & (x <= b)).all()
    rate = mean * (b - a) / std**2
    near, slope = (b - x if mean > 0 else x - a) / (b - a), abs(rate)  # from the bound next to the mean
    grid = max(np.spacing(np.dtype(dtype).type(max(abs(a), abs(b)))) / (b - a), 0.0)
    for share in np.linspace(0.02, 0.98, 25):
        at = -np.log1p(share * np.expm1(-slope)) / slope if slope > 1e-9 else share
        assert (near < at - grid).mean() - 0.006 < share < (near <= at + grid).mean() + 0.006


@pytest.mark.parametrize(
    "a, b, std",
    [
        (0, 1e-110, 1e-110 / 12**0.5), (-1e-200, 1e-200, 2e-200 / 12**0.5), (1e110, np.inf, 1e-110),
        (-np.inf, -1e110, 1e-110), (1e151, np.inf, 1e-151), (3.0, 3 + 1e-9, (3 + 1e-9 - 3) / 12**0.5), (1.0, 1.0, 0.0),
        (-1e300, 1e300, 1.0), (5e-324, 1e-307, 1e-307 / 12**0.5),
    ],
)  # fmt: skip
def test_truncated_std_of_any_width(a, b, std):
    assert fastinit.truncated_std(a, b) == pytest.approx(std, rel=1e-6, abs=0)


@pytest.mark.parametrize("dtype, bound", [("f4", 7.0), ("f8", 9.0)])
def test_where_a_truncated_normal_is_a_plain_one(dtype, bound):
    """Beyond what a normal reaches it has the normal's values; within, never: they come from another form."""
    plain = fastinit.normal_(np.empty(1000, dtype), 0.5, 2.0, generator=3)
    for sigmas, same in ((bound, True), (bound + 1, True), (bound - 0.01, False), (bound - 1, False)):
        low, high = 0.5 - 2 * sigmas, 0.5 + 2 * sigmas
        filled = fastinit.trunc_normal_(np.empty(1000, dtype), 0.5, 2.0, low, high, generator=3)
        assert (filled == plain).all() == same
