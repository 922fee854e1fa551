/* Axes, tiles and copies: how values reach an array whose memory is not in the stream's order.
 *
 * A tile of values is drawn into a scratch and copied out in the order that memory likes.
 */
#include "layout.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

enum { TILE_BYTES = 1 << 20 };

static npy_intp distance(npy_intp step) { return step < 0 ? -step : step; }

/* Merge axes that continue each other in the stream and in memory; drop those of extent 1. */
static void coalesce(fi_layout *layout) {
    int kept = 0;
    for (int d = 0; d < layout->ndim; d++) {
        const fi_axis a = layout->axes[d];
        fi_axis *before = kept ? &layout->axes[kept - 1] : NULL;
        if (a.n == 1) continue;
        if (before && before->in_stream == a.in_stream * a.n && before->in_memory == a.in_memory * a.n) {
            before->n *= a.n, before->in_stream = a.in_stream, before->in_memory = a.in_memory;
        } else {
            layout->axes[kept++] = a;
        }
    }
    /* draws run along a last axis whose step in the stream is 1 */
    if (!kept || layout->axes[kept - 1].in_stream != 1) layout->axes[kept++] = (fi_axis){1, 1, layout->item_size, 1};
    layout->ndim = kept;
}

/* Whether it is an array that can be filled so; an exception is set if not. */
static int can_be_filled(PyObject *object, fi_dtype dtype, PyObject *global_shape, PyObject *offset) {
    if (!PyArray_Check(object)) {
        fi_wrong_type("array", object, "a NumPy array");
        return 0;
    }
    PyArrayObject *array = (PyArrayObject *)object;
    const int ndim = PyArray_NDIM(array), whole = global_shape == Py_None && offset == Py_None;
    if (!whole && !(PyTuple_Check(global_shape) && PyTuple_Size(global_shape) == ndim && PyTuple_Check(offset) &&
                    PyTuple_Size(offset) == ndim)) {
        PyErr_SetString(PyExc_TypeError, "global_shape and offset are tuples of one integer a dimension, or both None");
        return 0;
    }
    if (PyArray_FailUnlessWriteable(array, "tensor") < 0) return 0;
    const int parts = PyArray_ISCOMPLEX(array) ? 2 : 1;
    if (PyArray_ITEMSIZE(array) != (npy_intp)fi_dtypes[dtype].item_size * parts ||
        PyDataType_REFCHK(PyArray_DESCR(array))) {
        PyErr_Format(PyExc_TypeError, "the array has dtype %S; give one whose items are %s",
                     (PyObject *)PyArray_DESCR(array), parts == 2 ? "pairs of the named dtype" : "of the named dtype");
        return 0;
    }
    return 1;
}

int fi_layout_of(fi_layout *layout, PyObject *object, fi_dtype dtype, PyObject *global_shape, PyObject *offset) {
    if (!can_be_filled(object, dtype, global_shape, offset)) return -1;
    PyArrayObject *array = (PyArrayObject *)object;
    const int ndim = PyArray_NDIM(array), item_size = fi_dtypes[dtype].item_size;
    const int parts = PyArray_ISCOMPLEX(array) ? 2 : 1;
    int64_t step = parts;
    layout->data = PyArray_BYTES(array), layout->item_size = item_size, layout->parts = parts;
    layout->swapped = PyArray_ISBYTESWAPPED(array);
    layout->first = 0, layout->count = (uint64_t)PyArray_SIZE(array) * (uint64_t)parts;
    for (int d = ndim - 1; d >= 0; d--) {
        layout->axes[d] = (fi_axis){PyArray_DIM(array, d), step, PyArray_STRIDE(array, d), 1};
        long long whole = PyArray_DIM(array, d), begin = 0;
        if (global_shape != Py_None) {
            whole = PyLong_AsLongLong(PyTuple_GetItem(global_shape, d));
            begin = PyLong_AsLongLong(PyTuple_GetItem(offset, d));
            if (PyErr_Occurred()) {
                if (PyErr_ExceptionMatches(PyExc_OverflowError))
                    PyErr_Format(PyExc_ValueError, "global_shape is %R and offset %R; give integers below 2**63",
                                 global_shape, offset);
                return -1;
            }
        }
        layout->first += (uint64_t)(begin * step);
        step *= whole;
    }
    layout->ndim = ndim;
    if (parts == 2) layout->axes[layout->ndim++] = (fi_axis){2, 1, item_size, 1};
    coalesce(layout);
    return 0;
}

/* How much of each axis a tile spans. Along the last, which the stream follows, as much as makes what is drawn twice at
 * its ends a small part; along the fast one, what is left, whole cache lines where that can be; then of the rest what
 * fits. */
uint64_t fi_plan_tiles(fi_layout *layout, size_t *bytes) {
    npy_intp room = TILE_BYTES / layout->item_size;
    uint64_t tiles = 1;
    fi_axis *axes = layout->axes, *last = &axes[layout->ndim - 1], *fast = last;
    for (int d = layout->ndim - 2; d >= 0; d--)
        if (axes[d].n > 1 && distance(axes[d].in_memory) < distance(fast->in_memory)) fast = &axes[d];
    for (int d = 0; d < layout->ndim; d++) axes[d].tile = 1;
    const npy_intp longest = fast == last ? room : room / (64 / layout->item_size);
    last->tile = last->n < longest ? last->n : longest;
    room /= last->tile;
    if (fast != last) fast->tile = fast->n < room ? fast->n : room, room /= fast->tile;
    for (fi_axis *a = last - 1; a >= axes && room > 1; a--) {
        if (a == fast) continue;
        a->tile = a->n < room ? a->n : room;
        room = a->tile < a->n ? 1 : room / a->tile;
    }
    *bytes = (size_t)layout->item_size;
    for (int d = 0; d < layout->ndim; d++) {
        tiles *= (uint64_t)((axes[d].n + axes[d].tile - 1) / axes[d].tile);
        *bytes *= (size_t)axes[d].tile;
    }
    *bytes += *bytes / 16; /* the rows are padded */
    layout->fast = (int)(fast - axes);
    return tiles;
}

