/* Numbers as their bits, and words as numbers. Names end in _f32 or _f64: what they are of. */
#ifndef FI_BITS_H
#define FI_BITS_H

#include <math.h>
#include <stdint.h>
#include <string.h>

#define FI_INLINE static inline __attribute__((always_inline))
/* Not inlined: a loop that is to have the registers to itself. Called for a strip of values, the call costs nothing. */
#define FI_APART static __attribute__((noinline, unused))

FI_INLINE uint32_t fi_bits_f32(float x) {
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
FI_INLINE uint64_t fi_bits_f64(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}
FI_INLINE float fi_from_bits_f32(uint32_t bits) {
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}
FI_INLINE double fi_from_bits_f64(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

FI_INLINE float fi_abs_f32(float x) { return fi_from_bits_f32(fi_bits_f32(x) & 0x7fffffffu); }
FI_INLINE double fi_abs_f64(double x) { return fi_from_bits_f64(fi_bits_f64(x) & 0x7fffffffffffffffu); }
FI_INLINE float fi_sqrt_f32(float x) { return sqrtf(x); }
FI_INLINE double fi_sqrt_f64(double x) { return sqrt(x); }
/* magnitude >= 0, with the sign of x */
FI_INLINE double fi_with_sign_f64(double magnitude, double x) {
    return fi_from_bits_f64(fi_bits_f64(magnitude) | (fi_bits_f64(x) & 0x8000000000000000u));
}

/* What value i of a row is made of: a word, or two consecutive ones, the first of them low. */
FI_INLINE uint32_t fi_word_f32(const uint32_t *words, int i) { return words[i]; }
FI_INLINE uint64_t fi_word_f64(const uint32_t *words, int i) {
    uint64_t w;
    memcpy(&w, words + 2 * i, sizeof w); /* one load; of two shifted together compilers make a slow vector loop */
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    w = w << 32 | w >> 32;
#endif
    return w;
}

/* The 52 high bits of w as an integer, and as a fraction: 1 + that 2^-52, in [1, 2). No 64-bit conversion is needed. */
FI_INLINE double fi_high_52_bits(uint64_t w) { return fi_from_bits_f64(w >> 12 | 0x4330000000000000u) - 0x1p52; }
FI_INLINE double fi_one_and_52_bits(uint64_t w) { return fi_from_bits_f64(w >> 12 | 0x3ff0000000000000u); }

#endif
