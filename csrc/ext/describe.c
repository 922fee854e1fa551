/* describe(array, code, outer, bins) -> (moments, counts, bins): statistics of an array, or of each index of its first axes.
 *
 * code: "e", "b" (bfloat16 in any 2-byte dtype), "f", "d", or "i" for integers and bool, which are read as float64. outer: how
 * many of the first axes count rows. moments: float64 (rows, 9), counts: uint64 (rows, 6), as in fi_moments and fi_counts;
 * bins: uint64 (rows, FI_BINS), or None if not wanted. Values are read in C order, in blocks that are copied out only where
 * memory is not a plain run of native float32 or float64.
 */
#include "ext.h"

typedef struct {
    const fi_kernels *kernels;
    PyArrayObject *array;
    char code;
    int is_double, plain, outer; /* plain: each row is one run of native values of the kernels' own type */
    npy_intp row_size, rows, runs; /* values a row, rows, runs a row */
    uint64_t tiny;
    double *moments;
    uint64_t *counts, *bins;
    fi_moments *nodes; /* a run's each, rows of runs */
    fi_description *descriptions; /* a worker's each */
} describe_job;

enum { RUN_VALUES = FI_STAT_RUN * FI_STAT_BLOCK };

static double load_integer(const char *from, char kind, int size, int swapped) {
    char bytes[8];
    for (int i = 0; i < size; i++) bytes[i] = from[swapped ? size - 1 - i : i];
#define LOAD(TYPE)                                                                                                     \
    {                                                                                                                  \
        TYPE value;                                                                                                    \
        memcpy(&value, bytes, sizeof value);                                                                           \
        return (double)value;                                                                                          \
    }
    if (kind == 'b') return bytes[0] != 0;
    switch (kind == 'i' ? size : size + 8) {
    case 1: LOAD(int8_t)
    case 2: LOAD(int16_t)
    case 4: LOAD(int32_t)
    case 8: LOAD(int64_t)
    case 9: LOAD(uint8_t)
    case 10: LOAD(uint16_t)
    case 12: LOAD(uint32_t)
    default: LOAD(uint64_t)
    }
#undef LOAD
}

/* Values [begin, begin + n) of a row into float32 or float64. */
static void gather(const describe_job *job, const char *row, npy_intp begin, int n, void *out) {
    PyArrayObject *array = job->array;
    const int ndim = PyArray_NDIM(array), size = (int)PyArray_ITEMSIZE(array), swapped = PyArray_ISBYTESWAPPED(array);
    const char kind = PyArray_DESCR(array)->kind;
    npy_intp at[NPY_MAXDIMS] = {0};
    const char *from = row;
    uint16_t halves[FI_STAT_BLOCK];
    npy_intp index = begin;
    for (int d = ndim - 1; d >= job->outer; d--) {
        at[d] = index % PyArray_DIM(array, d), index /= PyArray_DIM(array, d);
        from += at[d] * PyArray_STRIDE(array, d);
    }
    for (int i = 0; i < n;) { /* along the last axis as far as it goes, then on */
        const npy_intp step = ndim > job->outer ? PyArray_STRIDE(array, ndim - 1) : 0;
        const npy_intp left = ndim > job->outer ? PyArray_DIM(array, ndim - 1) - at[ndim - 1] : 1;
        const int m = n - i < left ? n - i : (int)left;
        if (job->code == 'i')
            for (int j = 0; j < m; j++) ((double *)out)[i + j] = load_integer(from + j * step, kind, size, swapped);
        else if (size == 8)
            for (int j = 0; j < m; j++) memcpy((double *)out + i + j, from + j * step, 8);
        else if (size == 4)
            for (int j = 0; j < m; j++) memcpy((float *)out + i + j, from + j * step, 4);
        else
            for (int j = 0; j < m; j++) memcpy(halves + i + j, from + j * step, 2);
        i += m;
        if (i == n) break;
        from += (left - 1) * step, at[ndim - 1] = PyArray_DIM(array, ndim - 1) - 1;
        for (int d = ndim - 1; d >= job->outer; d--) { /* from the last value of an axis to the first of the next */
            if (++at[d] < PyArray_DIM(array, d)) {
                from += PyArray_STRIDE(array, d);
                break;
            }
            from -= (PyArray_DIM(array, d) - 1) * PyArray_STRIDE(array, d);
            at[d] = 0;
        }
    }
    if (job->code == 'i') return;
    if (swapped) {
        if (size == 2)
            for (int i = 0; i < n; i++) halves[i] = __builtin_bswap16(halves[i]);
        else if (size == 4)
            for (int i = 0; i < n; i++) ((uint32_t *)out)[i] = __builtin_bswap32(((uint32_t *)out)[i]);
        else
            for (int i = 0; i < n; i++) ((uint64_t *)out)[i] = __builtin_bswap64(((uint64_t *)out)[i]);
    }
    if (job->code == 'e') job->kernels->load_f16(halves, n, out);
    if (job->code == 'b')
        for (int i = 0; i < n; i++) ((uint32_t *)out)[i] = (uint32_t)halves[i] << 16;
}

