/* Sigmoid, tanh and their derivatives of the pre-activation z, right to the last places over the whole range:
 *
 *   sigmoid(z) = 1 / (1 + e^-z)        sigmoid'(z) = e / (1 + e)^2, e = e^-|z|
 *   tanh(z)                            tanh'(z) = 4 sigmoid'(2z)
 *
 * float32 is computed in double, to 2^-33 relative, and rounded once; float16 is float32's, rounded once. float64
 * carries what each rounding leaves and mends the quotient by it. As in kernels/truncated_tpl.h each step is a loop of
 * its own over a strip of values. NaN is seen to by the loop around (kernels/activation_tpl.h).
 */
#ifndef FI_ACTIVATIONS_H
#define FI_ACTIVATIONS_H

#include "elementary.h"

enum { FI_ACTIVATION_STRIP = 128 };

/* ---- float32: values in double, to be rounded once --------------------------------------------------------------- */

/* |z|; beyond 110 nothing changes */
FI_INLINE void fi_reaches(const float *restrict z, int n, float *restrict a) {
    for (int i = 0; i < n; i++) a[i] = fi_abs_f32(z[i]) < 110.0f ? fi_abs_f32(z[i]) : 110.0f;
}

/* e^-(times |z|), and a as above. The two loops are one too many for a reader, and 12% faster than one. */
FI_INLINE void fi_decays(const float *restrict z, int n, const double times, float *restrict a, double *restrict y) {
    fi_reaches(z, n, a);
    for (int i = 0; i < n; i++) y[i] = fi_exp2_short((double)a[i] * (-times * FI_LOG2_E));
}

FI_INLINE void fi_sigmoid_values_f32(const float *restrict z, int n, double *restrict y) {
    float a[FI_ACTIVATION_STRIP];
    fi_decays(z, n, 1.0, a, y);
    for (int i = 0; i < n; i++) y[i] = (z[i] < 0.0f ? y[i] : 1.0) / (1.0 + y[i]);
}

FI_INLINE void fi_dsigmoid_values_f32(const float *restrict z, int n, double *restrict y) {
    float a[FI_ACTIVATION_STRIP];
    fi_decays(z, n, 1.0, a, y);
    for (int i = 0; i < n; i++) y[i] = y[i] / ((1.0 + y[i]) * (1.0 + y[i]));
}

FI_INLINE void fi_dtanh_values_f32(const float *restrict z, int n, double *restrict y) {
    float a[FI_ACTIVATION_STRIP];
    fi_decays(z, n, 2.0, a, y);
    for (int i = 0; i < n; i++) y[i] = 4.0 * y[i] / ((1.0 + y[i]) * (1.0 + y[i]));
}

FI_INLINE void fi_tanh_values_f32(const float *restrict z, int n, double *restrict y) {
    float a[FI_ACTIVATION_STRIP];
    fi_decays(z, n, 2.0, a, y);
    for (int i = 0; i < n; i++) {
        const double x = (double)a[i];
        const double small = x - x * x * x * 0.3333333333333333; /* below 2^-12; the next term is below 2^-50 of it */
        const double large = (1.0 - y[i]) / (1.0 + y[i]);
        y[i] = fi_with_sign_f64(x < 0x1p-12 ? small : large, (double)z[i]);
    }
}

/* To float32, to the odd neighbour if inexact: then rounding again, to float16, gives what rounding once would. */
FI_INLINE float fi_float_to_odd(double y) {
    const float nearest = (float)y;
    const uint32_t bits = fi_bits_f32(nearest);
    const double left = fi_abs_f64(y) - fi_abs_f64((double)nearest);
    const uint32_t towards = left > 0.0 ? 1u : ~0u;
    return left == 0.0 || (bits & 1u) ? nearest : fi_from_bits_f32(bits + towards);
}

/* ---- float64 ----------------------------------------------------------------------------------------------------- */

/* 1/x to 12%: it only weighs corrections of 2^-53 */
FI_INLINE double fi_rough_reciprocal(double x) { return fi_from_bits_f64(0x7fde623822fc16e6u - fi_bits_f64(x)); }

