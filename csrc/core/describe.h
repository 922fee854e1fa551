/* One block of values into power sums about a pivot, extremes and a histogram, in one loop.
 *
 * Value i of a block goes to lane i % 8, lanes are added in a fixed tree (describe.c): the same bits at every level. The
 * histogram's bin is a float32's sign, exponent and three top bits of mantissa; four tables by turns, lest one value's
 * count wait for the last one's. Its scalar stores run beside the vector sums, which is why they share a loop.
 */
enum { FI_DOUBLES = FI_VECTOR_BYTES / 8, FI_SUM_VECTORS = FI_DOUBLES < 4 ? 2 : 8 / FI_DOUBLES };

/* A double's bin: its float32's, not rounded; too large ones go to the last finite bin, those below 2^-126 to the first. */
FI_INLINE uint32_t fi_bin_of_double(double x) {
    const uint64_t bits = fi_bits_of_double(x);
    const int32_t size = (int32_t)(bits >> 49 & 0x3fff), wanted = size - (896 << 3);
    const int32_t finite = wanted < 8 ? 0 : wanted > 2039 ? 2039 : wanted;
    const int32_t bin = size >= 2047 << 3 ? 2040 | (size & 7) : finite;
    return (uint32_t)bin | (uint32_t)(bits >> 63) << 11;
}

static uint32_t fi_bin(double x, int is_double) { return is_double ? fi_bin_of_double(x) : fi_bits_of((float)x) >> 20; }

/* Fills sums' lanes; n a multiple of 8. */
FI_INLINE void fi_block_sums(const void *values, const int is_double, int n, double pivot, fi_sums *sums,
                             uint32_t *bins) {
    const float *single = values;
    const double *wide = values;
    for (int group = 0; group < 8; group += FI_SUM_VECTORS * FI_DOUBLES) {
        fi_vecd power[4][FI_SUM_VECTORS], size[FI_SUM_VECTORS], least[FI_SUM_VECTORS], most[FI_SUM_VECTORS];
#pragma GCC unroll 4
        for (int v = 0; v < FI_SUM_VECTORS; v++) {
            power[0][v] = power[1][v] = power[2][v] = power[3][v] = size[v] = (fi_vecd){0};
            least[v] = (fi_vecd){0} + (double)INFINITY, most[v] = -least[v];
        }
        for (int i = group; i < n; i += 8) {
#pragma GCC unroll 4
            for (int v = 0; v < FI_SUM_VECTORS; v++) {
                const int at = i + v * FI_DOUBLES;
                fi_vecd x;
                if (is_double)
                    memcpy(&x, wide + at, sizeof x);
                else
                    x = fi_widen(single + at);
                const fi_vecd d = x - pivot, square = d * d;
                power[0][v] += d, power[1][v] += square, power[2][v] += square * d, power[3][v] += square * square;
                size[v] += (fi_vecd)((fi_vecq)x & 0x7fffffffffffffffu);
                least[v] = fi_min_f64(x, least[v]), most[v] = fi_max_f64(x, most[v]);
            }
#pragma GCC unroll 8
            for (int j = 0; bins && j < FI_SUM_VECTORS * FI_DOUBLES; j++) {
                const uint32_t bin = is_double ? fi_bin_of_double(wide[i + j]) : fi_bits_of(single[i + j]) >> 20;
                bins[(j & 3) * FI_BIN_TABLE + bin]++;
            }
        }
#pragma GCC unroll 4
        for (int v = 0; v < FI_SUM_VECTORS; v++) {
            const int at = group + v * FI_DOUBLES;
            for (int k = 0; k < 4; k++) memcpy(sums->power[k] + at, &power[k][v], sizeof power[k][v]);
            memcpy(sums->size + at, &size[v], sizeof size[v]);
            memcpy(sums->least + at, &least[v], sizeof least[v]), memcpy(sums->most + at, &most[v], sizeof most[v]);
        }
    }
}

static void fi_block_sums_f32(const void *values, int n, double pivot, fi_sums *sums, uint32_t *bins) {
    if (bins)
        fi_block_sums(values, 0, n, pivot, sums, bins);
    else
        fi_block_sums(values, 0, n, pivot, sums, NULL);
}
static void fi_block_sums_f64(const void *values, int n, double pivot, fi_sums *sums, uint32_t *bins) {
    if (bins)
        fi_block_sums(values, 1, n, pivot, sums, bins);
    else
        fi_block_sums(values, 1, n, pivot, sums, NULL);
}

/* Counts: how many are 0, are -0, are not finite, are subnormal (below `tiny`, as bits), have their sign bit set. */
static void fi_block_counts_f32(const void *values, int n, uint64_t tiny, uint32_t counts[5]) {
    const float *x = values;
    uint32_t zero = 0, minus_zero = 0, not_finite = 0, small = 0, sign = 0;
    for (int i = 0; i < n; i++) {
        const uint32_t bits = fi_bits_of(x[i]), size = bits & 0x7fffffffu;
        zero += size == 0u, minus_zero += bits == 0x80000000u, not_finite += size >= 0x7f800000u;
        small += size < (uint32_t)tiny, sign += bits >> 31;
    }
    counts[0] = zero, counts[1] = minus_zero, counts[2] = not_finite, counts[3] = small - zero, counts[4] = sign;
}
static void fi_block_counts_f64(const void *values, int n, uint64_t tiny, uint32_t counts[5]) {
    const double *x = values;
    uint64_t zero = 0, minus_zero = 0, not_finite = 0, small = 0, sign = 0;
    for (int i = 0; i < n; i++) {
        const uint64_t bits = fi_bits_of_double(x[i]), size = bits & 0x7fffffffffffffffu;
        zero += size == 0u, minus_zero += bits == 0x8000000000000000u, not_finite += size >= 0x7ff0000000000000u;
        small += size < tiny, sign += bits >> 63;
    }
    counts[0] = (uint32_t)zero, counts[1] = (uint32_t)minus_zero, counts[2] = (uint32_t)not_finite;
    counts[3] = (uint32_t)(small - zero), counts[4] = (uint32_t)sign;
}
