/* float32 to half precision, to nearest even, and float16 back. Plain loops: branch-free, so that they vectorise. */
#ifndef FI_HALF_H
#define FI_HALF_H

#include "bits.h"
#ifdef __F16C__
#include <immintrin.h>
#endif

static inline uint16_t fi_bf16_of(float x) {
    const uint32_t bits = fi_bits_f32(x);
    return (uint16_t)((bits + 0x7fffu + (bits >> 16 & 1u)) >> 16);
}

/* NaN stays one. */
static inline uint16_t fi_f16_of(float x) {
    const uint32_t bits = fi_bits_f32(x), magnitude = bits & 0x7fffffffu;
    /* normal: move the exponent's bias from 127 to 15, round at bit 13; what is too large ends as infinity */
    const uint32_t rounded = (magnitude + 0xfffu + (magnitude >> 13 & 1u) - (112u << 23)) >> 13;
    const uint32_t normal = magnitude >= 0x477ff000u ? 0x7c00u : rounded;
    /* subnormal: 1/2 has an ulp of 2^-24, float16's smallest step, so adding it rounds to that step */
    const uint32_t shifted = fi_bits_f32(fi_from_bits_f32(magnitude) + 0.5f);
    const uint32_t number = magnitude < 0x38800000u ? shifted - 0x3f000000u : normal;
    const uint32_t half = magnitude > 0x7f800000u ? 0x7e00u : number;
    return (uint16_t)(half | (bits >> 16 & 0x8000u));
}

static inline float fi_float_of_f16(uint16_t half) {
    /* exponent and mantissa in float's places; times 2^112 they are right, subnormals too */
    const float magnitude = fi_from_bits_f32((uint32_t)(half & 0x7fffu) << 13) * 0x1p112f;
    const uint32_t not_finite = 0x7f800000u | (uint32_t)(half & 0x3ffu) << 13;
    const uint32_t bits = (half & 0x7c00u) == 0x7c00u ? not_finite : fi_bits_f32(magnitude);
    return fi_from_bits_f32(bits | (uint32_t)(half & 0x8000u) << 16);
}

FI_APART void fi_load_f16(const uint16_t *restrict in, int n, float *restrict out) {
    for (int i = 0; i < n; i++) out[i] = fi_float_of_f16(in[i]);
}

FI_APART void fi_store_bf16(const float *restrict in, int n, uint16_t *restrict out) {
    for (int i = 0; i < n; i++) out[i] = fi_bf16_of(in[i]);
}

FI_APART void fi_store_f16(const float *restrict in, int n, uint16_t *restrict out) {
    int i = 0;
#ifdef __F16C__ /* the processor's own conversion: the same bits, a tenth of the operations */
    for (; i + 8 <= n; i += 8)
        _mm_storeu_si128((__m128i *)(void *)(out + i),
                         _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT));
#endif
    for (; i < n; i++) out[i] = fi_f16_of(in[i]);
}

#endif
