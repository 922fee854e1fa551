/* Rows of words to values of a truncated normal, by the steps of truncated.h. Expects WIDTH.
 *
 * The steps depend on each other all the way from word to value, too long a chain for a processor to overlap enough of
 * them; so each step is a loop of its own over the rows, and parameters are read where they are used. A reader and the
 * compiler both gain. */
#include "width_tpl.h"

FI_INLINE REAL OF(fi_clamped)(REAL x, REAL lo, REAL hi) {
    const REAL above = x < lo ? lo : x;
    return above > hi ? hi : above;
}

FI_INLINE void OF(fi_truncated_centre)(const fi_distribution *dist, int rows, const uint32_t *restrict words,
                                       REAL *restrict out, const int wide) {
    const double k0 = dist->centre.k0;
    const REAL step = (REAL)dist->centre.step, e0 = (REAL)dist->centre.e0;
    const REAL v_lo = (REAL)dist->centre.v_lo, v_hi = (REAL)dist->centre.v_hi;
    REAL e[FI_ROWS_AT_ONCE * PER_ROW], w[FI_ROWS_AT_ONCE * PER_ROW];
    const int n = rows * PER_ROW;
    for (int i = 0; i < n; i++) {
        REAL from_centre, from_end;
        const WORD upper = OF(fi_rank_from_centre)(OF(fi_word)(words, i), k0, &from_centre, &from_end);
        const REAL v = from_end * step + (upper ? v_hi : v_lo);
        e[i] = from_centre * step + e0;
        w[i] = v * ((REAL)2 - v);
    }
    for (int i = 0; i < n; i++) w[i] = OF(fi_minus_log)(w[i]);
    const REAL scale = (REAL)dist->scale, shift = (REAL)dist->shift, lo = (REAL)dist->lo, hi = (REAL)dist->hi;
    for (int i = 0; i < n; i++) {
        const REAL z = e[i] * (wide ? OF(fi_probit_factor_wide)(w[i]) : OF(fi_probit_factor_narrow)(w[i]));
        out[i] = OF(fi_clamped)(z * scale + shift, lo, hi);
    }
}

FI_APART void OF(fi_truncated_tail_values)(const fi_distribution *dist, int rows, const uint32_t *restrict words,
                                           REAL *restrict out) {
    enum { TERMS = WIDTH == 32 ? FI_TAIL_TERMS_F32 : FI_TAIL_TERMS_F64 };
    const REAL step = (REAL)dist->tail.step, rho = (REAL)dist->tail.rho, curve = (REAL)dist->tail.curve;
    const REAL middle = (REAL)dist->tail.middle, inverse = (REAL)dist->tail.inverse;
    REAL c[TERMS], eta[FI_ROWS_AT_ONCE * PER_ROW];
    const int n = rows * PER_ROW;
    for (int j = 0; j < TERMS; j++) c[j] = (REAL)dist->tail.factor[j];
    for (int i = 0; i < n; i++) eta[i] = OF(fi_minus_log)(OF(fi_rank)(OF(fi_word)(words, i)) * step + rho);
    for (int i = 0; i < n; i++) eta[i] = (eta[i] + eta[i]) / ((REAL)1 + OF(fi_sqrt)((REAL)1 + curve * eta[i]));
    const REAL scale = (REAL)dist->scale, shift = (REAL)dist->shift, lo = (REAL)dist->lo, hi = (REAL)dist->hi;
    for (int i = 0; i < n; i++) {
        const REAL s = (eta[i] - middle) * inverse, v = s * s;
        REAL even = c[TERMS - 2], odd = c[TERMS - 1]; /* two short chains */
#pragma GCC unroll 16
        for (int j = TERMS - 4; j >= 0; j -= 2) even = even * v + c[j], odd = odd * v + c[j + 1];
        out[i] = OF(fi_clamped)(eta[i] * (odd * s + even) * scale + shift, lo, hi);
    }
}

FI_APART void OF(fi_truncated_narrow_values)(const fi_distribution *dist, int rows, const uint32_t *restrict words,
                                             REAL *restrict out) {
    OF(fi_truncated_centre)(dist, rows, words, out, 0);
}
FI_APART void OF(fi_truncated_wide_values)(const fi_distribution *dist, int rows, const uint32_t *restrict words,
                                           REAL *restrict out) {
    OF(fi_truncated_centre)(dist, rows, words, out, 1);
}
#undef WIDTH
