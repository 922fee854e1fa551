"""Signals, forks, faults and the interpreter's end in the midst of a long call; each in a process of its own."""

import signal
import subprocess
import sys
import textwrap

import pytest

START = """
import os, signal, sys, threading, time
import numpy as np
import fastinit
fastinit.set_num_threads({threads})

def after(seconds, handler):  # of this process's own time, lest a busy machine matter
    signal.signal(signal.SIGPROF, handler)
    signal.setitimer(signal.ITIMER_PROF, seconds)
"""


def run(program: str, threads: int = 4, timeout: int = 120) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", START.format(threads=threads) + textwrap.dedent(program)]
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout)


LONG_CALLS = {
    "fill": "fastinit.normal_(array)",
    "tiled fill": "fastinit.normal_(array.reshape(2**13, -1).T)",
    "describe": "fastinit.describe(np.broadcast_to(np.float16(1), 2**31))",
    "describe rows": "fastinit.describe(np.broadcast_to(np.float32(1), (2**25, 4)), by=0)",
    "describe two rows": "fastinit.describe(np.broadcast_to(np.float16(1), (2, 2**30)), by=0)",
    "describe columns": "fastinit.describe(np.broadcast_to(np.float32(1), (2**25, 4)).T, by=0)",
    "orthogonal": "fastinit.orthogonal_(array.reshape(2**12, -1))",
    "orthogonal, long rows": "fastinit.orthogonal_(array[: 2**24].reshape(64, -1))",
    "sparse": "fastinit.sparse_(array.reshape(4096, -1), 0.5)",
    "sparse, long columns": "fastinit.sparse_(array.reshape(2**20, -1), 0.5)",
    "sparse, one column": "fastinit._core.sparse_mask(1, 2, 2**25, 1, 2**24)",
}


@pytest.mark.parametrize("call", LONG_CALLS.values(), ids=LONG_CALLS)
def test_a_signal_is_answered_soon(call: str) -> None:
    done = run(f"""
        class Answered(Exception): pass
        def handler(*_):
            latencies.append(time.process_time() - due)
            raise Answered
        array, latencies = np.ones(2**27, np.float32), []
        for pause in (0.1, 0.4, 0.5):  # whatever step of the call that is
            try:
                due = time.process_time() + pause
                after(pause, handler)
                while True:
                    {call}
            except Answered:
                pass
        print(*latencies)
        """)
    assert done.returncode == 0, done.stderr
    assert sorted(map(float, done.stdout.split()))[1] < 0.3, done.stdout


@pytest.mark.parametrize("call", ["normal_(array)", "normal_(array.reshape(2**13, -1).T)", "describe(array)"])
def test_a_daemon_thread_at_the_interpreters_end(call: str) -> None:
    for _ in range(2):
        done = run(f"""
            class Slow:
                def __del__(self, sleep=time.sleep):
                    sleep(0.5)
            array, slow = np.ones(2**27, np.float32), Slow()
            threading.Thread(target=lambda: [fastinit.{call} for _ in range(100)], daemon=True).start()
            time.sleep(0.05)
            """)
        assert done.returncode == 0, done.stderr


FORKS = {
    "fill": "fastinit.trunc_normal_(array, generator=1)",
    "tiled fill": "fastinit.trunc_normal_(array.reshape(2**13, -1).T, generator=1)",
    "describe": "result = (s := fastinit.describe(array)).moments, s.zero, s.bins.tobytes()",
    "describe rows": "result = fastinit.describe(array.reshape(2**10, -1), by=0).mean.tobytes()",
    "orthogonal": "result = fastinit.orthogonal_(np.empty((2**10, 2**10), np.float32).T, generator=1).tobytes()",
    "sparse mask": "result = _core.sparse_mask(1, 2, 4096, 2**13, 2048).tobytes()",
}


