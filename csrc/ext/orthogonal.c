/* fill_orthogonal: a matrix of orthonormal rows in an array of any layout.
 *
 * Rows of the whole matrix are made, as many as the array has a part of: in the array itself, where they lie in it as
 * they are made; else in a scratch of their size, from which they are copied by tiles (layout.c).
 */
#include "layout.h"

typedef struct {
    fi_orthogonal matrix;
    fi_layout layout;
    fi_dtype dtype;
    int threads;
    char *rows; /* the scratch's; NULL: they are made in the array */
} orthogonal_job;

static void copy_task(void *context, int worker, uint64_t i) {
    (void)worker;
    const orthogonal_job *job = context;
    const fi_layout *layout = &job->layout;
    fi_tile tile;
    fi_tile_at(layout, i, &tile);
    for (int d = 0; d < layout->ndim; d++) tile.pitch[d] = (npy_intp)layout->axes[d].in_stream * layout->item_size;
    const uint64_t from = tile.first - job->matrix.from * job->matrix.pitch;
    fi_tile_copy(layout, &tile, job->rows + from * (uint64_t)layout->item_size);
}

/* The rows, which were made in single precision, to halves: those are fewer bytes, and take their place. */
static void round_rows(const orthogonal_job *job, uint64_t n) {
    enum { AT_ONCE = 1024 };
    uint16_t halves[AT_ONCE];
    for (uint64_t i = 0; i < n; i += AT_ONCE) {
        const int m = n - i < AT_ONCE ? (int)(n - i) : AT_ONCE;
        fi_level->round[job->dtype]((const float *)(const void *)job->rows + i, m, halves);
        memcpy(job->rows + i * sizeof *halves, halves, (size_t)m * sizeof *halves);
    }
}

static int make_and_copy(void *context, fi_poll *poll, void *poll_context) {
    orthogonal_job *job = context;
    fi_layout *layout = &job->layout;
    int stop = fi_make_orthogonal(&job->matrix, job->threads, poll, poll_context);
    if (stop || !job->rows) return stop;
    const uint64_t n = (job->matrix.to - job->matrix.from) * job->matrix.pitch;
    if (layout->item_size == 2) round_rows(job, n);
    if (layout->swapped) fi_swap_bytes(job->rows, n, layout->item_size);
    size_t tile_bytes;
    const uint64_t tiles = fi_plan_tiles(layout, &tile_bytes);
    return fi_parallel(tiles, job->threads, copy_task, job, poll, poll_context);
}

/* Which rows the layout needs: the stream's linear index is here the index in the whole matrix. */
static void find_rows(orthogonal_job *job) {
    const fi_layout *layout = &job->layout;
    uint64_t last = layout->first;
    for (int d = 0; d < layout->ndim; d++) last += (uint64_t)((layout->axes[d].n - 1) * layout->axes[d].in_stream);
    if (job->matrix.pitch == 0) return;
    job->matrix.from = layout->first / job->matrix.pitch, job->matrix.to = last / job->matrix.pitch + 1;
}

/* Made, in the array or beside it, with all the memory that takes. */
static int run(orthogonal_job *job) {
    enum { SMALL = 4096 }; /* numbers: some tens of microseconds, in which the GIL is kept */
    fi_orthogonal *matrix = &job->matrix;
    const fi_layout *layout = &job->layout;
    const size_t made_size = matrix->is_double ? sizeof(double) : sizeof(float);
    const uint64_t made = (matrix->to - matrix->from) * matrix->pitch;
    const int in_place = fi_layout_is_plain(layout) && layout->count == made && (size_t)layout->item_size == made_size;
    const uint64_t useful = (made >> 17) + 1; /* a thread costs as much as some of this */
    if ((uint64_t)job->threads > useful) job->threads = (int)useful;
    const size_t work = fi_orthogonal_scratch(matrix, job->threads), rows = in_place ? 0 : (size_t)made * made_size;
    char *memory = malloc(work + rows + 64);
    if (!memory) {
        PyErr_NoMemory();
        return -1;
    }
    matrix->scratch = memory + (64 - (uintptr_t)memory % 64);
    job->rows = in_place ? NULL : (char *)matrix->scratch + work;
    matrix->out = in_place ? layout->data : job->rows;
    int result;
    if (made <= SMALL) {
        result = make_and_copy(job, NULL, NULL);
    } else {
        while ((result = fi_run(1, make_and_copy, job)) == FI_FORKED) job->threads = 1;
    }
    free(memory);
    return result;
}

PyObject *fi_py_fill_orthogonal(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    orthogonal_job job = {0};
    fi_orthogonal *matrix = &job.matrix;
    if (count != 9) {
        PyErr_Format(PyExc_TypeError, "fill_orthogonal takes 9 arguments; %zd were given", count);
        return NULL;
    }
    const fi_state *state = fi_state_of(module);
    if (fi_dtype_of(state, args[1], &job.dtype) < 0 || fi_number_of(args[2], "gain", &matrix->gain) < 0) return NULL;
    matrix->key.seed = PyLong_AsUnsignedLongLongMask(args[3]);
    matrix->key.stream = PyLong_AsUnsignedLongLongMask(args[4]);
    matrix->rows = PyLong_AsUnsignedLongLong(args[7]), matrix->columns = PyLong_AsUnsignedLongLong(args[8]);
    if (PyErr_Occurred() || fi_layout_of(&job.layout, args[0], job.dtype, args[5], args[6]) < 0) return NULL;
    if (job.layout.count == 0) Py_RETURN_NONE;
    job.threads = state->threads;
    matrix->kernels = fi_level, matrix->is_double = job.dtype == FI_F64, matrix->parts = job.layout.parts;
    matrix->pitch = matrix->columns * (uint64_t)matrix->parts;
    find_rows(&job);
    if (matrix->rows > matrix->columns || matrix->to > matrix->rows) {
        PyErr_Format(PyExc_ValueError, "%llu rows of %llu columns; give the shape of the whole matrix, rows <= columns",
                     (unsigned long long)matrix->rows, (unsigned long long)matrix->columns);
        return NULL;
    }
    if (run(&job) < 0) return NULL;
    Py_RETURN_NONE;
}
