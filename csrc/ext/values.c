/* Values with named fields: dtypes, moments and counts, as Python's struct sequences and as rows of NumPy's. */
#include "ext.h"

#include <assert.h>

static PyStructSequence_Field dtype_fields[] = {
    {"name", NULL},
    {"itemsize", "Bytes a value."},
    {"largest", "The largest finite value."},
    {"smallest_normal", NULL},
    {"smallest_subnormal", NULL},
    {NULL, NULL},
};
static PyStructSequence_Desc dtype_description = {"fastinit._core.Dtype", "A dtype that is drawn: one of DTYPES.",
                                                  dtype_fields, 5};

/* The members of fi_moments and fi_counts, in their order: all double, and all uint64. */
enum { MOMENTS = 9, COUNTS = 6 };
static PyStructSequence_Field moments_fields[] = {
    {"n", "How many values are finite: the moments are theirs."},
    {"pivot", "A number near the mean."},
    {"mean_offset", "The mean less the pivot."},
    {"m2", "The sum of squares of what differs from the mean."},
    {"m3", "Of third powers."},
    {"m4", "Of fourth powers."},
    {"sum_abs", "The sum of absolute values."},
    {"min", NULL},
    {"max", NULL},
    {NULL, NULL},
};
static PyStructSequence_Desc moments_description = {
    "fastinit._core.Moments", "Sums of powers about the mean, which merge.", moments_fields, MOMENTS};
static PyStructSequence_Field counts_fields[] = {
    {"nan", NULL},       {"posinf", NULL},   {"neginf", NULL}, {"zero", "-0.0 too."},
    {"subnormal", NULL}, {"negative", NULL}, {NULL, NULL},
};
static PyStructSequence_Desc counts_description = {"fastinit._core.Counts", "How many values are of each kind.",
                                                   counts_fields, COUNTS};
static_assert(sizeof(fi_moments) == MOMENTS * sizeof(double), "moments_fields names the members of fi_moments");
static_assert(sizeof(fi_counts) == COUNTS * sizeof(uint64_t), "counts_fields names the members of fi_counts");

/* A struct sequence of `n` new objects; takes them over, and fails where one of them is NULL. */
static PyObject *new_sequence(PyTypeObject *type, PyObject **items, int n) {
    PyObject *sequence = PyStructSequence_New(type);
    int failed = !sequence;
    for (int i = 0; i < n; i++) {
        failed |= !items[i];
        if (sequence)
            PyStructSequence_SetItem(sequence, i, items[i]);
        else
            Py_XDECREF(items[i]);
    }
    if (failed) Py_CLEAR(sequence);
    return sequence;
}

PyObject *fi_new_moments(const fi_state *state, const fi_moments *moments) {
    double numbers[MOMENTS];
    PyObject *items[MOMENTS];
    memcpy(numbers, moments, sizeof numbers);
    for (int i = 0; i < MOMENTS; i++) items[i] = PyFloat_FromDouble(numbers[i]);
    return new_sequence(state->moments_type, items, MOMENTS);
}

PyObject *fi_new_counts(const fi_state *state, const fi_counts *counts) {
    uint64_t numbers[COUNTS];
    PyObject *items[COUNTS];
    memcpy(numbers, counts, sizeof numbers);
    for (int i = 0; i < COUNTS; i++) items[i] = PyLong_FromUnsignedLongLong(numbers[i]);
    return new_sequence(state->counts_type, items, COUNTS);
}

int fi_moments_of(const fi_state *state, PyObject *object, fi_moments *moments) {
    if (!Py_IS_TYPE(object, state->moments_type)) {
        PyErr_Format(PyExc_TypeError, "moments are %R; give a _core.Moments", object);
        return -1;
    }
    double numbers[MOMENTS];
    for (int i = 0; i < MOMENTS; i++) {
        numbers[i] = PyFloat_AsDouble(PyStructSequence_GetItem(object, i));
        if (numbers[i] == -1.0 && PyErr_Occurred()) return -1;
    }
    memcpy(moments, numbers, sizeof numbers);
    return 0;
}

