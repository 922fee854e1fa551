/* Truncated normals by inverse CDF on the interval: one word (float32) or two (float64) a value, bounded time.
 * Which form is used, and the numbers it is given, is decided once a call by fi_truncated_setup (truncated.c). */

/* -ln a, a positive and normal; the split of fi_radius_f32. */
FI_INLINE float fi_minus_log_f32(float a) {
    const uint32_t bits = fi_bits_of(a) + (0x3f800000u - FI_SQRT_HALF_BITS);
    const float exponent_part = (float)(127 - (int32_t)(bits >> 23)) * 0.693147182f;
    const float m = fi_float_of((bits & 0x7fffffu) + FI_SQRT_HALF_BITS);
    const float s = (1.0f - m) / (m + 1.0f), y = s * s;
    return ((0.412965059f * y + 0.666522205f) * y + 2.00000024f) * s + exponent_part;
}

FI_INLINE double fi_minus_log_f64(double a) {
    const uint64_t bits = fi_bits_of_double(a) + (0x3ff0000000000000u - FI_SQRT_HALF_BITS64);
    const double exponent = fi_double_of(bits >> 52 | 0x4330000000000000u) - (0x1p52 + 1023.0);
    const double m = fi_double_of((bits & 0xfffffffffffffu) + FI_SQRT_HALF_BITS64);
    const double s = (1.0 - m) / (m + 1.0), y = s * s,
                 y2 = y * y; /* 2 atanh(s)/s, half of fi_radius_f64's polynomial */
    const double odd =
        ((2.00000000000000045 + 0.66666666666552155 * y) + (0.40000000062047103 + 0.28571415976224057 * y) * y2) +
        ((0.22223437522716358 + 0.18121843282638328 * y) + 0.16838705302333079 * y2) * (y2 * y2);
    return odd * s - exponent * 0.69314718055994531;
}

/* The inverse of e = erf(z / sqrt 2) is z = e f(w), w = -ln(1 - e^2); the fits are made by tools/fit_truncated.py. */
FI_INLINE float fi_probit_factor_narrow_f32(float w) { /* |z| <= 3.05 */
    const float x = w - 2.5f, v = x * x;
    const float even = (((3.3937539001271944e-08f * v + -4.91036735184025e-06f) * v + 0.0003088363155256957f) * v +
                        -0.005907776765525341f) *
                           v +
                       2.1233134269714355f;
    const float odd = (((-1.1281745315727676e-08f * v + 6.436984563151782e-07f) * v + -6.950400347704999e-06f) * v +
                       -0.0017717540031298995f) *
                          v +
                      0.3488020896911621f;
    return odd * x + even;
}

#include "probit.h"

/* The steps below depend on each other all the way from word to value, too long a chain for a processor to overlap enough
 * of them; so each step is a loop of its own over a block of values. A reader and the compiler both gain. */
enum { FI_BLOCK = 128 };

/* e and v = 1 - |e| both come straight from the word, so that z is right near 0 and near either bound. */
FI_INLINE void fi_truncated_centre_f32(const fi_distribution *p, int rows, const uint32_t *restrict words,
                                       float *restrict out, const int wide) {
    const uint32_t k0 = (uint32_t)p->k0;
    const float step = (float)p->step, e0 = (float)p->e0, v_lo = (float)p->v_lo, v_hi = (float)p->v_hi;
    const float scale = (float)p->scale, shift = (float)p->shift, lo = (float)p->lo, hi = (float)p->hi;
    float e[FI_BLOCK], w[FI_BLOCK];
    for (int left = rows * FI_LANES; left > 0; left -= FI_BLOCK, words += FI_BLOCK, out += FI_BLOCK) {
        const int n = left < FI_BLOCK ? left : FI_BLOCK;
        for (int i = 0; i < n; i++) {
            const uint32_t k = words[i] >> 1;
            const int32_t from_centre = (int32_t)(k - k0);
            const uint32_t upper = ~(uint32_t)(from_centre >> 31); /* all ones above the centre */
            const float v = (float)(int32_t)(k ^ (upper & 0x7fffffffu)) * step + (upper ? v_hi : v_lo);
            e[i] = (float)from_centre * step + e0;
            w[i] = v * (2.0f - v);
        }
        for (int i = 0; i < n; i++) w[i] = fi_minus_log_f32(w[i]);
        for (int i = 0; i < n; i++) {
            const float z = e[i] * (wide ? fi_probit_factor_wide_f32(w[i]) : fi_probit_factor_narrow_f32(w[i]));
            const float x = z * scale + shift, y = x < lo ? lo : x;
            out[i] = y > hi ? hi : y;
        }
    }
}

