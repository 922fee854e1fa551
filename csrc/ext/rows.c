/* Reading: values in C order, in blocks, from memory of any layout, byte order and dtype. */
#include "layout.h"
#include "rows.h"

int fi_rows_of(fi_rows *rows, const fi_state *state, PyArrayObject *array, PyObject *dtype, int outer) {
    static const fi_reading READINGS[FI_DTYPES] = {
        [FI_F32] = FI_READ_F32, [FI_F64] = FI_READ_F64, [FI_F16] = FI_READ_F16, [FI_BF16] = FI_READ_BF16};
    const int ndim = PyArray_NDIM(array);
    const char kind = PyArray_DESCR(array)->kind;
    fi_dtype named = FI_F64;
    if (dtype != Py_None && fi_dtype_of(state, dtype, &named) < 0) return -1;
    *rows = (fi_rows){.kernels = fi_level,
                      .data = PyArray_BYTES(array),
                      .reading = dtype == Py_None ? FI_READ_INTEGER : READINGS[named],
                      .dtype = named,
                      .is_double = named == FI_F64,
                      .item_size = (int)PyArray_ITEMSIZE(array),
                      .swapped = PyArray_ISBYTESWAPPED(array),
                      .is_signed = kind == 'i',
                      .is_bool = kind == 'b',
                      .ndim = ndim,
                      .outer = outer,
                      .count = 1,
                      .size = 1};
    const int sound = dtype == Py_None
                          ? (kind == 'i' || kind == 'u' || kind == 'b') && PyArray_ITEMSIZE(array) <= 8
                          : PyArray_ITEMSIZE(array) == fi_dtypes[named].item_size && (named == FI_BF16 || kind == 'f');
    if (!sound) {
        PyErr_Format(PyExc_TypeError, "the array has dtype %S, and is to be read as %R",
                     (PyObject *)PyArray_DESCR(array), dtype);
        return -1;
    }
    if (outer < 0 || outer > ndim) {
        PyErr_Format(PyExc_ValueError, "outer is %d; give a number of the array's %d axes", outer, ndim);
        return -1;
    }
    npy_intp step = rows->item_size;
    rows->plain =
        (rows->reading == FI_READ_F32 || rows->reading == FI_READ_F64) && PyArray_ISALIGNED(array) && !rows->swapped;
    for (int d = ndim - 1; d >= 0; d--) {
        rows->shape[d] = PyArray_DIM(array, d), rows->steps[d] = PyArray_STRIDE(array, d);
        *(d < outer ? &rows->count : &rows->size) *= rows->shape[d];
        if (d < outer) continue;
        if (rows->shape[d] != 1 && rows->steps[d] != step) rows->plain = 0;
        step *= rows->shape[d];
    }
    rows->across = outer ? rows->shape[outer - 1] : 1;
    rows->beside = rows->across > 1 && rows->steps[outer - 1] == rows->item_size && !rows->plain &&
                   rows->reading != FI_READ_INTEGER;
    return 0;
}

const char *fi_row_at(const fi_rows *rows, npy_intp row) {
    const char *at = rows->data;
    for (int d = rows->outer - 1; d >= 0; d--) {
        at += row % rows->shape[d] * rows->steps[d];
        row /= rows->shape[d];
    }
    return at;
}

static uint64_t load_bits(const char *from, int size, int swapped) {
    uint16_t two;
    uint32_t four;
    uint64_t eight;
    switch (size) {
    case 1: return (unsigned char)*from;
    case 2: memcpy(&two, from, sizeof two); return swapped ? __builtin_bswap16(two) : two;
    case 4: memcpy(&four, from, sizeof four); return swapped ? __builtin_bswap32(four) : four;
    default: memcpy(&eight, from, sizeof eight); return swapped ? __builtin_bswap64(eight) : eight;
    }
}

static double load_integer(const fi_rows *rows, const char *from) {
    const uint64_t bits = load_bits(from, rows->item_size, rows->swapped);
    if (rows->is_bool) return bits != 0;
    if (!rows->is_signed) return (double)bits;
    const int unused = 64 - 8 * rows->item_size;
    return (double)((int64_t)(bits << unused) >> unused);
}

