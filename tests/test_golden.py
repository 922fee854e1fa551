"""The same seed gives the same bits as when the stream version was fixed: on any level, threads, layout or split."""

import json
from itertools import pairwise

import fastinit
import make_golden as golden
import numpy as np
import pytest
from fastinit import _core

RECORD = json.loads(golden.PATH.read_text())


def test_stream_version():
    assert RECORD["about"]["stream_version"] == fastinit.show_config()["stream_version"]
    assert set(RECORD["digests"]) == {golden.key(*case) for case in golden.cases()}


@pytest.mark.parametrize("level", fastinit.show_config()["isa_available"])
@pytest.mark.parametrize("name", golden.FILLS)
def test_digests(name, level):
    assert _core.use_level(level)
    for case in golden.cases():
        if case[0] == name:
            _, dtype, shape = case
            expected = RECORD["digests"][golden.key(*case)]
            for threads in (1, 2, 3, 8):
                fastinit.set_num_threads(threads)
                assert golden.digest(golden.fill(name, golden.empty(dtype, shape))) == expected, case
            transposed = golden.empty(dtype, shape[::-1]).T
            assert golden.digest(golden.fill(name, transposed)) == expected, case


@pytest.mark.parametrize("level", fastinit.show_config()["isa_available"])
def test_digests_of_truncated_normals(level):
    assert _core.use_level(level)
    for parameters, expected in zip(golden.truncated_sets(), RECORD["truncated"], strict=True):
        assert golden.truncated_digest(*parameters) == expected, parameters


@pytest.mark.parametrize("name", [name for name in golden.FILLS if name != "sparse_"])
@pytest.mark.parametrize("seed", range(5))
def test_any_split_into_blocks(name, seed):
    rng = np.random.default_rng(seed)
    for _, dtype, shape in [case for case in golden.cases() if case[0] == name and len(case[2]) == 2]:
        whole = golden.empty(dtype, shape)
        rows = np.unique([0, shape[0], *rng.integers(0, shape[0] + 1, 2)])
        columns = np.unique([0, shape[1], *rng.integers(0, shape[1] + 1, 2)])
        for r0, r1 in pairwise(rows):
            for c0, c1 in pairwise(columns):
                golden.fill(name, whole[r0:r1, c0:c1], global_shape=shape, offset=(r0, c0))
        assert golden.digest(whole) == RECORD["digests"][golden.key(name, dtype, shape)]
