"""describe: exact counts, moments by exact rational arithmetic, the same bits everywhere, tables that can be read."""

import math
import subprocess
import sys
from fractions import Fraction
from html.parser import HTMLParser

import fastinit
import ml_dtypes
import numpy as np
import pytest
from fastinit import _core, describe


def exact(values) -> dict:
    """Mean, variance, mean size and standardised moments in exact rational arithmetic."""
    x = [Fraction(float(v)) for v in values]
    n = len(x)
    mean = sum(x) / n
    d = [v - mean for v in x]
    var, third, fourth = (sum(v**k for v in d) / n for k in (2, 3, 4))
    out = {"mean": mean, "var": var, "mean_abs": sum(map(abs, x)) / n, "mean_square": sum(v * v for v in x) / n}
    if var:
        out["skew"] = float(third / var) / math.sqrt(var)
        out["kurtosis"] = float(fourth / (var * var)) - 3
    return out


RNG = np.random.default_rng(7)
SEEDED = RNG.bit_generator.state


@pytest.fixture(autouse=True)
def _begins_anew():
    """A test has the same numbers in any order and any worker."""
    RNG.bit_generator.state = SEEDED


N = 5000  # three blocks, the last one ragged
AWKWARD = {
    "plain f4": RNG.normal(size=N).astype("f4"),
    "plain f8": RNG.normal(size=N),
    "f2": (300 * RNG.normal(size=N)).astype("f2"),
    "offset 1e4 f4": (1e4 + RNG.normal(size=N)).astype("f4"),
    "offset 1e8 f4": (1e8 + 16 * RNG.normal(size=N)).astype("f4"),
    "offset 1e15 f8": 1e15 + RNG.normal(size=N),
    "size 1e-25 f4": (1e-25 * RNG.normal(size=N)).astype("f4"),
    "size 1e-40 f4": (1e-40 * RNG.normal(size=N)).astype("f4"),
    "size 1e30 f4": (1e30 * RNG.normal(size=N)).astype("f4"),
    "size 1e-60 f8": 1e-60 * RNG.normal(size=N),
    "skewed": np.exp(2 * RNG.normal(size=N)),
    "sorted": np.sort(RNG.normal(size=N)) * 1e3,
    "one outlier": np.append(np.zeros(N), 1e6).astype("f4"),
    "a step": np.repeat([0.0, 1e8], N // 2).astype("f4"),
    "int8": RNG.integers(-128, 128, N).astype("i1"),
    "uint16": RNG.integers(0, 65536, N).astype("u2"),
    "int64": RNG.integers(-(2**50), 2**50, N),
    "bool": RNG.integers(0, 2, N).astype(bool),
    "seven": np.arange(7.0),
    "two": np.array([1.0, 3.0]),
    "bfloat16": (299.6 * RNG.normal(size=N)).astype(ml_dtypes.bfloat16),
}


@pytest.mark.parametrize("name", AWKWARD)
def test_moments_against_exact_rational_arithmetic(name):
    x = AWKWARD[name]
    s, truth = describe(x), exact(x.astype("f8"))
    largest = max(abs(float(v)) for v in x)
    assert abs(Fraction(s.mean) - truth["mean"]) <= 2 * Fraction(np.spacing(largest).item())
    assert s.var == pytest.approx(float(truth["var"]), rel=1e-13)
    assert s.std == pytest.approx(math.sqrt(truth["var"]), rel=1e-13)
    assert s.mean_abs == pytest.approx(float(truth["mean_abs"]), rel=1e-13)
    assert s.rms == pytest.approx(math.sqrt(truth["mean_square"]), rel=1e-13)
    assert s.l2 == pytest.approx(math.sqrt(truth["mean_square"] * x.size), rel=1e-13)
    assert s.skew == pytest.approx(truth["skew"], rel=1e-9, abs=1e-9) and s.kurtosis == pytest.approx(
        truth["kurtosis"], rel=1e-9, abs=1e-9
    )
    assert (s.min, s.max) == (float(x.min()), float(x.max())) and s.absmax == largest
    assert (s.size, s.zero, s.negative) == (x.size, int((x == 0).sum()), int((x < 0).sum()))
    assert s.nan == s.posinf == s.neginf == 0 and s.dtype == x.dtype.name


MOMENTS = ("mean", "std", "min", "max", "absmax", "mean_abs", "rms", "l2", "skew", "kurtosis")
FAR = [-1060, -1000, -700, -350, -151, -149, -75, 75, 239, 241, 350, 700, 1000]


@pytest.mark.parametrize("name", ["plain f8", "skewed", "offset 1e8 f4", "one outlier", "two"])
@pytest.mark.parametrize("power", FAR)
def test_moments_of_any_scale(name, power):
    """Every moment is that of the values times 2^power; var where float64 holds it."""
    x = AWKWARD[name].astype("f8")
    power = min(power, 1020 - math.frexp(abs(x).max())[1])
    scaled = np.ldexp(x, power)
    s, near = describe(scaled), describe(x if power > -1000 else np.ldexp(scaled, -power))
    for moment in MOMENTS:
        factor = 1 if moment in ("skew", "kurtosis") else 2.0**power if power > -1022 else 0
        wanted = getattr(near, moment) * factor if factor else math.ldexp(getattr(near, moment), power)
        assert getattr(s, moment) == pytest.approx(wanted, rel=1e-12, abs=5e-324 * (power < -900)), moment
    with np.errstate(all="ignore"):
        assert s.var == pytest.approx(float(np.float64(near.std) ** 2 * np.float64(2.0) ** (2 * power)), rel=1e-12)
    assert s.histogram([-np.inf, np.inf]).tolist() == [x.size]
    rows = describe(np.stack([scaled, x]), by=0)
    for moment in MOMENTS:
        assert getattr(rows[0], moment) == getattr(s, moment)
        assert getattr(rows[1], moment) == getattr(describe(x), moment)
    halves = describe(scaled[: x.size // 2]) + describe(scaled[x.size // 2 :])
    assert halves.std == pytest.approx(s.std, rel=1e-12) and halves.kurtosis == pytest.approx(s.kurtosis, rel=1e-9)


def test_values_at_both_ends_of_float64():
    top, small = np.finfo("f8").max, 5e-324
    s = describe(np.array([top, -top, small, -small, 0.0, 1.0]))
    assert (s.min, s.max, s.mean) == (-top, top, 0.0) and s.std == pytest.approx(top / 3**0.5, rel=1e-14)
    assert (s.zero, s.subnormal, s.negative, s.posinf, s.neginf) == (1, 2, 2, 0, 0)
    assert describe(np.array([1e-317, 0.0])).subnormal == 1 and describe(np.array([1e-317, 0.0])).zero == 1
    assert describe(np.full(10_000, top)).std == 0.0 and describe(np.full(10_000, top)).mean == top
    assert describe(np.full(10, top)).l2 == math.inf and describe(np.full(10, 1e-200)).var == 0.0
    mixed = describe(np.array([1e200, 2e200])) + describe(np.array([1e-300, 3.0]))
    assert (mixed.min, mixed.max) == (1e-300, 2e200) and mixed.mean == pytest.approx(0.75e200)
    assert mixed.quantile([0, 1 / 4, 1]).tolist() == [1e-300, pytest.approx(3.0, rel=0.13), 2e200]


@pytest.mark.parametrize("layout", ["C", "T", "F", "steps", "swapped"])
def test_far_off_values_have_the_same_bits_in_every_layout(layout):
    x = 1e-200 * RNG.normal(size=(300, 700))
    view = {
        "C": x, "T": x.T.copy().T, "F": np.asfortranarray(x), "steps": np.repeat(x, 2, 1)[:, ::2],
        "swapped": x.astype(">f8"),
    }[layout]  # fmt: skip
    assert describe(view).moments == describe(x).moments and (describe(view).wide == describe(x).wide).all()


@pytest.mark.parametrize("value", [-0.278, 1e-30, 3e38, 0.1, 0.0, -0.0])
@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_constant_data_has_variance_0_exactly(value, dtype):
    with np.errstate(all="ignore"):
        x = np.full(10_001, value).astype(dtype)
    if np.isfinite(x[0]):
        s = describe(x)
        assert s.var == 0.0 and s.mean == float(x[0]) and math.isnan(s.skew) and math.isnan(s.kurtosis)


def test_what_is_not_finite_is_counted_and_left_out():
    x = RNG.normal(size=(300, 50)).astype("f4")
    x[3, 4:9], x[100, 0], x[299, 49], x[7, :3] = np.nan, np.inf, -np.inf, [0.0, -0.0, 1e-40]
    s, kept = describe(x), x[np.isfinite(x)].astype("f8")
    assert (s.nan, s.posinf, s.neginf, s.zero, s.subnormal, s.size, s.finite) == (5, 1, 1, 2, 1, 15000, kept.size)
    assert (
        s.mean == pytest.approx(kept.mean(), rel=1e-12)
        and s.std == pytest.approx(kept.std(), rel=1e-13)
        and s.negative == (kept < 0).sum()
    )
    assert s.bins.sum() == kept.size


@pytest.mark.parametrize(
    "x", [np.empty(0), np.empty((3, 0), "f4"), np.full(9, np.nan), np.array([np.inf, -np.inf], "f2")]
)
def test_nothing_finite(x):
    s = describe(x)
    assert all(
        math.isnan(v)
        for v in (s.mean, s.var, s.std, s.min, s.max, s.absmax, s.mean_abs, s.rms, s.skew, s.kurtosis, s.quantile(0.5))
    )
    assert s.size == x.size and s.finite == 0 and s.l2 == 0.0
    repr(s), s._repr_html_(), s.to_dict()


def test_one_value_and_none_of_the_dimensions():
    for x in (np.array(3.5), np.float32(3.5), np.array([3.5])):
        s = describe(x)
        assert (s.mean, s.var, s.min, s.max, s.size) == (3.5, 0.0, 3.5, 3.5, 1)


@pytest.mark.parametrize(
    "dtype, least", [("f2", 2.0**-14), ("bfloat16", 2.0**-126), ("f4", 2.0**-126), ("f8", 2.0**-1022)]
)
def test_subnormals_of_each_dtype(dtype, least):
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    x = np.array([least, least / 2, -least / 4, 0.0, 1.0, -least], "f8").astype(kind)
    assert describe(x).subnormal == 2 and describe(x).zero == 1


def views(x):
    yield np.asfortranarray(x)
    yield np.repeat(x, 3, axis=-1)[..., ::3]
    yield x[::-1].copy()[::-1]
    yield np.ascontiguousarray(x.T).T
    raw = np.zeros(x.nbytes + 1, np.uint8)
    raw[1:] = x.ravel().view(np.uint8)
    yield raw[1:].view(x.dtype).reshape(x.shape)
    if x.dtype.isnative and x.dtype.kind != "V":
        yield x.astype(x.dtype.newbyteorder())


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i2", "bfloat16"])
def test_layouts_levels_and_threads_give_the_same_bits(dtype):
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    x = (100 * RNG.normal(size=(30, 70, 301))).astype(kind)
    if x.dtype.kind != "i":
        x[1, 2, 3:5] = np.nan
    x.flags.writeable = False
    first, level, threads = describe(x), _core.levels()[0], fastinit.get_num_threads()

    def same(s):
        assert s.moments == first.moments and (s.bins == first.bins).all() and s.to_dict() == first.to_dict()

    try:
        for other in _core.levels()[1]:
            assert _core.use_level(other)
            for count in (1, 2, 3, 8):
                fastinit.set_num_threads(count)
                same(describe(x))
    finally:
        _core.use_level(level)
        fastinit.set_num_threads(threads)
    for view in views(x):
        if dtype != "bfloat16" or view.dtype.isnative:
            same(describe(view))


def test_broadcast_views():
    x = np.broadcast_to(np.array([1.0, 2.0, 3.0]), (5000, 3))
    s = describe(x)
    assert (s.size, s.mean, s.min, s.max) == (15000, 2.0, 1.0, 3.0) and s.var == pytest.approx(2 / 3, rel=1e-14)


@pytest.mark.parametrize("name", ["plain f4", "offset 1e8 f4", "skewed", "int64", "one outlier"])
def test_any_split_merged_is_the_whole(name):
    x = AWKWARD[name]
    whole = describe(x, activation="tanh")
    for cut in (1, 100, 2048, 4000, x.size - 1):
        both = describe(x[:cut], activation="tanh") + describe(x[cut:], activation="tanh")
        for count in ("size", "nan", "posinf", "neginf", "zero", "subnormal", "negative", "saturated"):
            assert getattr(both, count) == getattr(whole, count)
        assert (both.bins == whole.bins).all() and (both.min, both.max) == (whole.min, whole.max)
        for moment in ("var", "mean_abs", "rms"):
            assert getattr(both, moment) == pytest.approx(getattr(whole, moment), rel=1e-13)
        assert both.skew == pytest.approx(whole.skew, rel=1e-9, abs=1e-9) and both.kurtosis == pytest.approx(
            whole.kurtosis, rel=1e-9, abs=1e-9
        )
    empty = describe(np.empty(0))
    assert (whole + empty).mean == whole.mean == (empty + whole).mean


def bin_of(x: np.ndarray) -> np.ndarray:
    return x.astype("f4").view("u4") >> 20


@pytest.mark.parametrize("scale", [1.0, 1e-38, 1e30])
def test_histogram_on_its_own_edges(scale):
    x = (scale * RNG.normal(size=20_001)).astype("f4")
    s = describe(x)
    assert (s.bins == np.bincount(bin_of(x), minlength=4096)).all()
    edges = np.unique(
        np.concatenate(
            [-(np.arange(1, 2040, dtype="u4") << 20).view("f4")[::-1], (np.arange(2040, dtype="u4") << 20).view("f4")]
        ).astype("f8")
    )
    low, high = np.searchsorted(edges, [x.min(), x.max()])
    own = edges[max(low - 1, 0) : high + 1]
    own = own[(own > x.min()) & (own < x.max())]
    counts = np.histogram(x.astype("f8"), own)[0]
    assert (
        np.abs(s.histogram(own) - counts).max() <= 2
    )  # a value on a negative edge belongs to the bin on its other side


def test_float64_bins_are_those_of_its_float32():
    x = np.concatenate([RNG.normal(size=9000), [1e300, -1e300, 1e-300, 0.0, 5e-324]])
    bins = describe(x).bins
    with np.errstate(all="ignore"):
        toward_zero = np.where(
            np.abs(x.astype("f4").astype("f8")) > np.abs(x), np.nextafter(x.astype("f4"), np.float32(0)), x.astype("f4")
        )
    kept = np.isfinite(toward_zero) & (np.abs(x) >= 2.0**-126)
    expected = np.bincount(bin_of(toward_zero[kept]), minlength=4096)
    expected[0] += 3
    assert np.array_equal(bins, expected)


def test_quantiles_lie_in_their_bin():
    for x in (RNG.normal(size=50_000), np.exp(3 * RNG.normal(size=50_000)), -np.arange(1.0, 5001.0)):
        s, q = describe(x), np.array([0.001, 0.01, 0.25, 0.5, 0.75, 0.99, 0.999])
        got, true = s.quantile(q), np.quantile(x, q)
        assert (np.abs(got - true) <= 0.13 * np.abs(true) + 1e-3 * x.std()).all() and (
            s.quantile(0),
            s.quantile(1),
        ) == (x.min(), x.max())
    assert describe(np.full(7, 2.5)).quantile(0.3) == 2.5
    with pytest.raises(ValueError, match="shares"):
        describe(x).quantile(1.5)


@pytest.mark.parametrize(
    "dtype, scale", [("f4", 1e-41), ("f4", 1e-38), ("bfloat16", 1e-39), ("f8", 1e-300), ("f8", 1e-320), ("f8", 1e300)]
)
def test_quantiles_lie_in_their_bin_far_off(dtype, scale):
    kind = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    x = (scale * np.exp(RNG.normal(size=2000))).astype(kind).astype("f8")
    q = np.array([0.01, 0.25, 0.5, 0.75, 0.99])
    s = describe(x.astype(kind))
    # where a share is a whole number of values, any number from the last of them to the next is a quantile
    last, following = (np.quantile(x, q + more, method="inverted_cdf") for more in (0.0, 0.5 / x.size))
    assert (s.quantile(q) > (1 - 0.13) * last).all() and (s.quantile(q) < 1.13 * following).all()
    middle = np.sqrt(x.min()) * np.sqrt(x.max())
    below = s.histogram([0.0, middle, np.inf])[0]
    assert abs(below - (x < middle).sum()) <= ((x > middle / 1.13) & (x < middle * 1.13)).sum()


def test_quantiles_of_zeros_are_0_and_bins_say_what_float32_does_not_hold():
    x = np.array([1.0, 1e-60, -1e-60, 1e60, 0.0, -1e300])
    s = describe(x)
    assert s.bins.sum() == s.wide.sum() == 6
    assert s.fits("float32") == (2 / 5, 2 / 5) and s.fits("float16") == (2 / 5, 2 / 5)
    assert describe(np.array([0.0, 0.0, -0.0, 1.0], "f4")).quantile([0, 1 / 3, 2 / 3]).tolist() == [0, 0, 0]
    assert describe(np.float32([1.0, 1e-40])).quantile(0.4) == pytest.approx(1e-40, rel=0.13)


@pytest.mark.parametrize(
    "values", [np.arange(10), [0.0, 1e-317], [1e-300, 1.0], [-1.7e308, 1.7e308], [np.nan, np.inf], [], [0.0, 0.0]]
)
def test_the_callers_floating_point_settings_do_not_matter(values):
    x = np.array(values)
    with np.errstate(all="raise"):
        for s in (describe(x), describe(x) + describe(x), describe(np.stack([x, x]), by=0)):
            s._repr_html_(), repr(s), s.std
        describe(x).quantile([0.0, 0.3, 1.0]), describe(x).histogram([-1.0, 0.0, 1.0]), describe(x).fits("float16")
        describe(x, activation="tanh")


@pytest.mark.parametrize(
    "dtype, kind",
    [
        ("float16", np.float16),
        ("bfloat16", ml_dtypes.bfloat16),
        ("float8_e5m2", ml_dtypes.float8_e5m2),
        ("float8_e4m3", ml_dtypes.float8_e4m3fn),
    ],
)
def test_fits(dtype, kind):
    x = np.exp(RNG.uniform(-30, 30, 40_000)).astype("f4") * RNG.choice([-1, 1], 40_000).astype("f4")
    with np.errstate(all="ignore"):
        cast = x.astype(kind).astype("f4")
    share = describe(np.append(x, np.float32([0, 0]))).fits(dtype)
    assert share.underflow == pytest.approx((cast == 0).mean(), abs=0.003)
    assert share.overflow == pytest.approx((~np.isfinite(cast)).mean(), abs=0.004)
    with pytest.raises(ValueError, match="float16"):
        describe(x).fits("int4")


@pytest.mark.parametrize(
    "dtype, largest, too_large",
    [
        ("float8_e4m3", 448, 480), ("float8_e5m2", 57344, 61440), ("float16", 65504, 65536),
        ("bfloat16", 3.3e38, 3.41e38), ("float32", 3.4e38, 3.41e38),
    ],
)  # fmt: skip
def test_where_values_begin_to_overflow(dtype, largest, too_large):
    assert describe(np.array([largest, -largest, 1.0])).fits(dtype).overflow == 0
    assert describe(np.array([too_large, -too_large, 1.0, 1.0])).fits(dtype).overflow == 0.5


@pytest.mark.parametrize(
    "dtype, tiny, too_small",
    [
        ("float8_e4m3", 2.0**-9, 2.0**-10.2), ("float8_e5m2", 2.0**-16, 2.0**-17.2), ("float16", 2.0**-24, 2.0**-25.2),
        ("bfloat16", 2.0**-133, 2.0**-134.2), ("float32", 2.0**-149, 2.0**-150.2),
    ],
)  # fmt: skip
def test_where_values_begin_to_be_lost(dtype, tiny, too_small):
    assert describe(np.array([tiny, -tiny, 0.0])).fits(dtype).underflow == 0
    assert describe(np.array([too_small, -too_small, 0.0, 1.0, 1.0])).fits(dtype).underflow == 0.5


@pytest.mark.parametrize(
    "by, axes", [(0, (0,)), (1, (1,)), (-1, (2,)), ((0, 2), (0, 2)), ((2, 0), (2, 0)), ((0, 1, 2), (0, 1, 2))]
)
def test_by_axes(by, axes):
    x = RNG.normal(size=(4, 5, 7)).astype("f4")
    x[1, 2, 3] = np.nan
    table = describe(x, by=by, names="w", activation="tanh")
    moved = np.moveaxis(x, axes, range(len(axes)))
    assert len(table) == math.prod(moved.shape[: len(axes)])
    for i, index in enumerate(np.ndindex(moved.shape[: len(axes)])):
        alone = describe(moved[index], activation="tanh")
        assert table[i].moments == alone.moments or table[i].nan == table[i].size
        assert {**table[i].to_dict(), "name": ""}.__repr__() == {**alone.to_dict(), "name": ""}.__repr__()
    assert table[0].name == f"w[{', '.join('0' for _ in axes)}]"
    with pytest.raises(ValueError, match="histogram"):
        table[0].quantile(0.5)


def test_saturated():
    z = np.array([-5.0, -2.0, 0.0, 2.0, 3.0, np.inf, np.nan], "f4")
    assert describe(z, activation="tanh").saturated == 2 and describe(z, activation="relu").saturated == 2
    assert describe(z, activation="linear").saturated == 0 and describe(z).saturated is None


def test_what_peers_get_wrong():
    """Each line is a case from the peers' own trackers; the peer's answer is recomputed beside ours."""
    tiny = np.full(1000, 1e-25, "f4") * np.tile([1, -1], 500).astype("f4")
    assert np.std(tiny) == 0 and describe(tiny).std == pytest.approx(1e-25, rel=1e-6)
    half = (299.6 * RNG.normal(size=10_000)).astype("f2")
    with np.errstate(over="ignore"):
        assert np.isinf(np.std(half))
    assert describe(half).std == pytest.approx(half.astype("f8").std(), rel=1e-13)
    constant = np.full(1001, -0.278, "f4")
    assert np.var(constant) > 0 and describe(constant).var == 0
    columns = np.full((2**22, 2), 0.1, "f4")
    assert abs(columns.mean(axis=0)[0] - 0.1) > 1e-3 and describe(columns, by=1).mean == pytest.approx(
        float(np.float32(0.1)), rel=1e-15
    )


def test_what_torch_gets_wrong():
    torch = pytest.importorskip("torch")
    x = fastinit.normal_(np.empty(2**24, "f4"), 1e8, 16, generator=1)
    truth = x.astype("f8").std()  # 16.165; torch's on one thread was 176.7
    assert describe(x).std == pytest.approx(truth, rel=1e-13)
    assert abs(torch.from_numpy(x).std().item() / truth - 1) > 0.1
    ones = torch.ones(10_000, dtype=torch.bfloat16)
    assert describe(ones).quantile(0.5) == 1.0 and describe(ones).bins.sum() == 10_000


def test_kinds_that_cannot_be_described():
    for bad, words in (
        (np.ones(2, complex), "describe\\(x.real, x.imag\\)"),
        (np.array(["a"]), "dtype"),
        (np.array([None]), "dtype"),
        (3.0, "NumPy arrays"),
        ("w", "NumPy arrays"),
        (np.ma.ones(3), "masked"),
        (np.ones(2, "M8[s]"), "dtype"),
        (None, "NumPy arrays"),
        ({"a": {"b": "text"}}, "a.b: tensor is of type str"),
        ([np.ones(2), np.ones(2, complex)], "1: .* call describe"),
    ):
        with pytest.raises(TypeError, match=words):
            describe(bad)
    x = np.ones((2, 3))
    for call, words in (
        (lambda: describe(x, by=2), "axis"),
        (lambda: describe(x, by="rows"), "axis"),
        (lambda: describe(x, by=(0, 0)), "twice"),
        (lambda: describe(x, x, by=0), "exactly one"),
        (lambda: describe(x, activation="swish"), "known"),
        (lambda: describe(x, x, names=["a"]), "entries"),
    ):
        with pytest.raises(ValueError, match=words):
            call()


def test_lists_of_numbers():
    assert describe([1, 2, 3]).to_dict() == describe(np.array([1, 2, 3])).to_dict()
    assert describe([[1, 2], (3, 4.5)], by=0).mean.tolist() == [1.5, 3.75]
    assert describe([True, np.float32(3)]).max == 3 and describe([10**30, 1]).max == 1e30
    with pytest.raises(ValueError, match="differ in length"):
        describe([[1, 2], [3]])


def test_what_is_looked_into():
    network = fastinit.mlp([3, 4, 2], generator=0)
    network[1].bias = None
    assert describe(network).names == ["layer1.weight", "layer1.bias", "layer2.weight"]
    assert describe(network[0]).names == ["weight", "bias"]
    nested = {"w": np.ones(3), "step": 7, "none": None, "state": {0: {"m": [1.0, 2.0], "_extra_state": None}}}
    found = describe(nested)
    assert found.names == ["w", "step", "state.0.m"] and found.mean.tolist() == [1, 7, 1.5]
    assert found.without == ["none", "state.0._extra_state"]
    assert "without none, state.0._extra_state: None" in repr(found) and "without none" in found._repr_html_()
    assert describe([np.ones(2), [np.zeros(3), 5]]).names == ["0", "1.0", "1.1"]


def table(rows: int = 3) -> fastinit.StatsTable:
    generator = fastinit.Generator(1)
    return describe(
        {
            f"layers.{i}.attention.in_proj_weight": fastinit.xavier_normal_(np.empty((20, 30)), generator=generator)
            for i in range(rows)
        }
    )


def test_table():
    t = table()
    assert (
        len(t) == 3 and t[1].name == t.names[1] and t["layers.2.attention.in_proj_weight"] is t[2] and len(t[:2]) == 2
    )
    assert t.std.shape == (3,) and (t.std == [row.std for row in t]).all() and np.isnan(t.saturated).all()
    for bad in ("layers.9", "std"):
        with pytest.raises(KeyError, match="no row"):
            t[bad]
    with pytest.raises(AttributeError, match="columns"):
        _ = t.median
    assert describe(np.ones(2), np.zeros(3), names=["a", "b"])["b"].zero == 3
    assert describe([np.ones(2), np.zeros(3)]).names == ["0", "1"]


def test_repr_is_aligned_and_fits():
    sick = {
        "a" * 120: np.ones(3),
        "<b>": np.array([np.nan, np.inf, -1e-300]),
        "zeros": np.zeros((4, 4)),
        "empty": np.empty(0),
    }
    text = repr(describe(sick, activation="tanh"))
    assert max(map(len, text.splitlines())) <= 88
    assert len({len(line) for line in text.splitlines() if line.endswith(("%", "saturated"))}) == 1
    long = repr(table(200))
    assert "..." in long and len(long.splitlines()) == 62


class Checker(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen = [], []

    def handle_starttag(self, tag, attributes):
        self.open.append(tag)
        self.seen.append((tag, dict(attributes)))

    def handle_startendtag(self, tag, attributes):
        self.seen.append((tag, dict(attributes)))

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_html():
    t = describe({"<b>": np.array([np.nan, 1.0, 2.0]), "dead": np.zeros(5), "w": RNG.normal(size=500)})
    checker = Checker()
    checker.feed(t._repr_html_())
    checker.close()
    assert not checker.open and "&lt;b&gt;" in t._repr_html_() and "<script" not in t._repr_html_()
    styles = [a.get("style", "") for tag, a in checker.seen]
    assert sum("#c00" in style for style in styles) == 1 and sum("#999" in style for style in styles) == 1
    assert sum(tag == "svg" for tag, _ in checker.seen) == 3 and sum(tag == "rect" for tag, _ in checker.seen) > 30
    assert "more" in table(200)._repr_html_()


def test_to_pandas():
    frame = table().to_pandas()
    assert list(frame.index) == table().names and frame["std"].tolist() == table().std.tolist()


@pytest.mark.parametrize("kind", ["std", "ridge"])
def test_plots(kind):
    matplotlib = pytest.importorskip("matplotlib")
    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    t = describe({"a": RNG.normal(size=400), "dead": np.zeros(5), "none": np.empty(0), "b": 3 * RNG.normal(size=400)})
    figure, ax = plt.subplots()
    assert t.plot(kind, ax) is ax
    figure.canvas.draw()
    if kind == "std":
        assert ax.get_yscale() == "log" and ax.lines[0].get_ydata()[0] == t[0].std
    assert [label.get_text() for label in (ax.get_xticklabels() if kind == "std" else ax.get_yticklabels())] == t.names
    with pytest.raises(ValueError, match="ridge"):
        t.plot("violin")
    plt.close("all")


def test_torch_tensors_and_modules():
    torch = pytest.importorskip("torch")
    model = torch.nn.Sequential(torch.nn.Linear(30, 20), torch.nn.Tanh(), torch.nn.Linear(20, 5).to(torch.bfloat16))
    t = describe(model)
    assert t.names == ["0.weight", "0.bias", "2.weight", "2.bias"] and t["2.weight"].dtype == "bfloat16"
    weight = model[0].weight
    assert t[0].std == pytest.approx(weight.detach().double().std(correction=0).item(), rel=1e-13) and t[0].shape == (
        20,
        30,
    )
    assert t["2.weight"].mean == pytest.approx(model[2].weight.double().mean().item(), rel=1e-12, abs=1e-15)
    assert describe(model.state_dict()).names == t.names
    for dtype in (torch.int32, torch.bool, torch.uint8, torch.float16, torch.float64):
        x = torch.arange(12).reshape(3, 4).to(dtype).t()
        assert describe(x).mean == pytest.approx(x.double().mean().item(), rel=1e-12)
    z = torch.tensor([[-5.0, 0.5, 3.0, torch.inf], [0.0, -0.0, 1.0, torch.nan]]).to(torch.bfloat16)
    assert describe(z, activation="tanh").saturated == 2
    assert describe(z, by=0, activation="tanh").saturated.tolist() == [2, 0]  # of the values, not of their bits
    assert describe(weight, activation="tanh").saturated == 0 and describe(weight, by=0).size.tolist() == [30] * 20
    optimizer = torch.optim.Adam(model.parameters())
    model[0](torch.ones(1, 30)).sum().backward()
    optimizer.step()
    found = describe(optimizer.state_dict())
    assert "state.0.exp_avg" in found.names and "param_groups.0.fused" in found.without


@pytest.mark.filterwarnings("ignore:The PyTorch API of nested tensors")
def test_tensors_that_cannot_be_described_say_what_to_give():
    torch = pytest.importorskip("torch")
    with torch._subclasses.FakeTensorMode():
        fake = torch.ones(3)
    ragged = [torch.ones(2), torch.ones(3)]
    for bad, words in (
        (torch.ones(2, device="meta"), "on meta, where tensors have a shape and no values"),
        (torch.nn.Linear(2, 2, device="meta"), "weight: tensor is on meta"),
        (torch.nn.LazyLinear(2), "weight: .* lazy module"),
        (torch.ones(2, dtype=torch.complex64), "real"),
        (torch.ones(2).to_sparse(), "dense"),
        (torch.ones(2).to(torch.float8_e4m3fn), r"float8_e4m3fn; give tensor.float\(\)"),
        (torch.nested.nested_tensor(ragged), r"nested.*unbind\(\)"),
        (torch.nested.nested_tensor(ragged, layout=torch.jagged), r"nested.*unbind\(\)"),
        (fake, "FakeTensor, whose memory is elsewhere"),
    ):
        with pytest.raises(TypeError, match=words):
            describe(bad)
    with pytest.raises(TypeError, match="describe the tensors before you call vmap"):
        torch.func.vmap(describe)(torch.ones(2, 3))


@pytest.mark.parametrize(
    "view, room",
    [
        (lambda x: x, 40), (lambda x: x[10:], 40), (lambda x: x[10:], 79), (lambda x: x[:9:2], 20),
        (lambda x: x.view(4, 5).t(), 76), (lambda x: x[:1].expand(5), 0),
    ],
)  # fmt: skip
def test_a_storage_that_was_shrunk_below_its_view(view, room):
    """Nothing beyond it is read or written; what is still whole works."""
    torch = pytest.importorskip("torch")
    x = torch.zeros(20)
    part, first = view(x), x[:5]
    x.untyped_storage().resize_(room)
    for call in (describe, fastinit.normal_):
        with pytest.raises((ValueError, TypeError), match=r"resized|elsewhere|share memory"):
            call(part)
    if room >= 20:
        assert describe(fastinit.normal_(first)).size == 5


SHAPE_CHANGES = """
import sys, threading
import numpy as np, fastinit
a, stop = np.ones(2**20, np.float16).reshape((2,) * 20), threading.Event()
shapes = [(2,) * 20, (2**20,), (2**10, 2**10), (1,) * 8 + (2**20,)]
def change():
    while not stop.is_set():
        for shape in shapes:
            a.shape = shape
worker = threading.Thread(target=change, daemon=True)  # a failure here must not wait for it
worker.start()
sys.setswitchinterval(1e-5)
for _ in range(60):
    assert fastinit.describe(a).bins.sum() == 2**20
    assert fastinit.describe(a, by=0)[0].zero == 0
stop.set()
worker.join()
"""


def test_a_shape_that_changes_meanwhile_is_read_once():
    command = [sys.executable, "-W", "ignore", "-c", SHAPE_CHANGES]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("threads", [1, 2])
def test_bins_of_many_values(threads):
    """A worker's bins are emptied from time to time, before they are full."""
    values = np.repeat(np.array([1, -3, 0, np.nan], np.float16)[:, None], 8, 1)
    before = fastinit.get_num_threads()
    fastinit.set_num_threads(threads)
    try:
        s = describe(np.broadcast_to(values, (2**23 + 1, 4, 8)))
    finally:
        fastinit.set_num_threads(before)
    each = 8 * (2**23 + 1)
    bins = {bin_of(np.float32(x)).item(): each for x in (1, -3, 0)}
    assert {int(i): int(s.bins[i]) for i in np.flatnonzero(s.bins)} == bins
    assert (s.nan, s.zero, s.negative) == (each, each, each)


@pytest.mark.long
def test_bins_of_more_values_than_32_bits_count():
    before = fastinit.get_num_threads()
    fastinit.set_num_threads(1)
    try:
        s = describe(np.broadcast_to(np.float16(1), 2**34 + 4096))
    finally:
        fastinit.set_num_threads(before)
    assert s.bins.sum() == 2**34 + 4096
