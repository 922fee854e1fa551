/* Truncated normals prepared, once a call; and their moments. In IEEE operations only: no value that a fill depends on
 * comes from the C library, whose last bits differ between systems. */
#include <math.h> /* sqrt, fabs, floor, frexp, ldexp: exact everywhere */
#include <string.h>

#include "constants/quadrature.h"
#include "normal.h"
#include "truncated.h"
#include "uniform.h"

/* ---- moments of a truncated standard normal ---------------------------------------------------------------------- */

/* An interval of a standard normal, in sigmas. width: beta - alpha, which may be known better than they are. */
typedef struct {
    double alpha, beta, width;
} interval;

/* Integrals of 1, t and t^2 over [alpha, beta] against exp(-(x^2 - c^2) / 2), t = x - c, c the point of [alpha, beta]
 * nearest to 0; those of t and t^2 in *unit, a power of 2 about as large as t, and its square. Returns c. Nothing
 * cancels or underflows, so narrow and far intervals are as exact as wide ones. */
static double weighted_powers(interval in, double power[3], double *unit) {
    const double c = in.alpha > 0.0 ? in.alpha : in.beta < 0.0 ? in.beta : 0.0;
    const double below = in.alpha > 0.0 ? 0.0 : in.beta < 0.0 ? in.width : -in.alpha;
    const double above = in.alpha > 0.0 ? in.width : in.beta < 0.0 ? 0.0 : in.beta;
    const double reach = 92.0 / (fabs(c) + sqrt(c * c + 92.0)); /* from c to where the weight is e^-46 */
    const double from = below < reach ? -below : -reach, to = above < reach ? above : reach;
    const int panels = 1 + (int)((to - from) * (fabs(c) > 1.0 ? fabs(c) : 1.0) * 0.5);
    const double half = (to - from) / panels * 0.5;
    int exponent;
    (void)frexp(to - from, &exponent);
    *unit = ldexp(1.0, exponent);
    power[0] = power[1] = power[2] = 0.0;
    for (int panel = 0; panel < panels; panel++) {
        const double middle = from + (2 * panel + 1) * half;
        for (int i = 0; i < 16; i++) {
            const double t = middle + half * (i < 8 ? -FI_GAUSS_NODES[i] : FI_GAUSS_NODES[i - 8]);
            const double weight = FI_GAUSS_WEIGHTS[i & 7] * half * fi_exp(-0.5 * t * (t + 2.0 * c));
            power[0] += weight, power[1] += weight * (t / *unit), power[2] += weight * (t / *unit) * (t / *unit);
        }
    }
    return c;
}

void fi_truncated_moments(double alpha, double beta, double *mass, double *mean, double *std) {
    if (alpha == beta || alpha > 1e150 || beta < -1e150) { /* so far out it is an exponential, and wide as one */
        *mass = 0.0, *mean = alpha > 0.0 ? alpha : beta, *std = alpha == beta ? 0.0 : 1.0 / fabs(*mean);
        return;
    }
    double power[3], unit;
    const double c = weighted_powers((interval){alpha, beta, beta - alpha}, power, &unit);
    const double shift = power[1] / power[0];
    *mass = power[0] * fi_exp(-0.5 * c * c) / FI_SQRT_2_PI;
    *mean = c + shift * unit;
    *std = sqrt(power[2] / power[0] - shift * shift) * unit;
}

/* ---- the two forms, prepared ------------------------------------------------------------------------------------- */

/* The tail form for 'bound' <= Z <= far, in sigmas, bound >= 2. Z has survival Q(z); Q(z)/Q(bound) = exp(-t), so that t
 * = (z^2 - bound^2)/2 + ln(mills(bound)/mills(z)). eta solves it without the logarithm; the factor (z - bound) bound /
 * eta is smooth in eta and is fitted here by Chebyshev interpolation over the etas that the words can reach. */
static void tail_setup(fi_distribution *dist, fi_dtype dtype, interval in) {
    enum { N = FI_TAIL_TERMS_F64 };
    const double bound = in.alpha, far = in.beta, grid = fi_is_single(dtype) ? 0x1p-31 : 0x1p-52;
    double power[3], unit;
    weighted_powers(in, power, &unit);
    const double near_mills = fi_mills(bound), covered = power[0] / near_mills; /* share of the tail below far */
    double t_max = fi_is_single(dtype) ? 22.2 : 36.8, rho = 0.0;
    if (covered < 1.0) {
        const double t_far = in.width * (0.5 * far + 0.5 * bound) + fi_log(near_mills / fi_mills(far));
        rho = covered < 0.5 ? 1.0 - covered : fi_exp(-t_far);
        if (t_far < t_max) t_max = t_far;
    }
    dist->law = FI_TRUNCATED_TAIL;
    const double step = covered * grid, curve = 2.0 / (bound * bound);
    const double half = t_max / (1.0 + sqrt(1.0 + curve * t_max)); /* of the greatest eta */
    dist->tail.step = step, dist->tail.rho = rho + 0.5 * step, dist->tail.curve = curve;
    dist->tail.middle = half, dist->tail.inverse = 1.0 / half;

    double value[N], chebyshev[N];
    for (int i = 0; i < N; i++) {
        const double eta = half * (1.0 + FI_COSINES[2 * i + 1]);
        const double t = eta * (1.0 + 0.25 * curve * eta);
        double y = eta / bound; /* z - bound; Newton's method on t(z), whose derivative is 1 / mills */
        for (int turn = 0; turn < 5; turn++) {
            const double z = bound + y, m = fi_mills(z);
            y -= (y * (bound + 0.5 * y) + fi_log(near_mills / m) - t) * m;
        }
        value[i] = y * bound / eta;
    }
    for (int k = 0; k < N; k++) {
        chebyshev[k] = 0.0;
        for (int i = 0; i < N; i++) chebyshev[k] += value[i] * FI_COSINES[k * (2 * i + 1) % (4 * N)];
        chebyshev[k] *= (k ? 2.0 : 1.0) / N;
    }
    /* from Chebyshev's polynomials to powers: T(k+1) = 2 s T(k) - T(k-1) */
    const int terms = fi_is_single(dtype) ? FI_TAIL_TERMS_F32 : N;
    double before[N] = {1.0}, now[N] = {0.0, 1.0};
    memset(dist->tail.factor, 0, sizeof dist->tail.factor);
    dist->tail.factor[0] = chebyshev[0], dist->tail.factor[1] = chebyshev[1];
    for (int k = 2; k < terms; k++) {
        double next[N];
        for (int j = 0; j < N; j++) next[j] = (j ? 2.0 * now[j - 1] : 0.0) - before[j];
        for (int j = 0; j <= k; j++) dist->tail.factor[j] += chebyshev[k] * next[j];
        memcpy(before, now, sizeof now), memcpy(now, next, sizeof next);
    }
}

