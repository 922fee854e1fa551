/* ln((1 + s) / (1 - s)) on |s| <= 3 - 2 sqrt 2, and -2 times that: s times powers of s^2.
 * Written by tools/prove_normals.py (make constants): change that. */
/* clang-format off */
#ifndef FI_CONSTANTS_LOGARITHM_H
#define FI_CONSTANTS_LOGARITHM_H

/* relative error 1.2e-07 */
static const float FI_LOG_F32[3] = {
    2.0000002f,
    0.6665222f,
    0.41296506f,
};

/* relative error 1.2e-07 */
static const float FI_RADIUS_F32[3] = {
    -4.0000005f,
    -1.3330444f,
    -0.8259301f,
};

/* relative error 2.3e-16 */
static const double FI_LOG_F64[7] = {
    2.0000000000000004,
    0.6666666666655215,
    0.40000000062047103,
    0.28571415976224057,
    0.22223437522716358,
    0.18121843282638328,
    0.1683870530233308,
};

/* relative error 2.3e-16 */
static const double FI_RADIUS_F64[7] = {
    -4.000000000000001,
    -1.333333333331043,
    -0.8000000012409421,
    -0.5714283195244811,
    -0.44446875054432716,
    -0.36243686565276656,
    -0.3367741060466616,
};

#endif
