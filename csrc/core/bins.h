/* The histogram's bin of a value: a float32's sign, exponent and three top bits of mantissa. */
#ifndef FI_BINS_H
#define FI_BINS_H

#include "bits.h"

FI_INLINE uint32_t fi_bin_f32(float x) { return fi_bits_f32(x) >> 20; }

/* A double's is its float32's, not rounded; too large ones go to the last finite bin, those below 2^-126 to the first.
 */
FI_INLINE uint32_t fi_bin_f64(double x) {
    const uint64_t bits = fi_bits_f64(x);
    const int32_t magnitude = (int32_t)(bits >> 49 & 0x3fff), wanted = magnitude - (896 << 3);
    const int32_t finite = wanted < 8 ? 0 : wanted > 2039 ? 2039 : wanted;
    const int32_t bin = magnitude >= 2047 << 3 ? 2040 | (magnitude & 7) : finite;
    return (uint32_t)bin | (uint32_t)(bits >> 63) << 11;
}

#endif
