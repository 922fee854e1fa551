/* An array as rows of values to read: the shape as it was when the call began, whatever another thread makes of it. */
#ifndef FI_ROWS_H
#define FI_ROWS_H

#include "ext.h"

typedef enum { FI_READ_F32, FI_READ_F64, FI_READ_F16, FI_READ_BF16, FI_READ_INTEGER } fi_reading;

typedef struct {
    const fi_kernels *kernels;
    const char *data;
    fi_reading reading;
    fi_dtype dtype; /* float64 for integers */
    int is_double;  /* values are read as float64, else as float32 */
    int item_size, swapped, is_signed, is_bool;
    int plain;       /* each row is one run of native, aligned values that need no reading */
    int beside;      /* the rows' first values lie side by side in memory, but a row's own do not */
    int ndim, outer; /* the first `outer` axes count the rows */
    npy_intp shape[NPY_MAXDIMS], steps[NPY_MAXDIMS];
    npy_intp count, size, across; /* rows, values a row, rows along the last of the outer axes */
} fi_rows;

/* Rows as many as this are read at once where they are `beside` each other; their scratches follow one another. */
enum { FI_GROUP = 32, FI_GATHER_BYTES = FI_STAT_STRIP * 10 + 64 };

/* dtype: one of DTYPES, or None for integers and bool. -1: an exception is set. */
int fi_rows_of(fi_rows *rows, const fi_state *state, PyArrayObject *array, PyObject *dtype, int outer);

/* Where a row's first value is. */
const char *fi_row_at(const fi_rows *rows, npy_intp row);

/* Values [begin, begin + n) of k rows, the first of them at `row`, as float32 or float64 into k scratches. */
void fi_gather(const fi_rows *rows, const char *row, npy_intp begin, int n, int k, char *scratch);

#endif
