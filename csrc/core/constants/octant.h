/* Cosine and sine of x pi/4 on 0 <= x <= 1: powers of x^2, for the sine times x.
 * Written by tools/prove_normals.py (make constants): change that. */
/* clang-format off */
#ifndef FI_CONSTANTS_OCTANT_H
#define FI_CONSTANTS_OCTANT_H

/* relative error 8.5e-08 */
static const float FI_COS_F32[4] = {
    0.99999994f,
    -0.30842417f,
    0.015849683f,
    -0.00031872783f,
};

/* relative error 3.5e-08 */
static const float FI_SIN_F32[4] = {
    0.7853982f,
    -0.080745436f,
    0.002490001f,
    -3.5950452e-05f,
};

/* relative error 1.2e-16 */
static const double FI_COS_F64[7] = {
    0.9999999999999999,
    -0.3084251375340372,
    0.01585434424373457,
    -0.00032599188645404074,
    3.590859123360425e-06,
    -2.4609457165352378e-08,
    1.1363812650491483e-10,
};

/* relative error 5e-17 */
static const double FI_SIN_F64[7] = {
    0.7853981633974483,
    -0.08074551218828054,
    0.0024903945701887364,
    -3.65762041584567e-05,
    3.1336162166389886e-07,
    -1.7571492945530815e-09,
    6.877100952396026e-12,
};

#endif
