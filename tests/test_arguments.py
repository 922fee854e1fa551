"""Bad input: the right kind of error, a sentence that helps, the tensor untouched and the generator where it was."""

import fastinit
import numpy as np
import pytest

f = fastinit
NAN, INF = float("nan"), float("inf")


def matrix(dtype="f4"):
    return np.full((4, 6), 7, dtype)


BAD_VALUES = [
    (lambda t, g: f.uniform_(t, 1, 0, g), "a <= b"),
    (lambda t, g: f.uniform_(t, NAN, 0, g), "a="),
    (lambda t, g: f.uniform_(t, 0, INF, g), "b=inf"),
    (lambda t, g: f.normal_(t, 0, -1, g), "std="),
    (lambda t, g: f.normal_(t, 0, NAN, g), "std="),
    (lambda t, g: f.normal_(t, 0, INF, g), "std="),
    (lambda t, g: f.normal_(t, NAN, 1, g), "mean="),
    (lambda t, g: f.trunc_normal_(t, 0, 1, 2, 1, g), "a <= b"),
    (lambda t, g: f.trunc_normal_(t, 0, -1, generator=g), "std="),
    (lambda t, g: f.xavier_uniform_(t, NAN, g), "gain="),
    (lambda t, g: f.xavier_normal_(t, -1, g), "gain="),
    (lambda t, g: f.kaiming_normal_(t, mode="fan_sum", generator=g), "mode="),
    (lambda t, g: f.kaiming_normal_(t, nonlinearity="gelu", generator=g), "activation_gain"),
    (lambda t, g: f.variance_scaling_(t, -1, generator=g), "scale="),
    (lambda t, g: f.variance_scaling_(t, mode="fan", generator=g), "fan_geo_avg"),
    (lambda t, g: f.variance_scaling_(t, distribution="gauss", generator=g), "truncated_normal"),
    (lambda t, g: f.xavier_uniform_(t, generator=g, layout="HWIO"), "layout="),
    (lambda t, g: f.xavier_uniform_(t, generator=g, groups=3), "groups="),
    (lambda t, g: f.xavier_uniform_(t, generator=g, groups=0), "groups="),
    (lambda t, g: f.xavier_uniform_(t, generator=g, fans=(0, 1)), "fans="),
    (lambda t, g: f.xavier_uniform_(t, generator=g, fans=3), "fans="),
    (lambda t, g: f.xavier_uniform_(t[0], generator=g), "zeros_"),
    (lambda t, g: f.sparse_(t, 1.5, generator=g), "sparsity="),
    (lambda t, g: f.sparse_(t[0], 0.5, generator=g), "2 dimensions"),
    (lambda t, g: f.orthogonal_(t[0], generator=g), "2 or more"),
    (lambda t, g: f.orthogonal_(t, NAN, generator=g), "gain="),
    (lambda t, g: f.delta_orthogonal_(t, generator=g), "3 to 5"),
    (lambda t, g: f.delta_orthogonal_(t[:, :, None], generator=g), "out >= in"),
    (lambda t, g: f.eye_(t[0]), "2"),
    (lambda t, g: f.dirac_(t), "3 to 5"),
    (lambda t, g: f.dirac_(t[:, :, None], groups=3), "groups"),
    (lambda t, g: f.bilinear_(t), "4"),
    (lambda t, g: f.identity_(t, NAN), "gain="),
    (lambda t, g: f.uniform_(t, generator=g, offset=(0, 0)), "global_shape"),
    (lambda t, g: f.uniform_(t, generator=g, global_shape=(4, 6), offset=(0, 1)), "within global_shape"),
    (lambda t, g: f.uniform_(t, generator=g, global_shape=(4,), offset=(0,)), "dimensions"),
    (lambda t, g: f.uniform_(t, generator=2**64), "generator="),
    (lambda t, g: f.normal_(t, std=1e39, generator=g), "overflows float32"),
    (lambda t, g: f.normal_(t, std=10**400, generator=g), "std is an integer beyond"),
    (lambda t, g: f.normal_(t, -(10**5000), generator=g), "mean is an integer beyond"),
    (lambda t, g: f.uniform_(t, 0, 10**400, g), "b is an integer beyond"),
    (lambda t, g: f.sparse_(t, 10**400, generator=g), "sparsity is an integer beyond"),
    (lambda t, g: f.constant_(t, 10**400), "val is an integer beyond"),
    (lambda t, g: f.identity_(t, 10**400), "gain is an integer beyond"),
    (lambda t, g: f.orthogonal_(t, 10**400, g), "gain is an integer beyond"),
    (lambda t, g: f.xavier_normal_(t, 1e200, g), "gain=1e+200"),
    (lambda t, g: f.xavier_uniform_(t, 10**400, g), "gain is an integer beyond"),
    (lambda t, g: f.kaiming_normal_(t, 1e200, generator=g), "negative_slope=1e+200"),
    (lambda t, g: f.kaiming_normal_(t, NAN, generator=g), "a=nan"),
    (lambda t, g: f.variance_scaling_(t, 10**400, generator=g), "scale is an integer beyond"),
    (lambda t, g: f.variance_scaling_(t, INF, generator=g), "scale=inf"),
    (lambda t, g: f.xavier_uniform_(t, generator=g, fans=(10**400, 1)), "fans="),
    (lambda t, g: f.variance_scaling_(t, mode="fan_geo_avg", generator=g, fans=(1e200, 1e200)), "fans"),
    (lambda t, g: f.variance_scaling_(t, mode="fan_avg", generator=g, fans=(1.7e308, 1.7e308)), "fans"),
    (lambda t, g: f.normal_(t, generator=g, global_shape=(2**70, 6)), "fewer than 2**62"),
    (lambda t, g: f.normal_(t[:0], generator=g, global_shape=(2**70, 6)), "fewer than 2**62"),
    (lambda t, g: f.normal_(t[:0, :0], generator=g, global_shape=(2**70, 0)), "fewer than 2**62"),
    (lambda t, g: f.normal_(t[:0, :0], generator=g, global_shape=(0, 2**62)), "fewer than 2**62"),
    (lambda t, g: f.normal_(t, generator=g, global_shape=(2**31, 2**31)), "fewer than 2**62"),
    (lambda t, g: f.kaiming_normal_(t, nonlinearity="ReLU", generator=g), "did you mean 'relu'"),
    (lambda t, g: f.kaiming_normal_(t, nonlinearity="LeakyReLU", generator=g), "did you mean 'leaky_relu'"),
    (lambda t, g: f.kaiming_normal_(t, mode="fanin", generator=g), "did you mean 'fan_in'"),
    (
        lambda t, g: f.variance_scaling_(t, distribution="TruncatedNormal", generator=g),
        "did you mean 'truncated_normal'",
    ),
]
BAD_KINDS = [
    (lambda t, g: f.uniform_(t, "0", 1, g), "a is"),
    (lambda t, g: f.normal_(t, None, 1, g), "mean is"),
    (lambda t, g: f.normal_(t, 0, 1, True), "generator is"),
    (lambda t, g: f.normal_(t, 0, 1, 1.5), "generator is"),
    (lambda t, g: f.normal_(t, 0, 1, "seed"), "generator is"),
    (lambda t, g: f.normal_(t, 0, 1, np.random), "generator is"),
    (lambda t, g: f.uniform_(t, generator=g, global_shape=(4.0, 6.0)), "one integer a dimension"),
    (lambda t, g: f.kaiming_normal_(t, std=2), "unexpected keyword argument 'std'; it takes tensor, a, mode"),
]
SEEDED = (
    "uniform_ normal_ trunc_normal_ variance_scaling_ xavier_uniform_ xavier_normal_ glorot_uniform_ kaiming_uniform_ "
    "kaiming_normal_ he_normal_ lecun_uniform_ lecun_normal_ orthogonal_ delta_orthogonal_ sparse_"
).split()
BAD_KINDS += [
    (lambda t, g, name=name: getattr(f, name)(t, *([0.5] * (name == "sparse_")), seed=0), "did you mean generator=0")
    for name in SEEDED
]


