/* Sigmoid, tanh and their derivatives as functions of the pre-activation z, right to the last places over the whole range:
 *
 *   sigmoid(z) = 1 / (1 + e^-z)        sigmoid'(z) = e / (1 + e)^2, e = e^-|z|
 *   tanh(z)                            tanh'(z) = 4 sigmoid'(2z)
 *
 * float32 is computed in double, to 2^-33 relative, and rounded once. float64 carries what each rounding leaves and mends
 * the quotient by it. As in truncated_kernels.h each step is a loop of its own over a block.
 */

/* q of e^r = 1 + r + r^2 q(r), |r| <= ln(2)/2; by tools/fit_activations.py, relative error of e^r 2^-64 */
FI_INLINE double fi_exp_q_long(double r) {
    const double r2 = r * r, r4 = r2 * r2;
    const double low = (0.16666666666666682 * r + 0.5) + (0.008333333333317048 * r + 0.041666666666666095) * r2;
    const double middle =
        (0.0001984126989635079 * r + 0.0013888888889115449) + (2.7557234895627955e-06 * r + 2.480158692685333e-05) * r2;
    const double high = (2.511202486231534e-08 * r + 2.7557581747467594e-07) + 2.0826635733429544e-09 * r2;
    return low + (middle + high * r4) * r4;
}

static const double FI_TO_INTEGER = 0x1.8p52; /* added and taken away, it rounds; added, its low bits are the integer */
static const double FI_LN2_HIGH = 0x1.62e42fefc0000p-1, FI_LN2_LOW = -0x1.c610ca86c3899p-37; /* k * high is exact */

/* 2^(k + more), k as it stands in the low bits of k + FI_TO_INTEGER */
FI_INLINE double fi_power_of_two(double shifted, int more) {
    return fi_double_of((fi_bits_of_double(shifted) + (uint64_t)(1023 + more)) << 52);
}
FI_INLINE double fi_magnitude(double x) { return fi_double_of(fi_bits_of_double(x) & 0x7fffffffffffffffu); }
FI_INLINE double fi_with_sign_of(double magnitude, double x) {
    return fi_double_of(fi_bits_of_double(magnitude) | (fi_bits_of_double(x) & 0x8000000000000000u));
}

/* ---- float32: values in double, to be rounded once ---------------------------------------------------------------- */

/* 2^t to 2^-34, |t| < 1000: the nearest integer goes to the exponent, 2^f = 1 + f (ln 2 + f q(f)) for the rest */
FI_INLINE double fi_exp2_short(double t) {
    const double shifted = t + FI_TO_INTEGER, f = t - (shifted - FI_TO_INTEGER), f2 = f * f;
    const double q = (0.055504106009769561 * f + 0.24022651020901614) +
                     ((0.001333382003237774 * f + 0.009618043335357289) +
                      (1.5213591246601577e-05 * f + 0.00015465370983305612) * f2) *
                         f2;
    const double power = 1.0 + (0.6931471805599453 * f + q * f2);
    return fi_double_of(fi_bits_of_double(power) + (fi_bits_of_double(shifted) << 52));
}

static const double FI_LOG2_E = 1.4426950408889634;

/* z, |z| clamped at 110 (beyond, nothing changes), and what is wanted of them; NaN is seen to later */
typedef void fi_values_f32(const float *restrict z, const float *restrict a, int n, double *restrict y);

FI_INLINE void fi_sigmoid_of_f32(const float *restrict z, const float *restrict a, int n, double *restrict y) {
    for (int i = 0; i < n; i++) y[i] = fi_exp2_short((double)a[i] * -FI_LOG2_E);
    for (int i = 0; i < n; i++) y[i] = (z[i] < 0.0f ? y[i] : 1.0) / (1.0 + y[i]);
}

FI_INLINE void fi_dsigmoid_of_f32(const float *restrict z, const float *restrict a, int n, double *restrict y) {
    (void)z;
    for (int i = 0; i < n; i++) y[i] = fi_exp2_short((double)a[i] * -FI_LOG2_E);
    for (int i = 0; i < n; i++) y[i] = y[i] / ((1.0 + y[i]) * (1.0 + y[i]));
}