/* sigmoid and its derivative. 2^60 keeps numerators normal however far out z is; taking it away rounds into the
 * subnormals. */
FI_INLINE void fi_logistic_f64(const double *restrict z, int n, double *restrict y, int derivative, double twice,
                               double times) {
    double head[FI_ACTIVATION_STRIP], tail[FI_ACTIVATION_STRIP], scale[FI_ACTIVATION_STRIP];
    for (int i = 0; i < n; i++) {
        const double a = fi_abs_f64(z[i]) * twice;
        double shifted, remainder;
        const double p = fi_expm1_long(a < 750.0 ? -a : -750.0, &shifted, &remainder);
        head[i] = 1.0 + p;
        tail[i] = ((1.0 - head[i]) + p) + remainder;
        scale[i] = fi_power_of_two(shifted, 60);
    }
    for (int i = 0; i < n; i++) {
        const double numerator = head[i] * scale[i]; /* 2^60 e, but for the tail */
        const double e = numerator * 0x1p-60, e_tail = tail[i] * scale[i] * 0x1p-60;
        const double sum = 1.0 + e;
        double quotient, mend;
        if (derivative) {
            /* (1 + e)^2 = d + rest, from a head of 26 bits whose square is exact */
            const double top = fi_from_bits_f64(fi_bits_f64(sum) & 0xfffffffff8000000u);
            const double low = ((1.0 - top) + e) + e_tail;
            const double square = top * top, cross = (top + top + low) * low;
            const double d = square + cross, rest = (square - d) + cross;
            quotient = numerator / d;
            mend = tail[i] * fi_rough_reciprocal(head[i]) - rest * fi_rough_reciprocal(d);
        } else {
            const double rest = ((1.0 - sum) + e) + e_tail;
            quotient = (z[i] < 0.0 ? numerator : 0x1p60) / sum;
            mend = (z[i] < 0.0 ? tail[i] * fi_rough_reciprocal(head[i]) : 0.0) - rest * fi_rough_reciprocal(sum);
        }
        y[i] = (quotient + quotient * mend) * (0x1p-60 * times);
    }
}

FI_INLINE void fi_sigmoid_values_f64(const double *restrict z, int n, double *restrict y) {
    fi_logistic_f64(z, n, y, 0, 1.0, 1.0);
}
FI_INLINE void fi_dsigmoid_values_f64(const double *restrict z, int n, double *restrict y) {
    fi_logistic_f64(z, n, y, 1, 1.0, 1.0);
}
FI_INLINE void fi_dtanh_values_f64(const double *restrict z, int n, double *restrict y) {
    fi_logistic_f64(z, n, y, 1, 2.0, 4.0);
}

/* tanh |z| = m / (m + 2), m = e^(2|z|) - 1 */
FI_INLINE void fi_tanh_values_f64(const double *restrict z, int n, double *restrict y) {
    double p[FI_ACTIVATION_STRIP], remainder[FI_ACTIVATION_STRIP], scale[FI_ACTIVATION_STRIP];
    for (int i = 0; i < n; i++) {
        const double a = fi_abs_f64(z[i]);
        double shifted;
        p[i] = fi_expm1_long(a < 22.0 ? a + a : 44.0, &shifted, &remainder[i]);
        scale[i] = fi_power_of_two(shifted, 0);
    }
    for (int i = 0; i < n; i++) {
        const double less_one = scale[i] - 1.0, part = scale[i] * p[i];
        const double m = less_one + part, m_rest = ((less_one - m) + part) + scale[i] * remainder[i];
        const double d = m + 2.0, larger = m > 2.0 ? m : 2.0, smaller = m > 2.0 ? 2.0 : m;
        const double d_rest = ((larger - d) + smaller) + m_rest;
        const double quotient = m / d;
        const double mend = m_rest * fi_rough_reciprocal(m) - d_rest * fi_rough_reciprocal(d);
        y[i] = fi_with_sign_f64(quotient + quotient * mend, z[i]);
    }
}

#endif
