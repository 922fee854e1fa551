/* The laws of one width: each makes values of rows of words, in the order of fi_law. Expects WIDTH. */
#include "width_tpl.h"

typedef void OF(fi_make)(const fi_distribution *dist, int rows, const uint32_t *restrict words, REAL *restrict out);

static OF(fi_make) *const OF(fi_laws)[FI_LAWS] = {
    [FI_UNIFORM] = OF(fi_uniform_values),
    [FI_UNIFORM_CLAMPED] = OF(fi_uniform_clamped_values),
    [FI_NORMAL] = OF(fi_normal_values),
    [FI_TRUNCATED_NARROW] = OF(fi_truncated_narrow_values),
    [FI_TRUNCATED_WIDE] = OF(fi_truncated_wide_values),
    [FI_TRUNCATED_TAIL] = OF(fi_truncated_tail_values),
};
#undef WIDTH
