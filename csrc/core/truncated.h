/* Truncated normals: the inverse of the distribution function on the interval. A word is a rank k, which stands for the
 * middle of its share of the interval's mass: one word (float32) or two (float64) a value, in bounded time.
 *
 *   float32, one word:    31                                  1  0
 *                        +-------------------------------------+--+
 *                        |  k, 31 bits                         |  |   bit 0 is unused
 *                        +-------------------------------------+--+
 *
 *   float64, two words:   63                            12 11    0
 *                        +--------------------------------+-------+
 *                        |  k, 52 bits                    |unused |
 *                        +--------------------------------+-------+
 *
 * Two forms, chosen once a call by fi_truncated_setup (truncated.c).
 *
 * The centre form, for an interval that reaches within FI_TAIL sigmas of the mean:
 *     e = (k - k0) step + e0                       erf(z / sqrt 2) at the rank
 *     v = (ranks to the end on that side) step + v_lo or v_hi       1 - |e|
 *     z = e f(w), w = -ln(v (2 - v)) = -ln(1 - e^2)                 f: fi_probit_factor, narrow or wide
 * Both e and v come straight from the word, so that z is right near 0 and near either bound.
 *
 * The tail form, for both bounds in one tail, the nearer one `bound` sigmas out:
 *     t = -ln(k step + rho)                        exponential: t = -ln(share of the tail beyond z)
 *     eta = 2 t / (1 + sqrt(1 + curve t))          bound (z - bound), if the tail were exp(-z^2 / 2) alone
 *     z = bound + eta factor(eta) / bound          a polynomial, fitted once a call, mends it
 * It counts distances from the bound, not positions, so that nothing cancels however far out the bound is.
 */
#ifndef FI_TRUNCATED_H
#define FI_TRUNCATED_H

#include "core.h"
#include "elementary.h"

#define FI_NARROW 3.05 /* both bounds within: the short polynomial */
#define FI_TAIL 3.0    /* both bounds beyond, on one side: the tail form */

/* Of one word: how far its rank is from k0, and from the end on that side. Returns all ones on the upper side. */
FI_INLINE uint32_t fi_rank_from_centre_f32(uint32_t word, double k0, float *from_centre, float *from_end) {
    const uint32_t k = word >> 1;
    const int32_t from = (int32_t)(k - (uint32_t)k0);
    const uint32_t upper = ~(uint32_t)(from >> 31); /* all ones above the centre */
    *from_centre = (float)from, *from_end = (float)(int32_t)(k ^ (upper & 0x7fffffffu));
    return upper;
}
FI_INLINE uint64_t fi_rank_from_centre_f64(uint64_t words, double k0, double *from_centre, double *from_end) {
    const double k = fi_high_52_bits(words);
    const uint64_t upper = k - k0 >= 0.0 ? ~(uint64_t)0 : 0;
    *from_centre = k - k0, *from_end = k - k0 >= 0.0 ? (0x1p52 - 1.0) - k : k;
    return upper;
}
FI_INLINE float fi_rank_f32(uint32_t word) { return (float)(int32_t)(word >> 1); }
FI_INLINE double fi_rank_f64(uint64_t words) { return fi_high_52_bits(words); }

#define WIDTH 32
#include "kernels/truncated_tpl.h"
#define WIDTH 64
#include "kernels/truncated_tpl.h"

#endif
