/* describe and describe_rows: statistics of an array, or of each index of its first axes.
 *
 * Values are read in C order, in blocks; up to FI_STAT_RUN blocks make a run. Each run of each row has its moments and
 * counts, which are merged in a fixed tree: the same bits for every layout and thread count. Rows keep no bins: they
 * would mostly take more memory than the row's values.
 */
#include "rows.h"

#include <math.h>
#include <stdatomic.h>

typedef struct {
    fi_rows rows;
    uint64_t tiny; /* the smallest normal number, as bits of the type that values are read as */
    npy_intp runs; /* of a row */
    /* rows are taken by groups that are read at once; a task is one run of each row of `batch` groups */
    npy_intp groups, groups_across, batch;
    int group;
    fi_moments *moments; /* of each run of each row */
    fi_counts *counts;
    fi_description *descriptions; /* `group` of them a worker, their bins all within `tables` */
    uint32_t *tables;
    uint64_t *bins, binned;        /* where bins are added up, and how many values are there; NULL: none are wanted */
    uint64_t held[FI_MAX_WORKERS]; /* values in each worker's table, at most */
    char *scratch;                 /* and FI_GATHER_BYTES for each */
} describe_job;

enum { RUN_VALUES = FI_STAT_RUN * FI_STAT_STRIP, BATCH_VALUES = 16384, TABLE = FI_BIN_TABLES * FI_BIN_TABLE };
enum { HELD_VALUES = 1 << 26 }; /* a table is emptied before it holds more, let alone 2^32 of one value */

/* Adds a worker's bins to all, while the others do so too. */
static void empty_table(describe_job *job, uint32_t *table) {
    uint64_t moved = 0;
    for (int bin = 0; bin < FI_BINS; bin++) {
        uint64_t sum = 0;
        for (int i = 0; i < FI_BIN_TABLES; i++) sum += table[i * FI_BIN_TABLE + bin], table[i * FI_BIN_TABLE + bin] = 0;
        if (sum) __atomic_fetch_add(&job->bins[bin], sum, __ATOMIC_RELAXED);
        moved += sum;
    }
    __atomic_fetch_add(&job->binned, moved, __ATOMIC_RELAXED);
}

/* One run of each of k rows. */
static void describe_run(describe_job *job, npy_intp row, int k, npy_intp run, int worker) {
    const fi_rows *rows = &job->rows;
    fi_description *into = job->descriptions + worker * job->group;
    char *scratch = job->scratch + (npy_intp)worker * job->group * FI_GATHER_BYTES;
    const char *base = fi_row_at(rows, row);
    const npy_intp begin = run * RUN_VALUES, end = rows->size - begin < RUN_VALUES ? rows->size : begin + RUN_VALUES;
    if (job->bins && (job->held[worker] += (uint64_t)(end - begin)) > HELD_VALUES)
        empty_table(job, into->bins), job->held[worker] = (uint64_t)(end - begin);
    uint64_t blocks = 0;
    for (npy_intp i = begin; i < end; i += FI_STAT_STRIP, blocks++) {
        const int n = end - i < FI_STAT_STRIP ? (int)(end - i) : FI_STAT_STRIP;
        if (!rows->plain) fi_gather(rows, base, i, n, k, scratch);
        for (int r = 0; r < k; r++) {
            const char *block = rows->plain ? base + i * rows->item_size : scratch + (npy_intp)r * FI_GATHER_BYTES;
            fi_describe_strip(rows->kernels, block, rows->is_double, n, job->tiny, blocks, into + r);
        }
    }
    for (int r = 0; r < k; r++) {
        const npy_intp at = (row + r) * job->runs + run;
        job->moments[at] = fi_moments_fold(into[r].waiting, blocks);
        job->counts[at] = into[r].counts;
        into[r].counts = (fi_counts){0};
    }
}

static void describe_task(void *context, int worker, uint64_t task) {
    describe_job *job = context;
    const npy_intp run = (npy_intp)task % job->runs, first = (npy_intp)task / job->runs * job->batch;
    for (npy_intp i = first; i < job->groups && i < first + job->batch; i++) {
        const npy_intp at = i % job->groups_across * job->group, left = job->rows.across - at;
        describe_run(job, i / job->groups_across * job->rows.across + at, left < job->group ? (int)left : job->group,
                     run, worker);
    }
}