@pytest.mark.parametrize(
    "call, words, kind", [(*c, ValueError) for c in BAD_VALUES] + [(*c, TypeError) for c in BAD_KINDS]
)
def test_bad_arguments(call, words, kind):
    tensor, generator = matrix(), fastinit.Generator(1)
    with pytest.raises(kind) as caught:
        call(tensor, generator)
    assert words in str(caught.value)
    assert (tensor == 7).all()
    assert generator == fastinit.Generator(1)


@pytest.mark.parametrize("tensor, words", [
    ((784, 128), "np.empty((784, 128)"), ([1.0, 2.0], "list"), (3.0, "float"), (None, "NoneType"), ("w", "str"),
    (np.float32(1), "float32"), (np.ma.zeros((4, 6)), "masked"), (matrix("i4"), "int32"), (matrix(bool), "bool"),
    (matrix(object), "object"), (matrix("g"), "longdouble"), (np.array(["a"]), "dtype"),
])  # fmt: skip
def test_what_cannot_be_filled(tensor, words):
    with pytest.raises(TypeError) as caught:
        fastinit.uniform_(tensor)
    assert words in str(caught.value) or "float128" in str(caught.value)


def test_the_largest_block_that_there_can_be():
    block = f.normal_(np.empty((1, 2)), generator=1, global_shape=(2**61 - 1, 2), offset=(2**61 - 2, 0))
    assert np.isfinite(block).all()


