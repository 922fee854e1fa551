/* Truncated normals prepared, once a call; and their moments. In IEEE operations only: no value that a fill depends on
 * comes from the C library, whose last bits differ between systems. */
#include <math.h> /* sqrt, fabs, floor: exact everywhere */
#include <string.h>

#include "constants/quadrature.h"
#include "normal.h"
#include "truncated.h"
#include "uniform.h"

/* ---- moments of a truncated standard normal ---------------------------------------------------------------------- */

/* Integrals of 1, t and t^2 over [alpha, beta] against exp(-(x^2 - c^2) / 2), t = x - c, c the point of [alpha, beta]
 * nearest to 0. Returns c. Nothing cancels, so narrow and far intervals are as exact as wide ones. */
static double weighted_powers(double alpha, double beta, double power[3]) {
    const double c = alpha > 0.0 ? alpha : beta < 0.0 ? beta : 0.0;
    const double reach = 92.0 / (fabs(c) + sqrt(c * c + 92.0)); /* from c to where the weight is e^-46 */
    const double from = alpha - c > -reach ? alpha - c : -reach, to = beta - c < reach ? beta - c : reach;
    const int panels = 1 + (int)((to - from) * (fabs(c) > 1.0 ? fabs(c) : 1.0) * 0.5);
    const double half = (to - from) / panels * 0.5;
    power[0] = power[1] = power[2] = 0.0;
    for (int panel = 0; panel < panels; panel++) {
        const double middle = from + (2 * panel + 1) * half;
        for (int i = 0; i < 16; i++) {
            const double t = middle + half * (i < 8 ? -FI_GAUSS_NODES[i] : FI_GAUSS_NODES[i - 8]);
            const double weight = FI_GAUSS_WEIGHTS[i & 7] * half * fi_exp(-0.5 * t * (t + 2.0 * c));
            power[0] += weight, power[1] += weight * t, power[2] += weight * t * t;
        }
    }
    return c;
}

void fi_truncated_moments(double alpha, double beta, double *mass, double *mean, double *std) {
    if (alpha == beta || alpha > 1e150 || beta < -1e150) {
        *mass = 0.0, *mean = alpha > 0.0 ? alpha : beta, *std = 0.0;
        return;
    }
    double power[3];
    const double c = weighted_powers(alpha, beta, power);
    const double shift = power[1] / power[0];
    *mass = power[0] * fi_exp(-0.5 * c * c) / FI_SQRT_2_PI;
    *mean = c + shift;
    *std = sqrt(power[2] / power[0] - shift * shift);
}

/* ---- the two forms, prepared ------------------------------------------------------------------------------------- */

/* The tail form for 'bound' <= Z <= far, in sigmas, bound >= 2. Z has survival Q(z); Q(z)/Q(bound) = exp(-t), so that t
 * = (z^2 - bound^2)/2 + ln(mills(bound)/mills(z)). eta solves it without the logarithm; the factor (z - bound) bound /
 * eta is smooth in eta and is fitted here by Chebyshev interpolation over the etas that the words can reach. */
static void tail_setup(fi_distribution *dist, fi_dtype dtype, double bound, double far) {
    enum { N = FI_TAIL_TERMS_F64 };
    const double grid = fi_is_single(dtype) ? 0x1p-31 : 0x1p-52;
    double power[3];
    weighted_powers(bound, far, power);
    const double near_mills = fi_mills(bound), covered = power[0] / near_mills; /* share of the tail below far */
    double t_max = fi_is_single(dtype) ? 22.2 : 36.8, rho = 0.0;
    if (covered < 1.0) {
        const double t_far = (far - bound) * (0.5 * far + 0.5 * bound) + fi_log(near_mills / fi_mills(far));
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
static void centre_setup(fi_distribution *dist, fi_dtype dtype, double alpha, double beta) {
    const double words = fi_is_single(dtype) ? 0x1p31 : 0x1p52;
    double power[3];
    const double c = weighted_powers(alpha, beta, power);
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

void fi_truncated_setup(fi_distribution *dist, fi_dtype dtype, double mean, double std, double a, double b) {
    a = fi_rounded(dtype, a), b = fi_rounded(dtype, b), mean = fi_rounded(dtype, mean), std = fi_rounded(dtype, std);
    const double alpha = (a - mean) / std, beta = (b - mean) / std;
    const double farther = fabs(alpha) > fabs(beta) ? fabs(alpha) : fabs(beta);
    const double width = (b - a) / std * (farther > 1.0 ? farther : 1.0);
    const double never = fi_is_single(dtype) ? 7.0 : 9.0; /* beyond what a plain normal reaches */
    if (std == 0.0 || a == b) {
        const double at = mean < a ? a : mean > b ? b : mean;
        *dist = fi_uniform(dtype, at, at);
    } else if (alpha > 1e150 || beta < -1e150) {
        const double at = alpha > 0.0 ? a : b;
        *dist = fi_uniform(dtype, at, at);
    } else if (width < (fi_is_single(dtype) ? 0x1p-27 : 0x1p-50)) {
        *dist = fi_uniform(dtype, a, b); /* the density's change over [a, b] is below the last place */
    } else if (alpha <= -never && beta >= never) {
        *dist = fi_normal(dtype, mean, std);
    } else {
        *dist = (fi_distribution){.lo = a, .hi = b};
        if (alpha >= FI_TAIL || beta <= -FI_TAIL) {
            const int upper = alpha > 0.0;
            tail_setup(dist, dtype, upper ? alpha : -beta, upper ? beta : -alpha);
            dist->shift = upper ? a : b;
            dist->scale = (upper ? std : -std) / (upper ? alpha : -beta);
        } else {
            centre_setup(dist, dtype, alpha, beta);
            dist->shift = mean, dist->scale = std;
        }
    }
}
