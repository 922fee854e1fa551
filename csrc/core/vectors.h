/* Vectors of a level's own width (GCC vector extension), and the two operations on them that C has no word for. */
#ifndef FI_VECTORS_H
#define FI_VECTORS_H

#include <stdint.h>
#ifdef __x86_64__
#include <immintrin.h>
#endif

#define FI_INLINE static inline __attribute__((always_inline))

typedef uint32_t fi_vec __attribute__((vector_size(FI_VECTOR_BYTES), may_alias));
typedef int32_t fi_veci __attribute__((vector_size(FI_VECTOR_BYTES), may_alias));
typedef float fi_vecf __attribute__((vector_size(FI_VECTOR_BYTES), may_alias));
typedef uint64_t fi_vecq __attribute__((vector_size(FI_VECTOR_BYTES), may_alias));
typedef double fi_vecd __attribute__((vector_size(FI_VECTOR_BYTES), may_alias));
enum { FI_VEC_LANES = FI_VECTOR_BYTES / 4 };

/* Lane by lane; the least and the greatest of numbers that are not NaN. */
#ifdef __x86_64__
#if FI_VECTOR_BYTES == 64
#define FI_X86(operation) _mm512_##operation
#elif FI_VECTOR_BYTES == 32
#define FI_X86(operation) _mm256_##operation
#else
#define FI_X86(operation) _mm_##operation
#endif
FI_INLINE fi_vecf fi_min_f32(fi_vecf x, fi_vecf y) { return (fi_vecf)FI_X86(min_ps)(x, y); }
FI_INLINE fi_vecf fi_max_f32(fi_vecf x, fi_vecf y) { return (fi_vecf)FI_X86(max_ps)(x, y); }
FI_INLINE fi_vecd fi_min_f64(fi_vecd x, fi_vecd y) { return (fi_vecd)FI_X86(min_pd)(x, y); }
FI_INLINE fi_vecd fi_max_f64(fi_vecd x, fi_vecd y) { return (fi_vecd)FI_X86(max_pd)(x, y); }
FI_INLINE fi_vecd fi_widen(const float *x) { /* gcc 12 makes four instructions of __builtin_convertvector here */
#if FI_VECTOR_BYTES == 64
    return (fi_vecd)_mm512_cvtps_pd(_mm256_loadu_ps(x));
#elif FI_VECTOR_BYTES == 32
    return (fi_vecd)_mm256_cvtps_pd(_mm_loadu_ps(x));
#else
    return (fi_vecd)_mm_cvtps_pd(_mm_castsi128_ps(_mm_loadl_epi64((const __m128i *)(const void *)x)));
#endif
}
#else
#define FI_SELECT(TYPE, BITS, mask, x, y) ((TYPE)(((BITS)(mask) & (BITS)(x)) | (~(BITS)(mask) & (BITS)(y))))
FI_INLINE fi_vecf fi_min_f32(fi_vecf x, fi_vecf y) { return FI_SELECT(fi_vecf, fi_vec, x < y, x, y); }
FI_INLINE fi_vecf fi_max_f32(fi_vecf x, fi_vecf y) { return FI_SELECT(fi_vecf, fi_vec, x > y, x, y); }
FI_INLINE fi_vecd fi_min_f64(fi_vecd x, fi_vecd y) { return FI_SELECT(fi_vecd, fi_vecq, x < y, x, y); }
FI_INLINE fi_vecd fi_max_f64(fi_vecd x, fi_vecd y) { return FI_SELECT(fi_vecd, fi_vecq, x > y, x, y); }
FI_INLINE fi_vecd fi_widen(const float *x) {
    fi_vecd wide;
    for (int i = 0; i < FI_VECTOR_BYTES / 8; i++) wide[i] = (double)x[i];
    return wide;
}
#endif

#endif
