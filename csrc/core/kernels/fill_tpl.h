/* How every array is filled: draw a few rows of words, make values of them, store those.
 * Expects WIDTH (of what is computed), TYPE (of what is stored), NAME(name), which is name and the dtype. */
#include "width_tpl.h"

static void NAME(fi_fill)(const fi_distribution *dist, fi_key key, uint64_t first, size_t count, void *target) {
    enum { STRIP = FI_ROWS_AT_ONCE * PER_ROW, PER_CHUNK = FI_ROWS * PER_ROW, LINE = 64, NEAR = 1 << 17 };
    /* where the strip after next will lie, if that may be beyond the caches: its lines come while this one is made */
    const size_t ahead = count * sizeof(TYPE) > NEAR ? 2 * STRIP * sizeof(TYPE) : 0;
    uint32_t words[FI_ROWS_AT_ONCE * FI_LANES] __attribute__((aligned(64)));
    REAL values[STRIP] __attribute__((aligned(64)));
    OF(fi_make) *const make = OF(fi_laws)[dist->law];
    TYPE *out = target;
    int skip = (int)(first % PER_CHUNK);
    for (uint64_t chunk = first / PER_CHUNK; count; chunk++, skip = 0) {
        fi_lanes lanes;
        fi_lanes_seed(key, chunk, &lanes);
        for (int at = 0; at < PER_CHUNK && count; at += STRIP) {
            const int from = skip <= at ? 0 : skip < at + STRIP ? skip - at : STRIP;
            const int n = count < (size_t)(STRIP - from) ? (int)count : STRIP - from;
            const int rows = n ? (from + n + 2 * PER_ROW - 1) / (2 * PER_ROW) * 2 : FI_ROWS_AT_ONCE; /* by pairs */
            for (size_t i = ahead; i && i < ahead + STRIP * sizeof(TYPE); i += LINE)
                __builtin_prefetch((const char *)out + i, 1);
            fi_lanes_draw(&lanes, rows, words);
            if (sizeof(TYPE) == sizeof(REAL) && n == rows * PER_ROW) {
                make(dist, rows, words, (REAL *)(void *)out);
            } else if (n) {
                make(dist, rows, words, values);
                NAME(fi_store)(values + from, n, out);
            }
            out += n, count -= (size_t)n;
        }
    }
}
#undef WIDTH
#undef TYPE
#undef NAME
