/* Values as they are, out of an array and into one: float32 and float64 loaded and stored. */
#ifndef FI_KERNELS_COPY_H
#define FI_KERNELS_COPY_H

#include "vectors.h"

/* Not memcpy: the C library's is slow on the addresses that NumPy hands out, 16 bytes past a page. */
FI_INLINE void fi_copy(const void *in, size_t bytes, void *out) {
    const char *from = in;
    char *to = out;
    for (; bytes >= FI_VECTOR_BYTES; bytes -= FI_VECTOR_BYTES, from += FI_VECTOR_BYTES, to += FI_VECTOR_BYTES) {
        memcpy(to, from, FI_VECTOR_BYTES);
    }
    for (; bytes; bytes -= 4, from += 4, to += 4) memcpy(to, from, 4);
}
FI_INLINE void fi_store_f32(const float *in, int n, float *out) { fi_copy(in, (size_t)n * sizeof *in, out); }
FI_INLINE void fi_store_f64(const double *in, int n, double *out) { fi_copy(in, (size_t)n * sizeof *in, out); }

FI_INLINE void fi_load_f32(const float *in, int n, float *out) {
    for (int i = 0; i < n; i++) out[i] = in[i];
}
FI_INLINE void fi_load_f64(const double *in, int n, double *out) {
    for (int i = 0; i < n; i++) out[i] = in[i];
}

#endif