def test_names_of_activations_are_guessed():
    class ReLU:
        pass

    for given in ("ReLU", "RELU", "Relu", ReLU, ReLU(), "re_lu"):
        for call in (f.calculate_gain, lambda given: f.kaiming_uniform_(matrix(), nonlinearity=given)):
            with pytest.raises(ValueError, match="did you mean 'relu'"):
                call(given)
    with pytest.raises(ValueError, match="did you mean 'gelu'"):
        f.activation_gain("GELU")
    for unlike in ("gelu", "elu", None, 3):
        with pytest.raises(ValueError, match="Unsupported") as caught:
            f.calculate_gain(unlike)
        assert "did you mean" not in str(caught.value)


def test_numbers_are_read_at_each_call():
    scale, fans = np.array(1.0), np.array([24.0, 24.0])
    first = f.variance_scaling_(matrix(), scale, generator=0, fans=fans).std()
    scale *= 100
    assert abs(f.variance_scaling_(matrix(), scale, generator=0, fans=fans).std() / first - 10) < 0.01
    fans *= 100
    assert abs(f.variance_scaling_(matrix(), scale, generator=0, fans=fans).std() / first - 1) < 0.01


def test_memory_that_cannot_be_filled():
    read_only = matrix()
    read_only.flags.writeable = False
    for fill in (f.uniform_, f.xavier_uniform_, f.zeros_, f.eye_, f.orthogonal_, lambda t: f.sparse_(t, 0.5)):
        with pytest.raises(ValueError, match="read-only"):
            fill(read_only)
    for shape, strides in [((4, 6), (0, 4)), ((4, 6), (4, 4)), ((10, 3), (4, 8))]:
        overlapping = np.lib.stride_tricks.as_strided(np.zeros(64, "f4"), shape, strides)
        with pytest.raises(ValueError, match="share memory"):
            f.uniform_(overlapping)
    apart = np.lib.stride_tricks.as_strided(np.zeros(64, "f4"), (2, 2), (8, 12))
    assert (f.uniform_(apart, generator=1) == f.uniform_(np.empty((2, 2), "f4"), generator=1)).all()


@pytest.mark.parametrize("fill", [
    lambda t: f.uniform_(t, -1e5, 1e5), lambda t: f.normal_(t, std=1e5), lambda t: f.constant_(t, 1e5),
    lambda t: f.trunc_normal_(t, a=-1e5), lambda t: f.xavier_normal_(t, gain=1e6), lambda t: f.orthogonal_(t, 1e5),
])  # fmt: skip
def test_float16_overflow(fill):
    tensor = matrix("f2")
    with pytest.raises(ValueError, match="overflows float16"):
        fill(tensor)
    assert (tensor == 7).all()


def test_constants():
    for dtype in ("i1", "u8", "?", "f2", "f8", "c8"):
        assert (f.ones_(matrix(dtype)) == 1).all() and not f.zeros_(matrix(dtype)).any()
    with pytest.raises(ValueError, match="val="):
        f.constant_(matrix("i1"), 1000)
    with pytest.raises(TypeError):
        f.constant_(matrix(), "x")


def test_warnings():
    with pytest.warns(UserWarning, match="zero-element"):
        f.kaiming_normal_(np.empty((0, 3)))
    with pytest.warns(UserWarning, match="more than 2 std"):
        f.trunc_normal_(matrix(), mean=5, std=1)
    for empty in (np.empty((0, 3)), np.empty((3, 0)), np.empty((0, 0))):
        f.xavier_uniform_(empty), f.orthogonal_(empty), f.sparse_(empty, 0.5), f.uniform_(empty), f.eye_(empty)
    assert f.normal_(np.empty(())).shape == ()


def test_uniform_stays_within_bounds_of_its_dtype():
    for dtype in ("f2", "f4", "f8"):
        a, b = np.array([0.1, 0.3], dtype).astype("f8")
        x = f.uniform_(np.empty(2**20, dtype), 0.1, 0.3, generator=1)
        assert x.min() >= a and x.max() <= b
        assert (f.uniform_(np.empty(9, dtype), 0.3, 0.3) == np.array(0.3, dtype)).all()
    tiny = f.uniform_(np.empty(1000, "f4"), 1, 1 + 2**-23, generator=1)
    assert set(tiny.tolist()) == {1.0}