/* A row's moments and counts from its runs'. */
static void fold(const describe_job *job, npy_intp row, fi_moments *moments, fi_counts *counts) {
    fi_moments waiting[64];
    fi_counts sum = {0};
    for (npy_intp run = 0; run < job->runs; run++) {
        const fi_counts *c = &job->counts[row * job->runs + run];
        fi_moments_push(waiting, (uint64_t)run, job->moments[row * job->runs + run]);
        sum.nan += c->nan, sum.posinf += c->posinf, sum.neginf += c->neginf;
        sum.zero += c->zero, sum.subnormal += c->subnormal, sum.negative += c->negative;
    }
    *moments = fi_moments_fold(waiting, (uint64_t)job->runs), *counts = sum;
}

static uint32_t bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* Moves the bins of `workers` tables, which are left empty: from the largest value down, until every value is found. */
static void add_tables(describe_job *job, uint64_t workers, const fi_moments *moments) {
    const double absmax = fabs(moments->min) > fabs(moments->max) ? fabs(moments->min) : fabs(moments->max);
    const uint32_t top = bits_of(absmax < 0x1.fffffep127 ? (float)absmax : 0x1.fffffep127f) >> 20;
    uint64_t left = (uint64_t)moments->n - job->binned;
    for (uint64_t worker = 0; worker < workers; worker++)
        for (uint32_t step = 0; left && step <= top; step++) {
            const uint32_t bin = step ? top + 1 - step : 0; /* zeros first: they are many where there are any */
            for (uint32_t at = bin; at < FI_BINS; at += FI_BINS / 2) /* positive, negative */
                for (int i = 0; i < FI_BIN_TABLES; i++) {
                    uint32_t *count = job->tables + worker * TABLE + i * FI_BIN_TABLE + at;
                    job->bins[at] += *count, left -= *count;
                    *count = 0;
                }
        }
}

static void plan(describe_job *job) {
    const fi_rows *rows = &job->rows;
    const double smallest = fi_dtypes[rows->dtype].smallest_normal;
    if (rows->is_double)
        memcpy(&job->tiny, &smallest, sizeof smallest);
    else
        job->tiny = bits_of((float)smallest);
    job->runs = (rows->size + RUN_VALUES - 1) / RUN_VALUES;
    job->group = rows->beside ? FI_GROUP : 1;
    job->groups_across = (rows->across + job->group - 1) / job->group;
    job->groups = rows->count / rows->across * job->groups_across;
    job->batch = BATCH_VALUES / (rows->size * job->group);
    if (job->batch < 1 || job->runs > 1) job->batch = 1;
}

/* Nothing counted yet, and no bin in use. */
static void begin(describe_job *job, uint64_t workers) {
    memset(job->descriptions, 0, workers * (uint64_t)job->group * sizeof *job->descriptions);
    memset(job->held, 0, workers * sizeof *job->held);
    job->binned = 0;
    for (uint64_t i = 0; job->bins && i < workers; i++) job->descriptions[i].bins = job->tables + i * TABLE;
}

/* After a fork in the midst: as if nothing had been done. */
static void begin_again(describe_job *job) {
    if (job->bins) {
        memset(job->tables, 0, TABLE * sizeof *job->tables);
        memset(job->bins, 0, FI_BINS * sizeof *job->bins);
    }
    begin(job, 1);
}

