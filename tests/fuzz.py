"""A seeded fuzzer of the extension, for a build under sanitizers: `make test-sanitizers`.

Run: python tests/fuzz.py SECONDS [SEED]. By turns it fills, describes, applies ufuncs, fills blocks and moves
generators on, with arrays of every layout, dtype and size, levels and threads; what comes out is compared, bit for bit,
with what the same call makes of a plain array. A part of the calls are given nonsense, a part are struck by signals at
random moments. Then, where no sanitizer is loaded, every kind of call is made many times, and memory must not grow; and
again with the first, second, third ... allocation failing, Python's or the core's: which must be said, and do no harm.
"""

import contextlib
import ctypes
import gc
import importlib
import os
import platform
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from types import FrameType

import fastinit
import numpy as np
from fastinit import _core

Array = np.ndarray
KINDS = (np.float16, np.float32, np.float64, np.complex64, np.complex128)


class Struck(Exception):
    """A signal came."""


def shape_of(rng: np.random.Generator) -> tuple[int, ...]:
    """Mostly small, at times large enough for threads."""
    most = int(rng.choice([1, 5, 40, 3000, 150_000, 600_000], p=[0.05, 0.2, 0.3, 0.3, 0.1, 0.05]))
    axes = int(rng.integers(0, 6))
    shape = [
        int(rng.integers(0 if rng.random() < 0.05 else 1, max(2, round(most ** (1 / axes)) + 1))) for _ in range(axes)
    ]
    return tuple(shape)


