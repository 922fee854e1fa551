/* Values on standard output, as standard input asks for them: what tests/targets.py compares with the golden digests.
 *
 * values: the names of the levels that run here. values LEVEL: answers every line of ten hexadecimal numbers,
 *   law dtype function count seed stream p0 p1 p2 p3
 * law: 0 uniform, 1 normal, 2 truncated, whose parameters are the bits of p0 to p3; 3 a sparse mask of `count` rows, p0
 * columns, p1 of each column chosen. function: that fi_activation of the values; 4 their moments and counts; 5 the
 * values themselves. What comes out is little-endian on every machine. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _WIN32
#include <fcntl.h>
#include <io.h>
#endif

#include "core.h"

enum { SPARSE = 3, MOMENTS = 4, VALUES = 5 };

static void put(const void *items, size_t n, size_t size) {
    const unsigned char *bytes = items;
    const uint16_t one = 1;
    unsigned char first;
    memcpy(&first, &one, 1);
    for (size_t i = 0; i < n; i++)
        for (size_t j = 0; j < size; j++) putchar(bytes[i * size + (first ? j : size - 1 - j)]);
}

static double number(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static void put_moments(const fi_kernels *level, const char *values, fi_dtype dtype, size_t count) {
    const int is_double = dtype == FI_F64;
    fi_description into = {.bins = calloc(FI_BIN_TABLES * FI_BIN_TABLE, sizeof(uint32_t))};
    uint64_t strips = 0;
    for (size_t i = 0; i < count; i += FI_STAT_STRIP, strips++) {
        const int n = count - i < FI_STAT_STRIP ? (int)(count - i) : FI_STAT_STRIP;
        fi_describe_strip(level, values + i * (size_t)fi_dtypes[dtype].item_size, is_double, n,
                          is_double ? 0x0010000000000000u : 0x00800000u, strips, &into);
    }
    const fi_moments moments = fi_moments_fold(into.waiting, strips);
    put(&moments, sizeof moments / sizeof(double), sizeof(double));
    put(&into.counts, sizeof into.counts / sizeof(uint64_t), sizeof(uint64_t));
    free(into.bins);
}

static void put_mask(fi_key key, uint64_t rows, uint64_t columns, uint64_t chosen) {
    uint64_t *mask = calloc((size_t)rows, sizeof *mask);
    unsigned char *entries = malloc((size_t)(rows * columns));
    for (uint64_t column = 0; column < columns; column++) {
        const int bit = (int)(column % 64);
        fi_sfc32 generator = fi_sfc32_seed(key, column, 0, FI_DOMAIN_SPARSE);
        if (bit == 0) memset(mask, 0, (size_t)rows * sizeof *mask);
        fi_sparse_draw(&generator, bit, rows, 0, chosen, mask);
        for (uint64_t row = 0; row < rows; row++) entries[row * columns + column] = mask[row] >> bit & 1;
    }
    put(entries, (size_t)(rows * columns), 1);
    free(mask), free(entries);
}

static void answer(const fi_kernels *level, const uint64_t *ask) {
    const fi_dtype dtype = (fi_dtype)ask[1];
    const int function = (int)ask[2];
    const size_t count = (size_t)ask[3], size = (size_t)fi_dtypes[dtype].item_size;
    const fi_key key = {ask[4], ask[5]};
    const double p[4] = {number(ask[6]), number(ask[7]), number(ask[8]), number(ask[9])};
    if (ask[0] == SPARSE) {
        put_mask(key, ask[3], ask[6], ask[7]);
        return;
    }
    char *values = malloc(count * size);
    fi_distribution dist;
    if (ask[0] == 0) fi_uniform_setup(&dist, dtype, p[0], p[1]);
    if (ask[0] == 1) fi_normal_setup(&dist, dtype, p[0], p[1]);
    if (ask[0] == 2) fi_truncated_setup(&dist, dtype, p[0], p[1], p[2], p[3]);
    level->fill[dtype](&dist, key, 0, count, values);
    if (function < FI_ACTIVATIONS) level->activation[function][dtype](NULL, values, count, values);
    if (function == MOMENTS)
        put_moments(level, values, dtype, count);
    else
        put(values, count, size);
    free(values);
}

int main(int count, char **arguments) {
    const fi_kernels *level = NULL;
    for (int i = 0; fi_levels[i]; i++) {
        if (!fi_level_runs_here(fi_levels[i])) continue;
        if (count < 2) printf("%s\n", fi_levels[i]->name);
        if (count > 1 && !strcmp(arguments[1], fi_levels[i]->name)) level = fi_levels[i];
    }
    if (count < 2) return 0;
    if (!level) return 2;
#ifdef _WIN32
    _setmode(_fileno(stdout), _O_BINARY);
#endif
    uint64_t ask[10];
    for (int i = 0; scanf("%" SCNx64, &ask[i]) == 1; i = (i + 1) % 10)
        if (i == 9) answer(level, ask);
    return 0;
}
