"""The stream contract: a value depends on seed, stream, dtype and index alone, whatever level, layout or threads."""

import mmap
import re
import subprocess
import sys
from pathlib import Path

import fastinit
import numpy as np
import pytest
from fastinit import _core
from scipy import stats

DTYPES = ["f2", "f4", "f8", "c8", "c16"]
FILLS = {
    "uniform": lambda t, **k: fastinit.uniform_(t, -1, 3, 5, **k),
    "normal": lambda t, **k: fastinit.normal_(t, 0, 2, 5, **k),
    "narrow": lambda t, **k: fastinit.trunc_normal_(t, generator=5, **k),
    "wide": lambda t, **k: fastinit.trunc_normal_(t, a=-1, b=9, generator=5, **k),
    "tail": lambda t, **k: fastinit.trunc_normal_(t, mean=-3.5, a=0, b=9, generator=5, **k),
}
WARNS = pytest.mark.filterwarnings("ignore:mean is more than 2 std")
CASES = [(name, dtype) for name in FILLS for dtype in DTYPES if dtype[0] != "c" or name in ("uniform", "normal")]
LEVELS = fastinit.show_config()["isa_available"]


def plain(name, dtype, shape):
    return FILLS[name](np.empty(shape, dtype))


@WARNS
@pytest.mark.parametrize("name, dtype", CASES)
def test_levels_and_threads_give_the_same_bits(name, dtype):
    fastinit.set_num_threads(1)
    _core.use_level("baseline")
    expected = plain(name, dtype, (700, 500))
    for level in LEVELS:
        _core.use_level(level)
        for threads in (1, 2, 3, 8):
            fastinit.set_num_threads(threads)
            assert plain(name, dtype, (700, 500)).tobytes() == expected.tobytes()


def layouts(shape, dtype):
    yield "F", np.empty(shape, dtype, order="F")
    yield "transposed", np.empty(shape[::-1], dtype).T
    yield "negative", np.empty(shape, dtype)[::-1, ::-1]
    yield "strided", np.empty([2 * n for n in shape], dtype)[::2, 1::2]
    yield (
        "misaligned",
        np.frombuffer(bytearray(np.dtype(dtype).itemsize * shape[0] * shape[1] + 1), "u1")[1:]
        .view(dtype)
        .reshape(shape),
    )
    yield "swapped", np.empty(shape, np.dtype(dtype).newbyteorder())


@WARNS
@pytest.mark.parametrize("name, dtype", CASES)
@pytest.mark.parametrize("shape", [(1, 1), (3, 5), (257, 300), (70, 5000), (5000, 7)])
def test_every_layout_gets_the_values_of_its_own_c_order(name, dtype, shape):
    expected = plain(name, dtype, shape)
    for label, array in layouts(shape, dtype):
        assert FILLS[name](array) is array
        assert (array == expected).all(), label


@WARNS
@pytest.mark.parametrize("name, dtype", CASES)
def test_four_dimensional_views(name, dtype):
    expected = plain(name, dtype, (8, 3, 5, 70))
    for axes in [(3, 2, 1, 0), (0, 2, 3, 1), (2, 3, 1, 0)]:
        storage = np.empty([expected.shape[a] for a in axes], dtype)
        view = storage.transpose(np.argsort(axes))
        assert (FILLS[name](view) == expected).all()


@WARNS
@pytest.mark.parametrize("name, dtype", CASES)
def test_blocks_make_the_whole(name, dtype):
    shape = (190, 333)
    expected, whole = plain(name, dtype, shape), np.empty(shape, dtype)
    for rows in (slice(0, 1), slice(1, 100), slice(100, 190)):
        for columns in (slice(0, 130), slice(130, 131), slice(131, 333)):
            FILLS[name](whole[rows, columns], global_shape=shape, offset=(rows.start, columns.start))
    assert (whole == expected).all()


def test_block_gets_the_fans_of_the_whole():
    whole = fastinit.kaiming_normal_(np.empty((64, 4096)), generator=1)
    block = fastinit.kaiming_normal_(np.empty((64, 128)), generator=1, global_shape=(64, 4096), offset=(0, 256))
    assert (block == whole[:, 256:384]).all()


@pytest.mark.parametrize("dtype", ["f2", "bfloat16"])
@pytest.mark.parametrize("name", ["uniform", "normal", "narrow"])
def test_half_precision_is_float32_rounded(name, dtype):
    ml_dtypes = pytest.importorskip("ml_dtypes")
    dtype = ml_dtypes.bfloat16 if dtype == "bfloat16" else dtype
    half, single = plain(name, dtype, 9999), plain(name, "f4", 9999)
    assert (half == single.astype(dtype)).all()