def layout_of(rng: np.random.Generator, shape: tuple[int, ...], kind: type) -> Array:
    """An array of that shape somewhere in a larger memory: axes in any order, steps of any size and sign."""
    order = rng.permutation(len(shape))
    steps = [int(rng.choice([1, 1, 1, -1, 2, -3])) for _ in shape]
    room = [shape[axis] * abs(steps[axis]) + int(rng.integers(0, 2)) for axis in order]
    dtype = np.dtype(kind)
    if rng.random() < 0.2:
        dtype = dtype.newbyteorder()
    shift = int(rng.choice([0, 0, 1, dtype.itemsize // 2]))
    memory = np.zeros(int(np.prod(room, dtype=np.int64)) * dtype.itemsize + shift + 8, np.uint8)
    whole = np.ndarray(room, dtype, memory.data, shift)
    whole = whole.transpose(np.argsort(order))
    parts = [slice(None, None, step) for step in steps]
    view = whole[tuple(parts)] if parts else whole
    return view[tuple(slice(0, n) for n in shape)] if parts else view


def same(a: Array, b: Array) -> bool:
    """Bit for bit, but for the byte order, and for which of the many NaNs a NaN is."""
    plain = [np.array(x, x.dtype.newbyteorder("="), order="C") for x in (a, b)]
    for array in plain:
        array[np.isnan(array)] = np.nan
    return plain[0].tobytes() == plain[1].tobytes()


def settings(rng: np.random.Generator) -> None:
    fastinit.set_num_threads(int(rng.integers(1, 9)))
    _core.use_level(str(rng.choice(_core.levels()[1])))


def law_of(rng: np.random.Generator, kind: type) -> Callable[..., Array]:
    low = 0.0 if np.dtype(kind).kind == "c" else float(rng.normal() * 3)  # a complex normal's mean is 0
    width = float(rng.exponential() * 10.0 ** int(rng.integers(-4, 3)))
    laws: list[Callable[..., Array]] = [
        lambda t, **k: fastinit.uniform_(t, low, low + width, **k),
        lambda t, **k: fastinit.normal_(t, low, width, **k),
        lambda t, **k: fastinit.trunc_normal_(t, 0.0, 1.0, low, low + width, **k),
        lambda t, **k: fastinit.trunc_normal_(t, low * 10, width, -1.0, 1.0, **k),
    ]
    return laws[int(rng.integers(2 if np.dtype(kind).kind == "c" else 4))]  # no complex one is truncated


def a_fill(rng: np.random.Generator) -> None:
    kind, shape, seed = KINDS[int(rng.integers(len(KINDS)))], shape_of(rng), int(rng.integers(2**63))
    law = law_of(rng, kind)
    fastinit.set_num_threads(1)
    wanted = law(np.empty(shape, kind), generator=seed)
    settings(rng)
    assert same(law(layout_of(rng, shape, kind), generator=seed), wanted)


def a_block(rng: np.random.Generator) -> None:
    kind, shape, seed = KINDS[int(rng.integers(len(KINDS)))], shape_of(rng), int(rng.integers(2**63))
    law = law_of(rng, kind)
    whole = law(np.empty(shape, kind), generator=seed)
    settings(rng)
    begin = [int(rng.integers(0, n + 1)) for n in shape]
    part = tuple(slice(b, int(rng.integers(b, n + 1))) for b, n in zip(begin, shape, strict=True))
    block = layout_of(rng, whole[part].shape, kind)
    law(block, generator=seed, global_shape=shape, offset=tuple(begin))
    assert same(block, whole[part])


def values_of(rng: np.random.Generator, shape: tuple[int, ...], kind: type) -> Array:
    """Any bits at all, in any layout."""
    array = layout_of(rng, shape, kind)
    if rng.random() < 0.5:
        array[...] = rng.normal(size=shape)
    else:
        array[...] = np.frombuffer(rng.bytes(int(np.prod(shape)) * array.dtype.itemsize), kind).reshape(shape)
    return array


def a_description(rng: np.random.Generator) -> None:
    kind = [np.float16, np.float32, np.float64, np.int8, np.int32, np.uint64, np.bool_][int(rng.integers(7))]
    array = values_of(rng, shape_of(rng), kind)
    fastinit.set_num_threads(1)
    wanted = fastinit.describe(np.ascontiguousarray(array.astype(kind)).reshape(array.shape))
    settings(rng)
    found = fastinit.describe(array)
    assert repr(found) == repr(wanted) and found.size == array.size
    if array.ndim > 1 and array.size:
        row = int(rng.integers(array.shape[0]))
        assert repr(fastinit.describe(array, by=0)[row].rms) == repr(fastinit.describe(array[row]).rms)


def a_ufunc(rng: np.random.Generator) -> None:
    names = ["sigmoid", "dsigmoid", "tanh", "dtanh", "sigmoid_backward", "tanh_backward"]
    function = getattr(fastinit, names[int(rng.integers(len(names)))])
    kind, shape = KINDS[int(rng.integers(3))], shape_of(rng)
    inputs = [values_of(rng, shape, kind) for _ in range(function.nin)]
    _core.use_level("baseline")
    wanted = function(*[np.ascontiguousarray(x.astype(kind)).reshape(shape) for x in inputs])
    settings(rng)
    out = inputs[0] if rng.random() < 0.2 and inputs[0].dtype.isnative else layout_of(rng, shape, kind)
    function(*inputs, out=out)
    assert same(out, np.asarray(wanted))


def a_generator(rng: np.random.Generator) -> None:
    generator = fastinit.Generator(int(rng.integers(2**63)))
    for _ in range(int(rng.integers(9))):
        fastinit.normal_(np.empty(3), generator=generator)
    state = generator.get_state()
    again = fastinit.Generator().set_state(state)
    assert same(fastinit.normal_(np.empty(9), generator=generator), fastinit.normal_(np.empty(9), generator=again))
    assert generator == again and generator.spawn(3) == again.spawn(3)
    fastinit.sparse_(
        np.empty((int(rng.integers(1, 99)), int(rng.integers(1, 99)))), float(rng.random()), generator=again
    )


def nonsense(rng: np.random.Generator) -> None:
    """Anything as any argument: an exception that is no crash."""
    things: list[object] = [
        None, 0, -1, 2**70, 1.5, float("nan"), float("inf"), "frog", b"", (), (3,), (2**63,), [1, 2], [1], {},
        object(), np.empty(3), np.empty((2, 3), np.float32)[:, ::2], np.empty(3, object), np.empty(0), np.array(1.0),
        np.broadcast_to(np.float32(1), (3, 3)), np.empty(2, "f4,f4"), np.empty(2, np.longdouble), *_core.DTYPES,
        _core.Moments(range(9)),
    ]  # fmt: skip
    calls = [
        getattr(_core, name) for name in dir(_core) if name[0].islower() and name not in ("set_threads", "use_level")
    ]
    calls += [getattr(fastinit, name) for name in dir(fastinit) if name.endswith("_") and name[0] != "_"]
    call = calls[int(rng.integers(len(calls)))]
    arguments = [things[int(rng.integers(len(things)))] for _ in range(int(rng.integers(0, 10)))]
    if call is _core.sparse_mask:  # any size is allowed, and its memory asked for
        arguments = [int(rng.integers(0, 70)) for _ in arguments]
    with contextlib.suppress(TypeError, ValueError, OverflowError, AttributeError, MemoryError):
        call(*arguments)


KINDS_OF_CALL = (a_fill, a_block, a_description, a_ufunc, a_generator, nonsense)


def strike(_number: int, _frame: FrameType | None) -> None:
    raise Struck


def fuzz(seconds: float, seed: int) -> Counter[str]:
    """Calls of every kind until the time is over; how many there were."""
    done: Counter[str] = Counter()
    signal.signal(signal.SIGALRM, strike)
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        number += 1
        rng = np.random.default_rng([seed, number])
        kind = KINDS_OF_CALL[int(rng.integers(len(KINDS_OF_CALL)))]
        struck = rng.random() < 0.2
        try:
            try:
                if struck:
                    signal.setitimer(signal.ITIMER_REAL, float(rng.uniform(1e-5, 3e-2)))
                kind(rng)
            finally:
                signal.setitimer(signal.ITIMER_REAL, 0)
        except Struck:
            done["struck by a signal"] += 1
        except Exception:
            print(f"WRONG: seed {seed}, number {number}: {kind.__name__}", flush=True)
            raise
        done[kind.__name__] += 1
    return done


def every_call() -> Iterator[Callable[[], object]]:
    """The public functions and the core's, each where it succeeds and where it fails."""
    plain, strided = np.ones((8, 9), np.float32), np.ones((60, 140), np.float32)[:, ::2]
    generator, dtype, state = fastinit.Generator(1), _core.DTYPES[0], [1, 2]
    moments = _core.describe(plain, dtype)[0]
    for array in (plain, strided, plain[0], plain.astype(np.float16).T, np.ones((3, 3), np.complex64), [1.0]):
        for name in sorted(name for name in dir(fastinit) if name.endswith("_") and name[0] not in "_l"):
            call = getattr(fastinit, name)
            given: dict[str, object] = (
                {"sparsity": 0.5} if name == "sparse_" else {"val": 2} if name == "constant_" else {}
            )
            yield partial(call, array, **given)
            yield partial(call, array, frog=1)
        yield partial(fastinit.normal_, array, std=-1, generator=generator)
        yield partial(fastinit.describe, array)
        yield partial(fastinit.describe, array, by=0)
        for name in ("sigmoid", "dtanh"):
            yield partial(getattr(fastinit, name), array)
            yield partial(getattr(fastinit, name), array, out=3)
    yield from (
        lambda: _core.fill_normal(plain, dtype, 0.0, 1.0, 1, 2, None, None),
        lambda: _core.fill_uniform(strided, dtype, 0.0, 1.0, 1, 2, (60, 70), (7, 7)),
        lambda: _core.fill_truncated(plain, dtype, 0.0, 1.0, -2.0, 10**400, 1, 2, None, None),
        lambda: _core.fill_normal(plain, dtype, 0.0, object(), 1, 2, None, None),
        lambda: _core.fill_normal(plain, None, 0.0, 1.0, 1, 2, None, None),
        lambda: _core.fill_normal(plain, dtype, 0.0, 1.0, 1, 2, (2**70, 1), (0, 0)),
        lambda: _core.describe_rows(plain, dtype, 1), lambda: _core.describe_rows(plain, dtype, 9),
        lambda: _core.describe(strided, None), lambda: _core.merge(moments, moments), lambda: _core.merge(moments, 1),
        lambda: _core.take(state), lambda: _core.take([1, "frog"]), lambda: _core.take([1]), lambda: _core.plain(3),
        lambda: _core.levels(), lambda: _core.use_level("frog"), lambda: _core.set_threads(10**400),
        lambda: _core.words(1, 2, 3), lambda: _core.words(1), lambda: _core.threefry4x32((1, 2, 3, 4), (5, 6, 7, 8)),
        lambda: _core.sparse_mask(1, 2, 50, 70, 2), lambda: _core.sparse_mask(1, 2, 5, 5, 6),
        lambda: _core.truncated_moments(-2.0, 2.0), lambda: _core.elementary(1.0), lambda: _core.elementary("frog"),
        lambda: generator.spawn(2), lambda: generator.fold_in("name"), lambda: generator.set_state({}),
    )  # fmt: skip


def quietly(call: Callable[[], object]) -> bool:
    """Whether memory was short."""
    try:
        call()
    except MemoryError:
        return True
    except Exception:
        pass
    return False


class Heap(ctypes.Structure):
    """glibc's struct mallinfo2."""

    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    ]


def leaks(times: int) -> int:
    """Every call many times over: neither Python's blocks nor the heap grow in each of three rounds."""
    mallinfo = ctypes.CDLL(None).mallinfo2
    mallinfo.restype = Heap

    def grown(call: Callable[[], object]) -> tuple[int, int]:
        blocks, heap = sys.getallocatedblocks(), mallinfo().uordblks
        for _ in range(times):
            quietly(call)
        gc.collect()
        return sys.getallocatedblocks() - blocks, mallinfo().uordblks - heap

    calls = list(every_call())
    gc.collect()
    gc.freeze()  # which makes collecting cheap
    for number, call in enumerate(calls):
        for _ in range(20):
            quietly(call)
        rounds = [grown(call) for _ in range(3)]
        assert min(blocks for blocks, _ in rounds) < times / 2, f"call {number} leaks objects: {rounds}"
        assert min(heap for _, heap in rounds) < 8 * times, f"call {number} leaks memory: {rounds}"
    gc.unfreeze()
    return len(calls)


SHIM = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t);
_Thread_local long fail_after = -1;
static int fails(void *caller) { /* of what fastinit._core asks for, none but that one */
    Dl_info from;
    if (fail_after < 0 || !dladdr(caller, &from) || !strstr(from.dli_fname, "_core")) return 0;
    if (!strstr(from.dli_fname, "fastinit")) return 0;
    return fail_after-- == 0;
}
void fail_at(long n) { fail_after = n; }
long left(void) { return fail_after; }
void *malloc(size_t n) { return fails(__builtin_return_address(0)) ? NULL : __libc_malloc(n); }
void *calloc(size_t n, size_t size) { return fails(__builtin_return_address(0)) ? NULL : __libc_calloc(n, size); }
"""


def short_memory() -> tuple[int, int]:
    """Each allocation in turn fails, of the core's own and of Python's; how many did."""
    testcapi = importlib.import_module("_testcapi")  # of CPython's own tests, where they were built

    shim = ctypes.CDLL(os.environ["FASTINIT_SHIM"])
    own = pythons = 0
    for call in every_call():
        for n in range(30):
            shim.fail_at(n)
            failed = quietly(call)
            reached = shim.left() < 0
            shim.fail_at(-1)
            assert failed or not reached, "the core was refused memory, and did not say so"
            own += failed
            if not reached:
                break
        for n in range(200):
            testcapi.set_nomemory(n, n + 1)
            try:
                failed = quietly(call)
            finally:
                testcapi.remove_mem_hooks()
            pythons += failed
            if not failed and n > 60:
                break
    return own, pythons


def few_threads() -> None:
    """Where no thread can be had the calling one does it all. (Root has no limit: as another user.)"""
    wanted = fastinit.normal_(np.empty(10**6), generator=1).tobytes()
    pid = os.fork()
    if pid == 0:
        if os.getuid() == 0:
            os.setuid(12345)
        resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
        try:
            threading.Thread(target=int).start()
            os._exit(2)
        except RuntimeError:
            fastinit.set_num_threads(8)
            os._exit(fastinit.normal_(np.empty(10**6), generator=1).tobytes() != wanted)
    assert os.waitpid(pid, 0)[1] == 0, "threads could be had, or the values differ without"


def main(seconds: str = "60", seed: str = "1") -> None:
    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    sanitized = "asan" in os.environ.get("LD_PRELOAD", "")
    done = fuzz(float(seconds), int(seed))
    print(
        f"fuzzed for {seconds} s from seed {seed}: " + ", ".join(f"{n} {kind}" for kind, n in sorted(done.items())),
        flush=True,
    )
    few_threads()
    print("no thread to be had: the same values", flush=True)
    if sanitized:
        return
    fastinit.set_num_threads(1)
    if platform.libc_ver()[0] == "glibc":
        print(f"{leaks(200)} calls 600 times each: nothing leaks", flush=True)
    own, pythons = short_memory()
    print(f"allocations that failed: {own} of the core's, {pythons} of Python's: each was said", flush=True)


def with_shim() -> int:
    """This script again, with an allocator that can be told to fail."""
    with tempfile.TemporaryDirectory() as folder:
        source, shim = Path(folder) / "shim.c", Path(folder) / "shim.so"
        source.write_text(SHIM, encoding="utf-8")
        compiler = shutil.which("cc")
        assert compiler, "a C compiler is needed"
        subprocess.run([compiler, "-shared", "-fPIC", source, "-o", shim, "-ldl"], check=True)
        environment = {**os.environ, "LD_PRELOAD": str(shim), "FASTINIT_SHIM": str(shim)}
        return subprocess.run([sys.executable, *sys.argv], env=environment).returncode


if __name__ == "__main__":
    if "LD_PRELOAD" not in os.environ:
        sys.exit(with_shim())
    main(*sys.argv[1:])
