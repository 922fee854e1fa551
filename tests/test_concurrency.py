"""Threads, processes, floating-point modes, memory: what a fill must survive, and what it must leave alone."""

import contextlib
import gc
import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Iterable

import fastinit
import numpy as np
import pytest
from fastinit import backends

pytestmark = pytest.mark.xdist_group("machine")  # threads, forks and interrupts want no other such test beside them


@pytest.fixture(autouse=True)
def threads():
    fastinit.set_num_threads(3)


def expected(i: int) -> bytes:
    return fastinit.normal_(np.empty((300, 1000), np.float32), generator=i).tobytes()


def test_threads_filling_at_once():
    wanted = [expected(i) for i in range(8)]
    arrays = [np.empty((300, 1000), np.float32) for _ in range(8)]

    def work(i):
        for _ in range(5):
            fastinit.normal_(arrays[i], generator=i)

    workers = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [a.tobytes() for a in arrays] == wanted


def test_threads_sharing_a_generator_take_each_stream_once():
    shared, alone = fastinit.Generator(5), fastinit.Generator(5)
    rows = np.empty((4000, 4))
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        workers = [
            threading.Thread(target=lambda i=i: [fastinit.normal_(r, generator=shared) for r in rows[i::4]])
            for i in range(4)
        ]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
    finally:
        sys.setswitchinterval(interval)
    wanted = np.stack([fastinit.normal_(np.empty(4), generator=alone) for _ in rows])
    assert shared == alone
    assert np.array_equal(rows[np.lexsort(rows.T)], wanted[np.lexsort(wanted.T)])


def child(i, connection):
    connection.send(expected(i))
    connection.close()


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_child_processes(method):
    wanted = expected(3)  # threads have been made and joined before the fork
    context = multiprocessing.get_context(method)
    here, there = context.Pipe(duplex=False)
    process = context.Process(target=child, args=(3, there))
    process.start()
    there.close()
    assert here.recv() == wanted
    process.join()
    assert process.exitcode == 0


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_fork_while_another_thread_fills():
    stop = threading.Event()

    def work():
        array = np.empty(1 << 20, np.float32)
        while not stop.is_set():
            fastinit.normal_(array)

    worker = threading.Thread(target=work)
    worker.start()
    try:
        for _ in range(10):
            pid = os.fork()
            if pid == 0:
                os._exit(0 if expected(1) else 1)
            assert os.waitpid(pid, 0)[1] == 0
    finally:
        stop.set()
        worker.join()


FORKED = """
import os, numpy as np, fastinit

def draw():
    return fastinit.uniform_(np.empty(4)).tobytes()

def in_a_child(work):
    here, there = os.pipe()
    if (pid := os.fork()) == 0:
        os.write(there, work())
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    return os.read(here, 1000)

draw()  # it has moved on, but nobody seeded it
found = {in_a_child(draw), in_a_child(draw), draw()}
found |= {in_a_child(lambda: in_a_child(draw)), in_a_child(lambda: in_a_child(draw))}
assert len(found) == 5, "children repeat each other"
default = fastinit.default_generator
state = {"version": 1, "seed": 7, "stream": 2}
for seed in (lambda: fastinit.manual_seed(3), default.seed, lambda: default.set_state(state)):
    seed()
    assert in_a_child(draw) == in_a_child(draw) == in_a_child(lambda: in_a_child(draw)) == draw(), "a seed is kept"
    again = lambda worker: fastinit.manual_seed(default.fold_in(worker).initial_seed()) and draw()
    assert len({in_a_child(lambda: again(worker)) for worker in range(3)} | {draw()}) == 4
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_a_default_generator_that_nobody_seeded_starts_anew_in_a_child():
    subprocess.run([sys.executable, "-c", FORKED], check=True, timeout=300)


POOL = """
import multiprocessing, numpy as np, fastinit
normals = lambda: fastinit.normal_(np.empty(4)).tobytes()
def child(pipe):
    pipe.send_bytes(normals())
