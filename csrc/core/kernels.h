/* The ONE body of every kernel. Each level_*.c includes it, compiled with that level's flags.
 *
 * Only IEEE add, subtract, multiply, divide and square root, conversions and integer operations, in a fixed order:
 * that is what makes every level, compiler and processor give the same bits. Loops run over the 32 lanes of a row, a
 * fixed count, so that the compiler turns each into a few vector instructions of whatever width the level has.
 */
#include <math.h>
#include <string.h>

#include "convert.h"
#include "core.h"
#include "vectors.h"

/* ---- words ----------------------------------------------------------------------------------------------------- */

/* What becomes of a vector of words, the ones from place `at` of the chunk on. */
typedef void fi_sink(const void *context, int at, fi_vec words);

/* Draw `rows` rows of a chunk and hand them to `sink`, up to four vectors of each row side by side: that hides the latency
 * of one, keeps the states in registers, and reaches memory in order. SFC32's counter d is d at the start plus the row. */
FI_INLINE void fi_draw(fi_key key, uint64_t chunk, int rows, fi_sink *sink, const void *context) {
    enum { AT_ONCE = FI_LANES / FI_VEC_LANES < 4 ? FI_LANES / FI_VEC_LANES : 4 };
    uint32_t state[4][FI_LANES] __attribute__((aligned(64))), k[4];
    fi_key_words(key, k);
    for (uint32_t lane = 0; lane < FI_LANES; lane++) {
        uint32_t x0 = (uint32_t)chunk, x1 = (uint32_t)(chunk >> 32), x2 = lane, x3 = FI_DOMAIN_FILL;
        fi_threefry4x32(k, &x0, &x1, &x2, &x3);
        state[0][lane] = x0, state[1][lane] = x1, state[2][lane] = x2, state[3][lane] = x3;
    }
    for (int lane = 0; lane < FI_LANES; lane += AT_ONCE * FI_VEC_LANES) {
        fi_vec a[AT_ONCE], b[AT_ONCE], c[AT_ONCE], drawn = {0};
        const fi_vec *d = (const fi_vec *)(state[3] + lane);
#pragma GCC unroll 4
        for (int v = 0; v < AT_ONCE; v++) {
            a[v] = ((const fi_vec *)(state[0] + lane))[v];
            b[v] = ((const fi_vec *)(state[1] + lane))[v];
            c[v] = ((const fi_vec *)(state[2] + lane))[v];
        }
        for (int row = 0; row < rows; row++) {
#pragma GCC unroll 4
            for (int v = 0; v < AT_ONCE; v++) { /* fi_sfc32_next, a vector of lanes at once */
                const fi_vec word = a[v] + b[v] + (d[v] + drawn);
                a[v] = b[v] ^ (b[v] >> 9);
                b[v] = c[v] + (c[v] << 3);
                c[v] = ((c[v] << 21) | (c[v] >> 11)) + word;
                sink(context, row * FI_LANES + lane + v * FI_VEC_LANES, word);
            }
            drawn += 1;
        }
    }
}

FI_INLINE void fi_keep_words(const void *out, int at, fi_vec words) {
    memcpy((uint32_t *)(uintptr_t)out + at, &words, sizeof words);
}

/* out: rows * 32 words */
static void fi_words(fi_key key, uint64_t chunk, int rows, uint32_t *out) {
    fi_draw(key, chunk, rows, fi_keep_words, out);
}

/* ---- bits and numbers ------------------------------------------------------------------------------------------ */

