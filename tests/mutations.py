"""Show that the checks can fail: break the code in one place at a time, run the tests that should notice, see red.

Run: make test-mutations, or python tests/mutations.py csrc/core/words.h ... for those of some files. Works on copies,
two at once; prints one line a mutation; exits with an error if one goes unnoticed. tests/test_mutations.py holds the
table to the code every day.
"""

import os
import queue
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).parent.parent
MUTATIONS = [  # file, what stands there, what is put there, the tests that must turn red
    ("csrc/core/words.h", "FI_MIX_ODD(23, 5), FI_INJECT(1)",
     "FI_MIX_ODD(23, 6), FI_INJECT(1)", "test_transforms.py::test_words_are_the_twins"),
    ("csrc/core/kernels/lanes.h", "b[v] ^ (b[v] >> 9)",
     "b[v] ^ (b[v] >> 8)", "test_transforms.py::test_words_are_the_twins"),
    ("csrc/core/constants/logarithm.h", "-0.8259301f",
     "-0.8f", "test_transforms.py::test_normal"),
    ("csrc/core/normal.h", "return b >> 30 & 1u;",
     "return b >> 31 & 1u;", "test_statistics.py::test_box_muller_pairs_are_independent"),
    ("csrc/core/uniform.h", "(int32_t)word >> 7 | 1",
     "(int32_t)word >> 7", "test_transforms.py::test_uniform"),
    ("csrc/core/truncated.c", "dist->centre.v_hi = 2.0 * fi_upper_tail(beta)",
     "dist->centre.v_hi = 2.001 * fi_upper_tail(beta)", "test_transforms.py::test_truncated_normal"),
    ("csrc/core/elementary.h", "FI_HORNER_F32(FI_PROBIT_NARROW_EVEN_F32, v);",
     "FI_HORNER_F32(FI_PROBIT_NARROW_EVEN_F32, v) * 1.001f;", "test_statistics.py::test_law"),
    ("csrc/core/kernels/fill_tpl.h", "skip < at + STRIP ? skip - at", "skip < at + STRIP ? 0", "test_golden.py"),
    ("csrc/core/half.h", "0x7fffu + (bits >> 16 & 1u)",
     "0x7fffu", "test_golden.py"),
    ("csrc/core/modes.c", "_mm_setcsr((unsigned)saved)",
     "(void)saved", "test_concurrency.py::test_flush_to_zero_is_put_aside_and_put_back"),
    ("csrc/core/parallel.c", "(void)fi_modes_enter();",
     "", "test_concurrency.py::test_flush_to_zero_is_put_aside_and_put_back"),
    ("csrc/core/constants/exponential.h", "0.24022651020901614", "0.24022751020901614", "test_activations.py"),
    ("csrc/core/activations.h", "x < 0x1p-12 ? small : large", "large", "test_activations.py"),
    ("csrc/core/activations.h", "mend = tail[i]", "mend = 0.0 * tail[i]", "test_activations.py"),
    ("csrc/ext/ufuncs.c", "fi_modes_leave(saved);", "(void)saved;", "test_activations.py"),
    ("csrc/ext/ufuncs.c", "gather(run_grad, grad + i * grad_step,",
     "gather(run_grad, grad,", "test_autograd.py::test_a_long_strided_upstream_gradient"),
    ("python/fastinit/autograd.py", "_set_fwd_grad_enabled(True)",
     "_set_fwd_grad_enabled(False)", "test_autograd.py::test_derivatives_are_right_in_the_tails"),
    ("python/fastinit/autograd.py", "g * along_g * _log_slope(z, ctx.f)",
     "along_g * _log_slope(z, ctx.f)", "test_autograd.py::test_upstream_gradients"),
    ("csrc/core/truncated.c", "? 7.0 : 9.0; /* beyond", "? 7.0 : 8.0; /* beyond",
     "test_statistics.py::test_where_a_truncated_normal_is_a_plain_one"),
    ("csrc/core/truncated.c", "apart < 0x1p-20 * farther ? apart : beta - alpha", "beta - alpha",
     "test_statistics.py::test_truncated_normals_far_from_their_mean"),
    ("csrc/core/truncated.c", "double below = in.alpha > 0.0 ? 0.0 :", "double below = in.alpha > 0.0 ? in.width :",
     "test_golden.py::test_digests_of_truncated_normals"),
    ("csrc/core/platform.c", "    pthread_sigmask(SIG_SETMASK, &blocked, &before);",
     "    pthread_sigmask(SIG_SETMASK, NULL, &before);", "test_interrupts.py::test_workers_block_signals"),
    ("csrc/ext/tools.c", ".parts = 1 + rows / SPARSE_TASK",
     ".parts = 1", "test_interrupts.py::test_a_signal_is_answered_soon"),
    ("csrc/ext/tools.c", "PyArray_ISCARRAY((PyArrayObject *)object)",
     "PyArray_IS_C_CONTIGUOUS((PyArrayObject *)object)",
     "test_fills.py::test_the_fast_way_in_is_for_aligned_memory"),
    ("csrc/core/moments.c", "6.0 * square * (p * p", "5.9 * square * (p * p", "test_describe.py"),
    ("csrc/core/moments.c", "first + sum / 64.0", "0.0", "test_describe.py"),
    ("csrc/core/bins.h", "fi_bits_f32(x) >> 20", "fi_bits_f32(x) >> 19 & 4095", "test_describe.py"),
    ("csrc/ext/rows.c", "from += (left - 1) * step",
     "from += 0 * step", "test_describe.py::test_layouts_levels_and_threads_give_the_same_bits"),
    ("csrc/ext/rows.c", "(int64_t)(bits << unused) >> unused", "(int64_t)bits", "test_describe.py"),
    ("csrc/ext/describe.c", "left -= *count;", "left -= 2 * *count;", "test_describe.py"),
    ("python/fastinit/_core.pyi", "    std: float,\n    low: float,\n",
     "    std: float,\n    least: float,\n", "test_stub.py"),
    ("python/fastinit/activations.py", "gradient * (z > 0)", "gradient * (z > 1)", "test_networks.py"),
    ("python/fastinit/networks.py", "grad = dz @ layer.matrix.T",
     "grad = grad @ layer.matrix.T", "test_networks.py"),
    ("python/fastinit/theory.py", "squares[-1] += max(", "squares[-1] += 0 * max(", "test_theory.py"),
    ("python/fastinit/probing/expectation.py", "following.fan_out * slope",
     "following.fan_in * slope", "test_theory.py"),
    ("python/fastinit/probing/torch_driver.py", "stack.callback(module.register_forward_hook(self._leave).remove)",
     "pass", "test_probe_torch.py"),
    ("python/fastinit/guard.py", "partial(random.setstate, random.getstate()),", "", "test_guard.py"),
    ("python/fastinit/guard.py", "partial(_rewrite, raw, raw.clone())", "partial(len, ())", "test_guard.py"),
    ("python/fastinit/guard.py", "continue  # the same undo once more", "pass", "test_guard.py"),
    ("python/fastinit/models/calls.py", "new_empty new_zeros new_ones\"\n    )",
     "new_empty new_zeros new_ones type\"\n    )", "test_patch.py::test_a_reader_sees_what_was_drawn"),
    ("python/fastinit/models/recipe.py", "    if not _fill_all(shape, steps):\n        return None\n",
     "", "test_recipe.py::test_boxes_computed_values_and_what_is_not_known"),
    ("python/fastinit/models/names.py", "wrapped = child in _WRAPPED",
     "wrapped = child in ()", "test_recipe.py::test_a_layer_more_changes_no_other_and_wrapping_changes_no_key"),
    ("python/fastinit/models/filling.py", "stream += isinstance(step, (Draw, Own))",
     "stream += 0", "test_recipe.py::test_boxes_computed_values_and_what_is_not_known"),
    ("python/fastinit/models/filling.py", "        plan = [computed(one) for one in plan]\n",
     "", "test_recipe.py::test_what_is_wrong_is_said_and_nothing_is_filled"),
    ("python/fastinit/models/filling.py", "now.setdefault(id(before), new)",
     "new", "test_deferred.py::test_meta_is_made_on_the_device_that_is_asked_for"),
    ("python/fastinit/models/filling.py", "begin = [a - b for a, b in zip(low, box.begin, strict=True)]",
     "begin = [0 for a in low]", "test_safetensors.py::test_buffers_and_shards_change_no_value"),
    ("python/fastinit/models/asking.py",
     "            vars(module).clear()\n            vars(module).update(attributes)\n",
     "", "test_recipe.py::test_boxes_computed_values_and_what_is_not_known"),
    ("python/fastinit/models/deferred.py", "            waiting.plans.clear()", "            pass",
     "test_deferred.py::test_an_error_while_building_draws_nothing"),
    ("python/fastinit/models/disk.py", "            path.unlink(missing_ok=True)", "            pass",
     "test_safetensors.py::test_a_full_disk_leaves_nothing"),
    ("python/fastinit/models/presets.py", "0.87 * (encoder**4 * decoder) ** (-1 / 16)",
     "0.87 * (encoder**4 * decoder) ** (1 / 16)", "test_presets.py::test_deepnorm"),
    ("python/fastinit/models/calls.py", "_methods(\n    \"numpy __array__ data_ptr",
     "_methods(\n    \"data_ptr", "test_patch.py::test_a_reader_sees_what_was_drawn"),
    ("python/fastinit/models/hearing.py", "    waiting.carry_out(hit)\n",
     "    pass\n", "test_patch.py::test_a_reader_sees_what_was_drawn"),
    ("python/fastinit/models/hearing.py", "put_off = waiting.append",
     "put_off = waiting.replace", "test_patch.py::test_parts_and_views_and_calls_with_numbers"),
    ("python/fastinit/models/waiting.py", "if self.storage.expired():", "if False:",
     "test_patch.py::test_what_is_overwritten_or_freed_unread_is_never_drawn"),
    ("python/fastinit/models/waiting.py", "    return tensor.is_contiguous() or apart(tensor)", "    return True",
     "test_patch.py::test_zeros_and_ones_of_any_size"),
    ("python/fastinit/models/silent.py", "telling if _listeners else silent",
     "telling", "test_patch.py::test_no_trace_is_left_after_an_exception"),
    ("csrc/core/sparse.c", "fi_sfc32_next(generator) * rows",
     "fi_sfc32_next(generator) * (rows - rows / 8)", "test_statistics.py::test_sparse_counts_and_places"),
    ("csrc/ext/layout.c", "begin * a->in_stream)",
     "begin * a->in_stream + (begin > 0))", "test_fills.py"),
    ("csrc/ext/layout.c", "(uint64_t)(begin * step)",
     "(uint64_t)((int)begin * step)", "test_fills.py::test_large_blocks_of_an_enormous_tensor"),
    ("csrc/ext/tasks.c", "= PyErr_CheckSignals();",
     "= 0;", "test_interrupts.py::test_a_signal_is_answered_soon"),
    ("csrc/ext/tasks.c", "return fi_process() == watch->process ? watch->interrupted : FI_FORKED;",
     "return watch->interrupted;", "test_interrupts.py::test_a_fork_in_a_handler"),
    ("csrc/ext/tasks.c", "is_long && on_main_thread(watch.process)",
     "is_long", "test_interrupts.py::test_a_daemon_thread_at_the_interpreters_end"),
    ("csrc/core/platform.c", "sigdelset(&blocked, FAULTS[i])",
     "(void)FAULTS[i]", "test_interrupts.py::test_a_fault_says_what_it_is"),
    ("csrc/core/platform.c", "LEAF7_BMI2 = 1 << 8", "LEAF7_BMI2 = 1 << 22",
     "test_config.py::test_the_levels_are_those_of_the_processor"),
    ("csrc/ext/ufuncs.c", "m = chained ? 1 :", "m =", "test_activations.py"),
    ("csrc/ext/describe.c", "table[i * FI_BIN_TABLE + bin] = 0",
     "(void)0", "test_describe.py::test_bins_of_many_values"),
    ("csrc/ext/tools.c", "    if (fi_take(state, &key) < 0) return NULL;",
     "    if (fi_take(Py_NewRef(state), &key) < 0) return NULL;", "test_concurrency.py::test_nothing_leaks"),
    ("csrc/ext/tools.c", "PyLong_FromUnsignedLongLong(key->stream + 1)",
     "PyLong_FromUnsignedLongLong(key->stream + key->stream % 2)", "test_generator.py"),
    ("csrc/core/platform.c", "((uintptr_t)memory + page - 1) / page * page", "(uintptr_t)memory / page * page",
     "test_fills.py::test_huge_pages_are_wished_for_within_the_array_alone"),
    ("csrc/ext/door.c", "!is_whole(state, tensor, to) || ", "",
     "test_describe.py::test_a_storage_that_was_shrunk_below_its_view"),
    ("csrc/ext/door.c", "says(state, tensor, IS_NEG)", "0", "test_door.py::test_both_doors_agree"),
    ("csrc/ext/door.c", "truth_of(PyObject_CallNoArgs(door[FI_DISPATCH_MODES]), 1)",
     "0", "test_door.py::test_a_mode_of_torch_hears_the_fill"),
    ("csrc/ext/door.c", "memcpy(word, &x, sizeof x), kinds |= 1",
     "*word = (uint64_t)(int64_t)x", "test_door.py::test_settings_that_are_equal_but_not_the_same"),
    ("python/fastinit/initializers/fans.py", "\"IO...\": (0, 1, 0)",
     "\"IO...\": (1, 0, 0)", "test_layers.py::test_compute_fans"),
    ("python/fastinit/initializers/scaling.py", "/= _TRUNCATED_STD",
     "/= 1.0", "test_statistics.py::test_law"),
    ("python/fastinit/initializers/scaling.py", "math.sqrt(scale / fan)",
     "math.sqrt(scale / fan) * 1.01", "test_statistics.py::test_law"),
    ("python/fastinit/initializers/matrices.py", "(*offset[1:], offset[0])",
     "(offset[0], *offset[1:])", "test_orthogonal.py::test_blocks_are_the_wholes"),
    ("csrc/core/kernels/orthogonal_tpl.h", "(alone ? 1.0 : -1.0) / size",
     "-1.0 / size", "test_orthogonal.py::test_values_are_those_of_the_twin"),
    ("csrc/core/kernels/orthogonal_tpl.h", "square > 0.0 ? (REAL)(2.0 / square) : 1",
     "1", "test_orthogonal.py::test_rows_or_columns_are_orthonormal"),
    ("csrc/core/orthogonal.c", "w->at * up_to_blocks(height)",
     "0", "test_orthogonal.py::test_values_are_those_of_the_twin"),
    ("python/fastinit/generator.py", "key=seed.to_bytes(8, \"little\")",
     "key=b\"k\"", "test_generator.py"),
    ("python/fastinit/generator.py", "    _from_entropy[:] =",
     "    _ =", "test_concurrency.py::test_a_default_generator_that_nobody_seeded_starts_anew_in_a_child"),
    ("python/fastinit/generator.py", "person=kind",
     "person=b\"name\"", "test_generator.py::test_names_numbers_and_spawned_children_are_never_the_same"),
    ("python/fastinit/statistics/result.py", "\"float8_e4m3\": (2.0**-10, 1.875 *",
     "\"float8_e4m3\": (2.0**-10, 2.0 *", "test_describe.py::test_where_values_begin_to_overflow"),
    ("python/fastinit/statistics/result.py", "\"float8_e5m2\": (2.0**-17, 1.875 *",
     "\"float8_e5m2\": (2.0**-17, 1.75 *", "test_describe.py::test_where_values_begin_to_overflow"),
    ("python/fastinit/statistics/result.py", "NEAR = (2.0**-150,",
     "NEAR = (2.0**-800,", "test_describe.py::test_moments_of_any_scale"),
    ("python/fastinit/statistics/describe.py", "if counts.subnormal and", "if False and",
     "test_describe.py::test_quantiles_lie_in_their_bin_far_off"),
    ("python/fastinit/initializers/filling.py", "elements >= 2**62",
     "elements >= 2**63", "test_arguments.py::test_bad_arguments"),
    ("python/fastinit/config.py", "-(-allowed // period)",
     "allowed // period", "test_config.py::test_threads_follow_a_quota_rounded_up"),
    ("python/fastinit/initializers/lsuv.py", "while not abs(variance - 1.0) <= self.tolerance",
     "while not abs(variance - 1.0) <= 2 * self.tolerance", "test_lsuv.py::test_the_tolerance"),
    ("python/fastinit/initializers/lsuv.py", "np.shares_memory(read(a).array, read(b).array)",
     "False", "test_lsuv.py::test_a_shared_weight_is_scaled_once"),
    ("python/fastinit/initializers/lsuv.py", "            tensor[...] = values\n        raise",
     "            pass\n        raise", "test_lsuv.py::test_a_sentence_names_the_layer_and_nothing_is_changed"),
    ("python/fastinit/initializers/lsuv.py", "if not step * step * of_weight >= 0.5",
     "if not step > 0.0", "test_lsuv.py::test_a_sentence_names_the_layer_and_nothing_is_changed"),
    ("python/fastinit/backends.py", "if room < (begin +",
     "if room < 0 * (begin +", "test_describe.py::test_a_storage_that_was_shrunk_below_its_view"),
    ("python/fastinit/activations.py", "1.5925374197228314",
     "1.5925374197229314", "test_gains.py::test_named_gains_are_exact"),
    ("python/fastinit/backends.py", "        if _overlaps_itself(tensor):",
     "        if False:", "test_arguments.py::test_memory_that_cannot_be_filled"),
    ("python/fastinit/config.py", "min(cpus, quota)",
     "64", "test_config.py::test_threads_follow_the_affinity"),
    ("csrc/core/kernels/orthogonal_tpl.h", "block->turn[0][c] = turn * re",
     "block->turn[0][c] = 1.0", "test_statistics.py::test_orthogonal_is_haar"),
    ("notebooks/source/02-one-unit-a-layer.py", "7.157e-07",
     "7.080e-07", "test_notebooks.py::test_every_claim_holds_and_exercises_are_judged"),
    ("python/fastinit/activations.py", "torch_gain=math.sqrt(2.0), fused",
     "torch_gain=math.sqrt(2.2), fused", "test_notebooks.py::test_every_claim_holds_and_exercises_are_judged"),
    ("notebooks/build.py", "({*ANSWERS} - {answer})",
     "{answer}", "test_notebooks.py"),
    ("python/fastinit/probing/rules.py", "Limit(-4.0, -8.0, -12.0)",
     "Limit(-4.0, -8.5, -12.0)", "test_docs.py::test_the_judges_rules_are_the_codes"),
    ("python/fastinit/probing/rules.py", 'f.kind == "symmetric" and (bad or any(map(only_way, evidence.twins)))',
     'f.kind == "symmetric" and bad', "test_probe.py::test_a_fault_is_found_and_its_healthy_twin_is_not"),
    ("python/fastinit/probing/evidence.py", "math.sqrt(2.0) * spread",
     "math.sqrt(4.0) * spread", "test_judge.py::test_a_step_that_is_known"),
    ("python/fastinit/probing/evidence.py", "bench.stepped(evidence.rate)",
     "bench.stepped(2 * evidence.rate)", "test_judge.py::test_a_step_that_is_known"),
    ("python/fastinit/probing/paths.py", "down[node] * up[node] % _PRIME == up[root]",
     "True", "test_judge.py::test_symmetric_in_a_branch_is_a_note"),
    ("python/fastinit/probing/trial.py", "(ADAM, rate), (ADAM, 10.0 * rate)",
     "(ADAM, rate)", "test_judge.py::test_what_a_trial_tries"),
    ("python/fastinit/sharding.py", "made.insert(before.index(cut.factor), ",
     "made.insert(0, ", "test_sharded.py::test_fsdp_over_tp_divides_what_tp_has_divided"),
    ("python/fastinit/sharding.py", "skip, left, kept = place * size, size, []",
     "skip, left, kept = place * size, size + 1, []", "test_sharded.py::test_the_parts_of_an_axis_are_the_axis"),
    ("python/fastinit/sharding.py", "slice(end - (b - a), end), a)",
     "slice(end - (b - a), end), of_axis[0][0])", "test_sharded.py::test_every_placement_is_torchs"),
    ("python/fastinit/sharding.py", "if placement.is_partial():",
     "if False:", "test_sharded.py::test_what_cannot_be_filled_says_so_and_stays"),
    ("python/fastinit/sharding.py", "tuple(map(operator.add, begin, offset))",
     "offset", "test_sharded.py::test_a_dtensor_is_filled_as_a_tensor_is"),
    ("python/fastinit/sharding.py", "range(len(tensor.placements))",
     "range(1)", "test_sharded.py::test_every_placement_is_torchs"),
    ("python/fastinit/sharding.py", "place = mesh.get_coordinate()",
     "place = [0] * mesh.ndim", "test_sharded.py::test_two_ranks"),
    ("python/fastinit/devices.py", "b + along.start for b, along",
     "along.start for b, along", "test_devices.py::test_a_device_in_a_process_of_its_own"),
    ("python/fastinit/devices.py", "max(1, size // inner)",
     "max(1, size // inner) + 1", "test_devices.py::test_pieces_are_small_and_make_up_the_whole"),
    ("python/fastinit/initializers/filling.py", "step != 1 or max(end - begin, 0) != n",
     "step != 1", "test_sharded.py::test_slices_that_do_not_fit"),
    ("docs/check_site.py", "found.append(f\"{path.relative_to(site)}: fetches {address}, from outside\")",
     "pass", "test_docs.py::test_check_of_the_site_can_fail"),
    ("live/network.c", "dz[layer][0][i] += stream[0][i];", ";", "test_live.py::test_forward_and_backward"),
    ("live/network.c", "mean /= (float)width, along /= (float)width", "mean /= (float)width",
     "test_live.py::test_forward_and_backward"),
    ("live/network.c", "matrix[rows > columns ? ", "matrix[rows < columns ? ",
     "test_live.py::test_orthogonal_is_the_librarys"),
    ("live/network.c", "rms(slopes, n) /", "rms(w, n) /", "test_live.py::test_measures"),
    ("live/build.py", "slots[0] != slots[1]", "False", "test_live.py::test_texts_in_one_language_only_are_refused"),
]  # fmt: skip
BUILD, AT_ONCE = ("setup.py", "-q", "build_clib", "build_ext", "--inplace"), 2