/* A row's moments and counts to their places; and all bins, unless job->bins is NULL. */
static int describe(describe_job *job, fi_state *state, fi_moments *moments, fi_counts *counts) {
    const fi_rows *rows = &job->rows;
    if (rows->count == 0 || rows->size == 0) {
        memset(moments, 0, (size_t)rows->count * sizeof *moments),
            memset(counts, 0, (size_t)rows->count * sizeof *counts);
        return 0;
    }
    plan(job);
    uint64_t workers = ((uint64_t)(rows->count * rows->size) >> 17) + 1;
    if (workers > (uint64_t)state->threads) workers = (uint64_t)state->threads;
    const uint64_t tasks = (uint64_t)((job->groups + job->batch - 1) / job->batch * job->runs),
                   groups = workers * (uint64_t)job->group;
    const size_t parts = job->runs == 1 ? 0 : (size_t)(rows->count * job->runs);
    /* one table is kept from call to call, all 0: small arrays are many */
    job->tables = job->bins && workers == 1 ? atomic_exchange(&state->spare_table, NULL) : NULL;
    if (job->bins && !job->tables) job->tables = calloc(workers * TABLE, sizeof *job->tables);
    job->moments = parts ? malloc(parts * sizeof *moments) : moments;
    job->counts = parts ? malloc(parts * sizeof *counts) : counts;
    job->descriptions = malloc(groups * sizeof *job->descriptions);
    job->scratch = rows->plain ? NULL : malloc(groups * FI_GATHER_BYTES);
    int result = -1;
    if (!job->moments || !job->counts || !job->descriptions || (!rows->plain && !job->scratch) ||
        (job->bins && !job->tables)) {
        PyErr_NoMemory();
    } else {
        begin(job, workers);
        while ((result = fi_run_tasks(tasks, workers, describe_task, job)) == FI_FORKED) workers = 1, begin_again(job);
    }
    if (result == 0) {
        const fi_modes saved = fi_modes_enter();
        for (npy_intp row = 0; parts && row < rows->count; row++) fold(job, row, moments + row, counts + row);
        fi_modes_leave(saved);
        if (job->bins) add_tables(job, workers, moments);
        if (job->bins && workers == 1) job->tables = atomic_exchange(&state->spare_table, job->tables);
    }
    if (parts) free(job->moments), free(job->counts);
    free(job->descriptions), free(job->scratch), free(job->tables);
    return result;
}

PyObject *fi_py_describe(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (count != 2 || !PyArray_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "describe takes an array and a dtype");
        return NULL;
    }
    fi_state *state = fi_state_of(module);
    describe_job job;
    if (fi_rows_of(&job.rows, state, (PyArrayObject *)args[0], args[1], 0) < 0) return NULL;
    npy_intp n = FI_BINS;
    fi_moments moments;
    fi_counts counts;
    PyObject *bins = PyArray_ZEROS(1, &n, NPY_UINT64, 0), *result = NULL;
    job.bins = bins ? PyArray_DATA((PyArrayObject *)bins) : NULL;
    if (bins && describe(&job, state, &moments, &counts) == 0)
        result = Py_BuildValue("(NNO)", fi_new_moments(state, &moments), fi_new_counts(state, &counts), bins);
    Py_XDECREF(bins);
    return result;
}

PyObject *fi_py_describe_rows(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (count != 3 || !PyArray_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "describe_rows takes an array, a dtype and how many axes count rows");
        return NULL;
    }
    const int outer = (int)PyLong_AsLong(args[2]);
    if (outer == -1 && PyErr_Occurred()) return NULL;
    fi_state *state = fi_state_of(module);
    describe_job job;
    if (fi_rows_of(&job.rows, state, (PyArrayObject *)args[0], args[1], outer) < 0) return NULL;
    Py_INCREF((PyObject *)state->moments_row),
        Py_INCREF((PyObject *)state->counts_row); /* which the arrays take over */
    PyObject *moments = PyArray_SimpleNewFromDescr(1, &job.rows.count, state->moments_row);
    PyObject *counts = PyArray_SimpleNewFromDescr(1, &job.rows.count, state->counts_row), *result = NULL;
    job.bins = NULL;
    if (moments && counts &&
        describe(&job, state, PyArray_DATA((PyArrayObject *)moments), PyArray_DATA((PyArrayObject *)counts)) == 0)
        result = PyTuple_Pack(2, moments, counts);
    Py_XDECREF(moments), Py_XDECREF(counts);
    return result;
}

/* Two Moments' together */
PyObject *fi_py_merge(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    const fi_state *state = fi_state_of(module);
    if (count != 2) {
        PyErr_SetString(PyExc_TypeError, "merge takes two Moments");
        return NULL;
    }
    fi_moments a, b;
    if (fi_moments_of(state, args[0], &a) < 0 || fi_moments_of(state, args[1], &b) < 0) return NULL;
    const fi_modes saved = fi_modes_enter();
    fi_moments_merge(&a, &b);
    fi_modes_leave(saved);
    return fi_new_moments(state, &a);
}
