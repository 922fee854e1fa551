/* Vectors of a level's own width (GCC vector extension), and the operations on them that C has no word for. */
#ifndef FI_VECTORS_H
#define FI_VECTORS_H

#include "../bits.h"
#ifdef __x86_64__
#include <immintrin.h>
#endif

/* The level's flags say how wide. */
#if defined(__AVX512F__)
#define FI_VECTOR_BYTES 64
#elif defined(__AVX2__)
#define FI_VECTOR_BYTES 32
#else
#define FI_VECTOR_BYTES 16
#endif

typedef uint32_t fi_vec __attribute__((vector_size(FI_VECTOR_BYTES), may_alias));
typedef uint64_t fi_vecq __attribute__((vector_size(FI_VECTOR_BYTES), may_alias));
typedef double fi_vecd __attribute__((vector_size(FI_VECTOR_BYTES), may_alias));
typedef float fi_vec_f32 __attribute__((vector_size(FI_VECTOR_BYTES), may_alias));
typedef fi_vecd fi_vec_f64;
enum { FI_VEC_LANES = FI_VECTOR_BYTES / 4 };

FI_INLINE fi_vecd fi_widen_f64(const double *x) {
    fi_vecd wide;
    memcpy(&wide, x, sizeof wide);
    return wide;
}

/* A vector from numbers and to numbers, wherever they are. */
FI_INLINE fi_vec_f32 fi_vector_f32(const float *x) {
    fi_vec_f32 v;
    memcpy(&v, x, sizeof v);
    return v;
}
FI_INLINE fi_vec_f64 fi_vector_f64(const double *x) {
    fi_vec_f64 v;
    memcpy(&v, x, sizeof v);
    return v;
}
FI_INLINE void fi_put_f32(fi_vec_f32 v, float *x) { memcpy(x, &v, sizeof v); }
FI_INLINE void fi_put_f64(fi_vec_f64 v, double *x) { memcpy(x, &v, sizeof v); }

/* Lane by lane, of numbers that are not NaN: the minimum, the maximum. fi_widen_f32 widens. */
#ifdef __x86_64__
#if FI_VECTOR_BYTES == 64
#define FI_X86(operation) _mm512_##operation
#elif FI_VECTOR_BYTES == 32
#define FI_X86(operation) _mm256_##operation
#else
#define FI_X86(operation) _mm_##operation
#endif
FI_INLINE fi_vecd fi_min(fi_vecd x, fi_vecd y) { return (fi_vecd)FI_X86(min_pd)(x, y); }
FI_INLINE fi_vecd fi_max(fi_vecd x, fi_vecd y) { return (fi_vecd)FI_X86(max_pd)(x, y); }
FI_INLINE fi_vecd fi_widen_f32(const float *x) { /* gcc 12 makes four instructions of __builtin_convertvector here */
#if FI_VECTOR_BYTES == 64
    return (fi_vecd)_mm512_cvtps_pd(_mm256_loadu_ps(x));
#elif FI_VECTOR_BYTES == 32
    return (fi_vecd)_mm256_cvtps_pd(_mm_loadu_ps(x));
#else
    return (fi_vecd)_mm_cvtps_pd(_mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)(const void *)x)));
#endif
}
#else
FI_INLINE fi_vecd fi_select(fi_vecq mask, fi_vecd x, fi_vecd y) {
    return (fi_vecd)((mask & (fi_vecq)x) | (~mask & (fi_vecq)y));
}
FI_INLINE fi_vecd fi_min(fi_vecd x, fi_vecd y) { return fi_select((fi_vecq)(x < y), x, y); }
FI_INLINE fi_vecd fi_max(fi_vecd x, fi_vecd y) { return fi_select((fi_vecq)(x > y), x, y); }
FI_INLINE fi_vecd fi_widen_f32(const float *x) {
    fi_vecd wide;
    for (int i = 0; i < FI_VECTOR_BYTES / 8; i++) wide[i] = (double)x[i];
    return wide;
}
#endif

#endif