int fi_dtype_of(const fi_state *state, PyObject *object, fi_dtype *dtype) {
    for (int i = 0; i < FI_DTYPES; i++)
        if (object == state->dtypes[i]) {
            *dtype = (fi_dtype)i;
            return 0;
        }
    PyErr_Format(PyExc_TypeError, "dtype is %R; give one of fastinit._core.DTYPES", object);
    return -1;
}

void fi_wrong_type(const char *name, PyObject *object, const char *needed) {
    PyObject *type = PyType_GetName(Py_TYPE(object));
    if (type) PyErr_Format(PyExc_TypeError, "%s is %R of type %U; give %s", name, object, type, needed);
    Py_XDECREF(type);
}

int fi_number_of(PyObject *object, const char *name, double *number) {
    *number = PyFloat_AsDouble(object);
    if (*number != -1.0 || !PyErr_Occurred()) return 0;
    if (PyErr_ExceptionMatches(PyExc_OverflowError))
        PyErr_Format(PyExc_ValueError, "%s is an integer beyond float64's range; give a smaller number", name);
    else if (PyErr_ExceptionMatches(PyExc_TypeError))
        fi_wrong_type(name, object, "a number");
    return -1;
}

/* NumPy's dtype of a C struct whose members all have the one type. */
static PyArray_Descr *row_of(const PyStructSequence_Field *fields, const char *type) {
    PyObject *list = PyList_New(0);
    for (; list && fields->name; fields++) {
        PyObject *field = Py_BuildValue("(ss)", fields->name, type);
        if (!field || PyList_Append(list, field) < 0) Py_CLEAR(list);
        Py_XDECREF(field);
    }
    PyArray_Descr *row = NULL;
    if (list && PyArray_DescrConverter(list, &row) == NPY_FAIL) row = NULL;
    Py_XDECREF(list);
    return row;
}

static PyTypeObject *add_type(PyObject *module, const char *name, PyStructSequence_Desc *description) {
    PyTypeObject *type = PyStructSequence_NewType(description);
    if (type && PyModule_AddObjectRef(module, name, (PyObject *)type) < 0) Py_CLEAR(type);
    return type;
}

static int add_dtypes(PyObject *module, PyTypeObject *type) {
    fi_state *state = fi_state_of(module);
    PyObject *all = PyTuple_New(FI_DTYPES);
    for (int i = 0; all && i < FI_DTYPES; i++) {
        const fi_dtype_row *row = &fi_dtypes[i];
        PyObject *items[] = {PyUnicode_FromString(row->name), PyLong_FromLong(row->item_size),
                             PyFloat_FromDouble(row->largest), PyFloat_FromDouble(row->smallest_normal),
                             PyFloat_FromDouble(row->smallest_subnormal)};
        state->dtypes[i] = new_sequence(type, items, 5);
        if (!state->dtypes[i]) Py_CLEAR(all);
        if (all) PyTuple_SetItem(all, i, Py_NewRef(state->dtypes[i]));
    }
    const int failed = !all || PyModule_AddObjectRef(module, "DTYPES", all) < 0;
    Py_XDECREF(all);
    return failed ? -1 : 0;
}

int fi_add_types(PyObject *module) {
    fi_state *state = fi_state_of(module);
    PyTypeObject *dtype = add_type(module, "Dtype", &dtype_description);
    const int failed = !dtype || add_dtypes(module, dtype) < 0;
    Py_XDECREF((PyObject *)dtype);
    if (failed) return -1;
    state->moments_type = add_type(module, "Moments", &moments_description);
    state->counts_type = add_type(module, "Counts", &counts_description);
    state->moments_row = row_of(moments_fields, "f8");
    state->counts_row = row_of(counts_fields, "u8");
    return state->moments_type && state->counts_type && state->moments_row && state->counts_row ? 0 : -1;
}

void fi_forget_types(fi_state *state) {
    for (int i = 0; i < FI_DTYPES; i++) Py_CLEAR(state->dtypes[i]);
    Py_CLEAR(state->moments_type);
    Py_CLEAR(state->counts_type);
    Py_CLEAR(state->moments_row);
    Py_CLEAR(state->counts_row);
}