/* The centre form: the interval [e_lo, e_hi] of erf(z / sqrt 2) is cut into as many equal steps as there are words. */
static void centre_setup(fi_distribution *dist, fi_dtype dtype, interval in) {
    const double alpha = in.alpha, beta = in.beta, words = fi_is_single(dtype) ? 0x1p31 : 0x1p52;
    double power[3], unit;
    const double c = weighted_powers(in, power, &unit);
    const double step = 2.0 * power[0] * fi_exp(-0.5 * c * c) / FI_SQRT_2_PI / words;
    const double e_lo = fi_centred_mass(alpha), e_hi = fi_centred_mass(beta);
    dist->law = alpha >= -FI_NARROW && beta <= FI_NARROW ? FI_TRUNCATED_NARROW : FI_TRUNCATED_WIDE;
    dist->centre.step = step;
    dist->centre.v_lo = 2.0 * fi_upper_tail(-alpha) + 0.5 * step;
    dist->centre.v_hi = 2.0 * fi_upper_tail(beta) + 0.5 * step;
    if (alpha == -beta) { /* exactly odd about the middle word */
        dist->centre.k0 = 0.5 * words, dist->centre.e0 = 0.5 * step;
    } else if (alpha >= 0.0) {
        dist->centre.k0 = 0.0, dist->centre.e0 = e_lo + 0.5 * step;
    } else if (beta <= 0.0) {
        dist->centre.k0 = words, dist->centre.e0 = e_hi + 0.5 * step;
    } else {
        dist->centre.k0 = floor(-e_lo / step), dist->centre.e0 = (dist->centre.k0 + 0.5) * step + e_lo;
    }
}

/* Whether the centre form's mean + std z is too coarse for [a, b], which lies much nearer to 0 than the mean, while the
 * density's change over it, below 2^-12 (float32) or 2^-24, is never seen. */
static int is_flat_and_near_zero(fi_dtype dtype, double mean, double a, double b, double change) {
    const double size = fabs(a) > fabs(b) ? fabs(a) : fabs(b);
    return 4.0 * size < fabs(mean) && b - a < 0x1p-10 * fabs(mean) &&
           change < (fi_is_single(dtype) ? 0x1p-12 : 0x1p-24);
}

void fi_truncated_setup(fi_distribution *dist, fi_dtype dtype, double mean, double std, double a, double b) {
    a = fi_rounded(dtype, a), b = fi_rounded(dtype, b), mean = fi_rounded(dtype, mean), std = fi_rounded(dtype, std);
    const double alpha = (a - mean) / std, beta = (b - mean) / std;
    const double farther = fabs(alpha) > fabs(beta) ? fabs(alpha) : fabs(beta);
    const double apart = (b - a) / std, change = apart * (farther > 1.0 ? farther : 1.0); /* of the density's log */
    /* beta - alpha as it always was, where that is near enough: the stream's values hang on its last place */
    const double width = apart < 0x1p-20 * farther ? apart : beta - alpha;
    const double never = fi_is_single(dtype) ? 7.0 : 9.0; /* beyond what a plain normal reaches */
    if (std == 0.0 || a == b) {
        const double at = mean < a ? a : mean > b ? b : mean;
        *dist = fi_uniform(dtype, at, at);
    } else if (alpha > 1e150 || beta < -1e150) {
        const double at = alpha > 0.0 ? a : b;
        *dist = fi_uniform(dtype, at, at);
    } else if (change < (fi_is_single(dtype) ? 0x1p-27 : 0x1p-50) || is_flat_and_near_zero(dtype, mean, a, b, change)) {
        *dist = fi_uniform(dtype, a, b); /* the density's change over [a, b] is below the last place */
    } else if (alpha <= -never && beta >= never) {
        *dist = fi_normal(dtype, mean, std);
    } else {
        *dist = (fi_distribution){.lo = a, .hi = b};
        if (alpha >= FI_TAIL || beta <= -FI_TAIL) {
            const int upper = alpha > 0.0;
            tail_setup(dist, dtype, upper ? (interval){alpha, beta, width} : (interval){-beta, -alpha, width});
            dist->shift = upper ? a : b;
            dist->scale = (upper ? std : -std) / (upper ? alpha : -beta);
        } else {
            centre_setup(dist, dtype, (interval){alpha, beta, width});
            dist->shift = mean, dist->scale = std;
        }
    }
}
