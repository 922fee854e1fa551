/* Distributions prepared once a call, and the moments of a truncated normal. In IEEE operations only: no value that a
 * fill depends on comes from the C library, whose last bits differ between systems. */
#include <math.h> /* sqrt, fabs, floor, INFINITY: exact everywhere */
#include <string.h>

#include "core.h"

/* ---- elementary functions, relative error a few 1e-16 ------------------------------------------------------------ */

static double two_to(int k) { /* -1022 <= k <= 1023 */
    const uint64_t bits = (uint64_t)(k + 1023) << 52;
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

double fi_exp(double x) {
    if (!(x < 709.0)) return x != x ? x : INFINITY; /* nothing here needs the last half octave */
    if (x < -745.0) return 0.0;
    const double k = (x * 1.4426950408889634 + 0x1.8p52) - 0x1.8p52; /* to the nearest integer */
    const double r = (x - k * 0x1.62e42fefa0000p-1) - k * 0x1.cf79abc9e3b3ap-40;
    double sum = 1.0;
    for (int n = 14; n >= 1; n--) sum = sum * r / n + 1.0; /* Taylor, |r| <= ln(2)/2 */
    const int exponent = (int)k, half = exponent / 2;
    return sum * two_to(half) * two_to(exponent - half);
}

double fi_log(double x) {
    if (!(x > 0.0)) return x == 0.0 ? -INFINITY : NAN;
    if (x == INFINITY) return x;
    int exponent = 0;
    if (x < 0x1p-1022) x *= 0x1p54, exponent = -54;
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    bits += 0x3ff0000000000000u - 0x3fe6a09e667f3bcdu; /* mantissa into [sqrt(1/2), sqrt 2) */
    exponent += (int)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffffu) + 0x3fe6a09e667f3bcdu;
    double m;
    memcpy(&m, &bits, sizeof m);
    const double s = (m - 1.0) / (m + 1.0), y = s * s;
    double sum = 0.0;
    for (int n = 12; n >= 1; n--) sum = (sum + 1.0 / (2 * n + 1)) * y; /* atanh(s)/s - 1, |s| <= 0.172 */
    return exponent * 0x1.62e42fefa0000p-1 + (2.0 * s * sum + (2.0 * s + exponent * 0x1.cf79abc9e3b3ap-40));
}

static const double SQRT_2_PI = 2.5066282746310002; /* sqrt(2 pi) */

/* Mills' ratio (1 - Phi(x)) / phi(x) for x >= 2.5, Laplace's continued fraction. */
static double mills(double x) {
    double f = x;
    for (int n = 64; n >= 1; n--) f = x + n / f;
    return 1.0 / f;
}

/* Phi(x) - 1/2 for |x| <= 2.5: phi(x) (x + x^3/3 + x^5/15 + ...), all terms of one sign. */
static double central_mass(double x) {
    double sum = 1.0;
    for (int n = 40; n >= 1; n--) sum = sum * x * x / (2 * n + 1) + 1.0;
    return x * sum * fi_exp(-0.5 * x * x) / SQRT_2_PI;
}

double fi_upper_tail(double x) {
    if (x != x) return x;
    if (x < 0.0) return 1.0 - fi_upper_tail(-x);
    if (x < 2.5) return 0.5 - central_mass(x);
    return x > 40.0 ? 0.0 : mills(x) * fi_exp(-0.5 * x * x) / SQRT_2_PI;
}

/* erf(x / sqrt 2) = 2 Phi(x) - 1, right near 0 */
static double centred_mass(double x) {
    const double size = fabs(x), e = size < 2.5 ? 2.0 * central_mass(size) : 1.0 - 2.0 * fi_upper_tail(size);
    return x < 0.0 ? -e : e;
}

/* ---- moments of a truncated standard normal ---------------------------------------------------------------------- */

/* Gauss and Legendre's 16 points on [-1, 1]: the positive ones, and their weights. */
static const double NODES[8] = {0.09501250983763744, 0.2816035507792589, 0.45801677765722737, 0.6178762444026438,
                                0.755404408355003,   0.8656312023878318, 0.9445750230732326,  0.9894009349916499};
