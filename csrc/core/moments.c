/* Strips of values into moments, and moments merged in a fixed tree: the same bits for every thread count. */
#include <math.h>
#include <string.h>

#include "core.h"

static double tree(const double lanes[8]) {
    return ((lanes[0] + lanes[4]) + (lanes[2] + lanes[6])) + ((lanes[1] + lanes[5]) + (lanes[3] + lanes[7]));
}

static double value_at(const void *values, int is_double, int i) {
    return is_double ? ((const double *)values)[i] : (double)((const float *)values)[i];
}

/* The mean of up to 64 values spread over the strip. It is so near the strip's own mean that nothing cancels: if it is
 * off by d, then the values it was made of are, and the variance is at least d^2 / 32. Of equal values it is that
 * value. */
static double pivot_of(const void *values, int is_double, int n) {
    const double first = value_at(values, is_double, 0);
    double sum = 0.0;
    if (n < 64) {
        for (int i = 0; i < n; i++) sum += value_at(values, is_double, i) - first;
        return first + sum / n;
    }
    for (int run = 0; run < 8; run++)
        for (int j = 0; j < 8; j++) sum += value_at(values, is_double, (int)((int64_t)run * (n - 8) / 7) + j) - first;
    return first + sum / 64.0;
}

/* n finite values, n >= 1 */
static void strip_moments(const fi_kernels *kernels, const void *values, int is_double, int n, fi_moments *out,
                          uint32_t *bins) {
    const double pivot = pivot_of(values, is_double, n);
    fi_sums sums;
    kernels->sums[is_double](values, n, pivot, &sums, bins);
    const double s1 = tree(sums.power[0]), s2 = tree(sums.power[1]), s3 = tree(sums.power[2]), s4 = tree(sums.power[3]);
    const double mean = s1 / n, m2 = s2 - s1 * mean;
    *out = (fi_moments){.n = n,
                        .pivot = pivot,
                        .mean_offset = mean,
                        .m2 = m2 > 0.0 ? m2 : 0.0,
                        .sum_abs = tree(sums.abs),
                        .min = sums.min[0],
                        .max = sums.max[0]};
    if (out->m2 > 0.0) {
        out->m3 = (s3 - 3.0 * mean * s2) + 2.0 * s1 * (mean * mean);
        out->m4 = (s4 - 4.0 * mean * s3) + (6.0 * (mean * mean) * s2 - 3.0 * s1 * (mean * mean) * mean);
    }
    for (int lane = 1; lane < 8; lane++) {
        out->min = sums.min[lane] < out->min ? sums.min[lane] : out->min;
        out->max = sums.max[lane] > out->max ? sums.max[lane] : out->max;
    }
}

/* Chan, Golub and LeVeque (1979) for the second moment, Pebay (2008) for the third and fourth. */
void fi_moments_merge(fi_moments *a, const fi_moments *b) {
    if (b->n == 0.0) return;
    if (a->n == 0.0) {
        *a = *b;
        return;
    }
    const double p = a->n, q = b->n, n = p + q, pq = p * q;
    const double apart = (b->pivot - a->pivot) + (b->mean_offset - a->mean_offset), step = apart / n,
                 square = step * step;
    a->m4 = (a->m4 + b->m4) + ((apart * step) * square * pq * (p * p - pq + q * q) +
                               6.0 * square * (p * p * b->m2 + q * q * a->m2) + 4.0 * step * (p * b->m3 - q * a->m3));
    a->m3 = (a->m3 + b->m3) + (apart * square * pq * (p - q) + 3.0 * step * (p * b->m2 - q * a->m2));
    a->m2 = (a->m2 + b->m2) + apart * step * pq;
    a->mean_offset += step * q, a->n = n, a->sum_abs += b->sum_abs;
    a->min = b->min < a->min ? b->min : a->min;
    a->max = b->max > a->max ? b->max : a->max;
}

/* A binary counter: the moments of 2^k parts wait at level k for their twin. number: how many parts came before. */
void fi_moments_push(fi_moments *waiting, uint64_t number, fi_moments moments) {
    int level = 0;
    for (; number & 1; number >>= 1, level++) {
        fi_moments twin = waiting[level];
        fi_moments_merge(&twin, &moments);
        moments = twin;
    }
    waiting[level] = moments;
}

/* How many of a strip's values are left if those that are not finite are dropped; they are moved to `kept`. */
static int drop_not_finite(const void *values, int is_double, int n, void *kept, fi_counts *counts) {
    int left = 0;
    for (int i = 0; i < n; i++) {
        const double x = value_at(values, is_double, i);
        if (!(fabs(x) < INFINITY))
            counts->nan += x != x, counts->posinf += x > 0.0, counts->neginf += x < 0.0;
        else if (is_double)
            ((double *)kept)[left++] = x;
        else
            ((float *)kept)[left++] = (float)x;
    }
    return left;
}

void fi_describe_strip(const fi_kernels *kernels, const void *values, int is_double, int n, uint64_t tiny,
                       uint64_t number, fi_description *into) {
    double kept[FI_STAT_STRIP];
    fi_strip_counts counts;
    kernels->counts[is_double](values, n, tiny, &counts);
    if (counts.not_finite) {
        n = drop_not_finite(values, is_double, n, kept, &into->counts);
        values = kept;
        kernels->counts[is_double](values, n, tiny, &counts);
    }
    into->counts.zero += counts.zero, into->counts.subnormal += counts.subnormal;
    into->counts.negative += counts.negative - counts.negative_zero;
    fi_moments moments = {0};
    if (n) strip_moments(kernels, values, is_double, n, &moments, into->bins);
    fi_moments_push(into->waiting, number, moments);
}

/* The moments of `parts` parts from what waits. */
fi_moments fi_moments_fold(const fi_moments *waiting, uint64_t parts) {
    fi_moments all = {0};
    for (int level = 0; parts; parts >>= 1, level++)
        if (parts & 1) {
            fi_moments node = waiting[level];
            fi_moments_merge(&node, &all);
            all = node;
        }
    return all;
}
