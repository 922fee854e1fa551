/* float32 to half precision, to nearest even, and float16 back. Plain loops: branch-free, so that they vectorise. */
#ifndef FI_CONVERT_H
#define FI_CONVERT_H

#include <stdint.h>
#include <string.h>
#ifdef __F16C__
#include <immintrin.h>
#endif

static inline uint16_t fi_bf16_of(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

/* NaN stays one. */
static inline uint16_t fi_f16_of(float x) {
    uint32_t bits, tiny;
    memcpy(&bits, &x, sizeof bits);
    const uint32_t size = bits & 0x7fffffffu;
    /* normal: move the exponent's bias from 127 to 15, round at bit 13; what is too large ends as infinity */
    const uint32_t rounded = (size + 0xfffu + (size >> 13 & 1u) - (112u << 23)) >> 13;
    const uint32_t normal = size >= 0x477ff000u ? 0x7c00u : rounded;
    /* subnormal: 1/2 has an ulp of 2^-24, float16's smallest step, so adding it rounds to that step */
    float shifted;
    memcpy(&shifted, &size, sizeof shifted);
    shifted += 0.5f;
    memcpy(&tiny, &shifted, sizeof tiny);
    const uint32_t number = size < 0x38800000u ? tiny - 0x3f000000u : normal;
    const uint32_t half = size > 0x7f800000u ? 0x7e00u : number;
    return (uint16_t)(half | (bits >> 16 & 0x8000u));
}

static inline float fi_float_of_f16(uint16_t half) {
    /* exponent and mantissa in float's places; times 2^112 they are right, subnormals too */
    uint32_t bits = (uint32_t)(half & 0x7fffu) << 13;
    float x;
    memcpy(&x, &bits, sizeof x);
    x *= 0x1p112f;
    memcpy(&bits, &x, sizeof bits);
    bits = (half & 0x7c00u) == 0x7c00u ? 0x7f800000u | (uint32_t)(half & 0x3ffu) << 13 : bits;
    bits |= (uint32_t)(half & 0x8000u) << 16;
    memcpy(&x, &bits, sizeof x);
    return x;
}

static inline void fi_load_f16(const uint16_t *restrict in, int n, float *restrict out) {
    for (int i = 0; i < n; i++) out[i] = fi_float_of_f16(in[i]);
}

static inline void fi_store_bf16(const float *restrict in, int n, uint16_t *restrict out) {
    for (int i = 0; i < n; i++) out[i] = fi_bf16_of(in[i]);
}

static inline void fi_store_f16(const float *restrict in, int n, uint16_t *restrict out) {
    int i = 0;
#ifdef __F16C__ /* the processor's own conversion: the same bits, a tenth of the operations */
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(void *)(out + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT));
#endif
    for (; i < n; i++) out[i] = fi_f16_of(in[i]);
}

#endif
