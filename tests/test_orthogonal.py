"""Orthogonal matrices: what the theory says of them, to the last places; the same bits however they are computed."""

import subprocess
import sys
import textwrap
from itertools import pairwise

import fastinit
import ml_dtypes
import numpy as np
import pytest
from fastinit import _core, reference

SHAPES = [(1, 1), (1, 8), (5, 1), (2, 2), (16, 16), (64, 64), (65, 65), (9, 200), (200, 70), (150, 130), (40, 3, 3, 3)]
REAL = {"f4": "f4", "f8": "f8", "c8": "f4", "c16": "f8"}
LEVELS = fastinit.show_config()["isa_available"]


def matrix(w: np.ndarray) -> np.ndarray:
    """With orthonormal rows, in as many digits as there are."""
    w = w.reshape(len(w), -1)
    w = w if len(w) <= len(w[0]) else w.T
    return w.astype(np.clongdouble if w.dtype.kind == "c" else np.longdouble)


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("shape", SHAPES)
def test_rows_or_columns_are_orthonormal(shape, dtype):
    for seed in range(3):
        m = matrix(fastinit.orthogonal_(np.empty(shape, dtype), generator=seed))
        assert abs(m @ m.conj().T - np.eye(len(m))).max() <= 8 * np.finfo(dtype).eps


@pytest.mark.parametrize("dtype", REAL)
@pytest.mark.parametrize("shape", [(3, 5), (64, 64), (70, 130), (130, 130)])
def test_values_are_those_of_the_twin(shape, dtype):
    parts, block = 1 + (np.dtype(dtype).kind == "c"), 64
    blocks, height = -(-parts * shape[0] // block), -(-parts * shape[1] // block) * block
    normals = fastinit.normal_(np.empty((blocks, height, block), REAL[dtype]), generator=5)
    expected = reference.orthogonal(normals, *shape, is_complex=parts == 2)
    tolerance = 20 * np.finfo(dtype).eps
    assert abs(fastinit.orthogonal_(np.empty(shape, dtype), generator=5) - expected).max() < tolerance
    if shape[0] < shape[1]:  # the columns of one that has more rows
        assert abs(fastinit.orthogonal_(np.empty(shape[::-1], dtype), generator=5).T - expected).max() < tolerance


@pytest.mark.parametrize("dtype", ["f2", ml_dtypes.bfloat16, *REAL])
def test_same_bits_at_every_level_on_any_threads_in_any_layout(dtype):
    for shape in ((500, 70), (200, 1200), (6, 4, 3, 3)):  # threads are used for the second one
        expected = fastinit.orthogonal_(np.empty(shape, dtype), 0.7, generator=2).tobytes()
        swapped = np.dtype(dtype).newbyteorder()
        for level in LEVELS:
            assert _core.use_level(level)
            for threads in (1, 3):
                fastinit.set_num_threads(threads)
                for empty in (
                    np.empty(shape, dtype), np.empty(shape, dtype, order="F"), np.empty(shape, swapped),
                    np.empty((*shape[:-1], 2 * shape[-1]), dtype)[..., ::2], np.empty(shape, dtype)[::-1],
                ):  # fmt: skip
                    w = fastinit.orthogonal_(empty, 0.7, generator=2)
                    assert np.ascontiguousarray(w).astype(dtype).tobytes() == expected, (shape, level, threads)


@pytest.mark.parametrize("dtype", ["f4", "c16", "f2"])
@pytest.mark.parametrize("shape", [(150, 90), (90, 150), (130, 130), (12, 5, 3, 4)])
def test_blocks_are_the_wholes(shape, dtype):
    whole, parts = fastinit.orthogonal_(np.empty(shape, dtype), 2, generator=8), np.full(shape, 9, dtype)
    rows, columns = (0, 1, shape[0] // 2, shape[0]), (0, shape[1] // 3, shape[1])
    for r0, r1 in pairwise(rows):
        for c0, c1 in pairwise(columns):
            offset = (r0, c0, *(0 for _ in shape[2:]))
            fastinit.orthogonal_(parts[r0:r1, c0:c1], 2, generator=8, global_shape=shape, offset=offset)
    assert (parts == whole).all()


def test_blocks_of_kernels_are_the_wholes():
    shape = (9, 5, 3, 4)
    whole, parts = fastinit.delta_orthogonal_(np.empty(shape), generator=8), np.full(shape, 9.0)
    for begin in np.ndindex(2, 2, 3, 2):
        box = tuple(slice(b * step, (b + 1) * step) for b, step in zip(begin, (5, 3, 1, 2), strict=True))
        offset = tuple(along.start for along in box)
        fastinit.delta_orthogonal_(parts[box], generator=8, global_shape=shape, offset=offset)
    assert (parts == whole).all()


def test_a_gain_multiplies():
    for shape in ((70, 90), (90, 70)):
        one = fastinit.orthogonal_(np.empty(shape, np.float32), generator=1)
        for gain in (0.0, -3.7, 1e-42, float(np.finfo(np.float32).max)):
            w = fastinit.orthogonal_(np.empty(shape, np.float32), gain, generator=1)
            assert (w == one * np.float32(gain)).all()


def test_values_follow_the_generator():
    a, b = (fastinit.orthogonal_(np.empty((64, 64)), generator=seed) for seed in (1, 2))
    assert not np.isclose(a, b).any()
    generator = fastinit.Generator(3)
    fastinit.orthogonal_(np.empty((3, 3)), generator=generator)
    assert generator.get_state()["stream"] == 1


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_is_as_the_docstring_says():
    """Of 64 x 65536 in float32, 16 MiB: twice that for 128 numbers a column, and a copy if it is turned."""
    program = """
        import numpy as np, fastinit
        fastinit.set_num_threads(1)
        array = np.ones((64, 65536), np.float32)
        peaks = []
        for view in (array[:, :64], array, array.reshape(65536, 64)):
            fastinit.orthogonal_(view)
            peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
            peaks.append(int(peak.split()[1]) / 1024)
        print(peaks[1] - peaks[0], peaks[2] - peaks[0])
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(program)], capture_output=True, text=True, check=True, timeout=300
    )
    plain, turned = map(float, done.stdout.split())
    assert 28 < plain < 36, done.stdout
    assert 44 < turned < 52, done.stdout