@pytest.mark.parametrize("call", FORKS.values(), ids=FORKS)
def test_a_fork_in_a_handler(call: str) -> None:
    """Parent and child both finish, each with the right values."""
    done = run(f"""
        from fastinit import _core
        children, result = [], None
        array = np.ones(2**26, np.float32)
        {call}
        wanted = hash(array.tobytes()), result
        if result is None:
            array[:] = 7
        while not children:
            after(0.01, lambda *_: children.append(os.fork()))
            {call}
            signal.setitimer(signal.ITIMER_PROF, 0)
        right = (hash(array.tobytes()), result) == wanted
        if children[0] == 0:
            os._exit(0 if right else 3)
        print(right, os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]))
        """)
    assert done.stdout == "True 0\n", done.stderr


def test_a_fork_in_a_handler_whose_child_exits() -> None:
    done = run("""
        children = []
        def handler(*_):
            children.append(os.fork())
            if not children[0]:
                sys.exit(5)
        array = np.ones(2**26, np.float32)
        while not children:
            after(0.01, handler)
            fastinit.trunc_normal_(array, generator=1)
        print(os.waitstatus_to_exitcode(os.waitpid(children[0], 0)[1]))
        """)
    assert done.stdout == "5\n", done.stderr


@pytest.mark.parametrize("threads", [1, 4])
def test_a_fault_says_what_it_is(threads: int) -> None:
    done = run(
        """
        import faulthandler, tempfile
        faulthandler.enable()
        with tempfile.NamedTemporaryFile() as file:
            array = np.memmap(file, np.float32, "w+", shape=2**22)
            os.truncate(file.name, 4096)
            fastinit.normal_(array)
        """,
        threads,
    )
    assert done.returncode == -signal.SIGBUS
    assert "Fatal Python error" in done.stderr  # and "Bus error", unless a second thread's ends the report


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_that_is_short_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thread's first describe wants a table; where there is no memory for it, that is a MemoryError."""
    monkeypatch.setenv("MALLOC_ARENA_MAX", "1")
    done = run("""
        import resource
        array, found = np.ones(10, np.float32), []
        fastinit.describe(array)  # what is imported late is here
        def work():
            start.wait()
            try:
                found.append(fastinit.describe(array).mean)
            except MemoryError:
                found.append(1.0)
        start = threading.Event()
        workers = [threading.Thread(target=work) for _ in range(8)]
        for worker in workers:
            worker.start()
        used = int(open("/proc/self/statm").read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        resource.setrlimit(resource.RLIMIT_AS, (used, resource.RLIM_INFINITY))
        held = []
        try:
            while True:
                held.append(bytes(20_000))
        except MemoryError:
            pass
        del held[-3:]  # room for the result, not for a table more
        start.set()
        for worker in workers:
            worker.join()
        resource.setrlimit(resource.RLIMIT_AS, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        print(found)
        """)
    assert (done.returncode, done.stdout) == (0, f"{[1.0] * 8}\n"), done.stderr


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc tells which signals a thread blocks")
def test_workers_block_signals() -> None:
    """So that a handler of the program's, in C too, runs on a thread of the program's."""
    done = run("""
        def blocked(thread):
            with open(f"/proc/self/task/{thread}/status") as status:
                said = dict(line.split(":", 1) for line in status)
            if int(said["Threads"]) == 0:
                raise ProcessLookupError  # it is ending: the kernel says 0 of everything
            return int(said["SigBlk"], 16)
        array, seen = np.ones(2**27, np.float32), set()
        filling = threading.Thread(target=lambda: [fastinit.normal_(array) for _ in range(3)])
        filling.start()
        before = {str(os.getpid()), str(filling.native_id)}
        while filling.is_alive():
            for thread in set(os.listdir("/proc/self/task")) - before:
                try:
                    seen.add(blocked(thread))
                except (FileNotFoundError, ProcessLookupError):
                    pass
            time.sleep(0.001)
        wanted = {signal.SIGINT, signal.SIGTERM, signal.SIGALRM, signal.SIGUSR1, signal.SIGCHLD}
        print(len(seen) > 0, all(mask >> s - 1 & 1 for mask in seen for s in wanted))
        """)
    assert done.stdout.split() == ["True", "True"], done.stderr
