/* describe(array, code, outer) -> (moments, counts, bins): statistics of an array, or of each index of its first axes.
 *
 * code: "e", "b" (bfloat16 in any 2-byte dtype), "f", "d", or "i" for integers and bool, which are read as float64. outer: how
 * many of the first axes count rows. moments: float64 (rows, 9), counts: uint64 (rows, 6), as in fi_moments and fi_counts;
 * bins: uint64 (FI_BINS,), or None if outer > 0: for many a row they would take more memory than its values. Values are read
 * in C order, in blocks that are copied out only where memory is not a plain run of native float32 or float64.
 */
#include <math.h>

#include "ext.h"

typedef struct {
    const fi_kernels *kernels;
    PyArrayObject *array;
    char code;
    int is_double, plain, outer; /* plain: each row is one run of native values of the kernels' own type */
    int group; /* rows to a task: several where their values are neighbours in memory and a row's own are not */
    npy_intp row_size, rows, runs, groups; /* values a row, rows, runs a row, groups to the last of the outer axes */
    uint64_t tiny;
    double *moments;
    uint64_t *counts;
    fi_moments *nodes;            /* a run's each, rows of runs */
    fi_description *descriptions; /* `group` of them a worker */
    char *scratch;                /* SCRATCH_BYTES for each of those */
} describe_job;

enum { RUN_VALUES = FI_STAT_RUN * FI_STAT_STRIP, GROUP = 32, SCRATCH_BYTES = FI_STAT_STRIP * 10 + 64 };

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

/* m values, `step` bytes apart, of k rows that lie side by side: row r to out + r * stride. */
#define SPREAD(TYPE)                                                                                                   \
    for (int j = 0; j < m; j++, from += step) {                                                                        \
        __builtin_prefetch(from + 24 * step);                                                                          \
        TYPE side[GROUP];                                                                                              \
        memcpy(side, from, (size_t)k * sizeof(TYPE));                                                                  \
        for (int r = 0; r < k; r++) memcpy(out + r * stride + j * (int)sizeof(TYPE), side + r, sizeof(TYPE));          \
    }
#define SPREAD_SIZES                                                                                                   \
    if (size == 8) SPREAD(uint64_t) else if (size == 4) SPREAD(uint32_t) else SPREAD(uint16_t)
static void spread_group(const char *from, npy_intp step, int m, int size, char *out, npy_intp stride) {
    enum { k = GROUP };
    SPREAD_SIZES
}
static void spread(const char *from, npy_intp step, int m, int k, int size, char *out, npy_intp stride) { SPREAD_SIZES }

/* Values [begin, begin + n) of k rows, the first at `row`, into float32 or float64, the rows SCRATCH_BYTES apart. */
static void gather(const describe_job *job, const char *row, npy_intp begin, int n, int k, char *scratch) {
    PyArrayObject *array = job->array;
    const int ndim = PyArray_NDIM(array), size = (int)PyArray_ITEMSIZE(array), swapped = PyArray_ISBYTESWAPPED(array);
    const char kind = PyArray_DESCR(array)->kind;
    char *raw =
        size == 2 && job->code != 'i' ? scratch + FI_STAT_STRIP * 8 : scratch; /* halves are widened from behind */
    npy_intp at[NPY_MAXDIMS] = {0};
    const char *from = row;
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
            for (int j = 0; j < m; j++) ((double *)raw)[i + j] = load_integer(from + j * step, kind, size, swapped);
        else if (k == GROUP)
            spread_group(from, step, m, size, raw + i * size, SCRATCH_BYTES);
        else
            spread(from, step, m, k, size, raw + i * size, SCRATCH_BYTES);
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
    for (int r = 0; r < k; r++, raw += SCRATCH_BYTES, scratch += SCRATCH_BYTES) {
        uint16_t *halves = (uint16_t *)raw;
        if (swapped && size == 2)
            for (int i = 0; i < n; i++) halves[i] = __builtin_bswap16(halves[i]);
        else if (swapped && size == 4)
            for (int i = 0; i < n; i++) ((uint32_t *)raw)[i] = __builtin_bswap32(((uint32_t *)raw)[i]);
        else if (swapped)
            for (int i = 0; i < n; i++) ((uint64_t *)raw)[i] = __builtin_bswap64(((uint64_t *)raw)[i]);
        if (job->code == 'e') job->kernels->load_f16(halves, n, (float *)scratch);
        if (job->code == 'b')
            for (int i = 0; i < n; i++) ((uint32_t *)scratch)[i] = (uint32_t)halves[i] << 16;
    }
}

