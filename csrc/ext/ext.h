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
#include "dlpack.h"

/* The level in use: the process's and not the module's, since a ufunc may outlive the module that it came from. What
 * changes after import is atomic: there may be no GIL. */
extern const fi_kernels *_Atomic fi_level;

/* What the door of fills (door.c) is given: by Python, and of torch once that is imported. */
enum {
    FI_CAREFUL,
    FI_GENERATOR,
    FI_DEFAULT_GENERATOR,
    FI_TENSOR,
    FI_PARAMETER,
    FI_TORCH_GENERATOR,
    FI_SCALAR,
    FI_FUNCTION_MODES,
    FI_DISPATCH_MODES,
    FI_INCREMENT_VERSION,
    FI_DOOR_OBJECTS
};
enum { FI_NAMES = 7 }; /* that the door asks for; which they are stands there */

/* A distribution as it was prepared by a rule for a dtype, a shape, and settings. */
enum { FI_PLAN_AXES = 8, FI_PLAN_SETTINGS = 8, FI_PLAN_BITS = 8 };
typedef struct {
    int count; /* 0: none */
    uint64_t words[2 + FI_PLAN_AXES + FI_PLAN_SETTINGS];
} fi_plan_key;
typedef struct {
    fi_plan_key key;
    PyObject *held;
    fi_distribution dist;
} fi_plan;

typedef struct {
    _Atomic int threads;
    fi_plan *plans; /* 2^FI_PLAN_BITS places */
    PyObject *door[FI_DOOR_OBJECTS];
    PyObject *names[FI_NAMES];
    const dlpack_exchange *_Atomic exchange; /* of torch's tensors; NULL: none */
    PyObject *dtypes[FI_DTYPES];             /* instances of _core.Dtype */
    uint32_t *_Atomic spare_table;           /* of describe.c */
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
enum { FI_SMALL_FILL = 8192 }; /* values that are drawn within the GIL */
/* The distribution of a pair (a fill of this module, its parameters); -1: an exception is set. */
int fi_distribution_of(PyObject *plan, fi_dtype dtype, fi_distribution *dist);
/* Fill one run of native, aligned values; -1: an exception is set. */
int fi_fill_run(const fi_state *state, const fi_distribution *dist, fi_key key, fi_dtype dtype, void *data,
                uint64_t count);
PyObject *fi_py_fill_uniform(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *fi_py_fill_normal(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *fi_py_fill_truncated(PyObject *module, PyObject *const *args, Py_ssize_t count);
/* orthogonal.c */
PyObject *fi_py_fill_orthogonal(PyObject *module, PyObject *const *args, Py_ssize_t count);
/* door.c */
int fi_visit_door(fi_state *state, visitproc visit, void *arg);
void fi_forget_door(fi_state *state);
PyObject *fi_py_fill_by(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *fi_py_open_door(PyObject *module, PyObject *args);
PyObject *fi_py_open_torch_door(PyObject *module, PyObject *args);
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
int fi_take(PyObject *state, fi_key *key);
PyObject *fi_py_plain(PyObject *module, PyObject *object);

#endif