fastinit.manual_seed(5)
fork, drawn = multiprocessing.get_context("fork"), set()
for _ in range(3):
    here, there = fork.Pipe(duplex=False)
    process = fork.Process(target=child, args=(there,))
    process.start()
    drawn.add(here.recv_bytes())
    process.join()
assert drawn == {normals()}
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_generators_of_the_users_repeat_in_children():
    """As documented: processes that draw from one seeded generator have the same values."""
    subprocess.run([sys.executable, "-c", POOL], check=True, timeout=300)


FLUSHED = """
import numpy as np, torch, fastinit
tiny = lambda: float(np.float32(1e-38) * np.float32(1e-3))
fill = lambda **k: fastinit.normal_(np.empty(300_000, np.float32), std=1e-39, **k)
wanted = fill(generator=1)
assert tiny() > 0 and torch.set_flush_denormal(True) and tiny() == 0
fastinit.set_num_threads({threads})
flushed = fill(generator=1)
assert tiny() == 0, "the mode was not put back"
torch.set_flush_denormal(False)
assert (wanted == flushed).all() and (np.abs(wanted) > 0).mean() > 0.99
"""


@pytest.mark.parametrize("threads", [1, 4])
def test_flush_to_zero_is_put_aside_and_put_back(threads):
    pytest.importorskip("torch")
    subprocess.run([sys.executable, "-W", "ignore", "-c", FLUSHED.format(threads=threads)], check=True, timeout=300)


def every_kind_of_fill(array, strided, generator):
    fastinit.uniform_(array, generator=generator)
    fastinit.trunc_normal_(array, generator=generator)
    fastinit.kaiming_normal_(strided, generator=generator)
    fastinit.sparse_(array, 0.5, generator=generator)
    fastinit.orthogonal_(array[:8, :8], generator=generator)
    fastinit.normal_(array, generator=generator, global_shape=(100, 100), offset=(3, 4))
    for bad in ({"std": -1.0}, {"generator": "x"}):
        with contextlib.suppress(TypeError, ValueError):
            fastinit.normal_(array, **bad)


def test_nothing_leaks():
    array, strided, generator = (
        np.empty((64, 64), np.float32),
        np.empty((64, 128), np.float32)[:, ::2],
        fastinit.Generator(1),
    )
    kept = (array, strided, generator, generator._state, np.dtype(np.float32))
    for _ in range(500):  # until every cache is full
        every_kind_of_fill(array, strided, generator)
    counts = [sys.getrefcount(x) for x in kept]

    def grown():
        gc.collect()
        blocks = sys.getallocatedblocks()
        for _ in range(300):
            every_kind_of_fill(array, strided, generator)
        gc.collect()
        return sys.getallocatedblocks() - blocks

    # less than an object in two rounds; what leaks leaks each time, what another thread allocates does not
    assert min(grown() for _ in range(3)) < 150
    assert all(abs(sys.getrefcount(x) - count) < 20 for x, count in zip(kept, counts, strict=True))


def test_core_does_not_leak_references():
    from fastinit import _core

    array, state = np.empty(5000, np.float32), [1, 2]
    dtype = _core.plain(array)
    moments = _core.describe(array, dtype)[0]
    for call in (
        lambda: _core.fill_normal(array, dtype, 0.0, 1.0, 1, 2, None, None),
        lambda: _core.fill_uniform(array[::2], dtype, 0.0, 1.0, 1, 2, (5000,), (7,)),
        lambda: _core.fill_truncated(array, dtype, 0.0, 1.0, -2.0, 2.0, 1, 2, None, None),
        lambda: _core.fill_orthogonal(array.reshape(50, 100).T, dtype, 1.0, 1, 2, None, None, 50, 100),
        lambda: _core.describe(array, dtype), lambda: _core.describe_rows(array.reshape(50, 100), dtype, 1),
        lambda: _core.merge(moments, moments), lambda: _core.Moments(range(9)),
        lambda: _core.take(state), lambda: _core.plain(array), lambda: _core.plain(3), lambda: _core.levels(),
        lambda: _core.words(1, 2, 3), lambda: _core.truncated_moments(-2.0, 2.0),
        lambda: _core.sparse_mask(1, 2, 5, 5, 2), lambda: _core.threefry4x32((1, 2, 3, 4), (5, 6, 7, 8)),
    ):  # fmt: skip
        call()
        blocks = sys.getallocatedblocks()
        for _ in range(1000):
            call()
        assert sys.getallocatedblocks() - blocks < 100