/* One run of blocks: its moments to its node, its counts and bins to the worker's description. */
static void describe_run(const describe_job *job, npy_intp row, npy_intp run, fi_description *into) {
    double values[FI_STAT_BLOCK];
    const char *base = PyArray_BYTES(job->array);
    npy_intp index = row;
    for (int d = job->outer - 1; d >= 0; d--) {
        base += index % PyArray_DIM(job->array, d) * PyArray_STRIDE(job->array, d);
        index /= PyArray_DIM(job->array, d);
    }
    const npy_intp begin = run * RUN_VALUES, end = job->row_size - begin < RUN_VALUES ? job->row_size : begin + RUN_VALUES;
    uint64_t number = 0;
    for (npy_intp i = begin; i < end; i += FI_STAT_BLOCK, number++) {
        const int n = end - i < FI_STAT_BLOCK ? (int)(end - i) : FI_STAT_BLOCK;
        const void *block = values;
        if (job->plain)
            block = base + i * (job->is_double ? 8 : 4);
        else
            gather(job, base, i, n, values);
        fi_describe_block(job->kernels, block, job->is_double, n, job->tiny, number, into);
    }
    job->nodes[row * job->runs + run] = fi_moments_fold(into->waiting, number);
}

static void add_counts(uint64_t *to, fi_counts *from) {
    const uint64_t counts[6] = {from->nan, from->posinf, from->neginf, from->zero, from->subnormal, from->negative};
    for (int i = 0; i < 6; i++) to[i] += counts[i];
    *from = (fi_counts){0};
}

static void add_bins(uint64_t *to, uint32_t *from) {
    for (int table = 0; table < FI_BIN_TABLES; table++)
        for (int i = 0; i < FI_BINS; i++) to[i] += from[table * FI_BIN_TABLE + i];
    memset(from, 0, FI_BIN_TABLES * FI_BIN_TABLE * sizeof *from);
}

/* A task is a run of the only row, or a whole row. */
static void describe_task(void *context, int worker, uint64_t task) {
    const describe_job *job = context;
    fi_description *into = &job->descriptions[worker];
    if (job->rows == 1) {
        describe_run(job, 0, (npy_intp)task, into);
        return;
    }
    for (npy_intp run = 0; run < job->runs; run++) describe_run(job, (npy_intp)task, run, into);
    add_counts(job->counts + 6 * task, &into->counts);
    if (job->bins) add_bins(job->bins + FI_BINS * task, into->bins);
}

static int prepare(describe_job *job) {
    PyArrayObject *array = job->array;
    const int ndim = PyArray_NDIM(array);
    job->row_size = 1, job->rows = 1;
    for (int d = 0; d < ndim; d++) *(d < job->outer ? &job->rows : &job->row_size) *= PyArray_DIM(array, d);
    job->runs = (job->row_size + RUN_VALUES - 1) / RUN_VALUES;
    job->is_double = job->code == 'd' || job->code == 'i';
    job->tiny = job->code == 'e' ? 0x38800000u : job->is_double ? 0x0010000000000000u : 0x00800000u;
    npy_intp step = PyArray_ITEMSIZE(array);
    job->plain = (job->code == 'f' || job->code == 'd') && PyArray_ISALIGNED(array) && !PyArray_ISBYTESWAPPED(array);
    for (int d = ndim - 1; d >= job->outer; d--) {
        if (PyArray_DIM(array, d) != 1 && PyArray_STRIDE(array, d) != step) job->plain = 0;
        step *= PyArray_DIM(array, d);
    }
    return 0;
}