/* One run of blocks of k rows: their moments to their nodes, counts and bins to the worker's descriptions. */
static void describe_run(const describe_job *job, npy_intp row, int k, npy_intp run, int worker) {
    fi_description *into = job->descriptions + worker * job->group;
    char *scratch = job->scratch + (npy_intp)worker * job->group * SCRATCH_BYTES;
    const char *base = PyArray_BYTES(job->array);
    npy_intp index = row;
    for (int d = job->outer - 1; d >= 0; d--) {
        base += index % PyArray_DIM(job->array, d) * PyArray_STRIDE(job->array, d);
        index /= PyArray_DIM(job->array, d);
    }
    const npy_intp begin = run * RUN_VALUES,
                   end = job->row_size - begin < RUN_VALUES ? job->row_size : begin + RUN_VALUES;
    uint64_t number = 0;
    for (npy_intp i = begin; i < end; i += FI_STAT_STRIP, number++) {
        const int n = end - i < FI_STAT_STRIP ? (int)(end - i) : FI_STAT_STRIP;
        if (!job->plain) gather(job, base, i, n, k, scratch);
        for (int r = 0; r < k; r++) {
            const void *block =
                job->plain ? base + i * (job->is_double ? 8 : 4) : scratch + (npy_intp)r * SCRATCH_BYTES;
            fi_describe_strip(job->kernels, block, job->is_double, n, job->tiny, number, into + r);
        }
    }
    for (int r = 0; r < k; r++) job->nodes[(row + r) * job->runs + run] = fi_moments_fold(into[r].waiting, number);
}

static void add_counts(uint64_t *to, fi_counts *from) {
    const uint64_t counts[6] = {from->nan, from->posinf, from->neginf, from->zero, from->subnormal, from->negative};
    for (int i = 0; i < 6; i++) to[i] += counts[i];
    *from = (fi_counts){0};
}

/* Moves a worker's bins from the largest size down, until the `left` values that it and the workers after it hold are found. */
static uint64_t add_bins(uint64_t *to, uint32_t *from, double most, uint64_t left) {
    const float largest = most < 0x1.fffffep127 ? (float)most : 0x1.fffffep127f;
    uint32_t bits;
    memcpy(&bits, &largest, sizeof bits);
    for (uint32_t step = 0, top = bits >> 20; left && step <= top; step++) {
        const uint32_t size = step ? top + 1 - step : 0; /* zeros first: they are many where there are any */
        for (int negative = 0; negative < 2; negative++)
            for (int table = 0; table < FI_BIN_TABLES; table++) {
                uint32_t *count = from + table * FI_BIN_TABLE + (negative << 11 | size);
                to[negative << 11 | size] += *count, left -= *count;
                *count = 0;
            }
    }
    return left;
}

/* A task is a run of the only row, or a group of whole rows. */
static void describe_task(void *context, int worker, uint64_t task) {
    const describe_job *job = context;
    if (job->rows == 1) {
        describe_run(job, 0, 1, (npy_intp)task, worker);
        return;
    }
    const npy_intp across = PyArray_DIM(job->array, job->outer - 1), at = (npy_intp)task % job->groups * job->group;
    const npy_intp row = (npy_intp)task / job->groups * across + at;
    const int k = across - at < job->group ? (int)(across - at) : job->group;
    for (npy_intp run = 0; run < job->runs; run++) describe_run(job, row, k, run, worker);
    for (int r = 0; r < k; r++) {
        fi_description *one = job->descriptions + worker * job->group + r;
        add_counts(job->counts + 6 * (row + r), &one->counts);
    }
}

static void prepare(describe_job *job) {
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
    const npy_intp across = job->rows > 1 ? PyArray_DIM(array, job->outer - 1) : 1;
    const int beside = across > 1 && PyArray_STRIDE(array, job->outer - 1) == PyArray_ITEMSIZE(array);
    job->group = beside && !job->plain && job->code != 'i' ? GROUP : 1;
    job->groups = (across + job->group - 1) / job->group;
}

