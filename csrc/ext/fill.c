/* fill(array, dtype, transform, p0, p1, p2, p3, seed, stream, global_shape, offset): fill an array of any layout.
 *
 * The element at index (i, j, ...) gets the stream's value of its linear index in C order, counted in the whole tensor:
 * global_shape and offset (None: the array is the whole). So two maps run over one box of indices, from index to place in
 * the stream and from index to place in memory. Where both are contiguous the kernels write straight into the array;
 * elsewhere a tile of values is drawn into a scratch and copied out in the order that memory likes.
 */
#include "ext.h"

#include <time.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { MAX_DIMS = NPY_MAXDIMS + 1, TILE_BYTES = 1 << 20 };

typedef struct {
    npy_intp n;         /* extent */
    int64_t in_stream;  /* step of the linear index */
    npy_intp in_memory; /* step in bytes */
    npy_intp tile;      /* extent within a tile */
} axis;

typedef struct {
    const fi_kernels *kernels;
    fi_distribution dist;
    fi_key key;
    fi_dtype dtype;
    int itemsize, swapped;
    char *data;
    uint64_t first; /* linear index of the array's first element */
    int ndim, fast; /* fast: the axis with the smallest step in memory */
    axis axes[MAX_DIMS];
    uint64_t per_task; /* contiguous: elements; else 0 */
    uint64_t count;
    char *scratch; /* one block a worker, for tiles: a drawn chunk and the tile */
    size_t block_bytes;
} fill_job;

enum { CHUNK_BYTES = FI_CHUNK * 8 };

