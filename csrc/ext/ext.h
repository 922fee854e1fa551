/* What the glue files share. Only files in csrc/ext include Python's and NumPy's headers. */
#ifndef FI_EXT_H
#define FI_EXT_H

#include <stdio.h> /* Python.h brings none of these with the limited API, and NumPy takes the first for granted */
#include <stdlib.h>
#include <string.h>

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#define PY_ARRAY_UNIQUE_SYMBOL fastinit_array_api
#ifndef FI_IMPORTS_ARRAY
#define NO_IMPORT_ARRAY
#endif
#include <numpy/arrayobject.h>

#include "core.h"

/* The level in use: the process's and not the module's, since a ufunc may outlive the module that it came from. What
 * changes after import is atomic: there may be no GIL. */
extern const fi_kernels *_Atomic fi_level;

typedef struct {
    _Atomic int threads;
    PyObject *dtypes[FI_DTYPES];   /* instances of _core.Dtype */
    uint32_t *_Atomic spare_table; /* of describe.c */
    PyTypeObject *moments_type, *counts_type;
    PyArray_Descr *moments_row, *counts_row; /* fi_moments and fi_counts as NumPy sees them */
} fi_state;

static inline fi_state *fi_state_of(PyObject *module) { return PyModule_GetState(module); }

/* values.c: what goes in and out by name */
int fi_add_types(PyObject *module);
void fi_forget_types(fi_state *state);
int fi_dtype_of(const fi_state *state, PyObject *object, fi_dtype *dtype);
void fi_wrong_type(const char *name, PyObject *object, const char *needed); /* sets TypeError */
int fi_number_of(PyObject *object, const char *name, double *number);
PyObject *fi_new_moments(const fi_state *state, const fi_moments *moments);
PyObject *fi_new_counts(const fi_state *state, const fi_counts *counts);
int fi_moments_of(const fi_state *state, PyObject *object, fi_moments *moments);

/* tasks.c: a call without the GIL, which hands `poll` on to fi_parallel and returns what that returned; if it is long,
 * signals are looked for. -1: an exception is set. FI_FORKED: this is a child that a signal's handler forked; some
 * tasks are undone, and begun ones half done: begin again, alone. */
typedef int fi_call(void *context, fi_poll *poll, void *poll_context);
int fi_run(int is_long, fi_call *call, void *context);
/* fi_parallel in such a call */
int fi_run_tasks(uint64_t n, uint64_t workers, fi_task *task, void *context);

/* fill.c */
PyObject *fi_py_fill_uniform(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *fi_py_fill_normal(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *fi_py_fill_truncated(PyObject *module, PyObject *const *args, Py_ssize_t count);
/* orthogonal.c */
PyObject *fi_py_fill_orthogonal(PyObject *module, PyObject *const *args, Py_ssize_t count);
/* ufuncs.c */
int fi_add_ufuncs(PyObject *module);
/* describe.c */
PyObject *fi_py_describe(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *fi_py_describe_rows(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *fi_py_merge(PyObject *module, PyObject *const *args, Py_ssize_t count);
/* tools.c */
PyObject *fi_py_words(PyObject *module, PyObject *args);
PyObject *fi_py_threefry(PyObject *module, PyObject *args);
PyObject *fi_py_sparse_mask(PyObject *module, PyObject *args);
PyObject *fi_py_truncated_moments(PyObject *module, PyObject *args);
PyObject *fi_py_elementary(PyObject *module, PyObject *number);
PyObject *fi_py_levels(PyObject *module, PyObject *none);
PyObject *fi_py_use_level(PyObject *module, PyObject *name);
PyObject *fi_py_set_threads(PyObject *module, PyObject *count);
PyObject *fi_py_get_threads(PyObject *module, PyObject *none);
PyObject *fi_py_take(PyObject *module, PyObject *state);
PyObject *fi_py_plain(PyObject *module, PyObject *object);

#endif
