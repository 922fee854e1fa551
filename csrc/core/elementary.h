/* Elementary functions: as kernels need them, inline and without a branch; and those of the set-up (elementary.c).
 *
 * IEEE operations only, so that no value depends on the C library. Each says how far off it is; its coefficients stand
 * in constants/, each file of which names the script that fits them or proves their error. Polynomials are evaluated by
 * Horner's rule, or in the order that is written out; another order would be other bits.
 */
#ifndef FI_ELEMENTARY_H
#define FI_ELEMENTARY_H

#include "bits.h"
#include "constants/exponential.h"
#include "constants/logarithm.h"
#include "constants/octant.h"
#include "constants/probit.h"

/* ---- of the set-up, relative error a few 2^-53 ------------------------------------------------------------------- */

double fi_mills(double x);        /* (1 - Phi(x)) / phi(x), x >= 2.5 */
double fi_centred_mass(double x); /* erf(x / sqrt 2) = 2 Phi(x) - 1 */
#define FI_SQRT_2_PI 2.5066282746310002

/* ---- polynomials ------------------------------------------------------------------------------------------------- */

/* c[0] + c[1] x + ... + c[n - 1] x^(n - 1), n a constant */
FI_INLINE float fi_horner_f32(const float *c, const int n, float x) {
    float sum = c[n - 1];
#pragma GCC unroll 16
    for (int i = n - 2; i >= 0; i--) sum = sum * x + c[i];
    return sum;
}
FI_INLINE double fi_horner_f64(const double *c, const int n, double x) {
    double sum = c[n - 1];
#pragma GCC unroll 16
    for (int i = n - 2; i >= 0; i--) sum = sum * x + c[i];
    return sum;
}
#define FI_HORNER_F32(c, x) fi_horner_f32(c, (int)(sizeof(c) / sizeof *(c)), x)
#define FI_HORNER_F64(c, x) fi_horner_f64(c, (int)(sizeof(c) / sizeof *(c)), x)

/* ---- logarithm --------------------------------------------------------------------------------------------------- */

/* x = m 2^k, m in [sqrt(1/2), sqrt 2): returns m. Single: exponent is k + 127, and 256 more if x < 0. Double: it is k. */
FI_INLINE float fi_split_f32(float x, uint32_t *exponent) {
    static const uint32_t SQRT_HALF = 0x3f3504f3u;
    const uint32_t bits = fi_bits_f32(x) + (0x3f800000u - SQRT_HALF);
    *exponent = bits >> 23;
    return fi_from_bits_f32((bits & 0x7fffffu) + SQRT_HALF);
}
FI_INLINE double fi_split_f64(double x, double *exponent) {
    static const uint64_t SQRT_HALF = 0x3fe6a09e667f3bcdu;
    const uint64_t bits = fi_bits_f64(x) + (0x3ff0000000000000u - SQRT_HALF);
    /* the biased exponent as a double: 2^52 + it, less 2^52 and the bias */
    *exponent = fi_from_bits_f64(bits >> 52 | 0x4330000000000000u) - (0x1p52 + 1023.0);
    return fi_from_bits_f64((bits & 0xfffffffffffffu) + SQRT_HALF);
}

/* A multiple of ln((1 + s) / (1 - s)) = 2 atanh(s), |s| <= 3 - 2 sqrt 2; c says which. Of s = (m - 1) / (m + 1) it is ln m.
 * Relative error 1.2e-7 and 2.3e-16. */
FI_INLINE float fi_log_ratio_f32(float s, const float c[3]) {
    const float y = s * s;
    return fi_horner_f32(c, 3, y) * s;
}
FI_INLINE double fi_log_ratio_f64(double s, const double c[7]) {
    const double y = s * s, y2 = y * y;
    return (((c[0] + c[1] * y) + (c[2] + c[3] * y) * y2) + ((c[4] + c[5] * y) + c[6] * y2) * (y2 * y2)) * s;
}

/* -ln a, a positive and normal */
FI_INLINE float fi_minus_log_f32(float a) {
    uint32_t exponent;
    const float m = fi_split_f32(a, &exponent);
    const float octaves = (float)(127 - (int32_t)exponent) * 0.693147182f; /* ln 2 */
    return fi_log_ratio_f32((1.0f - m) / (m + 1.0f), FI_LOG_F32) + octaves;
}
FI_INLINE double fi_minus_log_f64(double a) {
    double exponent;
    const double m = fi_split_f64(a, &exponent), octaves = exponent * 0.69314718055994531;
    return fi_log_ratio_f64((1.0 - m) / (m + 1.0), FI_LOG_F64) - octaves;
}

