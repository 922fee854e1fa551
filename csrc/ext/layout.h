/* Where a tensor's values are: two maps over one box of indices, to places in the stream and to places in memory. */
#ifndef FI_LAYOUT_H
#define FI_LAYOUT_H

#include "ext.h"

enum { FI_MAX_AXES = NPY_MAXDIMS + 1 }; /* one more for the parts of a complex number */

typedef struct {
    npy_intp n;         /* extent */
    int64_t in_stream;  /* step of the linear index */
    npy_intp in_memory; /* step in bytes */
    npy_intp tile;      /* extent within a tile */
} fi_axis;

typedef struct {
    char *data;
    int item_size, parts, swapped; /* parts: 2 of complex numbers */
    uint64_t first;                /* linear index of the first value */
    uint64_t count;
    int ndim, fast; /* fast: the axis with the smallest step in memory */
    fi_axis axes[FI_MAX_AXES];
} fi_layout;

/* The layout of an array that is to be filled with values of a dtype, or pairs of them: the block at `offset` of a
 * whole of shape `global_shape`, or the whole itself where they are None. -1: an exception is set. */
int fi_layout_of(fi_layout *layout, PyObject *object, fi_dtype dtype, PyObject *global_shape, PyObject *offset);

/* Whether it is one run of native, aligned values. */
static inline int fi_layout_is_plain(const fi_layout *layout) {
    return layout->ndim == 1 && !layout->swapped && layout->axes[0].in_memory == layout->item_size &&
           (uintptr_t)layout->data % (uintptr_t)layout->item_size == 0;
}

/* Cut the box into tiles. Returns their number, and how many bytes hold any one of them. */
uint64_t fi_plan_tiles(fi_layout *layout, size_t *bytes);

/* One tile: a box whose values lie `pitch` bytes apart while they are drawn. */
typedef struct {
    npy_intp extent[FI_MAX_AXES], pitch[FI_MAX_AXES];
    uint64_t first; /* linear index of its first value */
    char *to;       /* where that belongs */
} fi_tile;

void fi_tile_at(const fi_layout *layout, uint64_t number, fi_tile *tile);
/* Put a tile's values where they belong. */
void fi_tile_copy(const fi_layout *layout, const fi_tile *tile, const char *values);

/* The next index over the first `axes` axes, the last moving fastest, axis `skip` standing still; 0: that was all. */
static inline int fi_next_index(npy_intp *at, const npy_intp *extent, int axes, int skip) {
    for (int d = axes - 1; d >= 0; d--) {
        if (d == skip) continue;
        if (++at[d] < extent[d]) return 1;
        at[d] = 0;
    }
    return 0;
}

void fi_swap_bytes(char *items, uint64_t n, int size);

#endif
