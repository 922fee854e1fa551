/* A strip of values into power sums about a pivot, extremes and a histogram, in one loop; and into counts.
 * Expects WIDTH.
 *
 * Value i goes to lane i % 8; lanes are added in a fixed tree (moments.c): the same bits at every level. Of the
 * histogram there are four tables by turns, lest one value's count wait for the last one's. Its scalar stores run
 * beside the vector sums, which is why they share a loop. */
#include "width_tpl.h"

FI_INLINE void OF(fi_sums_with)(const REAL *values, int n, double pivot, fi_sums *sums, uint32_t *bins) {
    enum { DOUBLES = FI_VECTOR_BYTES / 8, AT_ONCE = DOUBLES < 4 ? 2 : 8 / DOUBLES };
    const int whole = n & ~7;
    for (int group = 0; group < 8; group += AT_ONCE * DOUBLES) {
        fi_vecd power[4][AT_ONCE], abs[AT_ONCE], min[AT_ONCE], max[AT_ONCE];
#pragma GCC unroll 4
        for (int v = 0; v < AT_ONCE; v++) {
            power[0][v] = power[1][v] = power[2][v] = power[3][v] = abs[v] = (fi_vecd){0};
            min[v] = (fi_vecd){0} + (double)INFINITY, max[v] = -min[v];
        }
        for (int i = group; i < whole; i += 8) {
#pragma GCC unroll 4
            for (int v = 0; v < AT_ONCE; v++) {
                const fi_vecd x = OF(fi_widen)(values + i + v * DOUBLES), d = x - pivot, square = d * d;
                power[0][v] += d, power[1][v] += square, power[2][v] += square * d, power[3][v] += square * square;
                abs[v] += (fi_vecd)((fi_vecq)x & 0x7fffffffffffffffu);
                min[v] = fi_min(x, min[v]), max[v] = fi_max(x, max[v]);
            }
#pragma GCC unroll 8
            for (int j = 0; bins && j < AT_ONCE * DOUBLES; j++)
                bins[(j & 3) * FI_BIN_TABLE + OF(fi_bin)(values[i + j])]++;
        }
#pragma GCC unroll 4
        for (int v = 0; v < AT_ONCE; v++) {
            const int at = group + v * DOUBLES;
            for (int k = 0; k < 4; k++) memcpy(sums->power[k] + at, &power[k][v], sizeof power[k][v]);
            memcpy(sums->abs + at, &abs[v], sizeof abs[v]);
            memcpy(sums->min + at, &min[v], sizeof min[v]), memcpy(sums->max + at, &max[v], sizeof max[v]);
        }
    }
    for (int i = whole; i < n; i++) { /* the rest, each to its lane */
        const double x = (double)values[i], d = x - pivot;
        const int lane = i & 7;
        sums->power[0][lane] += d, sums->power[1][lane] += d * d, sums->power[2][lane] += d * d * d;
        sums->power[3][lane] += (d * d) * (d * d), sums->abs[lane] += fi_abs_f64(x);
        sums->min[lane] = x < sums->min[lane] ? x : sums->min[lane];
        sums->max[lane] = x > sums->max[lane] ? x : sums->max[lane];
        if (bins) bins[OF(fi_bin)(values[i])]++;
    }
}

static void OF(fi_sums_of)(const void *values, int n, double pivot, fi_sums *sums, uint32_t *bins) {
    if (bins) /* asked once, not for every value */
        OF(fi_sums_with)(values, n, pivot, sums, bins);
    else
        OF(fi_sums_with)(values, n, pivot, sums, NULL);
}

static void OF(fi_counts_of)(const void *values, int n, uint64_t tiny, fi_strip_counts *counts) {
    const REAL *x = values;
    const WORD sign = (WORD)1 << (WIDTH - 1), infinity = OF(fi_bits)((REAL)INFINITY);
    WORD zero = 0, negative_zero = 0, not_finite = 0, small = 0, negative = 0;
    for (int i = 0; i < n; i++) {
        const WORD bits = OF(fi_bits)(x[i]), magnitude = bits & ~sign;
        zero += magnitude == 0, negative_zero += bits == sign, not_finite += magnitude >= infinity;
        small += magnitude < (WORD)tiny, negative += bits >> (WIDTH - 1);
    }
    *counts = (fi_strip_counts){(uint32_t)zero, (uint32_t)negative_zero, (uint32_t)not_finite, (uint32_t)(small - zero),
                                (uint32_t)negative};
}
#undef WIDTH
