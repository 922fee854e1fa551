/* Pairs of rows to normal values. Expects WIDTH. */
#include "width_tpl.h"

FI_APART void OF(fi_normal_values)(const fi_distribution *dist, int rows, const uint32_t *restrict words,
                                   REAL *restrict out) {
    const REAL scale = (REAL)dist->scale, shift = (REAL)dist->shift;
    for (; rows > 0; rows -= 2, words += 2 * FI_LANES, out += 2 * PER_ROW) {
#pragma GCC unroll 1 /* gcc 12 unrolls the 16 of float64 before it could vectorise them */
        for (int i = 0; i < PER_ROW; i++) {
            const WORD a = OF(fi_word)(words, i), b = OF(fi_word)(words, i + PER_ROW);
            const REAL radius = OF(fi_radius)(a) * scale, angle = OF(fi_angle)(b);
            const WORD cosine = OF(fi_bits)(OF(fi_octant_cos)(angle)) ^ OF(fi_cosine_sign)(b);
            const WORD sine = OF(fi_bits)(OF(fi_octant_sin)(angle)) ^ OF(fi_sine_sign)(a, b);
            const WORD exchange = (cosine ^ sine) & (0u - OF(fi_exchange)(b));
            out[i] = radius * OF(fi_from_bits)(cosine ^ exchange) + shift;
            out[i + PER_ROW] = radius * OF(fi_from_bits)(sine ^ exchange) + shift;
        }
    }
}
#undef WIDTH
