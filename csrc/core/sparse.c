/* Which entries of a sparse matrix are zero. */
#include "core.h"

/* A row below `rows`, without bias: Lemire, "Fast random integer generation in an interval" (2019). rows < 2^32. */
static uint64_t bounded(fi_sfc32 *generator, uint32_t rows) {
    for (;;) {
        const uint64_t product = (uint64_t)fi_sfc32_next(generator) * rows;
        if ((uint32_t)product >= rows || (uint32_t)product >= (0u - rows) % rows) return product >> 32;
    }
}

void fi_sparse_draw(fi_sfc32 *generator, int column, uint64_t rows, int clear, uint64_t draws, uint64_t *mask) {
    const uint64_t bit = (uint64_t)1 << column;
    while (draws) {
        uint64_t *row = mask + bounded(generator, (uint32_t)rows);
        const int is_new = (int)(*row >> column & 1) == clear;
        *row ^= is_new ? bit : 0;
        draws -= (uint64_t)is_new;
    }
}
