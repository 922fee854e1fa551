/* fill_uniform, fill_normal, fill_truncated: fill an array of any layout.
 *
 * The element at index (i, j, ...) gets the stream's value of its linear index in C order, counted in the whole tensor:
 * global_shape and offset (None: the array is the whole). Where stream and memory are one run the kernels write
 * straight into the array; elsewhere they fill tiles, which layout.c copies out.
 */
#include "layout.h"
#include "platform.h"

typedef struct {
    const fi_kernels *kernels;
    int threads;
    fi_distribution dist;
    fi_key key;
    fi_dtype dtype;
    fi_layout layout;
    char *scratch; /* one block a worker, for tiles: a drawn chunk and the tile */
    size_t block_bytes;
} fill_job;

enum { TASK_VALUES = 16 * FI_CHUNK, CHUNK_BYTES = FI_CHUNK * 8, LARGE_BYTES = 1 << 22 };

static void plain_task(void *context, int worker, uint64_t i) {
    (void)worker;
    const fill_job *job = context;
    const fi_layout *layout = &job->layout;
    const uint64_t begin = i * TASK_VALUES, left = layout->count - begin;
    job->kernels->fill[job->dtype](&job->dist, job->key, layout->first + begin, left < TASK_VALUES ? left : TASK_VALUES,
                                   layout->data + begin * (uint64_t)layout->item_size);
}

/* Values in any order of index, with the chunk last drawn at hand. */
typedef struct {
    const fill_job *job;
    char *chunk;
    uint64_t number; /* of the chunk at hand */
} reader;

static void read_run(reader *r, uint64_t index, uint64_t count, char *out) {
    const fill_job *job = r->job;
    const uint64_t per_chunk = FI_CHUNK / (job->dtype == FI_F64 ? 2 : 1);
    const uint64_t size = (uint64_t)job->layout.item_size;
    while (count) {
        const uint64_t number = index / per_chunk, skip = index % per_chunk;
        const uint64_t take = count < per_chunk - skip ? count : per_chunk - skip;
        if (take == per_chunk) {
            job->kernels->fill[job->dtype](&job->dist, job->key, index, take, out);
        } else {
            if (number != r->number) {
                job->kernels->fill[job->dtype](&job->dist, job->key, number * per_chunk, per_chunk, r->chunk);
                r->number = number;
            }
            memcpy(out, r->chunk + skip * size, take * size);
        }
        out += take * size, index += take, count -= take;
    }
}

static void tile_task(void *context, int worker, uint64_t i) {
    const fill_job *job = context;
    const fi_layout *layout = &job->layout;
    char *block = job->scratch + (size_t)worker * job->block_bytes;
    reader r = {job, block, UINT64_MAX};
    char *values = block + CHUNK_BYTES;
    const int last = layout->ndim - 1;
    fi_tile tile;
    fi_tile_at(layout, i, &tile);
    const uint64_t run = (uint64_t)tile.extent[last]; /* along the last axis, whose step in the stream is 1 */
    npy_intp at[FI_MAX_AXES] = {0};
    do {
        uint64_t from = tile.first;
        char *to = values;
        for (int d = 0; d < last; d++)
            from += (uint64_t)(at[d] * layout->axes[d].in_stream), to += at[d] * tile.pitch[d];
        read_run(&r, from, run, to);
        if (layout->swapped) fi_swap_bytes(to, run, layout->item_size);
    } while (fi_next_index(at, tile.extent, last, last));
    fi_tile_copy(layout, &tile, values);
}

/* A law as Python sees it: a function that fills, and what its parameters are called. */
enum { MOST_PARAMETERS = 4 };
typedef struct {
    PyObject *(*fill)(PyObject *module, PyObject *const *args, Py_ssize_t count);
    const char *name;
    void (*setup)(fi_distribution *dist, fi_dtype dtype, const double *parameters);
    int count;
    const char *parameters[MOST_PARAMETERS];
} law_row;

static void set_up_uniform(fi_distribution *dist, fi_dtype dtype, const double *p) {
    fi_uniform_setup(dist, dtype, p[0], p[1]);
}
static void set_up_normal(fi_distribution *dist, fi_dtype dtype, const double *p) {
    fi_normal_setup(dist, dtype, p[0], p[1]);
}
static void set_up_truncated(fi_distribution *dist, fi_dtype dtype, const double *p) {
    fi_truncated_setup(dist, dtype, p[0], p[1], p[2], p[3]);
}

static const law_row laws[] = {
    {fi_py_fill_uniform, "fill_uniform", set_up_uniform, 2, {"low", "high"}},
    {fi_py_fill_normal, "fill_normal", set_up_normal, 2, {"mean", "std"}},
    {fi_py_fill_truncated, "fill_truncated", set_up_truncated, 4, {"mean", "std", "low", "high"}},
};

static int set_up(const law_row *law, fi_dtype dtype, PyObject *const *parameters, fi_distribution *dist) {
    double numbers[MOST_PARAMETERS];
    for (int i = 0; i < law->count; i++)
        if (fi_number_of(parameters[i], law->parameters[i], &numbers[i]) < 0) return -1;
    const fi_modes saved = fi_modes_enter();
    law->setup(dist, dtype, numbers);
    fi_modes_leave(saved);
    return 0;
}

