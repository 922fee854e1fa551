/* The extension module fastinit._core: multi-phase initialisation, module state, the list of functions. */
#define FI_IMPORTS_ARRAY
#include "ext.h"

#define FASTCALL(function) (PyCFunction)(void (*)(void)) function, METH_FASTCALL

const fi_kernels *_Atomic fi_level;

static PyMethodDef methods[] = {
    {"fill_uniform", FASTCALL(fi_py_fill_uniform),
     "fill_uniform($module, array, dtype, low, high, seed, stream, global_shape, offset, /)\n--\n\n"
     "Fill with the uniform distribution on [low, high); global_shape and offset are None, or the array is that "
     "block."},
    {"fill_normal", FASTCALL(fi_py_fill_normal),
     "fill_normal($module, array, dtype, mean, std, seed, stream, global_shape, offset, /)\n--\n\n"
     "Fill with the normal distribution."},
    {"fill_truncated", FASTCALL(fi_py_fill_truncated),
     "fill_truncated($module, array, dtype, mean, std, low, high, seed, stream, global_shape, offset, /)\n--\n\n"
     "Fill with the normal distribution, given that it falls in [low, high]."},
    {"fill_orthogonal", FASTCALL(fi_py_fill_orthogonal),
     "fill_orthogonal($module, array, dtype, gain, seed, stream, global_shape, offset, rows, columns, /)\n--\n\n"
     "Fill with a matrix of so many rows, which are orthonormal, and columns, at least as many, times the gain: with "
     "what "
     "it has in C order."},
    {"fill_by", FASTCALL(fi_py_fill_by),
     "fill_by($module, rule, tensor, generator, global_shape, offset, /, *settings)\n--\n\n"
     "Fill a tensor by a rule, rule(dtype, shape, is_complex, *settings) -> (law, parameters), and return it."},
    {"open_door", fi_py_open_door, METH_VARARGS,
     "open_door($module, careful, generator_type, default_generator, /)\n--\n\n"
     "Say what fill_by does with what it does not know: call `careful` with the same arguments."},
    {"open_torch_door", fi_py_open_torch_door, METH_VARARGS,
     "open_torch_door($module, exchange, tensor, parameter, generator, scalar, function_modes, dispatch_modes, "
     "increment_version, /)\n--\n\n"
     "Let fill_by open torch's tensors by DLPack's C exchange; whether that is of a version known here."},
    {"words", fi_py_words, METH_VARARGS, "words($module, seed, stream, chunk, /)\n--\n\nThe words of one chunk."},
    {"threefry4x32", fi_py_threefry, METH_VARARGS,
     "threefry4x32($module, key, counter, /)\n--\n\nThe four words of a block of Threefry4x32-20."},
    {"sparse_mask", fi_py_sparse_mask, METH_VARARGS,
     "sparse_mask($module, seed, stream, rows, columns, chosen, /)\n--\n\n"
     "A bool array: true where an entry is to be zero, `chosen` a column."},
    {"truncated_moments", fi_py_truncated_moments, METH_VARARGS,
     "truncated_moments($module, alpha, beta, /)\n--\n\n"
     "Mass, mean and std of the standard normal truncated to [alpha, beta]."},
    {"elementary", fi_py_elementary, METH_O,
     "elementary($module, x, /)\n--\n\n"
     "exp(x), log(x) and upper_tail(x), as the set-up of a truncated normal computes them."},
    {"levels", fi_py_levels, METH_NOARGS,
     "levels($module, /)\n--\n\nThe level in use, and those that this processor runs."},
    {"use_level", fi_py_use_level, METH_O,
     "use_level($module, name, /)\n--\n\nWhether there is such a level here; it is then the one in use."},
    {"set_threads", fi_py_set_threads, METH_O,
     "set_threads($module, count, /)\n--\n\nUse up to so many threads a call."},
    {"get_threads", fi_py_get_threads, METH_NOARGS, "get_threads($module, /)\n--\n\nHow many threads a call may use."},
    {"describe", FASTCALL(fi_py_describe),
     "describe($module, array, dtype, /)\n--\n\nMoments, Counts and bins; dtype is None for integers and bool."},
    {"describe_rows", FASTCALL(fi_py_describe_rows),
     "describe_rows($module, array, dtype, outer, /)\n--\n\n"
     "Moments and counts of each index of the first `outer` axes, as structured arrays."},
    {"merge", FASTCALL(fi_py_merge), "merge($module, a, b, /)\n--\n\nThe Moments of both."},
    {"take", fi_py_take, METH_O,
     "take($module, state, /)\n--\n\n"
     "(seed, stream) of a list [seed, stream], whose stream moves on: one step under the interpreter's lock."},
    {"plain", fi_py_plain, METH_O,
     "plain($module, array, /)\n--\n\n"
     "The Dtype of a NumPy array that is writeable, aligned, native and in C order; else None."},
    {NULL, NULL, 0, NULL},
};

static int module_exec(PyObject *module) {
    if (PyArray_ImportNumPyAPI() < 0) return -1;
    fi_state *state = fi_state_of(module);
    state->threads = 1;
    for (int i = 0; fi_levels[i]; i++)
        if (fi_level_runs_here(fi_levels[i])) fi_level = fi_levels[i];
    if (!fi_level) {
        PyErr_SetString(PyExc_ImportError, "fastinit needs an x86-64 processor with SSE4.2 and POPCNT (x86-64-v2)");
        return -1;
    }
    if (fi_add_types(module) < 0 || fi_add_ufuncs(module) < 0) return -1;
    if (PyModule_AddIntConstant(module, "CHUNK", FI_CHUNK) < 0) return -1;
    return PyModule_AddIntConstant(module, "LANES", FI_LANES);
}

/* What the door was given leads back to the module. */
static int module_traverse(PyObject *module, visitproc visit, void *arg) {
    return fi_visit_door(fi_state_of(module), visit, arg);
}

static int module_clear(PyObject *module) {
    fi_forget_door(fi_state_of(module));
    return 0;
}

static void module_free(void *module) {
    fi_state *state = fi_state_of(module);
    fi_forget_door(state);
    for (int i = 0; i < FI_NAMES; i++) Py_CLEAR(state->names[i]);
    fi_forget_types(state);
    free(state->plans);
    free(state->spare_table);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, module_exec},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED}, /* NumPy's own limit */
#endif
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, NULL},
};

static PyModuleDef definition = {.m_base = PyModuleDef_HEAD_INIT,
                                 .m_name = "fastinit._core",
                                 .m_size = sizeof(fi_state),
                                 .m_methods = methods,
                                 .m_slots = slots,
                                 .m_traverse = module_traverse,
                                 .m_clear = module_clear,
                                 .m_free = module_free};

PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&definition); }
