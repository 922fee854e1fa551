/* The small functions of fastinit._core. */
#include "ext.h"

PyObject *fi_py_words(PyObject *module, PyObject *args) {
    (void)module;
    unsigned long long seed, stream, chunk;
    if (!PyArg_ParseTuple(args, "KKK", &seed, &stream, &chunk)) return NULL;
    uint32_t words[FI_CHUNK] __attribute__((aligned(64)));
    fi_level->words((fi_key){seed, stream}, chunk, FI_ROWS, words);
    npy_intp n = FI_CHUNK;
    PyObject *out = PyArray_SimpleNew(1, &n, NPY_UINT32);
    if (out) memcpy(PyArray_DATA((PyArrayObject *)out), words, sizeof words);
    return out;
}

PyObject *fi_py_threefry(PyObject *module, PyObject *args) {
    (void)module;
    unsigned int k[4], c[4];
    if (!PyArg_ParseTuple(args, "(IIII)(IIII)", &k[0], &k[1], &k[2], &k[3], &c[0], &c[1], &c[2], &c[3])) return NULL;
    fi_threefry4x32(k, &c[0], &c[1], &c[2], &c[3]);
    return Py_BuildValue("(IIII)", c[0], c[1], c[2], c[3]);
}

enum { SPARSE_TASK = 1 << 22 }; /* entries */

/* 64 columns at a time share a word of the mask; of long ones fewer. Such a group is begun, drawn and written, each in
 * `parts` tasks, so that a signal need not wait. */
typedef struct {
    fi_key key;
    uint64_t rows, columns, chosen, at_once, parts;
    npy_bool *out;
    uint64_t *mask;
    fi_sfc32 generator; /* of the column that is drawn */
} sparse_job;

static void sparse_task(void *context, int worker, uint64_t i) {
    (void)worker; /* the only one: there is one mask */
    sparse_job *job = context;
    const uint64_t part = i % job->parts, step = i / job->parts % 3, first = i / job->parts / 3 * job->at_once;
    const uint64_t left = job->columns - first, columns = left < job->at_once ? left : job->at_once;
    const uint64_t from = job->rows * part / job->parts, to = job->rows * (part + 1) / job->parts;
    /* whichever is fewer is drawn, the rows chosen or the others, so that at most every second draw is a repeat */
    const int others = job->chosen > job->rows / 2;
    const uint64_t draws = others ? job->rows - job->chosen : job->chosen;
    if (step == 0) memset(job->mask + from, others ? 0xff : 0, (to - from) * sizeof *job->mask);
    for (uint64_t j = 0; step == 1 && j < columns; j++) { /* where there are parts, there is one column */
        if (part == 0) job->generator = fi_sfc32_seed(job->key, first + j, 0, FI_DOMAIN_SPARSE);
        const uint64_t drawn = draws * part / job->parts, until = draws * (part + 1) / job->parts;
        fi_sparse_draw(&job->generator, (int)j, job->rows, others, until - drawn, job->mask);
    }
    for (uint64_t row = from; step == 2 && row < to; row++)
        for (uint64_t j = 0; j < columns; j++) job->out[row * job->columns + first + j] = job->mask[row] >> j & 1;
}

PyObject *fi_py_sparse_mask(PyObject *module, PyObject *args) {
    (void)module;
    unsigned long long seed, stream, rows, columns, chosen;
    if (!PyArg_ParseTuple(args, "KKKKK", &seed, &stream, &rows, &columns, &chosen)) return NULL;
    const uint64_t most = SIZE_MAX / sizeof(uint64_t) < UINT32_MAX ? SIZE_MAX / sizeof(uint64_t) : UINT32_MAX;
    if (rows > most || chosen > rows || columns > (unsigned long long)NPY_MAX_INTP) {
        PyErr_Format(PyExc_ValueError, "sparse masks have at most %llu rows here, a bit of memory each column",
                     (unsigned long long)most);
        return NULL;
    }
    npy_intp shape[2] = {(npy_intp)rows, (npy_intp)columns};
    PyObject *out = PyArray_SimpleNew(2, shape, NPY_BOOL);
    if (!out) return NULL;
    const uint64_t fewer = SPARSE_TASK / (rows ? rows : 1), at_once = fewer > 64 ? 64 : fewer ? fewer : 1;
    sparse_job job = {.key = {seed, stream},
                      .rows = rows,
                      .columns = columns,
                      .chosen = chosen,
                      .at_once = at_once,
                      .parts = 1 + rows / SPARSE_TASK,
                      .out = PyArray_DATA((PyArrayObject *)out),
                      .mask = malloc((rows ? rows : 1) * sizeof *job.mask)};
    int result = -1;
    if (job.mask)
        while ((result = fi_run_tasks((columns + at_once - 1) / at_once * 3 * job.parts, 1, sparse_task, &job)) ==
               FI_FORKED) {}
    else
        PyErr_NoMemory();
    free(job.mask);
    if (result < 0) Py_CLEAR(out);
    return out;
}