static const double WEIGHTS[8] = {0.1894506104550685,  0.18260341504492358, 0.16915651939500254,  0.14959598881657674,
                                  0.12462897125553388, 0.09515851168249279, 0.062253523938647894, 0.027152459411754096};

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
            const double t = middle + half * (i < 8 ? -NODES[i] : NODES[i - 8]);
            const double weight = WEIGHTS[i & 7] * half * fi_exp(-0.5 * t * (t + 2.0 * c));
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
    *mass = power[0] * fi_exp(-0.5 * c * c) / SQRT_2_PI;
    *mean = c + shift;
    *std = sqrt(power[2] / power[0] - shift * shift);
}

/* ---- distributions ----------------------------------------------------------------------------------------------- */

static int is_single(fi_dtype dtype) { return dtype != FI_F64; }
static double rounded(fi_dtype dtype, double x) {
    volatile float single =
        (float)x; /* volatile: gcc 12 makes nothing of the two conversions where it vectorises them */
    return is_single(dtype) ? (double)single : x;
}

void fi_uniform_setup(fi_distribution *dist, fi_dtype dtype, double a, double b) {
    a = rounded(dtype, a), b = rounded(dtype, b);
    const double grid = is_single(dtype) ? 0x1p-25 : 1.0;
    /* halves first: b - a may overflow. In float32 and float64 the interval is half open, as torch's is. */
    const double top = a < b ? (is_single(dtype) ? (double)nextafterf((float)b, (float)a) : nextafter(b, a)) : b;
    const double scale = rounded(dtype, b * grid - a * grid), shift = rounded(dtype, 0.5 * a + 0.5 * b);
    /* rounding is monotone: if the outermost values are within, all are (fi_uniform_f32 and _f64 do the same steps) */
    const double reach = is_single(dtype) ? (double)(16777215.0f * (float)scale) : (0.5 - 0x1p-53) * scale;
    const double least = rounded(dtype, shift - reach), greatest = rounded(dtype, shift + reach);
    *dist = (fi_distribution){.transform = least >= a && greatest <= top ? FI_UNIFORM : FI_UNIFORM_CLAMPED,
                              .scale = scale,
                              .shift = shift,
                              .lo = a,
                              .hi = top};
}

void fi_normal_setup(fi_distribution *dist, fi_dtype dtype, double mean, double std) {
    *dist = (fi_distribution){.transform = FI_NORMAL, .scale = rounded(dtype, std), .shift = rounded(dtype, mean)};
}

