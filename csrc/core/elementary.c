/* The elementary functions of the set-up: exponential, logarithm, tails of the normal distribution. */
#include <math.h> /* fabs, INFINITY: exact everywhere */

#include "core.h"
#include "elementary.h"

static double two_to(int k) { return fi_from_bits_f64((uint64_t)(k + 1023) << 52); } /* -1022 <= k <= 1023 */

double fi_exp(double x) {
    if (!(x < 709.0)) return x != x ? x : INFINITY; /* nothing here needs the last half octave */
    if (x < -745.0) return 0.0;
    const double k = (x * FI_LOG2_E + FI_TO_INTEGER) - FI_TO_INTEGER;
    const double r = (x - k * 0x1.62e42fefa0000p-1) - k * 0x1.cf79abc9e3b3ap-40;
    double sum = 1.0;
    for (int n = 14; n >= 1; n--) sum = sum * r / n + 1.0; /* Taylor, |r| <= ln(2)/2 */
    const int exponent = (int)k, half = exponent / 2;
    return sum * two_to(half) * two_to(exponent - half);
}

double fi_log(double x) {
    if (!(x > 0.0)) return x == 0.0 ? -INFINITY : NAN;
    if (x == INFINITY) return x;
    double exponent, more = 0.0;
    if (x < 0x1p-1022) x *= 0x1p54, more = -54.0;
    const double m = fi_split_f64(x, &exponent);
    exponent += more;
    const double s = (m - 1.0) / (m + 1.0), y = s * s;
    double sum = 0.0;
    for (int n = 12; n >= 1; n--) sum = (sum + 1.0 / (2 * n + 1)) * y; /* atanh(s)/s - 1 */
    return exponent * 0x1.62e42fefa0000p-1 + (2.0 * s * sum + (2.0 * s + exponent * 0x1.cf79abc9e3b3ap-40));
}

/* Laplace's continued fraction. */
double fi_mills(double x) {
    double f = x;
    for (int n = 64; n >= 1; n--) f = x + n / f;
    return 1.0 / f;
}

/* Phi(x) - 1/2 for |x| <= 2.5: phi(x) (x + x^3/3 + x^5/15 + ...), all terms of one sign. */
static double central_mass(double x) {
    double sum = 1.0;
    for (int n = 40; n >= 1; n--) sum = sum * x * x / (2 * n + 1) + 1.0;
    return x * sum * fi_exp(-0.5 * x * x) / FI_SQRT_2_PI;
}

double fi_upper_tail(double x) {
    if (x != x) return x;
    if (x < 0.0) return 1.0 - fi_upper_tail(-x);
    if (x < 2.5) return 0.5 - central_mass(x);
    return x > 40.0 ? 0.0 : fi_mills(x) * fi_exp(-0.5 * x * x) / FI_SQRT_2_PI;
}

double fi_centred_mass(double x) { /* right near 0 */
    const double z = fabs(x), e = z < 2.5 ? 2.0 * central_mass(z) : 1.0 - 2.0 * fi_upper_tail(z);
    return x < 0.0 ? -e : e;
}