@pytest.mark.parametrize("make", [np.random.default_rng, np.random.PCG64, np.random.MT19937])
def test_numpys_generators_move_on(make):
    generator = make(3)
    assert (f.uniform_(np.empty(3), generator=generator) != f.uniform_(np.empty(3), generator=generator)).all()


def test_numpys_old_generator_is_refused():
    with pytest.raises(TypeError, match="generator is"):
        f.uniform_(np.empty(3), generator=np.random.RandomState(0))


def test_seeds():
    def draw(seed):
        return f.uniform_(np.empty(3), generator=seed).tolist()

    assert draw(-1) == draw(2**64 - 1) == draw(np.int64(-1)) == draw(f.Generator(-1)) != draw(0)
    sequence = np.random.SeedSequence(1)
    assert draw(sequence) == draw(sequence)
    for bad in (True, 1.0, "1", np.bool_(True)):
        with pytest.raises(TypeError):
            f.Generator(bad)
    for bad in (2**64, -(2**63) - 1):
        with pytest.raises(ValueError):
            f.Generator(bad)


@pytest.mark.parametrize(
    "call, words",
    [
        (lambda: fastinit.theory("thanh", 1.0), "did you mean 'tanh'"),
        (lambda: fastinit.activation_gain("sigmiod"), "did you mean 'sigmoid'"),
        (lambda: fastinit.mlp([2, 2], "rellu"), "did you mean 'relu'"),
        (lambda: fastinit.calculate_gain("leakyrelu"), "did you mean 'leaky_relu'"),
        (lambda: fastinit.normal_(np.ones(3), sdt=1), "did you mean 'std'"),
        (lambda: fastinit.xavier_normal_(np.ones((3, 3)), layuot="OI..."), "did you mean 'layout'"),
        (lambda: fastinit.variance_scaling_(np.ones((3, 3)), mode="fan_inn"), "did you mean 'fan_in'"),
        (lambda: fastinit.variance_scaling_(np.ones((3, 3)), distribution="unifrom"), "did you mean 'uniform'"),
        (lambda: fastinit.describe(np.ones(3)).fits("flaot16"), "did you mean 'float16'"),
        (lambda: fastinit.describe([np.ones(3)]).kurtossis, "did you mean 'kurtosis'"),
        (lambda: fastinit.describe({"fc1.weight": np.ones(3)})["fc1.wieght"], "did you mean 'fc1.weight'"),
        (lambda: fastinit.mlp([2, 2], init="xavier_normal_"), "give a function, such as fastinit.xavier_normal_"),
    ],
)
def test_what_is_misspelt_is_asked_for(call, words):
    with pytest.raises((ValueError, TypeError, AttributeError, KeyError), match=words):
        call()


@pytest.mark.parametrize(
    "given, error, words",
    [
        (fastinit.mlp([3, 4])[0], TypeError, "of type Dense; did you mean its .weight"),
        (3, TypeError, "of type int; give a weight, or its shape"),
        (None, TypeError, "of type NoneType"), ("ab", TypeError, "of type str"), ((3, "a"), TypeError, "integers"),
        ((3, 2.0), TypeError, "a tuple of int"), ([[1, 2], [3, 4]], TypeError, "of type list"),
        ((3, -1), ValueError, "negative size"),
    ],
)  # fmt: skip
def test_what_has_no_fans(given, error, words):
    with pytest.raises(error, match=words):
        fastinit.compute_fans(given)


def test_short_reprs():
    network = fastinit.mlp([300, 200, 10], "relu", generator=0)
    assert repr(network) == (
        "[Dense(layer1: 300 -> 200, relu, bias, float32), Dense(layer2: 200 -> 10, linear, bias, float32)]"
    )
    assert repr(fastinit.Dense(np.ones((2, 3)), layout="...IO")) == "Dense(2 -> 3, linear, float64)"
    for depth in (1, 2, 3, 50, 1000):
        theory = fastinit.theory("tanh", 1.5, 0.1, depth=depth)
        shown = repr(theory).splitlines()
        assert len(shown) <= 14 and max(map(len, shown)) < 120 and shown[-1].split()[0] == str(depth)
        assert shown[0].startswith("theory of tanh: n Var w 1.5, Var b 0.1") and "<table" in theory._repr_html_()
