/* Activations of an array: out[i] = f(z[i]), times grad[i] unless grad is NULL; out may be z or grad itself. NaN gives
 * NaN. Expects WIDTH (of what is computed), TYPE (of what is stored), NAME(name), which is name and the dtype, and
 * ROUND(y), a double as REAL. */
#include "width_tpl.h"

FI_INLINE void NAME(fi_activate)(const fi_activation function, const TYPE *grad, const TYPE *z, size_t count,
                                 TYPE *out) {
    enum { STRIP = FI_ACTIVATION_STRIP };
    REAL x[STRIP], widened[STRIP];
    double y[STRIP];
    for (size_t i = 0; i < count; i += STRIP) {
        const int n = count - i < STRIP ? (int)(count - i) : STRIP;
        NAME(fi_load)(z + i, n, x);
        switch (function) {
        case FI_SIGMOID: OF(fi_sigmoid_values)(x, n, y); break;
        case FI_DSIGMOID: OF(fi_dsigmoid_values)(x, n, y); break;
        case FI_TANH: OF(fi_tanh_values)(x, n, y); break;
        default: OF(fi_dtanh_values)(x, n, y); break;
        }
        if (grad) {
            const REAL *g = widened;
            if (sizeof(TYPE) == sizeof(REAL))
                g = (const REAL *)(const void *)(grad + i);
            else
                NAME(fi_load)(grad + i, n, widened);
            for (int j = 0; j < n; j++) y[j] *= (double)g[j];
        }
        REAL *to = sizeof(TYPE) == sizeof(REAL) ? (REAL *)(void *)(out + i) : x;
        for (int j = 0; j < n; j++) to[j] = x[j] == x[j] ? ROUND(y[j]) : x[j];
        if (sizeof(TYPE) != sizeof(REAL)) NAME(fi_store)(x, n, out + i);
    }
}

static void NAME(fi_sigmoid)(const void *grad, const void *z, size_t count, void *out) {
    NAME(fi_activate)(FI_SIGMOID, grad, z, count, out);
}
static void NAME(fi_dsigmoid)(const void *grad, const void *z, size_t count, void *out) {
    NAME(fi_activate)(FI_DSIGMOID, grad, z, count, out);
}
static void NAME(fi_tanh)(const void *grad, const void *z, size_t count, void *out) {
    NAME(fi_activate)(FI_TANH, grad, z, count, out);
}
static void NAME(fi_dtanh)(const void *grad, const void *z, size_t count, void *out) {
    NAME(fi_activate)(FI_DTANH, grad, z, count, out);
}
#undef WIDTH
#undef TYPE
#undef NAME
#undef ROUND