class Copy:
    """A copy of the project, in which one mutation at a time is made and taken back."""

    def __init__(self, path: Path):
        leave_out = shutil.ignore_patterns(".git", "build", "out", ".venv*", "*.so", "__pycache__", ".*_cache")
        shutil.copytree(ROOT, path, ignore=leave_out)
        self.path, self.mutant_built = path, False
        self.run(*BUILD)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Python in the copy; no bytecode, which would outlive a mutant of the same size and second."""
        environment = {**os.environ, "PYTHONPATH": "python", "PYTHONDONTWRITEBYTECODE": "1"}
        command = [sys.executable, *arguments]
        done = subprocess.run(command, cwd=self.path, env=environment, capture_output=True, text=True)
        if done.returncode not in (0, 1):
            raise RuntimeError(f"{' '.join(arguments)} could not run:\n{done.stdout}{done.stderr}")
        return done

    def notices(self, file: str, old: str, new: str, test: str) -> bool:
        """Whether the test turns red with the mutation. What it compiled is built anew by the next one."""
        path, text = self.path / file, (self.path / file).read_text(encoding="utf-8")
        path.write_text(text.replace(old, new, 1), encoding="utf-8")
        try:
            compiled = file.startswith("csrc")
            if compiled or self.mutant_built:
                built = self.run(*BUILD)
                if built.returncode:
                    raise RuntimeError(f"{file} does not compile with {new!r}:\n{built.stderr}")
            self.mutant_built = compiled
            return self.run("-m", "pytest", "-q", "-x", f"tests/{test}").returncode == 1
        finally:
            path.write_text(text, encoding="utf-8")


def main(files: list[str]) -> int:
    chosen = [row for row in MUTATIONS if not files or row[0] in files]
    with tempfile.TemporaryDirectory() as scratch, ThreadPoolExecutor(AT_ONCE) as pool:
        copies: queue.SimpleQueue[Copy] = queue.SimpleQueue()
        for copy in pool.map(Copy, (Path(scratch) / str(i) for i in range(AT_ONCE))):
            copies.put(copy)

        def noticed(row: tuple[str, str, str, str]) -> bool:
            copy = copies.get()
            try:
                seen = copy.notices(*row)
            finally:
                copies.put(copy)
            file, old, new, test = row
            print(
                f"{'noticed  ' if seen else 'UNNOTICED'}  {file}: {old.strip()!r} -> {new.strip()!r} ({test})",
                flush=True,
            )
            return seen

        unnoticed = len(chosen) - sum(pool.map(noticed, chosen))
    print(f"{len(chosen)} mutations, {unnoticed} unnoticed")
    return unnoticed


if __name__ == "__main__":
    sys.exit(bool(main(sys.argv[1:])))
