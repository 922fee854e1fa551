/* The extension module fastinit._core: multi-phase initialisation, module state, the list of functions. */
#define FI_IMPORTS_ARRAY
#include "ext.h"

static PyMethodDef methods[] = {
    {"fill", (PyCFunction)(void (*)(void))fi_py_fill, METH_FASTCALL, NULL},
    {"words", fi_py_words, METH_VARARGS, NULL},
    {"threefry4x32", fi_py_threefry, METH_VARARGS, NULL},
    {"sparse_mask", fi_py_sparse_mask, METH_VARARGS, NULL},
    {"truncated_moments", fi_py_truncated_moments, METH_VARARGS, NULL},
    {"elementary", fi_py_elementary, METH_VARARGS, NULL},
    {"levels", fi_py_levels, METH_NOARGS, NULL},
    {"use_level", fi_py_use_level, METH_O, NULL},
    {"set_threads", fi_py_set_threads, METH_O, NULL},
    {"get_threads", fi_py_get_threads, METH_NOARGS, NULL},
    {"describe", fi_py_describe, METH_VARARGS, NULL},
    {"merge", fi_py_merge, METH_VARARGS, NULL},
    {"take", fi_py_take, METH_O, NULL},
    {"plain", fi_py_plain, METH_O, NULL},
    {NULL, NULL, 0, NULL},
};

static int module_exec(PyObject *module) {
    if (PyArray_ImportNumPyAPI() < 0) return -1;
    fi_state *state = fi_state_of(module);
    state->threads = 1;
    state->kernels = NULL;
    for (int i = 0; fi_levels[i]; i++)
        if (fi_level_runs_here(fi_levels[i])) state->kernels = fi_levels[i];
    if (!state->kernels) {
        PyErr_SetString(PyExc_ImportError, "fastinit needs an x86-64 processor with SSE4.2 and POPCNT (x86-64-v2)");
        return -1;
    }
    if (fi_add_ufuncs(module) < 0) return -1;
    if (PyModule_AddIntConstant(module, "CHUNK", FI_CHUNK) < 0) return -1;
    return PyModule_AddIntConstant(module, "LANES", FI_LANES);
}

static PyModuleDef_Slot slots[] = {
    {Py_mod_exec, module_exec},
#ifdef Py_mod_multiple_interpreters
    {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED}, /* NumPy's own limit */
#endif
    {0, NULL},
};

static PyModuleDef definition = {PyModuleDef_HEAD_INIT, .m_name = "fastinit._core", .m_size = sizeof(fi_state),
                                 .m_methods = methods, .m_slots = slots};

PyMODINIT_FUNC PyInit__core(void) { return PyModuleDef_Init(&definition); }
