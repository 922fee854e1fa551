/* The polynomials q of the activations' exponentials.
 * Written by tools/fit_activations.py (make constants): change that. */
/* clang-format off */
#ifndef FI_CONSTANTS_EXPONENTIAL_H
#define FI_CONSTANTS_EXPONENTIAL_H

/* of 2^f = 1 + f ln 2 + f^2 q(f), |f| <= 1/2; relative error of the whole 2^-34.17 */
static const double FI_EXP2_SHORT[6] = {
    0.24022651020901614,
    0.05550410600976956,
    0.009618043335357289,
    0.001333382003237774,
    0.00015465370983305612,
    1.5213591246601577e-05,
};

/* of e^r = 1 + r + r^2 q(r), |r| <= ln(2)/2; relative error of the whole 2^-64.032 */
static const double FI_EXP_LONG[11] = {
    0.5,
    0.16666666666666682,
    0.041666666666666095,
    0.008333333333317048,
    0.0013888888889115449,
    0.0001984126989635079,
    2.480158692685333e-05,
    2.7557234895627955e-06,
    2.7557581747467594e-07,
    2.511202486231534e-08,
    2.0826635733429544e-09,
};

#endif