FI_INLINE void fi_dtanh_of_f32(const float *restrict z, const float *restrict a, int n, double *restrict y) {
    (void)z;
    for (int i = 0; i < n; i++) y[i] = fi_exp2_short((double)a[i] * (-2.0 * FI_LOG2_E));
    for (int i = 0; i < n; i++) y[i] = 4.0 * y[i] / ((1.0 + y[i]) * (1.0 + y[i]));
}

FI_INLINE void fi_tanh_of_f32(const float *restrict z, const float *restrict a, int n, double *restrict y) {
    for (int i = 0; i < n; i++) y[i] = fi_exp2_short((double)a[i] * (-2.0 * FI_LOG2_E));
    for (int i = 0; i < n; i++) {
        const double x = (double)a[i];
        const double small = x - x * x * x * 0.3333333333333333; /* below 2^-12; the next term is below 2^-50 of it */
        const double large = (1.0 - y[i]) / (1.0 + y[i]);
        y[i] = fi_with_sign_of(x < 0x1p-12 ? small : large, (double)z[i]);
    }
}

/* ---- float64 ------------------------------------------------------------------------------------------------------ */

/* 1/x to 12%: it only weighs corrections of 2^-53 */
FI_INLINE double fi_rough_reciprocal(double x) { return fi_double_of(0x7fde623822fc16e6u - fi_bits_of_double(x)); }

/* p and its remainder: e^x = 2^k (1 + p + remainder) */
FI_INLINE double fi_expm1_long(double x, double *shifted, double *remainder) {
    *shifted = x * 1.4426950408889634 + FI_TO_INTEGER;
    const double k = *shifted - FI_TO_INTEGER;
    const double exact = x - k * FI_LN2_HIGH, rest = k * FI_LN2_LOW, r = exact - rest;
    const double w = ((exact - r) - rest) + r * r * fi_exp_q_long(r);
    const double p = r + w;
    *remainder = (r - p) + w;
    return p;
}

