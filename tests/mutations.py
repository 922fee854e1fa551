"""Show that the checks can fail: break the code in one place at a time, run the tests that should notice, see red.

Run: make test-mutations. Works on a copy; prints one line a mutation; exits with an error if one goes unnoticed.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
MUTATIONS = [  # file, what stands there, what is put there, the tests that must turn red
    ("csrc/core/words.h", "FI_MIX_EVEN(13, 27)",
     "FI_MIX_EVEN(13, 28)", "test_transforms.py::test_words_are_the_twins"),
    ("csrc/core/kernels.h", "b[v] ^ (b[v] >> 9)",
     "b[v] ^ (b[v] >> 8)", "test_transforms.py::test_words_are_the_twins"),
    ("csrc/core/kernels.h", "-0.825930119f * y",
     "-0.8f * y", "test_transforms.py::test_normal"),
    ("csrc/core/kernels.h", "0u - (b >> 30 & 1u)",
     "0u - (b >> 31 & 1u)", "test_statistics.py::test_box_muller_pairs_are_independent"),
    ("csrc/core/kernels.h", "(fi_veci)words >> 7 | 1",
     "(fi_veci)words >> 7", "test_transforms.py::test_uniform"),
    ("csrc/core/truncated.c", "dist->v_hi = 2.0 * fi_upper_tail(beta)",
     "dist->v_hi = 2.001 * fi_upper_tail(beta)", "test_transforms.py::test_truncated_normal"),
    ("csrc/core/truncated_kernels.h", "return odd * x + even;",
     "return odd * x + even * 1.001f;", "test_statistics.py::test_law"),
    ("csrc/core/convert.h", "0x7fffu + (bits >> 16 & 1u)",
     "0x7fffu", "test_golden.py"),
    ("csrc/core/parallel.c", "_mm_setcsr((unsigned)saved)",
     "(void)saved", "test_concurrency.py::test_flush_to_zero_is_put_aside_and_put_back"),
    ("csrc/core/parallel.c", "(void)fi_modes_enter();",
     "", "test_concurrency.py::test_flush_to_zero_is_put_aside_and_put_back"),
    ("csrc/core/activations.h", "0.24022651020901614", "0.24022751020901614", "test_activations.py"),
    ("csrc/core/activations.h", "x < 0x1p-12 ? small : large", "large", "test_activations.py"),
    ("csrc/core/activations.h", "mend = tail[i]", "mend = 0.0 * tail[i]", "test_activations.py"),
    ("csrc/ext/ufuncs.c", "fi_modes_leave(saved);", "(void)saved;", "test_activations.py"),
    ("csrc/core/describe.c", "6.0 * square * (p * p", "5.9 * square * (p * p", "test_describe.py"),
    ("csrc/core/describe.c", "first + sum / 64.0", "0.0", "test_describe.py"),
    ("csrc/core/describe.h", ">> 20", ">> 19 & 4095", "test_describe.py"),
    ("csrc/ext/rows.c", "from += (left - 1) * step", "from += 0 * step", "test_describe.py"),
    ("csrc/ext/rows.c", "(int64_t)(bits << unused) >> unused", "(int64_t)bits", "test_describe.py"),
    ("csrc/ext/describe.c", "left -= *count;", "left -= 2 * *count;", "test_describe.py"),
    ("python/fastinit/_core.pyi", "    low: float,\n", "    least: float,\n", "test_stub.py"),
    ("python/fastinit/networks.py", "grad * (z > 0)", "grad * (z > 1)", "test_probe.py"),
    ("python/fastinit/networks.py", "grad = dz @ layer.matrix.T", "grad = grad @ layer.matrix.T", "test_probe.py"),
    ("python/fastinit/mean_field.py", "squares[-1] += max(", "squares[-1] += 0 * max(", "test_probe.py"),
    ("python/fastinit/probing.py", "following.fan_out * slope", "following.fan_in * slope", "test_probe.py"),
    ("python/fastinit/probing.py", "n for n in seen.values() if n > 1", "0 for n in seen.values() if n > 1", "test_probe.py"),
    ("python/fastinit/tracing.py", "handle.remove()", "pass", "test_probe.py"),
    ("python/fastinit/tracing.py", "stack.enter_context(torch.random.fork_rng(devices=[]))", "pass", "test_probe.py"),
    ("python/fastinit/tracing.py", "buffer.copy_(values)", "pass", "test_probe.py"),
    ("csrc/core/sparse.c", "fi_sfc32_next(generator) * rows",
     "fi_sfc32_next(generator) * (rows - rows / 8)", "test_statistics.py::test_sparse_counts_and_places"),
    ("csrc/ext/layout.c", "begin * a->in_stream)",
     "begin * a->in_stream + (begin > 0))", "test_fills.py"),
    ("csrc/ext/layout.c", "(uint64_t)(begin * step)",
     "(uint64_t)((int)begin * step)", "test_fills.py::test_large_blocks_of_an_enormous_tensor"),
    ("csrc/ext/tasks.c", "= PyErr_CheckSignals();",
     "= 0;", "test_fills.py::test_interrupt_ends_a_long_fill"),
    ("csrc/ext/tasks.c", "return getpid() == watch->process ? watch->interrupted : FI_FORKED;",
     "return watch->interrupted;", "test_interrupts.py::test_a_fork_in_a_handler"),
    ("csrc/ext/tasks.c", "n > 1 && on_main_thread(watch.process)",
     "n > 1", "test_interrupts.py::test_a_daemon_thread_at_the_interpreters_end"),
    ("csrc/core/parallel.c", "sigdelset(&blocked, FAULTS[i])",
     "(void)FAULTS[i]", "test_interrupts.py::test_a_fault_says_what_it_is"),
    ("csrc/ext/ufuncs.c", "m = chained ? 1 :", "m =", "test_activations.py"),
    ("csrc/ext/describe.c", "moved += sum;", "moved += sum / 2;", "test_describe.py::test_bins_of_many_values"),
    ("csrc/ext/tools.c", "    PyObject *key = PyTuple_Pack(2,",
     "    Py_INCREF(state);\n    PyObject *key = PyTuple_Pack(2,", "test_concurrency.py::test_nothing_leaks"),
    ("csrc/ext/tools.c", "PyLong_FromUnsignedLongLong(number + 1)",
     "PyLong_FromUnsignedLongLong(number + number % 2)", "test_generator.py"),
    ("python/fastinit/fans.py", "\"IO...\": (0, 1, 0)",
     "\"IO...\": (1, 0, 0)", "test_layers.py::test_compute_fans"),
    ("python/fastinit/initializers.py", "/ _TRUNCATED_STD",
     "/ 1.0", "test_statistics.py::test_law"),
    ("python/fastinit/initializers.py", "math.sqrt(scale / fan)",
     "math.sqrt(scale / fan) * 1.01", "test_statistics.py::test_law"),
    ("python/fastinit/initializers.py", "return q if rows >= columns",
     "return abs(q) if rows >= columns", "test_layers.py::test_orthogonal"),
    ("python/fastinit/generator.py", "key=seed.to_bytes(8, \"little\")",
     "key=b\"k\"", "test_generator.py"),
    ("python/fastinit/registry.py", "1.5925374197228314",
     "1.5925374197229314", "test_gains.py::test_named_gains_are_exact"),
    ("python/fastinit/tensors.py", "    if _overlaps_itself(tensor):",
     "    if False:", "test_arguments.py::test_memory_that_cannot_be_filled"),
    ("python/fastinit/config.py", "min(cpus, quota)",
     "64", "test_config.py::test_threads_follow_the_affinity"),
    ("python/fastinit/initializers.py", "np.where(size == 0, 1, diagonal / np.where(size == 0, 1, size))",
     "1", "test_statistics.py::test_orthogonal_is_haar"),
    ("notebooks/source/02-one-unit-a-layer.py", "7.157e-07",
     "7.080e-07", "test_notebooks.py::test_every_claim_holds_and_exercises_are_judged"),
    ("python/fastinit/gains.py", "\"relu\": math.sqrt(2.0)",
     "\"relu\": math.sqrt(2.2)", "test_notebooks.py::test_every_claim_holds_and_exercises_are_judged"),
    ("notebooks/build.py", "({*ANSWERS} - {answer})",
     "{answer}", "test_notebooks.py"),
    ("python/fastinit/probing.py", "saturated: tuple[float, float] = (0.15, 0.40)",
     "saturated: tuple[float, float] = (0.16, 0.40)", "test_docs.py::test_thresholds_are_the_codes"),
    ("docs/check_site.py", "found.append(f\"{path.relative_to(site)}: fetches {address}, from outside\")",
     "pass", "test_docs.py::test_check_of_the_site_can_fail"),
]  # fmt: skip


def build(copy: Path) -> None:
    command = [sys.executable, "setup.py", "-q", "build_clib", "build_ext", "--inplace"]
    subprocess.run(command, cwd=copy, check=True, capture_output=True)


def red(copy: Path, test: str) -> bool:
    command = [sys.executable, "-m", "pytest", "-q", "-x", f"tests/{test}"]
    done = subprocess.run(command, cwd=copy, env={**os.environ, "PYTHONPATH": "python"}, capture_output=True, text=True)
    if done.returncode not in (0, 1):
        sys.exit(f"pytest could not run {test}:\n{done.stdout}{done.stderr}")
    return done.returncode == 1


def main() -> int:
    unnoticed = 0
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(scratch) / "fastinit"
        leave_out = shutil.ignore_patterns(".git", "build", "out", ".venv*", "*.so", "__pycache__")
        shutil.copytree(ROOT, copy, ignore=leave_out)
        build(copy)
        for file, old, new, test in MUTATIONS:
            path, text = copy / file, (copy / file).read_text()
            if old not in text:
                sys.exit(f"{file} has no {old!r}: bring tests/mutations.py up to date")
            path.write_text(text.replace(old, new, 1))
            if file.startswith("csrc"):
                build(copy)
            noticed = red(copy, test)
            unnoticed += not noticed
            print(
                f"{'noticed  ' if noticed else 'UNNOTICED'}  {file}: {old.strip()} -> {new.strip()} ({test})",
                flush=True,
            )
            path.write_text(text)
            if file.startswith("csrc"):
                build(copy)
    print(f"{len(MUTATIONS)} mutations, {unnoticed} unnoticed")
    return unnoticed


if __name__ == "__main__":
    sys.exit(main())