PyObject *fi_py_truncated_moments(PyObject *module, PyObject *args) {
    (void)module;
    PyObject *low, *high;
    double alpha, beta, mass, mean, std;
    if (!PyArg_ParseTuple(args, "OO", &low, &high) || fi_number_of(low, "alpha", &alpha) < 0 ||
        fi_number_of(high, "beta", &beta) < 0)
        return NULL;
    const fi_modes saved = fi_modes_enter();
    fi_truncated_moments(alpha, beta, &mass, &mean, &std);
    fi_modes_leave(saved);
    return Py_BuildValue("(ddd)", mass, mean, std);
}

PyObject *fi_py_elementary(PyObject *module, PyObject *number) {
    (void)module;
    double x;
    if (fi_number_of(number, "x", &x) < 0) return NULL;
    return Py_BuildValue("(ddd)", fi_exp(x), fi_log(x), fi_upper_tail(x));
}

PyObject *fi_py_levels(PyObject *module, PyObject *none) {
    (void)module;
    (void)none;
    PyObject *names = PyList_New(0);
    for (int i = 0; names && fi_levels[i]; i++) {
        if (!fi_level_runs_here(fi_levels[i])) continue;
        PyObject *name = PyUnicode_FromString(fi_levels[i]->name);
        if (!name || PyList_Append(names, name) < 0) Py_CLEAR(names);
        Py_XDECREF(name);
    }
    return names ? Py_BuildValue("(sN)", fi_level->name, names) : NULL;
}

PyObject *fi_py_use_level(PyObject *module, PyObject *name) {
    (void)module;
    if (!PyUnicode_Check(name)) {
        PyErr_SetString(PyExc_TypeError, "use_level takes a str");
        return NULL;
    }
    for (int i = 0; fi_levels[i]; i++) {
        if (fi_level_runs_here(fi_levels[i]) && PyUnicode_CompareWithASCIIString(name, fi_levels[i]->name) == 0) {
            fi_level = fi_levels[i];
            Py_RETURN_TRUE;
        }
    }
    Py_RETURN_FALSE;
}

PyObject *fi_py_set_threads(PyObject *module, PyObject *count) {
    int beyond;
    const long n = PyLong_AsLongAndOverflow(count, &beyond);
    if (beyond) PyErr_Format(PyExc_ValueError, "count is %R; give a smaller number of threads", count);
    if (n == -1 && PyErr_Occurred()) return NULL;
    fi_state_of(module)->threads = n < 1 ? 1 : n > FI_MAX_WORKERS ? FI_MAX_WORKERS : (int)n;
    Py_RETURN_NONE;
}

PyObject *fi_py_get_threads(PyObject *module, PyObject *none) {
    (void)none;
    return PyLong_FromLong(fi_state_of(module)->threads);
}

static int take(PyObject *state, fi_key *key) {
    key->seed = PyLong_AsUnsignedLongLong(PyList_GetItem(state, 0));
    key->stream = PyLong_AsUnsignedLongLong(PyList_GetItem(state, 1));
    if (PyErr_Occurred()) return -1;
    PyObject *next = PyLong_FromUnsignedLongLong(key->stream + 1);
    return next ? PyList_SetItem(state, 1, next) : -1; /* SetItem takes next over, even when it fails */
}

int fi_take(PyObject *state, fi_key *key) {
    if (!PyList_Check(state) || PyList_Size(state) != 2) {
        PyErr_SetString(PyExc_TypeError, "take needs a list [seed, stream]");
        return -1;
    }
#ifdef Py_GIL_DISABLED /* a critical section of the list would not do: PyList_SetItem's own lets go of it */
    static PyMutex taking;
    PyMutex_Lock(&taking);
    const int taken = take(state, key);
    PyMutex_Unlock(&taking);
    return taken;
#else
    return take(state, key);
#endif
}

PyObject *fi_py_take(PyObject *module, PyObject *state) {
    (void)module;
    fi_key key;
    if (fi_take(state, &key) < 0) return NULL;
    return Py_BuildValue("(KK)", (unsigned long long)key.seed, (unsigned long long)key.stream);
}

/* The dtype of an ndarray that is writeable, aligned and in C order; else None */
PyObject *fi_py_plain(PyObject *module, PyObject *object) {
    const fi_state *state = fi_state_of(module);
    if (PyArray_CheckExact(object) && PyArray_ISCARRAY((PyArrayObject *)object)) {
        switch (PyArray_TYPE((PyArrayObject *)object)) {
        case NPY_HALF: return Py_NewRef(state->dtypes[FI_F16]);
        case NPY_FLOAT: return Py_NewRef(state->dtypes[FI_F32]);
        case NPY_DOUBLE: return Py_NewRef(state->dtypes[FI_F64]);
        default: break;
        }
    }
    Py_RETURN_NONE;
}