int fi_distribution_of(PyObject *plan, fi_dtype dtype, fi_distribution *dist) {
    PyObject *fill, *parameters, *numbers[MOST_PARAMETERS];
    if (!PyArg_ParseTuple(plan, "OO!", &fill, &PyTuple_Type, &parameters)) return -1;
    for (size_t i = 0; PyCFunction_Check(fill) && i < sizeof laws / sizeof *laws; i++) {
        const law_row *law = &laws[i];
        if (PyCFunction_GetFunction(fill) != (PyCFunction)(void (*)(void))law->fill) continue;
        if (PyTuple_Size(parameters) != law->count) break;
        for (int j = 0; j < law->count; j++) numbers[j] = PyTuple_GetItem(parameters, j);
        return set_up(law, dtype, numbers, dist);
    }
    PyErr_Format(PyExc_TypeError, "a rule gives a law of the core and its parameters, not %R", plan);
    return -1;
}

/* What every fill is called with: array, dtype, the law's parameters, seed, stream, global_shape, offset. */
static int open_job(fill_job *job, PyObject *module, const law_row *law, PyObject *const *args, Py_ssize_t count) {
    const Py_ssize_t n = law->count;
    if (count != n + 6) {
        PyErr_Format(PyExc_TypeError, "%s takes %zd arguments; %zd were given", law->name, n + 6, count);
        return -1;
    }
    const fi_state *state = fi_state_of(module);
    if (fi_dtype_of(state, args[1], &job->dtype) < 0) return -1;
    if (set_up(law, job->dtype, args + 2, &job->dist) < 0) return -1;
    job->key.seed = PyLong_AsUnsignedLongLongMask(args[n + 2]);
    job->key.stream = PyLong_AsUnsignedLongLongMask(args[n + 3]);
    if (PyErr_Occurred()) return -1;
    job->kernels = fi_level, job->threads = state->threads;
    return fi_layout_of(&job->layout, args[0], job->dtype, args[n + 4], args[n + 5]);
}

static int run_job(fill_job *job) {
    fi_layout *layout = &job->layout;
    if (layout->count == 0) return 0;
    const int plain = fi_layout_is_plain(layout);
    if (plain && layout->count <= FI_SMALL_FILL) { /* a few microseconds: no thread, no allocation, the GIL kept */
        const fi_modes saved = fi_modes_enter();
        job->kernels->fill[job->dtype](&job->dist, job->key, layout->first, layout->count, layout->data);
        fi_modes_leave(saved);
        return 0;
    }
    const uint64_t bytes = layout->count * (uint64_t)layout->item_size;
    if (plain && bytes >= LARGE_BYTES) fi_wish_huge_pages(layout->data, bytes);
    uint64_t tasks = (layout->count + TASK_VALUES - 1) / TASK_VALUES;
    job->block_bytes = 0;
    if (!plain) {
        size_t tile_bytes;
        tasks = fi_plan_tiles(layout, &tile_bytes);
        job->block_bytes = (CHUNK_BYTES + tile_bytes + 63) / 64 * 64;
    }
    /* making and joining a thread costs as much as drawing some 2^16 values */
    uint64_t workers = (layout->count >> 16) + 1;
    if (workers > (uint64_t)job->threads) workers = (uint64_t)job->threads;
    if (workers > tasks) workers = tasks;
    char *memory = malloc(workers * job->block_bytes + 64);
    if (!memory) {
        PyErr_NoMemory();
        return -1;
    }
    job->scratch = memory + (64 - (uintptr_t)memory % 64);
    int result;
    while ((result = fi_run_tasks(tasks, workers, plain ? plain_task : tile_task, job)) == FI_FORKED) workers = 1;
    free(memory);
    return result;
}

int fi_fill_run(const fi_state *state, const fi_distribution *dist, fi_key key, fi_dtype dtype, void *data,
                uint64_t count) {
    const int size = fi_dtypes[dtype].item_size;
    fill_job job; /* whose axes, of which there is one, are too many to clear */
    job.kernels = fi_level, job.threads = state->threads, job.dist = *dist, job.key = key, job.dtype = dtype;
    fi_layout *layout = &job.layout;
    layout->data = data, layout->item_size = size, layout->swapped = 0, layout->first = 0, layout->count = count;
    layout->ndim = 1, layout->axes[0] = (fi_axis){(npy_intp)count, 1, size, 1};
    return run_job(&job);
}

static PyObject *fill(PyObject *module, const law_row *law, PyObject *const *args, Py_ssize_t count) {
    fill_job job;
    if (open_job(&job, module, law, args, count) < 0 || run_job(&job) < 0) return NULL;
    Py_RETURN_NONE;
}

PyObject *fi_py_fill_uniform(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    return fill(module, &laws[0], args, count);
}
PyObject *fi_py_fill_normal(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    return fill(module, &laws[1], args, count);
}
PyObject *fi_py_fill_truncated(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    return fill(module, &laws[2], args, count);
}
