/* Which entries of a sparse matrix are zero. */
#include <string.h>

#include "core.h"

/* A row below `rows`, without bias: Lemire, "Fast random integer generation in an interval" (2019). rows < 2^32. */
static uint64_t bounded(fi_sfc32 *generator, uint32_t rows) {
    for (;;) {
        const uint64_t product = (uint64_t)fi_sfc32_next(generator) * rows;
        if ((uint32_t)product >= rows || (uint32_t)product >= (0u - rows) % rows) return product >> 32;
    }
}

void fi_sparse_columns(fi_key key, uint64_t first, int count, uint64_t rows, uint64_t chosen, uint64_t *mask) {
    /* Draw whichever is fewer, the rows chosen or the rows left, so that at most every second draw is a repeat. */
    const int invert = chosen > rows / 2;
    const uint64_t draws = invert ? rows - chosen : chosen;
    memset(mask, invert ? 0xff : 0, rows * sizeof *mask);
    for (int j = 0; j < count; j++) {
        fi_sfc32 generator = fi_sfc32_seed(key, first + (uint64_t)j, 0, FI_DOMAIN_SPARSE);
        const uint64_t bit = (uint64_t)1 << j;
        for (uint64_t left = draws; left;) {
            uint64_t *row = mask + bounded(&generator, (uint32_t)rows);
            const int is_new = (int)(*row >> j & 1) == invert;
            *row ^= is_new ? bit : 0;
            left -= (uint64_t)is_new;
        }
    }
}