/* cos(j pi / (2 FI_TAIL_TERMS_F64)), j = 0 .. 4 FI_TAIL_TERMS_F64 - 1 */
static const double COSINES[4 * FI_TAIL_TERMS_F64] = {1.0,
                                                      0.9981755542233175,
                                                      0.992708874098054,
                                                      0.9836199069471436,
                                                      0.970941817426052,
                                                      0.9547208665085456,
                                                      0.9350162426854148,
                                                      0.9118998459920901,
                                                      0.8854560256532099,
                                                      0.8557812723014475,
                                                      0.8229838658936564,
                                                      0.7871834806090502,
                                                      0.7485107481711011,
                                                      0.7071067811865476,
                                                      0.6631226582407952,
                                                      0.6167188726285431,
                                                      0.5680647467311558,
                                                      0.5173378141776568,
                                                      0.46472317204376856,
                                                      0.4104128054527568,
                                                      0.3546048870425356,
                                                      0.297503053855203,
                                                      0.23931566428755777,
                                                      0.18025503781390573,
                                                      0.12053668025532305,
                                                      0.06037849742228606,
                                                      2.0670321098263988e-43,
                                                      -0.06037849742228606,
                                                      -0.12053668025532305,
                                                      -0.18025503781390573,
                                                      -0.23931566428755777,
                                                      -0.297503053855203,
                                                      -0.3546048870425356,
                                                      -0.4104128054527568,
                                                      -0.46472317204376856,
                                                      -0.5173378141776568,
                                                      -0.5680647467311558,
                                                      -0.6167188726285431,
                                                      -0.6631226582407952,
                                                      -0.7071067811865476,
                                                      -0.7485107481711011,
                                                      -0.7871834806090502,
                                                      -0.8229838658936564,
                                                      -0.8557812723014475,
                                                      -0.8854560256532099,
                                                      -0.9118998459920901,
                                                      -0.9350162426854148,
                                                      -0.9547208665085456,
                                                      -0.970941817426052,
                                                      -0.9836199069471436,
                                                      -0.992708874098054,
                                                      -0.9981755542233175,
                                                      -1.0,
                                                      -0.9981755542233175,
                                                      -0.992708874098054,
                                                      -0.9836199069471436,
                                                      -0.970941817426052,
                                                      -0.9547208665085456,
                                                      -0.9350162426854148,
                                                      -0.9118998459920901,
                                                      -0.8854560256532099,
                                                      -0.8557812723014475,
                                                      -0.8229838658936564,
                                                      -0.7871834806090502,
                                                      -0.7485107481711011,
                                                      -0.7071067811865476,
                                                      -0.6631226582407952,
                                                      -0.6167188726285431,
                                                      -0.5680647467311558,
                                                      -0.5173378141776568,
                                                      -0.46472317204376856,
                                                      -0.4104128054527568,
                                                      -0.3546048870425356,
                                                      -0.297503053855203,
                                                      -0.23931566428755777,
                                                      -0.18025503781390573,
                                                      -0.12053668025532305,
                                                      -0.06037849742228606,
                                                      2.2338764406549882e-41,
                                                      0.06037849742228606,
                                                      0.12053668025532305,
                                                      0.18025503781390573,
                                                      0.23931566428755777,
                                                      0.297503053855203,
                                                      0.3546048870425356,
                                                      0.4104128054527568,
                                                      0.46472317204376856,
                                                      0.5173378141776568,
                                                      0.5680647467311558,
                                                      0.6167188726285431,
                                                      0.6631226582407952,
                                                      0.7071067811865476,
                                                      0.7485107481711011,
                                                      0.7871834806090502,
                                                      0.8229838658936564,
                                                      0.8557812723014475,
                                                      0.8854560256532099,
                                                      0.9118998459920901,
                                                      0.9350162426854148,
                                                      0.9547208665085456,
                                                      0.970941817426052,
                                                      0.9836199069471436,
                                                      0.992708874098054,
                                                      0.9981755542233175};

/* The tail form for 'bound' <= Z <= far, in sigmas, bound >= 2. Z has survival Q(z); Q(z)/Q(bound) = exp(-t), so that
 * t = (z^2 - bound^2)/2 + ln(mills(bound)/mills(z)). eta solves it without the logarithm; the factor (z - bound) bound / eta
 * is smooth in eta and is fitted here by Chebyshev interpolation over the etas that the words can reach. */
static void tail_setup(fi_distribution *dist, fi_dtype dtype, double bound, double far) {
    enum { N = FI_TAIL_TERMS_F64 };
    const double grid = is_single(dtype) ? 0x1p-31 : 0x1p-52;
    double power[3];
    weighted_powers(bound, far, power);
    const double near_mills = mills(bound), covered = power[0] / near_mills; /* share of the tail below far */
    double t_max = is_single(dtype) ? 22.2 : 36.8, rho = 0.0;
    if (covered < 1.0) {
        const double t_far = (far - bound) * (0.5 * far + 0.5 * bound) + fi_log(near_mills / mills(far));
        rho = covered < 0.5 ? 1.0 - covered : fi_exp(-t_far);
        if (t_far < t_max) t_max = t_far;
    }
    dist->transform = FI_TRUNCATED_TAIL;
    dist->step = covered * grid, dist->v_lo = rho + 0.5 * dist->step;
    dist->curve = 2.0 / (bound * bound);
    const double half = t_max / (1.0 + sqrt(1.0 + dist->curve * t_max)); /* of the greatest eta */
    dist->tail_centre = half, dist->tail_inverse = 1.0 / half;

    double value[N], chebyshev[N];
    for (int i = 0; i < N; i++) {
        const double eta = half * (1.0 + COSINES[2 * i + 1]);
        const double t = eta * (1.0 + 0.25 * dist->curve * eta);
        double y = eta / bound; /* z - bound; Newton's method on t(z), whose derivative is 1 / mills */
        for (int step = 0; step < 5; step++) {
            const double z = bound + y, m = mills(z);
            y -= (y * (bound + 0.5 * y) + fi_log(near_mills / m) - t) * m;
        }
        value[i] = y * bound / eta;
    }
    for (int k = 0; k < N; k++) {
        chebyshev[k] = 0.0;
        for (int i = 0; i < N; i++) chebyshev[k] += value[i] * COSINES[k * (2 * i + 1) % (4 * N)];
        chebyshev[k] *= (k ? 2.0 : 1.0) / N;
    }
    /* from Chebyshev's polynomials to powers: T(k+1) = 2 s T(k) - T(k-1) */
    const int terms = is_single(dtype) ? FI_TAIL_TERMS_F32 : N;
    double before[N] = {1.0}, now[N] = {0.0, 1.0};
    dist->tail[0] = chebyshev[0], dist->tail[1] = chebyshev[1];
    for (int k = 2; k < terms; k++) {
        double next[N];
        for (int j = 0; j < N; j++) next[j] = (j ? 2.0 * now[j - 1] : 0.0) - before[j];
        for (int j = 0; j <= k; j++) dist->tail[j] += chebyshev[k] * next[j];
        memcpy(before, now, sizeof now), memcpy(now, next, sizeof next);
    }
}