/* ---- sine and cosine of x pi/4, 0 <= x <= 1 ---------------------------------------------------------------------- */

FI_INLINE float fi_octant_cos_f32(float x) { return FI_HORNER_F32(FI_COS_F32, x * x); }
FI_INLINE float fi_octant_sin_f32(float x) { return FI_HORNER_F32(FI_SIN_F32, x * x) * x; }
FI_INLINE double fi_octant_cos_f64(double x) { return FI_HORNER_F64(FI_COS_F64, x * x); }
FI_INLINE double fi_octant_sin_f64(double x) { return FI_HORNER_F64(FI_SIN_F64, x * x) * x; }

/* ---- exponential ------------------------------------------------------------------------------------------------- */

#define FI_TO_INTEGER 0x1.8p52 /* added and taken away, it rounds; added, its low bits are the integer */
#define FI_LOG2_E 1.4426950408889634

/* 2^(k + more), k as it stands in the low bits of k + FI_TO_INTEGER */
FI_INLINE double fi_power_of_two(double shifted, int more) {
    return fi_from_bits_f64((fi_bits_f64(shifted) + (uint64_t)(1023 + more)) << 52);
}

/* 2^t, relative error 2^-34, |t| < 1000: the nearest integer goes to the exponent, the rest is 2^f = 1 + f (ln 2 + f q(f)) */
FI_INLINE double fi_exp2_short(double t) {
    const double *c = FI_EXP2_SHORT;
    const double shifted = t + FI_TO_INTEGER, f = t - (shifted - FI_TO_INTEGER), f2 = f * f;
    const double q = (c[1] * f + c[0]) + ((c[3] * f + c[2]) + (c[5] * f + c[4]) * f2) * f2;
    const double power = 1.0 + (0.6931471805599453 * f + q * f2);
    return fi_from_bits_f64(fi_bits_f64(power) + (fi_bits_f64(shifted) << 52));
}

/* q of e^r = 1 + r + r^2 q(r), |r| <= ln(2)/2; relative error of e^r 2^-64 */
FI_INLINE double fi_exp_q_long(double r) {
    const double *c = FI_EXP_LONG;
    const double r2 = r * r, r4 = r2 * r2;
    const double low = (c[1] * r + c[0]) + (c[3] * r + c[2]) * r2;
    const double middle = (c[5] * r + c[4]) + (c[7] * r + c[6]) * r2;
    const double high = (c[9] * r + c[8]) + c[10] * r2;
    return low + (middle + high * r4) * r4;
}

/* p and its remainder: e^x = 2^k (1 + p + remainder), k + FI_TO_INTEGER in *shifted */
FI_INLINE double fi_expm1_long(double x, double *shifted, double *remainder) {
    *shifted = x * FI_LOG2_E + FI_TO_INTEGER;
    const double k = *shifted - FI_TO_INTEGER;
    /* ln 2 in two parts: k times the first is exact */
    const double exact = x - k * 0x1.62e42fefc0000p-1, rest = k * -0x1.c610ca86c3899p-37, r = exact - rest;
    const double w = ((exact - r) - rest) + r * r * fi_exp_q_long(r);
    const double p = r + w;
    *remainder = (r - p) + w;
    return p;
}

/* ---- the inverse of the normal distribution function ------------------------------------------------------------- */

/* z = e f(w) solves e = erf(z / sqrt 2), w = -ln(1 - e^2). This is f: narrow for |z| <= 3.05, wide as words reach. */
FI_INLINE float fi_probit_factor_narrow_f32(float w) { /* even and odd powers about the middle: two short chains */
    const float x = w - 2.5f, v = x * x;
    return FI_HORNER_F32(FI_PROBIT_NARROW_ODD_F32, v) * x + FI_HORNER_F32(FI_PROBIT_NARROW_EVEN_F32, v);
}
FI_INLINE float fi_probit_factor_wide_f32(float w) {
    return FI_HORNER_F32(FI_PROBIT_WIDE_TOP_F32, w) / FI_HORNER_F32(FI_PROBIT_WIDE_BOTTOM_F32, w);
}
FI_INLINE double fi_probit_factor_narrow_f64(double w) {
    return FI_HORNER_F64(FI_PROBIT_NARROW_TOP_F64, w) / FI_HORNER_F64(FI_PROBIT_NARROW_BOTTOM_F64, w);
}
FI_INLINE double fi_probit_factor_wide_f64(double w) {
    return FI_HORNER_F64(FI_PROBIT_WIDE_TOP_F64, w) / FI_HORNER_F64(FI_PROBIT_WIDE_BOTTOM_F64, w);
}

#endif