def test_errors_in_the_core_leave_the_array_alone():
    from fastinit import _core

    array, single = np.ones(5, np.float32), _core.DTYPES[0]
    double = next(dtype for dtype in _core.DTYPES if dtype.name == "float64")
    key, whole = (1, 2), (None, None)
    normal, uniform, truncated = _core.fill_normal, _core.fill_uniform, _core.fill_truncated
    orthogonal = _core.fill_orthogonal
    for fill, *arguments in (
        (normal, array, double, 0.0, 1.0, *key, *whole),
        *((normal, array, dtype, 0.0, 1.0, *key, *whole) for dtype in ("f", None, 0, np.float32)),
        (normal, array, _core.Dtype(single), 0.0, 1.0, *key, *whole),  # not one of DTYPES
        *((normal, array, single, 0.0, std, *key, *whole) for std in (None, "1", 1j)),
        (normal, array, single, 0.0, 1.0, None, 2, *whole),
        (normal, array, single, 0.0, 1.0, 1, 2.5, *whole),
        *(
            (normal, array, single, 0.0, 1.0, *key, *block)
            for block in (((1, 2), (0, 0)), ((5,), None), (None, (0,)), ((5.0,), (0.0,)), ([5], [0]))
        ),
        (normal,),
        (normal, array, single),
        (normal, [1.0], single, 0.0, 1.0, *key, *whole),
        (normal, array, single, -1.0, 1.0, 0.0, 1.0, *key, *whole),
        (normal, np.empty(5, object), double, 0.0, 1.0, *key, *whole),
        (uniform, array, "frog", 0.0, 1.0, *key, *whole),
        (truncated, array, single, 0.0, 1.0, *key, *whole),
        (orthogonal, array, single, 1.0, *key, *whole, 1),
        (orthogonal, array, single, None, *key, *whole, 1, 5),
        (orthogonal, [1.0], single, 1.0, *key, *whole, 1, 5),
        (orthogonal, array, single, 1.0, *key, *whole, 1, 5.0),
    ):
        with pytest.raises(TypeError) as error:
            fill(*arguments)
        assert " " in str(error.value)
    assert not hasattr(_core, "fill")
    huge = 10**400
    for fill, *arguments in (
        (normal, array, single, huge, 1.0, *key, *whole),
        (normal, array, single, 0.0, huge, *key, *whole),
        (uniform, array, single, 0.0, -huge, *key, *whole),
        (truncated, array, single, 0.0, 1.0, huge, 1.0, *key, *whole),
        (normal, array, single, 0.0, 1.0, *key, (2**70,), (0,)),
        (_core.truncated_moments, 0.0, huge),
        (_core.elementary, huge),
        (_core.set_threads, huge),
        (orthogonal, array, single, 1.0, *key, *whole, 5, 1),
        (orthogonal, array, single, 1.0, *key, *whole, 1, 2),
    ):
        with pytest.raises(ValueError, match="give"):
            fill(*arguments)
    assert (array == 1).all()


def test_a_framework_is_known_before_it_is_no_longer_awaited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Between the two another thread would take its tensors for no tensors."""
    awaited = []

    class Found(list[object]):
        def extend(self, more: Iterable[object]) -> None:
            awaited.append("math" in backends._LATER)
            super().extend(more)

    monkeypatch.setattr(backends, "_LATER", {"math": lambda module: []})
    monkeypatch.setattr(backends, "_FOUND", Found(backends._FOUND))
    backends.backends()
    assert awaited == [True] and not backends._LATER


def test_many_threads_on_a_small_machine():
    wanted = expected(2)
    for count in (1, 2, 64, 256):
        fastinit.set_num_threads(count)
        assert expected(2) == wanted