/* m values, `step` bytes apart, of k rows that lie side by side. `size` is constant in every call. */
static inline __attribute__((always_inline)) void spread(const char *from, npy_intp step, int m, int k, size_t size,
                                                         char *out) {
    for (int j = 0; j < m; j++, from += step) {
        __builtin_prefetch(from + 24 * step);
        char side[FI_GROUP * 8];
        memcpy(side, from, (size_t)k * size);
        for (int r = 0; r < k; r++) memcpy(out + r * FI_GATHER_BYTES + j * (int)size, side + r * (int)size, size);
    }
}

/* The two common counts of rows are constant too. */
static inline __attribute__((always_inline)) void spread_any(const char *from, npy_intp step, int m, int k, size_t size,
                                                             char *out) {
    if (k == 1)
        spread(from, step, m, 1, size, out);
    else if (k == FI_GROUP)
        spread(from, step, m, FI_GROUP, size, out);
    else
        spread(from, step, m, k, size, out);
}

static void load(const fi_rows *rows, const char *from, npy_intp step, int m, int k, char *out) {
    if (rows->reading == FI_READ_INTEGER)
        for (int j = 0; j < m; j++) ((double *)(void *)out)[j] = load_integer(rows, from + j * step);
    else if (k == 1 && step == rows->item_size)
        memcpy(out, from, (size_t)m * (size_t)step);
    else if (rows->item_size == 8)
        spread_any(from, step, m, k, 8, out);
    else if (rows->item_size == 4)
        spread_any(from, step, m, k, 4, out);
    else
        spread_any(from, step, m, k, 2, out);
}

void fi_gather(const fi_rows *rows, const char *row, npy_intp begin, int n, int k, char *scratch) {
    const int last = rows->ndim - 1, outer = rows->outer, is_scalar = last < outer;
    const int is_half = rows->reading == FI_READ_F16 || rows->reading == FI_READ_BF16;
    const int width = rows->reading == FI_READ_INTEGER ? 8 : rows->item_size;
    char *raw = scratch + (is_half ? FI_STAT_STRIP * 8 : 0); /* halves are widened from behind */
    npy_intp at[NPY_MAXDIMS] = {0};
    const char *from = row;
    for (int d = last; d >= outer; d--) {
        at[d] = begin % rows->shape[d], begin /= rows->shape[d];
        from += at[d] * rows->steps[d];
    }
    const npy_intp step = is_scalar ? 0 : rows->steps[last];
    for (int i = 0; i < n;) { /* along the last axis as far as it goes, then on */
        const npy_intp left = is_scalar ? 1 : rows->shape[last] - at[last];
        const int m = n - i < left ? n - i : (int)left;
        load(rows, from, step, m, k, raw + i * width);
        i += m;
        if (i == n) break;
        from += (left - 1) * step, at[last] = rows->shape[last] - 1;
        for (int d = last; d >= outer; d--) { /* from the last value of an axis to the first of the next */
            if (++at[d] < rows->shape[d]) {
                from += rows->steps[d];
                break;
            }
            from -= (rows->shape[d] - 1) * rows->steps[d];
            at[d] = 0;
        }
    }
    if (rows->reading == FI_READ_INTEGER) return;
    for (int r = 0; r < k; r++, raw += FI_GATHER_BYTES, scratch += FI_GATHER_BYTES) {
        const uint16_t *halves = (const uint16_t *)(void *)raw;
        if (rows->swapped) fi_swap_bytes(raw, (uint64_t)n, rows->item_size);
        if (rows->reading == FI_READ_F16) rows->kernels->load_f16(halves, n, (float *)(void *)scratch);
        if (rows->reading == FI_READ_BF16)
            for (int i = 0; i < n; i++) ((uint32_t *)(void *)scratch)[i] = (uint32_t)halves[i] << 16;
    }
}
