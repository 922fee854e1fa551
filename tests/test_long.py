"""Batteries of minutes: `make test-long`, whose last output is tests/long.log. Each prints what it measured."""

import math
from functools import partial

import fastinit
import numpy as np
import pytest
from fastinit import _core
from scipy import stats

pytestmark = pytest.mark.long
LEAST_P = 1e-4


def test_more_than_2_32_elements():
    size = 2**32 + 5
    whole = fastinit.normal_(np.empty(size, np.float16), generator=1)  # 8 GiB
    for begin, count in ((0, 1000), (2**31 - 500, 1000), (2**32 - 500, 505), (size - 7, 7)):
        block = fastinit.normal_(np.empty(count, np.float16), generator=1, global_shape=(size,), offset=(begin,))
        assert np.array_equal(block, whole[begin : begin + count])
    assert not np.array_equal(whole[:5], whole[2**32 :]) and not np.array_equal(
        whole[: 2**20], whole[2**31 : 2**31 + 2**20]
    )
    tail = whole[-(2**24) :].astype(np.float64)
    print(f"2^32 + 5 float16: last 2^24 values have mean {tail.mean():.2e}, std {tail.std():.5f}")
    assert abs(tail.mean()) < 5 * 2**-12 and abs(tail.std() - 1) < 2e-3


def cells(fill, law, cells, rounds, size=1 << 24, dtype=np.float32):
    """Chi-square over equally likely cells, and Kolmogorov and Smirnov's distance, of rounds * size values."""
    edges = law.ppf(np.arange(1, cells) / cells)
    counts, block = np.zeros(cells, np.int64), np.empty(size, dtype)
    generator = fastinit.Generator(20261124)
    for _ in range(rounds):
        counts += np.bincount(np.searchsorted(edges, fill(block, generator=generator)), minlength=cells)
    chi2 = stats.chisquare(counts).pvalue
    n = int(counts.sum())
    distance = np.abs(np.cumsum(counts) / n - np.arange(1, cells + 1) / cells).max()
    ks = stats.kstwobign.sf(distance * math.sqrt(n))
    return n, chi2, ks


@pytest.mark.parametrize("name, fill, law", [
    ("uniform", partial(fastinit.uniform_, a=-1, b=1), stats.uniform(-1, 2)),
    ("normal", fastinit.normal_, stats.norm()),
    ("truncated, 2 sigma", fastinit.trunc_normal_, stats.truncnorm(-2, 2)),
    ("truncated, [-1, 9]", partial(fastinit.trunc_normal_, a=-1, b=9), stats.truncnorm(-1, 9)),
    ("truncated, [3.2, 12]", partial(fastinit.trunc_normal_, a=3.2, b=12), stats.truncnorm(3.2, 12)),
])  # fmt: skip
@pytest.mark.filterwarnings("ignore:mean is more than 2 std:UserWarning")
def test_law_of_2_28_values(name, fill, law):
    n, chi2, ks = cells(fill, law, 4096, 16)
    print(f"{name}: {n} values in 4096 cells, chi-square p = {chi2:.3f}, KS p = {ks:.3f}")
    assert chi2 > LEAST_P and ks > LEAST_P


def test_far_tail_of_the_normal():
    generator, block = fastinit.Generator(3), np.empty(1 << 24, np.float32)
    beyond, edges = np.zeros(6, np.int64), np.arange(1, 7)
    rounds = 64
    for _ in range(rounds):
        size = np.abs(fastinit.normal_(block, generator=generator))
        beyond += [(size > edge).sum() for edge in edges]
    for edge, count in zip(edges, beyond, strict=True):
        p = stats.binomtest(int(count), rounds * block.size, 2 * stats.norm.sf(edge)).pvalue
        print(f"normal: {count} of 2^30 beyond {edge} sigma, p = {p:.3f}")
        assert p > LEAST_P


def test_words_by_pairs_of_bytes():
    """Bytes at the same place of consecutive words, of consecutive rows and of consecutive chunks are independent."""
    chunks = np.stack([_core.words(17, 0, chunk).ravel() for chunk in range(4096)])  # 2^24 words
    for what, x, y in (("words", chunks[:, :-1], chunks[:, 1:]), ("rows", chunks[:, :-32], chunks[:, 32:]),
                       ("chunks", chunks[:-1], chunks[1:])):  # fmt: skip
        for shift in (0, 8, 16, 24):
            joint = (x >> np.uint32(shift) & 255).astype(np.int64).ravel() * 256 + (y >> np.uint32(shift) & 255).ravel()
            p = stats.chisquare(np.bincount(joint, minlength=65536)).pvalue
            print(f"bytes at bit {shift} of consecutive {what}: p = {p:.3f}")
            assert p > LEAST_P


def test_streams_do_not_meet():
    """The first 8 bytes of 2^18 streams, of neighbouring seeds and stream numbers: no more repeats than chance."""
    firsts = [
        _core.words(seed, stream, 0).ravel()[:2].view(np.uint64)[0] for seed in range(512) for stream in range(512)
    ]
    repeats = len(firsts) - len(set(firsts))
    print(f"{len(firsts)} streams: {repeats} repeated first 8 bytes")
    assert repeats == 0