/* sigmoid and its derivative. 2^60 keeps numerators normal however far out z is; taking it away rounds into the subnormals. */
FI_INLINE void fi_logistic_f64(const double *restrict z, int n, double *restrict y, int derivative, double twice,
                               double times) {
    double head[FI_BLOCK], tail[FI_BLOCK], scale[FI_BLOCK];
    for (int i = 0; i < n; i++) {
        const double a = fi_magnitude(z[i]) * twice;
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
            const double top = fi_double_of(fi_bits_of_double(sum) & 0xfffffffff8000000u);
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

typedef void fi_values_f64(const double *restrict z, int n, double *restrict y);

FI_INLINE void fi_sigmoid_of_f64(const double *restrict z, int n, double *restrict y) {
    fi_logistic_f64(z, n, y, 0, 1.0, 1.0);
}
FI_INLINE void fi_dsigmoid_of_f64(const double *restrict z, int n, double *restrict y) {
    fi_logistic_f64(z, n, y, 1, 1.0, 1.0);
}
FI_INLINE void fi_dtanh_of_f64(const double *restrict z, int n, double *restrict y) {
    fi_logistic_f64(z, n, y, 1, 2.0, 4.0);
}

/* tanh |z| = m / (m + 2), m = e^(2|z|) - 1 */
FI_INLINE void fi_tanh_of_f64(const double *restrict z, int n, double *restrict y) {
    double p[FI_BLOCK], remainder[FI_BLOCK], scale[FI_BLOCK];
    for (int i = 0; i < n; i++) {
        const double a = fi_magnitude(z[i]);
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
        y[i] = fi_with_sign_of(quotient + quotient * mend, z[i]);
    }
}

/* ---- kernels: out = f(z), or grad * f'(z); out may be z or grad itself ---------------------------------------------- */

FI_INLINE void fi_magnitudes(const float *restrict z, int n, float *restrict a) {
    for (int i = 0; i < n; i++) {
        const float size = fi_float_of(fi_bits_of(z[i]) & 0x7fffffffu);
        a[i] = size < 110.0f ? size : 110.0f;
    }
}

/* To float32, to the odd neighbour if inexact: then rounding again, to float16, gives what rounding once would. */
FI_INLINE float fi_float_to_odd(double y) {
    const float nearest = (float)y;
    const uint32_t bits = fi_bits_of(nearest);
    const double left = fi_magnitude(y) - fi_magnitude((double)nearest);
    const uint32_t towards = left > 0.0 ? 1u : ~0u;
    return left == 0.0 || (bits & 1u) ? nearest : fi_float_of(bits + towards);
}

/* VALUES of a block in double; NaN gives NaN. */
#define FI_DEFINE_ACTIVATION(NAME, VALUES_F32, VALUES_F64)                                                             \
    static void NAME##_f32(const void *grad, const void *z, size_t n, void *out) {                                     \
        const float *g = grad, *from = z;                                                                              \
        float *to = out, x[FI_BLOCK], a[FI_BLOCK];                                                                     \
        double y[FI_BLOCK];                                                                                            \
        for (size_t i = 0; i < n; i += FI_BLOCK) {                                                                     \
            const int m = n - i < FI_BLOCK ? (int)(n - i) : FI_BLOCK;                                                  \
            for (int j = 0; j < m; j++) x[j] = from[i + (size_t)j];                                                    \
            fi_magnitudes(x, m, a);                                                                                    \
            VALUES_F32(x, a, m, y);                                                                                    \
            if (g)                                                                                                     \
                for (int j = 0; j < m; j++) y[j] *= (double)g[i + (size_t)j];                                          \
            for (int j = 0; j < m; j++) to[i + (size_t)j] = x[j] == x[j] ? (float)y[j] : x[j];                         \
        }                                                                                                              \
    }                                                                                                                  \
    static void NAME##_f16(const void *grad, const void *z, size_t n, void *out) {                                     \
        const uint16_t *g = grad, *from = z;                                                                           \
        uint16_t *to = out;                                                                                            \
        float x[FI_BLOCK], a[FI_BLOCK], gx[FI_BLOCK];                                                                  \
        double y[FI_BLOCK];                                                                                            \
        for (size_t i = 0; i < n; i += FI_BLOCK) {                                                                     \
            const int m = n - i < FI_BLOCK ? (int)(n - i) : FI_BLOCK;                                                  \
            fi_load_f16(from + i, m, x);                                                                               \
            fi_magnitudes(x, m, a);                                                                                    \
            VALUES_F32(x, a, m, y);                                                                                    \
            if (g) {                                                                                                   \
                fi_load_f16(g + i, m, gx);                                                                             \
                for (int j = 0; j < m; j++) y[j] *= (double)gx[j];                                                     \
            }                                                                                                          \
            for (int j = 0; j < m; j++) x[j] = x[j] == x[j] ? fi_float_to_odd(y[j]) : x[j];                            \
            fi_store_f16(x, m, to + i);                                                                                \
        }                                                                                                              \
    }                                                                                                                  \
    static void NAME##_f64(const void *grad, const void *z, size_t n, void *out) {                                     \
        const double *g = grad, *from = z;                                                                             \
        double *to = out, x[FI_BLOCK], y[FI_BLOCK];                                                                    \
        for (size_t i = 0; i < n; i += FI_BLOCK) {                                                                     \
            const int m = n - i < FI_BLOCK ? (int)(n - i) : FI_BLOCK;                                                  \
            for (int j = 0; j < m; j++) x[j] = from[i + (size_t)j];                                                    \
            VALUES_F64(x, m, y);                                                                                       \
            if (g)                                                                                                     \
                for (int j = 0; j < m; j++) y[j] *= g[i + (size_t)j];                                                  \
            for (int j = 0; j < m; j++) to[i + (size_t)j] = x[j] == x[j] ? y[j] : x[j];                                \
        }                                                                                                              \
    }

FI_DEFINE_ACTIVATION(fi_sigmoid, fi_sigmoid_of_f32, fi_sigmoid_of_f64)
FI_DEFINE_ACTIVATION(fi_dsigmoid, fi_dsigmoid_of_f32, fi_dsigmoid_of_f64)
FI_DEFINE_ACTIVATION(fi_tanh, fi_tanh_of_f32, fi_tanh_of_f64)
FI_DEFINE_ACTIVATION(fi_dtanh, fi_dtanh_of_f32, fi_dtanh_of_f64)

#define FI_ACTIVATION_ROW(NAME) {[FI_F32] = NAME##_f32, [FI_F64] = NAME##_f64, [FI_F16] = NAME##_f16}