FI_INLINE void fi_truncated_centre_f64(const fi_distribution *p, int rows, const uint32_t *restrict words,
                                       double *restrict out, const int wide) {
    const double k0 = p->k0, step = p->step, e0 = p->e0, v_lo = p->v_lo, v_hi = p->v_hi;
    const double scale = p->scale, shift = p->shift, lo = p->lo, hi = p->hi;
    double e[FI_BLOCK], w[FI_BLOCK];
    for (int left = rows * FI_LANES / 2; left > 0; left -= FI_BLOCK, words += 2 * FI_BLOCK, out += FI_BLOCK) {
        const int n = left < FI_BLOCK ? left : FI_BLOCK;
        for (int i = 0; i < n; i++) {
            const double k = fi_double_of(fi_word64(words, i) >> 12 | 0x4330000000000000u) - 0x1p52;
            const double from_centre = k - k0;
            const double v = from_centre >= 0 ? ((0x1p52 - 1.0) - k) * step + v_hi : k * step + v_lo;
            e[i] = from_centre * step + e0;
            w[i] = v * (2.0 - v);
        }
        for (int i = 0; i < n; i++) w[i] = fi_minus_log_f64(w[i]);
        for (int i = 0; i < n; i++) {
            const double z = e[i] * (wide ? fi_probit_factor_wide_f64(w[i]) : fi_probit_factor_narrow_f64(w[i]));
            const double x = z * scale + shift, y = x < lo ? lo : x;
            out[i] = y > hi ? hi : y;
        }
    }
}

/* Both bounds in one tail, the nearer one `bound` sigmas out. t is exponential; eta = bound * (sqrt(bound^2 + 2t) - bound)
 * would be the distance if the tail were exp(-z^2/2) alone; a polynomial in eta mends it. Distances from the bound, not
 * positions, so that nothing cancels however far out the bound is. */
FI_INLINE void fi_truncated_tail_f32(const fi_distribution *p, int rows, const uint32_t *restrict words,
                                     float *restrict out) {
    const float step = (float)p->step, rho = (float)p->v_lo, curve = (float)p->curve;
    const float centre = (float)p->tail_centre, inverse = (float)p->tail_inverse;
    const float scale = (float)p->scale, shift = (float)p->shift, lo = (float)p->lo, hi = (float)p->hi;
    float c[FI_TAIL_TERMS_F32], eta[FI_BLOCK];
    for (int j = 0; j < FI_TAIL_TERMS_F32; j++) c[j] = (float)p->tail[j];
    for (int left = rows * FI_LANES; left > 0; left -= FI_BLOCK, words += FI_BLOCK, out += FI_BLOCK) {
        const int n = left < FI_BLOCK ? left : FI_BLOCK;
        for (int i = 0; i < n; i++) eta[i] = fi_minus_log_f32((float)(int32_t)(words[i] >> 1) * step + rho);
        for (int i = 0; i < n; i++) eta[i] = (eta[i] + eta[i]) / (1.0f + sqrtf(1.0f + curve * eta[i]));
        for (int i = 0; i < n; i++) {
            const float s = (eta[i] - centre) * inverse;
            const float v = s * s;
            float even = c[FI_TAIL_TERMS_F32 - 2], odd = c[FI_TAIL_TERMS_F32 - 1]; /* two short chains */
#pragma GCC unroll 16
            for (int j = FI_TAIL_TERMS_F32 - 4; j >= 0; j -= 2) even = even * v + c[j], odd = odd * v + c[j + 1];
            const float x = eta[i] * (odd * s + even) * scale + shift, y = x < lo ? lo : x;
            out[i] = y > hi ? hi : y;
        }
    }
}

FI_INLINE void fi_truncated_tail_f64(const fi_distribution *p, int rows, const uint32_t *restrict words,
                                     double *restrict out) {
    const double step = p->step, rho = p->v_lo, curve = p->curve, centre = p->tail_centre, inverse = p->tail_inverse;
    const double scale = p->scale, shift = p->shift, lo = p->lo, hi = p->hi;
    const double *c = p->tail;
    double eta[FI_BLOCK];
    for (int left = rows * FI_LANES / 2; left > 0; left -= FI_BLOCK, words += 2 * FI_BLOCK, out += FI_BLOCK) {
        const int n = left < FI_BLOCK ? left : FI_BLOCK;
        for (int i = 0; i < n; i++) {
            const double k = fi_double_of(fi_word64(words, i) >> 12 | 0x4330000000000000u) - 0x1p52;
            eta[i] = fi_minus_log_f64(k * step + rho);
        }
        for (int i = 0; i < n; i++) eta[i] = (eta[i] + eta[i]) / (1.0 + sqrt(1.0 + curve * eta[i]));
        for (int i = 0; i < n; i++) {
            const double s = (eta[i] - centre) * inverse;
            const double v = s * s;
            double even = c[FI_TAIL_TERMS_F64 - 2], odd = c[FI_TAIL_TERMS_F64 - 1]; /* two short chains */
#pragma GCC unroll 16
            for (int j = FI_TAIL_TERMS_F64 - 4; j >= 0; j -= 2) even = even * v + c[j], odd = odd * v + c[j + 1];
            const double x = eta[i] * (odd * s + even) * scale + shift, y = x < lo ? lo : x;
            out[i] = y > hi ? hi : y;
        }
    }
}