def test_large_blocks_of_an_enormous_tensor():
    """Indices beyond 2**32, without the memory: the same element as seen from two blocks."""
    shape = (2**20, 2**20)
    a = fastinit.normal_(np.empty((2, 100)), generator=1, global_shape=shape, offset=(2**19, 2**19))
    b = fastinit.normal_(np.empty((1, 50)), generator=1, global_shape=shape, offset=(2**19 + 1, 2**19 + 25))
    assert (a[1:, 25:75] == b).all()
    far = fastinit.normal_(np.empty(5), generator=3, global_shape=(2**40,), offset=(2**33 + 7,))
    same = fastinit.normal_(np.empty((1, 5)), generator=3, global_shape=(2**20, 2**20), offset=(2**13, 7))
    assert (far == same[0]).all() and (
        far != fastinit.normal_(np.empty(5), generator=3, global_shape=(2**40,), offset=(7,))
    ).all()


@pytest.mark.parametrize(
    "bounds", [(-2, 2), (-1, 0.5), (-1, 9), (0.5, 1), (2.9, 50), (3.5, 4), (-1001, -1000), (-50, -8)]
)
@pytest.mark.parametrize("dtype", ["f4", "f8"])
@WARNS
def test_truncated_normal_follows_its_law(bounds, dtype):
    a, b = bounds
    x = fastinit.trunc_normal_(np.empty(2**17, dtype), a=a, b=b, generator=3)
    assert x.min() >= a and x.max() <= b
    if abs(a) < 100:
        p_value = stats.kstest(x.astype("f8"), stats.truncnorm(a, b).cdf).pvalue
    else:  # SciPy's own loses digits there: an exponential of rate 1000, to 1 in 10^6
        p_value = stats.kstest((-1000.0 - x.astype("f8")) * 1000, "expon").pvalue
        if dtype == "f4":
            return  # 1000 has a step of 6e-5 in float32: bounds are all that can be asked
    assert p_value > 1e-6


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_laws_of_uniform_and_normal(dtype):
    u = fastinit.uniform_(np.empty(2**20, dtype), generator=1)
    z = fastinit.normal_(np.empty(2**20, dtype), generator=2)
    assert u.min() > 0 and u.max() < 1
    assert stats.kstest(u, "uniform").pvalue > 1e-6
    assert stats.kstest(z, "norm").pvalue > 1e-6
    assert abs(stats.kurtosis(z)) < 5 * (24 / z.size) ** 0.5
    for lag in (1, 2, 31, 32, 64, 4096):
        assert abs(np.corrcoef(z[:-lag], z[lag:])[0, 1]) < 5 / z.size**0.5


@pytest.mark.xdist_group("machine")
def test_interrupt_ends_a_long_fill():
    program = """if True:
        import _thread, threading, numpy as np, fastinit, signal
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
        fastinit.set_num_threads(2)
        big = np.empty(2**28, np.float16)
        threading.Timer(0.1, _thread.interrupt_main).start()
        try:
            while True:
                fastinit.normal_(big)
        except KeyboardInterrupt:
            print("interrupted")
    """
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=120)
    assert done.stdout == "interrupted\n", done.stderr


@pytest.mark.skipif(not Path("/proc/self/smaps").exists(), reason="Linux says so there")
def test_huge_pages_are_wished_for_within_the_array_alone():
    """A neighbour's memory is not ours to say anything about."""
    memory = mmap.mmap(-1, 32 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    array = np.frombuffer(memory, np.float32)[(3 << 18) + 1 : -(5 << 18) - 1]  # from 3 MiB and a bit to 5 from the end
    fastinit.uniform_(array)
    wished, here = [], (0, 0)
    for line in Path("/proc/self/smaps").read_text().splitlines():
        if span := re.match(r"([0-9a-f]+)-([0-9a-f]+) ", line):
            here = int(span[1], 16), int(span[2], 16)
        elif line.startswith("VmFlags:") and "hg" in line.split():
            wished.append(here)
    begin = array.ctypes.data
    base = begin - (3 << 20) - 4
    ours = [span for span in wished if base < span[1] and span[0] < base + (32 << 20)]
    assert all(begin <= a and b <= begin + array.nbytes for a, b in ours), (ours, begin)
    if Path("/sys/kernel/mm/transparent_hugepage/enabled").exists():
        assert ours


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8"])
def test_the_fast_way_in_is_for_aligned_memory(dtype):
    raw = np.zeros(8 * 100 + 1, np.uint8)
    askew = raw[1 : 1 + 100 * np.dtype(dtype).itemsize].view(dtype)
    assert _core.plain(askew) is None and _core.plain(askew.copy()) is not None
    assert (fastinit.normal_(askew, generator=1) == fastinit.normal_(np.empty(100, dtype), generator=1)).all()
    assert raw[0] == 0
