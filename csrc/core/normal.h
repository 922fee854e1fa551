/* Normal numbers: Box and Muller, "A note on the generation of random normal deviates" (1958). Two words are a point of
 * the plane in polar coordinates: its radius is sqrt(-2 ln U), its angle is uniform; its coordinates are two normals.
 *
 *   float32          31 30            23 22                      0
 *                   +--+----------------------------------------+
 *   first row:  a   |s |  t, 31 bits                            |   U = |a| 2^-31 (nearly); s: the sine's sign
 *                   +--+--+-------------+-----------------------+
 *   second row: b   |s |x |   unused    |  angle, 23 bits       |   s: the cosine's sign; x: exchange the two
 *                   +--+--+-------------+-----------------------+
 *
 *   float64          63                                12 11    3  2  1  0
 *                   +------------------------------------+-----------------+
 *   first row:  a   |  radius, 52 bits                   |      unused     |   U = (radius + 1/2) 2^-52
 *                   +------------------------------------+--------+--+--+--+
 *   second row: b   |  angle, 52 bits                    | unused |x |s |s |   bit 1: the sine's sign; bit 0: the cosine's
 *                   +------------------------------------+--------+--+--+--+
 *
 * The angle lies in one octant, (angle + 1/2) 2^-23 or 2^-52 of pi/4; exchange and signs make the eight. The cosine's
 * value goes to the first row, the sine's to the second. The largest values are 6.56 and 8.57: sqrt(62 ln 2)
 * and sqrt(106 ln 2).
 */
#ifndef FI_NORMAL_H
#define FI_NORMAL_H

#include "dtypes.h"
#include "elementary.h"

static inline fi_distribution fi_normal(fi_dtype dtype, double mean, double std) {
    return (fi_distribution){.law = FI_NORMAL, .scale = fi_rounded(dtype, std), .shift = fi_rounded(dtype, mean)};
}

/* sqrt(-2 ln U), U = |a| 2^-31 / (1 + 2^-23), which is below 1. The sign of a is no part of the exponent: & 31. */
FI_INLINE float fi_radius_f32(uint32_t a) {
    uint32_t exponent;
    const float m = fi_split_f32((float)(int32_t)a, &exponent);
    const float octaves = (float)(int32_t)((62u - exponent) & 31u);
    return fi_sqrt_f32(fi_log_ratio_f32((m - 1.00000012f) / (m + 1.0f), FI_RADIUS_F32) +
                       octaves * 1.38629436f); /* ln 4 */
}
FI_INLINE double fi_radius_f64(uint64_t a) {
    double exponent;
    const double m = fi_split_f64((fi_one_and_52_bits(a) - 1.0) + 0x1p-53, &exponent);
    return fi_sqrt_f64(fi_log_ratio_f64((m - 1.0) / (m + 1.0), FI_RADIUS_F64) + exponent * -1.3862943611198906);
}

/* The angle as a share of the octant: (k + 1/2) 2^-23, but for a last place; (k + 1/2) 2^-52. */
FI_INLINE float fi_angle_f32(uint32_t b) { return fi_from_bits_f32((b & 0x7fffffu) | 0x3f800000u) - 0.99999994f; }
FI_INLINE double fi_angle_f64(uint64_t b) { return (fi_one_and_52_bits(b) - 1.0) + 0x1p-53; }

/* The signs, in a number's sign bit. */
FI_INLINE uint32_t fi_cosine_sign_f32(uint32_t b) { return b & 0x80000000u; }
FI_INLINE uint32_t fi_sine_sign_f32(uint32_t a, uint32_t b) { return (void)b, a & 0x80000000u; }
FI_INLINE uint32_t fi_exchange_f32(uint32_t b) { return b >> 30 & 1u; }
FI_INLINE uint64_t fi_cosine_sign_f64(uint64_t b) { return b << 63; }
FI_INLINE uint64_t fi_sine_sign_f64(uint64_t a, uint64_t b) { return (void)a, (b >> 1) << 63; }
FI_INLINE uint64_t fi_exchange_f64(uint64_t b) { return b >> 2 & 1u; }

#define WIDTH 32
#include "kernels/normal_tpl.h"
#define WIDTH 64
#include "kernels/normal_tpl.h"

#endif