PyObject *fi_py_describe(PyObject *module, PyObject *args) {
    static _Thread_local uint32_t
        first_table[FI_BIN_TABLES * FI_BIN_TABLE]; /* all 0 between calls: small arrays are many */
    PyArrayObject *array;
    const char *code;
    int outer;
    if (!PyArg_ParseTuple(args, "O!si", &PyArray_Type, &array, &code, &outer)) return NULL;
    const npy_intp item = PyArray_ITEMSIZE(array);
    const char kind = PyArray_DESCR(array)->kind;
    const int sound = (code[0] == 'e' || code[0] == 'b') ? item == 2
                      : code[0] == 'f'                   ? item == 4 && kind == 'f'
                      : code[0] == 'd' ? item == 8 && kind == 'f'
                                       : code[0] == 'i' && (kind == 'i' || kind == 'u' || kind == 'b') && item <= 8;
    if (!sound || outer < 0 || outer > PyArray_NDIM(array)) {
        PyErr_SetString(PyExc_TypeError, "describe: the array's dtype is not the one named, or outer is out of range");
        return NULL;
    }
    const fi_state *state = fi_state_of(module);
    describe_job job = {.kernels = state->kernels, .array = array, .code = code[0], .outer = outer};
    prepare(&job);
    const uint64_t wanted = ((uint64_t)(job.rows * job.row_size) >> 17) + 1;
    const uint64_t workers = wanted < (uint64_t)state->threads ? wanted : (uint64_t)state->threads,
                   parts = workers * (uint64_t)job.group;
    uint64_t tasks = (uint64_t)job.runs;
    if (job.rows != 1) tasks = job.rows ? (uint64_t)(job.rows / PyArray_DIM(array, outer - 1) * job.groups) : 0;
    npy_intp shape[2] = {job.rows, 9}, counts_shape[2] = {job.rows, 6}, bins_shape[1] = {FI_BINS};
    PyObject *moments = PyArray_ZEROS(2, shape, NPY_DOUBLE, 0), *counts = PyArray_ZEROS(2, counts_shape, NPY_UINT64, 0);
    PyObject *bins = outer ? Py_NewRef(Py_None) : PyArray_ZEROS(1, bins_shape, NPY_UINT64, 0), *result = NULL;
    job.nodes = PyMem_RawCalloc((size_t)(job.rows * job.runs) + 1, sizeof *job.nodes);
    job.descriptions = PyMem_RawCalloc(parts, sizeof *job.descriptions);
    job.scratch = PyMem_RawMalloc(job.plain ? 1 : parts * SCRATCH_BYTES);
    uint32_t *tables = outer || workers == 1 ? NULL : PyMem_RawCalloc(workers - 1, sizeof first_table);
    if (!moments || !counts || !bins) goto done;
    if (!job.nodes || !job.descriptions || !job.scratch || (!outer && workers > 1 && !tables)) {
        PyErr_NoMemory();
        goto done;
    }
    job.moments = PyArray_DATA((PyArrayObject *)moments), job.counts = PyArray_DATA((PyArrayObject *)counts);
    for (uint64_t i = 0; i < workers && !outer; i++)
        job.descriptions[i].bins = i ? tables + (i - 1) * FI_BIN_TABLES * FI_BIN_TABLE : first_table;
    Py_BEGIN_ALLOW_THREADS const fi_modes saved = fi_modes_enter();
    (void)fi_parallel(tasks, (int)workers, describe_task, &job, NULL, NULL);
    for (npy_intp row = 0; row < job.rows; row++) {
        fi_moments waiting[64];
        for (npy_intp run = 0; run < job.runs; run++)
            fi_moments_push(waiting, (uint64_t)run, job.nodes[row * job.runs + run]);
        const fi_moments all = fi_moments_fold(waiting, (uint64_t)job.runs);
        memcpy(job.moments + 9 * row, &all, 9 * sizeof(double));
    }
    if (job.rows == 1) {
        const double most = fabs(job.moments[7]) > fabs(job.moments[8]) ? fabs(job.moments[7]) : fabs(job.moments[8]);
        uint64_t left = (uint64_t)job.moments[0];
        for (uint64_t i = 0; i < workers; i++) {
            add_counts(job.counts, &job.descriptions[i].counts);
            if (!outer) left = add_bins(PyArray_DATA((PyArrayObject *)bins), job.descriptions[i].bins, most, left);
        }
    }
    fi_modes_leave(saved);
    Py_END_ALLOW_THREADS result = PyTuple_Pack(3, moments, counts, bins);
done:
    PyMem_RawFree(job.nodes), PyMem_RawFree(job.descriptions), PyMem_RawFree(job.scratch), PyMem_RawFree(tables);
    Py_XDECREF(moments), Py_XDECREF(counts), Py_XDECREF(bins);
    return result;
}

/* merge(a, b) -> the moments of both, each nine float64 */
PyObject *fi_py_merge(PyObject *module, PyObject *args) {
    (void)module;
    fi_moments a, b;
    double *x = (double *)&a, *y = (double *)&b;
    if (!PyArg_ParseTuple(args, "(ddddddddd)(ddddddddd)", x, x + 1, x + 2, x + 3, x + 4, x + 5, x + 6, x + 7, x + 8, y,
                          y + 1, y + 2, y + 3, y + 4, y + 5, y + 6, y + 7, y + 8))
        return NULL;
    const fi_modes saved = fi_modes_enter();
    fi_moments_merge(&a, &b);
    fi_modes_leave(saved);
    return Py_BuildValue("(ddddddddd)", a.n, a.pivot, a.mean_offset, a.m2, a.m3, a.m4, a.sum_abs, a.min,
                         a.max);
}