PyObject *fi_py_describe(PyObject *module, PyObject *args) {
    PyArrayObject *array;
    const char *code;
    int outer, with_bins;
    if (!PyArg_ParseTuple(args, "O!sip", &PyArray_Type, &array, &code, &outer, &with_bins)) return NULL;
    const npy_intp item = PyArray_ITEMSIZE(array);
    const char kind = PyArray_DESCR(array)->kind;
    const int sound = (code[0] == 'e' || code[0] == 'b') ? item == 2 : code[0] == 'f' ? item == 4 && kind == 'f'
                      : code[0] == 'd' ? item == 8 && kind == 'f' : code[0] == 'i' && (kind == 'i' || kind == 'u' || kind == 'b') && item <= 8;
    if (!sound || outer < 0 || outer > PyArray_NDIM(array)) {
        PyErr_SetString(PyExc_TypeError, "describe: the array's dtype is not the one named, or outer is out of range");
        return NULL;
    }
    const fi_state *state = fi_state_of(module);
    describe_job job = {.kernels = state->kernels, .array = array, .code = code[0], .outer = outer};
    prepare(&job);
    npy_intp shape[2] = {job.rows, 9}, counts_shape[2] = {job.rows, 6}, bins_shape[2] = {job.rows, FI_BINS};
    PyObject *moments = PyArray_ZEROS(2, shape, NPY_DOUBLE, 0), *counts = PyArray_ZEROS(2, counts_shape, NPY_UINT64, 0);
    PyObject *bins = with_bins ? PyArray_ZEROS(2, bins_shape, NPY_UINT64, 0) : Py_NewRef(Py_None), *result = NULL;
    const uint64_t tasks = (uint64_t)(job.rows == 1 ? job.runs : job.rows);
    uint64_t workers = (uint64_t)(job.rows * job.row_size) >> 17 < (uint64_t)state->threads ? ((uint64_t)(job.rows * job.row_size) >> 17) + 1 : (uint64_t)state->threads;
    job.nodes = PyMem_RawCalloc((size_t)(job.rows * job.runs) + 1, sizeof *job.nodes);
    job.descriptions = PyMem_RawCalloc(workers, sizeof *job.descriptions);
    uint32_t *tables = with_bins ? PyMem_RawCalloc(workers, FI_BIN_TABLES * FI_BIN_TABLE * sizeof *tables) : NULL;
    if (!moments || !counts || !bins) goto done;
    if (!job.nodes || !job.descriptions || (with_bins && !tables)) {
        PyErr_NoMemory();
        goto done;
    }
    job.moments = PyArray_DATA((PyArrayObject *)moments), job.counts = PyArray_DATA((PyArrayObject *)counts);
    job.bins = with_bins ? PyArray_DATA((PyArrayObject *)bins) : NULL;
    for (uint64_t i = 0; i < workers; i++) job.descriptions[i].bins = with_bins ? tables + i * FI_BIN_TABLES * FI_BIN_TABLE : NULL;
    Py_BEGIN_ALLOW_THREADS
    const fi_modes saved = fi_modes_enter();
    (void)fi_parallel(tasks, (int)workers, describe_task, &job, NULL, NULL);
    if (job.rows == 1)
        for (uint64_t i = 0; i < workers; i++) {
            add_counts(job.counts, &job.descriptions[i].counts);
            if (job.bins) add_bins(job.bins, job.descriptions[i].bins);
        }
    for (npy_intp row = 0; row < job.rows; row++) {
        fi_moments waiting[64];
        for (npy_intp run = 0; run < job.runs; run++) fi_moments_push(waiting, (uint64_t)run, job.nodes[row * job.runs + run]);
        const fi_moments all = fi_moments_fold(waiting, (uint64_t)job.runs);
        memcpy(job.moments + 9 * row, &all, 9 * sizeof(double));
    }
    fi_modes_leave(saved);
    Py_END_ALLOW_THREADS
    result = PyTuple_Pack(3, moments, counts, bins);
done:
    PyMem_RawFree(job.nodes), PyMem_RawFree(job.descriptions), PyMem_RawFree(tables);
    Py_XDECREF(moments), Py_XDECREF(counts), Py_XDECREF(bins);
    return result;
}

/* merge(a, b) -> the moments of both, each nine float64 */
PyObject *fi_py_merge(PyObject *module, PyObject *args) {
    (void)module;
    fi_moments a, b;
    double *x = (double *)&a, *y = (double *)&b;
    if (!PyArg_ParseTuple(args, "(ddddddddd)(ddddddddd)", x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, x + 7, x + 8, y, y + 1, y + 2,
                          y + 3, y + 4, y + 5, y + 6, y + 7, y + 8))
        return NULL;
    const fi_modes saved = fi_modes_enter();
    fi_moments_merge(&a, &b);
    fi_modes_leave(saved);
    return Py_BuildValue("(ddddddddd)", a.n, a.pivot, a.mean, a.m2, a.m3, a.m4, a.size, a.least, a.most);
}