/* Tile number i of the grid of tiles over the axes, the last axis moving fastest. */
void fi_tile_at(const fi_layout *layout, uint64_t number, fi_tile *tile) {
    const int last = layout->ndim - 1;
    tile->first = layout->first, tile->to = layout->data;
    for (int d = last; d >= 0; d--) {
        const fi_axis *a = &layout->axes[d];
        const uint64_t tiles = (uint64_t)((a->n + a->tile - 1) / a->tile);
        const npy_intp begin = (npy_intp)(number % tiles) * a->tile;
        number /= tiles;
        tile->extent[d] = a->n - begin < a->tile ? a->n - begin : a->tile;
        tile->first += (uint64_t)(begin * a->in_stream), tile->to += begin * a->in_memory;
        tile->pitch[d] = d == last ? layout->item_size : tile->pitch[d + 1] * tile->extent[d + 1];
        /* lest rows a power of two apart share cache sets */
        if (d == last - 1 && tile->pitch[d] >= 1024) tile->pitch[d] += 64;
    }
}

/* Items from a tile to an array: `inner` of them side by side in memory (or nearly), then the next of `outer`. */
typedef struct {
    char *to;
    const char *from;
    npy_intp to_inner, to_outer, from_inner, from_outer, inner, outer;
} plane;

/* `size` is constant in every call. The array may be misaligned: hence memcpy of one item, which is a plain move. */
static inline __attribute__((always_inline)) void copy_plane(plane p, npy_intp size) {
    for (npy_intp j = 0; j < p.outer; j++, p.to += p.to_outer, p.from += p.from_outer) {
        if (p.to_inner == size && p.from_inner == size) {
            memcpy(p.to, p.from, (size_t)(p.inner * size));
        } else if (p.to_inner == size) {
#pragma GCC unroll 4
            for (npy_intp i = 0; i < p.inner; i++) memcpy(p.to + i * size, p.from + i * p.from_inner, (size_t)size);
        } else {
#pragma GCC unroll 4
            for (npy_intp i = 0; i < p.inner; i++)
                memcpy(p.to + i * p.to_inner, p.from + i * p.from_inner, (size_t)size);
        }
    }
}

static void copy_plane_2(const plane *p) { copy_plane(*p, 2); }
static void copy_plane_8(const plane *p) { copy_plane(*p, 8); }

/* Transposing 4-byte items, by squares of four: what a Fortran-ordered float32 array needs. */
static void copy_plane_4(const plane *all) {
    const plane p = *all;
    plane rest = p;
#ifdef __SSE2__
    if (p.to_inner == 4 && p.from_outer == 4)
        for (; rest.outer >= 4; rest.outer -= 4, rest.to += 4 * p.to_outer, rest.from += 4 * p.from_outer) {
            npy_intp i = 0;
            for (; i + 4 <= p.inner; i += 4) {
                __m128 row[4];
                for (int k = 0; k < 4; k++)
                    row[k] = _mm_loadu_ps((const float *)(const void *)(rest.from + (i + k) * p.from_inner));
                _MM_TRANSPOSE4_PS(row[0], row[1], row[2], row[3]);
                for (int k = 0; k < 4; k++) _mm_storeu_ps((float *)(void *)(rest.to + k * p.to_outer + 4 * i), row[k]);
            }
            plane edge = rest;
            edge.to += 4 * i, edge.from += i * p.from_inner, edge.inner -= i, edge.outer = 4;
            copy_plane(edge, 4);
        }
#endif
    copy_plane(rest, 4);
}

void fi_tile_copy(const fi_layout *layout, const fi_tile *tile, const char *values) {
    const int last = layout->ndim - 1, fast = layout->fast;
    const fi_axis *axes = layout->axes;
    void (*copy)(const plane *) = layout->item_size == 2   ? copy_plane_2
                                  : layout->item_size == 4 ? copy_plane_4
                                                           : copy_plane_8;
    plane p = {
        .to_inner = axes[fast].in_memory,
        .to_outer = axes[last].in_memory,
        .from_inner = tile->pitch[fast],
        .from_outer = tile->pitch[last],
        .inner = tile->extent[fast],
        .outer = fast == last ? 1 : tile->extent[last],
    };
    npy_intp at[FI_MAX_AXES] = {0};
    do { /* plane by plane: the fast axis innermost, then the last */
        p.to = tile->to, p.from = values;
        for (int d = 0; d < last; d++) p.to += at[d] * axes[d].in_memory, p.from += at[d] * tile->pitch[d];
        copy(&p);
    } while (fi_next_index(at, tile->extent, last, fast));
}

void fi_swap_bytes(char *items, uint64_t n, int size) {
    if (size == 2)
        for (uint16_t *x = (uint16_t *)(void *)items; n--; x++) *x = __builtin_bswap16(*x);
    else if (size == 4)
        for (uint32_t *x = (uint32_t *)(void *)items; n--; x++) *x = __builtin_bswap32(*x);
    else
        for (uint64_t *x = (uint64_t *)(void *)items; n--; x++) *x = __builtin_bswap64(*x);
}
