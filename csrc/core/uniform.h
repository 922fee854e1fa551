/* Uniform numbers: a word is an integer k, and value = (2k + 1) scale + shift.
 *
 *   float32, one word:       31                           8 7             0
 *                           +------------------------------+---------------+
 *                           |  k, 24 bits, signed          |    unused     |      2k + 1 is odd and below 2^24 in size:
 *                           +------------------------------+---------------+      symmetric about 0, never 0, exact
 *
 *   float64, two words:      63                                 12 11      0
 *                           +-------------------------------------+--------+
 *                           |  k, 52 bits                         | unused |      x = (k + 1/2) 2^-52 - 1/2
 *                           +-------------------------------------+--------+      in (-1/2, 1/2), likewise
 *
 * The interval is half open, as torch's is. Where rounding could reach its end, values are clamped below it.
 */
#ifndef FI_UNIFORM_H
#define FI_UNIFORM_H

#include <math.h>

#include "bits.h"
#include "dtypes.h"

static inline fi_distribution fi_uniform(fi_dtype dtype, double a, double b) {
    const int single = fi_is_single(dtype);
    a = fi_rounded(dtype, a), b = fi_rounded(dtype, b);
    const double grid = single ? 0x1p-25 : 1.0;
    /* halves first: b - a may overflow */
    const double top = a < b ? (single ? (double)nextafterf((float)b, (float)a) : nextafter(b, a)) : b;
    const double scale = fi_rounded(dtype, b * grid - a * grid), shift = fi_rounded(dtype, 0.5 * a + 0.5 * b);
    /* rounding is monotone: if the outermost values are within, all are (the kernel does the same steps) */
    const double reach = single ? (double)(16777215.0f * (float)scale) : (0.5 - 0x1p-53) * scale;
    const int within = fi_rounded(dtype, shift - reach) >= a && fi_rounded(dtype, shift + reach) <= top;
    return (fi_distribution){
        .law = within ? FI_UNIFORM : FI_UNIFORM_CLAMPED, .scale = scale, .shift = shift, .lo = a, .hi = top};
}

FI_INLINE float fi_symmetric_f32(uint32_t word) { return (float)((int32_t)word >> 7 | 1); }
FI_INLINE double fi_symmetric_f64(uint64_t words) { return (fi_one_and_52_bits(words) - 1.5) + 0x1p-53; }

#define WIDTH 32
#include "kernels/uniform_tpl.h"
#define WIDTH 64
#include "kernels/uniform_tpl.h"

#endif
