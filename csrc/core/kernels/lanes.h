/* The 32 generators of a chunk, side by side: seeded together, drawn row by row, held between draws. */
#ifndef FI_KERNELS_LANES_H
#define FI_KERNELS_LANES_H

#include "../words.h"
#include "vectors.h"

typedef struct { /* the state words of fi_sfc32, each of all lanes */
    uint32_t a[FI_LANES], b[FI_LANES], c[FI_LANES], d[FI_LANES];
} fi_lanes __attribute__((aligned(64)));

FI_INLINE void fi_lanes_seed(fi_key key, uint64_t chunk, fi_lanes *lanes) {
    uint32_t k[4];
    fi_key_words(key, k);
    for (uint32_t lane = 0; lane < FI_LANES; lane++) {
        uint32_t x0 = (uint32_t)chunk, x1 = (uint32_t)(chunk >> 32), x2 = lane, x3 = FI_DOMAIN_FILL;
        fi_threefry4x32(k, &x0, &x1, &x2, &x3);
        lanes->a[lane] = x0, lanes->b[lane] = x1, lanes->c[lane] = x2, lanes->d[lane] = x3;
    }
}

/* The next `rows` rows, up to four vectors of each side by side: that hides the latency of one, keeps the states in
 * registers, and reaches memory in order. SFC32's counter d is what it was plus the rows drawn. */
FI_INLINE void fi_lanes_draw(fi_lanes *lanes, int rows, uint32_t *restrict words) {
    enum { AT_ONCE = FI_LANES / FI_VEC_LANES < 4 ? FI_LANES / FI_VEC_LANES : 4 };
    for (int lane = 0; lane < FI_LANES; lane += AT_ONCE * FI_VEC_LANES) {
        fi_vec *const A = (fi_vec *)(lanes->a + lane), *const B = (fi_vec *)(lanes->b + lane);
        fi_vec *const C = (fi_vec *)(lanes->c + lane), *const D = (fi_vec *)(lanes->d + lane);
        fi_vec a[AT_ONCE], b[AT_ONCE], c[AT_ONCE], drawn = {0};
#pragma GCC unroll 4
        for (int v = 0; v < AT_ONCE; v++) a[v] = A[v], b[v] = B[v], c[v] = C[v];
        for (int row = 0; row < rows; row++) {
#pragma GCC unroll 4
            for (int v = 0; v < AT_ONCE; v++) { /* fi_sfc32_next, a vector of lanes at once */
                const fi_vec word = a[v] + b[v] + (D[v] + drawn);
                a[v] = b[v] ^ (b[v] >> 9);
                b[v] = c[v] + (c[v] << 3);
                c[v] = ((c[v] << 21) | (c[v] >> 11)) + word;
                memcpy(words + row * FI_LANES + lane + v * FI_VEC_LANES, &word, sizeof word);
            }
            drawn += 1;
        }
#pragma GCC unroll 4
        for (int v = 0; v < AT_ONCE; v++) A[v] = a[v], B[v] = b[v], C[v] = c[v], D[v] += drawn;
    }
}

/* out: rows * 32 words, the first ones of a chunk */
static inline void fi_words(fi_key key, uint64_t chunk, int rows, uint32_t *out) {
    fi_lanes lanes;
    fi_lanes_seed(key, chunk, &lanes);
    fi_lanes_draw(&lanes, rows, out);
}

#endif
