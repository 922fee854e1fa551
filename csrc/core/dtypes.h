/* What is computed in double, and what in float. The table of dtypes is fi_dtypes, in core.h. */
#ifndef FI_DTYPES_H
#define FI_DTYPES_H

#include "core.h"

/* float32 and the halves are computed in float. */
static inline int fi_is_single(fi_dtype dtype) { return dtype != FI_F64; }

/* A parameter as the kernels of this dtype will see it. */
static inline double fi_rounded(fi_dtype dtype, double x) {
    volatile float single = (float)x; /* volatile: gcc 12 drops the two conversions where it vectorises them */
    return fi_is_single(dtype) ? (double)single : x;
}

#endif