static void contiguous_task(void *context, int worker, uint64_t i) {
    const fill_job *job = context;
    (void)worker;
    const uint64_t begin = i * job->per_task;
    const uint64_t count = job->count - begin < job->per_task ? job->count - begin : job->per_task;
    job->kernels->fill[job->dtype](&job->dist, job->key, job->first + begin, count,
                                   job->data + begin * (uint64_t)job->itemsize);
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
    const uint64_t size = (uint64_t)job->itemsize;
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

static void swap_bytes(char *items, uint64_t n, int size) {
    if (size == 2)
        for (uint16_t *x = (uint16_t *)(void *)items; n--; x++) *x = __builtin_bswap16(*x);
    else if (size == 4)
        for (uint32_t *x = (uint32_t *)(void *)items; n--; x++) *x = __builtin_bswap32(*x);
    else
        for (uint64_t *x = (uint64_t *)(void *)items; n--; x++) *x = __builtin_bswap64(*x);
}

/* A plane of items from a tile to an array: `inner` items side by side in memory (or nearly), then the next of `outer`.
 * The array may be misaligned: hence memcpy of one item, which is a plain move. */
#define DEFINE_COPY_PLANE(NAME, SIZE)                                                                                  \
    static void NAME(char *to, npy_intp to_inner, npy_intp to_outer, const char *from, npy_intp from_inner,            \
                     npy_intp from_outer, npy_intp inner, npy_intp outer) {                                            \
        for (npy_intp j = 0; j < outer; j++, to += to_outer, from += from_outer) {                                     \
            if (to_inner == SIZE)                                                                                      \
                for (npy_intp i = 0; i < inner; i++) memcpy(to + i * SIZE, from + i * from_inner, SIZE);               \
            else                                                                                                       \
                for (npy_intp i = 0; i < inner; i++) memcpy(to + i * to_inner, from + i * from_inner, SIZE);           \
        }                                                                                                              \
    }
DEFINE_COPY_PLANE(copy_plane_2, 2)
DEFINE_COPY_PLANE(copy_plane_any_4, 4)
DEFINE_COPY_PLANE(copy_plane_8, 8)

/* Transposing 4-byte items, by squares of four: what a Fortran-ordered float32 array needs. */
static void copy_plane_4(char *to, npy_intp to_inner, npy_intp to_outer, const char *from, npy_intp from_inner,
                         npy_intp from_outer, npy_intp inner, npy_intp outer) {
    npy_intp j = 0;
#ifdef __SSE2__
    if (to_inner == 4 && from_outer == 4)
        for (; j + 4 <= outer; j += 4) {
            npy_intp i = 0;
            for (; i + 4 <= inner; i += 4) {
                __m128 row[4];
                for (int k = 0; k < 4; k++)
                    row[k] = _mm_loadu_ps((const float *)(const void *)(from + (i + k) * from_inner + 4 * j));
                _MM_TRANSPOSE4_PS(row[0], row[1], row[2], row[3]);
                for (int k = 0; k < 4; k++) _mm_storeu_ps((float *)(void *)(to + (j + k) * to_outer + 4 * i), row[k]);
            }
            copy_plane_any_4(to + j * to_outer + 4 * i, 4, to_outer, from + i * from_inner + 4 * j, from_inner, 4,
                             inner - i, 4);
        }
#endif
    copy_plane_any_4(to + j * to_outer, to_inner, to_outer, from + j * from_outer, from_inner, from_outer, inner,
                     outer - j);
}

/* Tile number i of the grid of tiles over the axes, the last axis moving fastest. */
static void tile_task(void *context, int worker, uint64_t i) {
    const fill_job *job = context;
    char *block = job->scratch + (size_t)worker * job->block_bytes;
    reader r = {job, block, UINT64_MAX};
    char *tile = block + CHUNK_BYTES;
    const int last = job->ndim - 1;
    npy_intp extent[MAX_DIMS], pitch[MAX_DIMS], at[MAX_DIMS] = {0};
    uint64_t index = job->first, runs = 1;
    char *data = job->data;
    for (int d = last; d >= 0; d--) {
        const axis *a = &job->axes[d];
        const uint64_t tiles = (uint64_t)((a->n + a->tile - 1) / a->tile);
        const npy_intp begin = (npy_intp)(i % tiles) * a->tile;
        i /= tiles;
        extent[d] = a->n - begin < a->tile ? a->n - begin : a->tile;
        index += (uint64_t)(begin * a->in_stream), data += begin * a->in_memory;
        pitch[d] = d == last ? job->itemsize : pitch[d + 1] * extent[d + 1];
        if (d == last - 1 && pitch[d] >= 1024) pitch[d] += 64; /* lest rows a power of two apart share cache sets */
        if (d < last) runs *= (uint64_t)extent[d];
    }
    /* draw: runs along the last axis, whose step in the stream is 1 */
    for (uint64_t run = 0; run < runs; run++) {
        uint64_t from = index;
        char *to = tile;
        for (int d = 0; d < last; d++) from += (uint64_t)(at[d] * job->axes[d].in_stream), to += at[d] * pitch[d];
        read_run(&r, from, (uint64_t)extent[last], to);
        if (job->swapped) swap_bytes(to, (uint64_t)extent[last], job->itemsize);
        for (int d = last - 1; d >= 0 && ++at[d] == extent[d]; d--) at[d] = 0;
    }
    /* copy, plane by plane: the fast axis innermost, then the last */
    const int fast = job->fast;
    void (*copy_plane)(char *, npy_intp, npy_intp, const char *, npy_intp, npy_intp, npy_intp, npy_intp) =
        job->itemsize == 2   ? copy_plane_2
        : job->itemsize == 4 ? copy_plane_4
                             : copy_plane_8;
    const axis *inner = &job->axes[fast], *outer = &job->axes[last];
    const npy_intp planes = fast == last ? 1 : extent[last];
    memset(at, 0, sizeof at);
    for (;;) {
        char *to = data;
        const char *from = tile;
        for (int d = 0; d < last; d++) to += at[d] * job->axes[d].in_memory, from += at[d] * pitch[d];
        copy_plane(to, inner->in_memory, outer->in_memory, from, pitch[fast], pitch[last], extent[fast], planes);
        int d = last - 1;
        for (; d >= 0; d--) {
            if (d == fast) continue;
            if (++at[d] < extent[d]) break;
            at[d] = 0;
        }
        if (d < 0) break;
    }
}

static npy_intp magnitude(npy_intp x) { return x < 0 ? -x : x; }

/* Merge axes that continue each other in the stream and in memory; drop those of extent 1. */
static void coalesce(fill_job *job) {
    int kept = 0;
    for (int d = 0; d < job->ndim; d++) {
        const axis a = job->axes[d];
        axis *before = kept ? &job->axes[kept - 1] : NULL;
        if (a.n == 1) continue;
        if (before && before->in_stream == a.in_stream * a.n && before->in_memory == a.in_memory * a.n) {
            before->n *= a.n, before->in_stream = a.in_stream, before->in_memory = a.in_memory;
        } else {
            job->axes[kept++] = a;
        }
    }
    /* draws run along a last axis whose step in the stream is 1 */
    if (!kept || job->axes[kept - 1].in_stream != 1) job->axes[kept++] = (axis){1, 1, job->itemsize, 1};
    job->ndim = kept;
}

/* How much of each axis a tile spans. Along the last, which the stream follows, as much as makes what is drawn twice at its
 * ends a small part; along the fast one, what is left, whole cache lines where that can be; then of the rest what fits. */
static uint64_t plan_tiles(fill_job *job) {
    npy_intp room = TILE_BYTES / job->itemsize;
    uint64_t tiles = 1;
    job->fast = job->ndim - 1;
    for (int d = job->ndim - 2; d >= 0; d--)
        if (job->axes[d].n > 1 && magnitude(job->axes[d].in_memory) < magnitude(job->axes[job->fast].in_memory))
            job->fast = d;
    for (int d = 0; d < job->ndim; d++) job->axes[d].tile = 1;
    axis *last = &job->axes[job->ndim - 1], *fast = &job->axes[job->fast];
    const npy_intp most = fast == last ? room : room / (64 / job->itemsize);
    last->tile = last->n < most ? last->n : most;
    room /= last->tile;
    if (fast != last) fast->tile = fast->n < room ? fast->n : room, room /= fast->tile;
    for (int d = job->ndim - 2; d >= 0 && room > 1; d--) {
        axis *a = &job->axes[d];
        if (a == fast) continue;
        a->tile = a->n < room ? a->n : room;
        room = a->tile < a->n ? 1 : room / a->tile;
    }
    size_t bytes = (size_t)job->itemsize;
    for (int d = 0; d < job->ndim; d++) {
        tiles *= (uint64_t)((job->axes[d].n + job->axes[d].tile - 1) / job->axes[d].tile);
        bytes *= (size_t)job->axes[d].tile;
    }
    bytes += bytes / 16; /* the rows are padded */
    job->block_bytes = (CHUNK_BYTES + bytes + 63) / 64 * 64;
    return tiles;
}

/* Called between tasks on the calling thread: look for a signal every 20 ms. */
typedef struct {
    PyThreadState *thread;
    struct timespec looked;
} signal_watch;

static int look_for_signals(void *context) {
    signal_watch *watch = context;
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    const long long passed = (now.tv_sec - watch->looked.tv_sec) * 1000000000ll + (now.tv_nsec - watch->looked.tv_nsec);
    if (passed < 20000000) return 0;
    watch->looked = now;
    PyEval_RestoreThread(watch->thread);
    const int interrupted = PyErr_CheckSignals();
    watch->thread = PyEval_SaveThread();
    return interrupted;
}

static int prepare_distribution(fill_job *job, const char *transform, const double p[4]) {
    const fi_modes saved = fi_modes_enter();
    int known = 1;
    if (transform[0] == 'u')
        fi_uniform_setup(&job->dist, job->dtype, p[0], p[1]);
    else if (transform[0] == 'n')
        fi_normal_setup(&job->dist, job->dtype, p[0], p[1]);
    else if (transform[0] == 't')
        fi_truncated_setup(&job->dist, job->dtype, p[0], p[1], p[2], p[3]);
    else
        known = 0;
    fi_modes_leave(saved);
    if (!known) PyErr_Format(PyExc_ValueError, "unknown transform %s", transform);
    return known ? 0 : -1;
}

/* The dtype to draw, from a code: "e", "f", "d", or "b" for bfloat16 held in any 2-byte dtype. */
static int prepare_dtype(fill_job *job, PyArrayObject *array, const char *code) {
    switch (code[0]) {
    case 'e': job->dtype = FI_F16, job->itemsize = 2; break;
    case 'b': job->dtype = FI_BF16, job->itemsize = 2; break;
    case 'f': job->dtype = FI_F32, job->itemsize = 4; break;
    case 'd': job->dtype = FI_F64, job->itemsize = 8; break;
    default: PyErr_Format(PyExc_TypeError, "unknown dtype code %s", code); return -1;
    }
    const int parts = (int)(PyArray_ITEMSIZE(array) / job->itemsize);
    const int complex_parts = PyArray_ISCOMPLEX(array) ? 2 : 1;
    if (parts != complex_parts || PyArray_ITEMSIZE(array) != (npy_intp)job->itemsize * parts ||
        PyDataType_REFCHK(PyArray_DESCR(array))) {
        PyErr_SetString(PyExc_TypeError, "the array's dtype is not the one named");
        return -1;
    }
    job->swapped = PyArray_ISBYTESWAPPED(array);
    return parts;
}

/* The axes: extents and steps in memory from the array, steps in the stream from the whole tensor's shape. */
static int prepare_axes(fill_job *job, PyArrayObject *array, int parts, PyObject *global_shape, PyObject *offset) {
    const int ndim = PyArray_NDIM(array);
    int64_t step = parts;
    job->first = 0;
    for (int d = ndim - 1; d >= 0; d--) {
        job->axes[d] = (axis){PyArray_DIM(array, d), step, PyArray_STRIDE(array, d), 1};
        long long whole = PyArray_DIM(array, d), begin = 0;
        if (global_shape != Py_None) {
            whole = PyLong_AsLongLong(PyTuple_GET_ITEM(global_shape, d));
            begin = PyLong_AsLongLong(PyTuple_GET_ITEM(offset, d));
            if (PyErr_Occurred()) return -1;
        }
        job->first += (uint64_t)(begin * step);
        step *= whole;
    }
    job->ndim = ndim;
    if (parts == 2) job->axes[job->ndim++] = (axis){2, 1, job->itemsize, 1};
    coalesce(job);
    return 0;
}

PyObject *fi_py_fill(PyObject *module, PyObject *const *args, Py_ssize_t count) {
    if (count != 11 || !PyArray_Check(args[0]) || !PyUnicode_Check(args[1]) || !PyUnicode_Check(args[2])) {
        PyErr_SetString(PyExc_TypeError, "fill takes an array, a dtype code, a transform and eight more arguments");
        return NULL;
    }
    PyArrayObject *array = (PyArrayObject *)args[0];
    const char *code = PyUnicode_AsUTF8(args[1]), *transform = PyUnicode_AsUTF8(args[2]);
    if (!code || !transform) return NULL;
    double p[4];
    for (int i = 0; i < 4; i++) p[i] = PyFloat_AsDouble(args[3 + i]);
    const uint64_t seed = PyLong_AsUnsignedLongLongMask(args[7]), stream = PyLong_AsUnsignedLongLongMask(args[8]);
    PyObject *global_shape = args[9], *offset = args[10];
    if (PyErr_Occurred()) return NULL;
    if (global_shape != Py_None &&
        (!PyTuple_Check(global_shape) || !PyTuple_Check(offset) ||
         PyTuple_GET_SIZE(global_shape) != PyArray_NDIM(array) || PyTuple_GET_SIZE(offset) != PyArray_NDIM(array))) {
        PyErr_SetString(PyExc_TypeError, "global_shape and offset are tuples of one integer a dimension");
        return NULL;
    }
    if (PyArray_FailUnlessWriteable(array, "tensor") < 0) return NULL;
    const fi_state *state = fi_state_of(module);
    fill_job job = {.kernels = state->kernels, .key = {seed, stream}, .data = PyArray_BYTES(array)};
    const int parts = prepare_dtype(&job, array, code);
    if (parts < 0 || prepare_distribution(&job, transform, p) < 0 ||
        prepare_axes(&job, array, parts, global_shape, offset) < 0)
        return NULL;
    job.count = (uint64_t)PyArray_SIZE(array) * (uint64_t)parts;
    if (job.count == 0) Py_RETURN_NONE;

    const int direct = job.ndim == 1 && !job.swapped && job.axes[0].in_memory == job.itemsize &&
                       (uintptr_t)job.data % (uintptr_t)job.itemsize == 0;
    fi_task *task = direct ? contiguous_task : tile_task;
    if (direct && job.count <= 8192) { /* a few microseconds: no thread, no allocation, the GIL kept */
        const fi_modes saved = fi_modes_enter();
        job.kernels->fill[job.dtype](&job.dist, job.key, job.first, job.count, job.data);
        fi_modes_leave(saved);
        Py_RETURN_NONE;
    }
    job.per_task = 16 * FI_CHUNK;
    uint64_t tasks = direct ? (job.count + job.per_task - 1) / job.per_task : plan_tiles(&job);
    /* making and joining a thread costs as much as drawing some 2^16 values */
    uint64_t workers = job.count >> 16 < (uint64_t)state->threads ? (job.count >> 16) + 1 : (uint64_t)state->threads;
    if (workers > (uint64_t)state->threads) workers = (uint64_t)state->threads;
    if (workers > tasks) workers = tasks;
    char *memory = PyMem_RawMalloc(workers * job.block_bytes + 64);
    if (!memory) return PyErr_NoMemory();
    job.scratch = memory + (64 - (uintptr_t)memory % 64);
    signal_watch watch = {NULL, {0, 0}};
    clock_gettime(CLOCK_MONOTONIC, &watch.looked);
    watch.thread = PyEval_SaveThread();
    const int interrupted = fi_parallel(tasks, (int)workers, task, &job, look_for_signals, &watch);
    PyEval_RestoreThread(watch.thread);
    PyMem_RawFree(memory);
    if (interrupted) return NULL;
    Py_RETURN_NONE;
}
