/* Rows of words to uniform values. Expects WIDTH. */
#include "width_tpl.h"

FI_INLINE void OF(fi_uniform_of)(const fi_distribution *dist, int rows, const uint32_t *restrict words,
                                 REAL *restrict out, const int clamped) {
    enum { PAIR = 2 * PER_ROW };
    const REAL scale = (REAL)dist->scale, shift = (REAL)dist->shift, lo = (REAL)dist->lo, hi = (REAL)dist->hi;
    for (; rows > 0; rows -= 2, words += 2 * FI_LANES, out += PAIR) {
        for (int i = 0; i < PAIR; i++) { /* from 0 to a constant: compilers unroll it, with -fwrapv too */
            const REAL value = OF(fi_symmetric)(OF(fi_word)(words, i)) * scale + shift;
            const REAL above = value > lo ? value : lo;
            out[i] = !clamped ? value : above < hi ? above : hi;
        }
    }
}

FI_APART void OF(fi_uniform_values)(const fi_distribution *dist, int rows, const uint32_t *restrict words,
                                    REAL *restrict out) {
    OF(fi_uniform_of)(dist, rows, words, out, 0);
}
FI_APART void OF(fi_uniform_clamped_values)(const fi_distribution *dist, int rows, const uint32_t *restrict words,
                                            REAL *restrict out) {
    OF(fi_uniform_of)(dist, rows, words, out, 1);
}
#undef WIDTH