FI_INLINE float fi_float_of(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
FI_INLINE uint32_t fi_bits_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
FI_INLINE double fi_double_of(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
FI_INLINE uint64_t fi_bits_of_double(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
/* Two consecutive words, the first one low. */
FI_INLINE uint64_t fi_word64(const uint32_t *words, int i) {
    uint64_t w;
    memcpy(&w, words + 2 * i, sizeof w); /* one load; of two shifted together compilers make a slow vector loop */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    w = w << 32 | w >> 32;
#endif
    return w;
}
/* (52 high bits of w + 1/2) 2^-52: a point in (0, 1) exactly, no 64-bit conversion needed. */
FI_INLINE double fi_unit_of(uint64_t w) { return (fi_double_of(w >> 12 | 0x3ff0000000000000u) - 1.0) + 0x1p-53; }

/* ---- uniform: made of the words as they are drawn, for it costs no more than they do ----------------------------- */

typedef struct {
    fi_vecf scale, shift, lo, hi;
    float *out;
} fi_uniform_f32_job;

/* x = 2k + 1, k the 24 high bits, signed: symmetric about 0 and never 0; exact in float. */
FI_INLINE fi_vecf fi_uniform_f32_of(const fi_uniform_f32_job *job, fi_vec words) {
    return __builtin_convertvector((fi_veci)words >> 7 | 1, fi_vecf) * job->scale + job->shift;
}
FI_INLINE void fi_uniform_f32_sink(const void *context, int at, fi_vec words) {
    const fi_uniform_f32_job *job = context;
    const fi_vecf value = fi_uniform_f32_of(job, words);
    memcpy(job->out + at, &value, sizeof value);
}
FI_INLINE void fi_uniform_clamped_f32_sink(const void *context, int at, fi_vec words) {
    const fi_uniform_f32_job *job = context;
    const fi_vecf value = fi_min_f32(fi_max_f32(fi_uniform_f32_of(job, words), job->lo), job->hi);
    memcpy(job->out + at, &value, sizeof value);
}

static void fi_uniform_f32(const fi_distribution *p, fi_key key, uint64_t chunk, int rows, float *out) {
    const fi_uniform_f32_job job = {(fi_vecf){0} + (float)p->scale, (fi_vecf){0} + (float)p->shift,
                                    (fi_vecf){0} + (float)p->lo, (fi_vecf){0} + (float)p->hi, out};
    if (p->transform == FI_UNIFORM)
        fi_draw(key, chunk, rows, fi_uniform_f32_sink, &job);
    else
        fi_draw(key, chunk, rows, fi_uniform_clamped_f32_sink, &job);
}

typedef struct {
    fi_vecd scale, shift, lo, hi;
    double *out;
} fi_uniform_f64_job;

/* The same on 52 bits of a word pair. */
FI_INLINE fi_vecd fi_uniform_f64_of(const fi_uniform_f64_job *job, fi_vec words) {
    fi_vecq pairs = (fi_vecq)words;
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    pairs = pairs << 32 | pairs >> 32;
#endif
    return (((fi_vecd)(pairs >> 12 | 0x3ff0000000000000u) - 1.5) + 0x1p-53) * job->scale + job->shift;
}
FI_INLINE void fi_uniform_f64_sink(const void *context, int at, fi_vec words) {
    const fi_uniform_f64_job *job = context;
    const fi_vecd value = fi_uniform_f64_of(job, words);
    memcpy(job->out + at / 2, &value, sizeof value);
}
FI_INLINE void fi_uniform_clamped_f64_sink(const void *context, int at, fi_vec words) {
    const fi_uniform_f64_job *job = context;
    const fi_vecd value = fi_min_f64(fi_max_f64(fi_uniform_f64_of(job, words), job->lo), job->hi);
    memcpy(job->out + at / 2, &value, sizeof value);
}

static void fi_uniform_f64(const fi_distribution *p, fi_key key, uint64_t chunk, int rows, double *out) {
    const fi_uniform_f64_job job = {(fi_vecd){0} + p->scale, (fi_vecd){0} + p->shift, (fi_vecd){0} + p->lo,
                                    (fi_vecd){0} + p->hi, out};
    if (p->transform == FI_UNIFORM)
        fi_draw(key, chunk, rows, fi_uniform_f64_sink, &job);
    else
        fi_draw(key, chunk, rows, fi_uniform_clamped_f64_sink, &job);
}

/* ---- normal: Box and Muller (1958) on a pair of rows ----------------------------------------------------------- */

static const uint32_t FI_SQRT_HALF_BITS = 0x3f3504f3u; /* of the float sqrt(1/2) */
static const uint64_t FI_SQRT_HALF_BITS64 = 0x3fe6a09e667f3bcdu;

/* Radius sqrt(-2 ln U), U = |t| 2^-31 / (1 + 2^-23), t the signed word a. -2 ln U is split by U's exponent and mantissa m
 * in [sqrt(1/2), sqrt 2): -2 ln m = -4 atanh(s), s = (m-1)/(m+1), an odd polynomial in s, relative error 1.2e-7. */
FI_INLINE float fi_radius_f32(uint32_t a) {
    const uint32_t bits = fi_bits_of((float)(int32_t)a) + (0x3f800000u - FI_SQRT_HALF_BITS);
    const float exponent_part = (float)(int32_t)((62u - (bits >> 23)) & 31u) * 1.38629436f; /* ln 4 an octave */
    const float m = fi_float_of((bits & 0x7fffffu) + FI_SQRT_HALF_BITS);
    const float s = (m - 1.00000012f) / (m + 1.0f), y = s * s;
    return sqrtf(((-0.825930119f * y + -1.33304441f) * y + -4.00000048f) * s + exponent_part);
}

/* Words a and b to two values. The angle is x pi/4 in one octant, x from 23 bits of b; bit 30 of b swaps sine and cosine,
 * bits 31 of b and a are their signs. */
FI_INLINE void fi_normal_f32(const fi_distribution *p, int rows, const uint32_t *restrict w, float *restrict out) {
    const float scale = (float)p->scale, shift = (float)p->shift;
    for (int row = 0; row < rows; row += 2) {
        for (int i = row * FI_LANES; i < (row + 1) * FI_LANES; i++) {
            const uint32_t a = w[i], b = w[i + FI_LANES];
            const float r = fi_radius_f32(a) * scale;
            const float x = fi_float_of((b & 0x7fffffu) | 0x3f800000u) - 0.99999994f, y = x * x;
            const float c = ((-0.000318727834f * y + 0.0158496834f) * y + -0.308424175f) * y + 0.99999994f;
            const float s = (((-3.5950452e-05f * y + 0.00249000103f) * y + -0.0807454363f) * y + 0.785398185f) * x;
            const uint32_t cosine = fi_bits_of(c) ^ (b & 0x80000000u), sine = fi_bits_of(s) ^ (a & 0x80000000u);
            const uint32_t swap = 0u - (b >> 30 & 1u), change = (cosine ^ sine) & swap;
            out[i] = r * fi_float_of(cosine ^ change) + shift;
            out[i + FI_LANES] = r * fi_float_of(sine ^ change) + shift;
        }
    }
}

/* The same in double: word pairs A and B from two successive rows; U = (2j+1) 2^-53, x = (2k+1) 2^-53; the signs and the
 * swap are the low bits of B. The largest value is sqrt(106 ln 2) = 8.57. */
FI_INLINE double fi_radius_f64(uint64_t a) {
    const uint64_t bits = fi_bits_of_double(fi_unit_of(a)) + (0x3ff0000000000000u - FI_SQRT_HALF_BITS64);
    /* the biased exponent as a double: 2^52 + it, less 2^52 and the bias */
    const double exponent = fi_double_of(bits >> 52 | 0x4330000000000000u) - (0x1p52 + 1023.0);
    const double m = fi_double_of((bits & 0xfffffffffffffu) + FI_SQRT_HALF_BITS64);
    const double s = (m - 1.0) / (m + 1.0), y = s * s, y2 = y * y;
    const double odd =
        ((-4.0000000000000009 + -1.3333333333310431 * y) + (-0.80000000124094206 + -0.57142831952448114 * y) * y2) +
        ((-0.44446875054432716 + -0.36243686565276656 * y) + -0.33677410604666158 * y2) * (y2 * y2);
    return sqrt(odd * s + exponent * -1.3862943611198906);
}

FI_INLINE void fi_normal_f64(const fi_distribution *p, int rows, const uint32_t *restrict w, double *restrict out) {
    const double scale = p->scale, shift = p->shift;
    for (int row = 0; row < rows; row += 2) {
        for (int i = row * (FI_LANES / 2); i < (row + 1) * (FI_LANES / 2); i++) {
            const uint64_t a = fi_word64(w, i), b = fi_word64(w, i + FI_LANES / 2);
            const double r = fi_radius_f64(a) * scale;
            const double x = fi_unit_of(b), y = x * x;
            const double c =
                (((((1.1363812650491483e-10 * y + -2.4609457165352378e-08) * y + 3.590859123360425e-06) * y +
                   -0.00032599188645404074) *
                      y +
                  0.01585434424373457) *
                     y +
                 -0.3084251375340372) *
                    y +
                0.9999999999999999;
            const double s =
                ((((((6.877100952396026e-12 * y + -1.7571492945530815e-09) * y + 3.1336162166389886e-07) * y +
                    -3.65762041584567e-05) *
                       y +
                   0.0024903945701887364) *
                      y +
                  -0.08074551218828054) *
                     y +
                 0.7853981633974483) *
                x;
            const uint64_t cosine = fi_bits_of_double(c) ^ b << 63, sine = fi_bits_of_double(s) ^ (b >> 1) << 63;
            const uint64_t swap = 0u - (b >> 2 & 1u), change = (cosine ^ sine) & swap;
            out[i] = r * fi_double_of(cosine ^ change) + shift;
            out[i + FI_LANES / 2] = r * fi_double_of(sine ^ change) + shift;
        }
    }
}

#include "truncated_kernels.h"

/* ---- one chunk, and a fill -------------------------------------------------------------------------------------- */

/* The first `rows` rows of a chunk; words: scratch. */
FI_INLINE void fi_chunk_f32(const fi_distribution *p, fi_key key, uint64_t chunk, int rows, uint32_t *restrict words,
                            float *restrict out) {
    if (p->transform > FI_UNIFORM_CLAMPED) fi_words(key, chunk, rows, words);
    switch (p->transform) {
    case FI_UNIFORM:
    case FI_UNIFORM_CLAMPED: fi_uniform_f32(p, key, chunk, rows, out); break;
    case FI_NORMAL: fi_normal_f32(p, rows, words, out); break;
    case FI_TRUNCATED_NARROW: fi_truncated_centre_f32(p, rows, words, out, 0); break;
    case FI_TRUNCATED_WIDE: fi_truncated_centre_f32(p, rows, words, out, 1); break;
    case FI_TRUNCATED_TAIL: fi_truncated_tail_f32(p, rows, words, out); break;
    }
}

FI_INLINE void fi_chunk_f64(const fi_distribution *p, fi_key key, uint64_t chunk, int rows, uint32_t *restrict words,
                            double *restrict out) {
    if (p->transform > FI_UNIFORM_CLAMPED) fi_words(key, chunk, rows, words);
    switch (p->transform) {
    case FI_UNIFORM:
    case FI_UNIFORM_CLAMPED: fi_uniform_f64(p, key, chunk, rows, out); break;
    case FI_NORMAL: fi_normal_f64(p, rows, words, out); break;
    case FI_TRUNCATED_NARROW: fi_truncated_centre_f64(p, rows, words, out, 0); break;
    case FI_TRUNCATED_WIDE: fi_truncated_centre_f64(p, rows, words, out, 1); break;
    case FI_TRUNCATED_TAIL: fi_truncated_tail_f64(p, rows, words, out); break;
    }
}

/* Chunk by chunk: words into scratch, values from the words, straight into out where whole rows are asked for.
 * Only as many rows are drawn as reach the last value wanted (an even number: rows come in pairs). */
#define FI_DEFINE_FILL(NAME, TYPE, VALUE, CHUNK, WORDS_PER_VALUE, STORE)                                               \
    static void NAME(const fi_distribution *p, fi_key key, uint64_t first, size_t count, void *target,                 \
                     void *scratch) {                                                                                  \
        enum { PER_CHUNK = FI_CHUNK / (WORDS_PER_VALUE), PER_ROW = FI_LANES / (WORDS_PER_VALUE) };                     \
        uint32_t *words = scratch;                                                                                     \
        VALUE *values = (VALUE *)(words + FI_CHUNK);                                                                   \
        TYPE *out = target;                                                                                            \
        while (count) {                                                                                                \
            const int skip = (int)(first % PER_CHUNK);                                                                 \
            const int take = count < (size_t)(PER_CHUNK - skip) ? (int)count : PER_CHUNK - skip;                       \
            const int rows = ((skip + take + PER_ROW - 1) / PER_ROW + 1) & ~1;                                         \
            if (sizeof(TYPE) == sizeof(VALUE) && take == rows * PER_ROW) { /* so skip is 0 */                          \
                CHUNK(p, key, first / PER_CHUNK, rows, words, (VALUE *)(void *)out);                                   \
            } else {                                                                                                   \
                CHUNK(p, key, first / PER_CHUNK, rows, words, values);                                                 \
                STORE(values + skip, take, out);                                                                       \
            }                                                                                                          \
            out += take, first += (uint64_t)take, count -= (size_t)take;                                               \
        }                                                                                                              \
    }

/* Not memcpy: the C library's is slow on the addresses that NumPy hands out, 16 bytes past a page. */
FI_INLINE void fi_copy(const void *in, size_t bytes, void *out) {
    const char *from = in;
    char *to = out;
    for (; bytes >= FI_VECTOR_BYTES; bytes -= FI_VECTOR_BYTES, from += FI_VECTOR_BYTES, to += FI_VECTOR_BYTES) {
        memcpy(to, from, FI_VECTOR_BYTES);
    }
    for (; bytes; bytes -= 4, from += 4, to += 4) memcpy(to, from, 4);
}
FI_INLINE void fi_store_f32(const float *in, int n, float *out) { fi_copy(in, (size_t)n * sizeof *in, out); }
FI_INLINE void fi_store_f64(const double *in, int n, double *out) { fi_copy(in, (size_t)n * sizeof *in, out); }

FI_DEFINE_FILL(fi_fill_f32, float, float, fi_chunk_f32, 1, fi_store_f32)
FI_DEFINE_FILL(fi_fill_f64, double, double, fi_chunk_f64, 2, fi_store_f64)
FI_DEFINE_FILL(fi_fill_f16, uint16_t, float, fi_chunk_f32, 1, fi_store_f16)
FI_DEFINE_FILL(fi_fill_bf16, uint16_t, float, fi_chunk_f32, 1, fi_store_bf16)

#include "activations.h"
#include "describe.h"

#define FI_LEVEL(NAME)                                                                                                 \
    const fi_kernels fi_level_##NAME = {                                                                               \
        #NAME,                                                                                                         \
        fi_words,                                                                                                      \
        {[FI_F32] = fi_fill_f32, [FI_F64] = fi_fill_f64, [FI_F16] = fi_fill_f16, [FI_BF16] = fi_fill_bf16},            \
        {[FI_SIGMOID] = FI_ACTIVATION_ROW(fi_sigmoid),                                                                 \
         [FI_DSIGMOID] = FI_ACTIVATION_ROW(fi_dsigmoid),                                                               \
         [FI_TANH] = FI_ACTIVATION_ROW(fi_tanh),                                                                       \
         [FI_DTANH] = FI_ACTIVATION_ROW(fi_dtanh)},                                                                    \
        {fi_block_sums_f32, fi_block_sums_f64},                                                                        \
        {fi_block_counts_f32, fi_block_counts_f64},                                                                    \
        fi_bin,                                                                                                        \
        fi_load_f16}