/* The centre form: the interval [e_lo, e_hi] of erf(z / sqrt 2) is cut into as many equal steps as there are words. */
static void centre_setup(fi_distribution *dist, fi_dtype dtype, double alpha, double beta) {
    const double words = is_single(dtype) ? 0x1p31 : 0x1p52;
    double power[3];
    const double c = weighted_powers(alpha, beta, power);
    const double step = 2.0 * power[0] * fi_exp(-0.5 * c * c) / SQRT_2_PI / words;
    const double e_lo = centred_mass(alpha), e_hi = centred_mass(beta);
    dist->transform = alpha >= -FI_NARROW && beta <= FI_NARROW ? FI_TRUNCATED_NARROW : FI_TRUNCATED_WIDE;
    dist->step = step;
    dist->v_lo = 2.0 * fi_upper_tail(-alpha) + 0.5 * step, dist->v_hi = 2.0 * fi_upper_tail(beta) + 0.5 * step;
    if (alpha == -beta) { /* exactly odd about the middle word */
        dist->k0 = 0.5 * words, dist->e0 = 0.5 * step;
    } else if (alpha >= 0.0) {
        dist->k0 = 0.0, dist->e0 = e_lo + 0.5 * step;
    } else if (beta <= 0.0) {
        dist->k0 = words, dist->e0 = e_hi + 0.5 * step;
    } else {
        dist->k0 = floor(-e_lo / step), dist->e0 = (dist->k0 + 0.5) * step + e_lo;
    }
}

void fi_truncated_setup(fi_distribution *dist, fi_dtype dtype, double mean, double std, double a, double b) {
    a = rounded(dtype, a), b = rounded(dtype, b), mean = rounded(dtype, mean), std = rounded(dtype, std);
    const double alpha = (a - mean) / std, beta = (b - mean) / std;
    const double size = fabs(alpha) > fabs(beta) ? fabs(alpha) : fabs(beta);
    const double width = (b - a) / std * (size > 1.0 ? size : 1.0);
    const double never = is_single(dtype) ? 7.0 : 9.0; /* beyond what a plain normal reaches */
    if (std == 0.0 || a == b) {
        const double at = mean < a ? a : mean > b ? b : mean;
        fi_uniform_setup(dist, dtype, at, at);
    } else if (alpha > 1e150 || beta < -1e150) {
        const double at = alpha > 0.0 ? a : b;
        fi_uniform_setup(dist, dtype, at, at);
    } else if (width < (is_single(dtype) ? 0x1p-27 : 0x1p-50)) {
        fi_uniform_setup(dist, dtype, a, b); /* the density's change over [a, b] is below the last place */
    } else if (alpha <= -never && beta >= never) {
        fi_normal_setup(dist, dtype, mean, std);
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
