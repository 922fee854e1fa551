/* The words behind every value: stream version 1.
 *
 * Word i of a stream is a pure function of (seed, stream, i). Words come in chunks of FI_CHUNK = 128 rows of 32 lanes:
 * word i stands in chunk i / FI_CHUNK, row (i % FI_CHUNK) / 32, lane i % 32. Each lane of a chunk is an SFC32 generator
 * (Doty-Humphrey, PractRand) whose four state words are one Threefry4x32-20 block (Salmon et al., "Parallel random
 * numbers: as easy as 1, 2, 3", SC11) of key (seed, stream) and counter (chunk, lane, domain). All four state words
 * come from the hash, SFC32's own counter included: a counter that starts alike in every lane relates the lanes to each
 * other.
 */
#ifndef FI_WORDS_H
#define FI_WORDS_H

#include <stddef.h>
#include <stdint.h>

enum { FI_LANES = 32, FI_ROWS = 128, FI_CHUNK = FI_LANES * FI_ROWS };
/* How many rows a fill draws before it makes values of them. Any even divisor of FI_ROWS gives the same values. */
enum { FI_ROWS_AT_ONCE = 16 };

/* What the last counter word says the block is for. */
enum { FI_DOMAIN_FILL = 0, FI_DOMAIN_SPARSE = 1 };

typedef struct {
    uint64_t seed, stream;
} fi_key;

static inline uint32_t fi_rotl32(uint32_t x, int n) { return (x << n) | (x >> (32 - n)); }

/* Two mixes of Threefry4x32: (x0,x1) with (x2,x3) on even rounds, (x0,x3) with (x2,x1) on odd ones. */
#define FI_MIX_EVEN(r0, r1) x0 += x1, x1 = fi_rotl32(x1, r0) ^ x0, x2 += x3, x3 = fi_rotl32(x3, r1) ^ x2
#define FI_MIX_ODD(r0, r1) x0 += x3, x3 = fi_rotl32(x3, r0) ^ x0, x2 += x1, x1 = fi_rotl32(x1, r1) ^ x2
#define FI_INJECT(s)                                                                                                   \
    x0 += k[(s) % 5], x1 += k[((s) + 1) % 5], x2 += k[((s) + 2) % 5], x3 += k[((s) + 3) % 5] + (uint32_t)(s)

/* Threefry4x32-20, in place. */
static inline void fi_threefry4x32(const uint32_t key[4], uint32_t *c0, uint32_t *c1, uint32_t *c2, uint32_t *c3) {
    const uint32_t k[5] = {key[0], key[1], key[2], key[3], 0x1BD11BDAu ^ key[0] ^ key[1] ^ key[2] ^ key[3]};
    uint32_t x0 = *c0 + k[0], x1 = *c1 + k[1], x2 = *c2 + k[2], x3 = *c3 + k[3];
    FI_MIX_EVEN(10, 26), FI_MIX_ODD(11, 21), FI_MIX_EVEN(13, 27), FI_MIX_ODD(23, 5), FI_INJECT(1);
    FI_MIX_EVEN(6, 20), FI_MIX_ODD(17, 11), FI_MIX_EVEN(25, 10), FI_MIX_ODD(18, 20), FI_INJECT(2);
    FI_MIX_EVEN(10, 26), FI_MIX_ODD(11, 21), FI_MIX_EVEN(13, 27), FI_MIX_ODD(23, 5), FI_INJECT(3);
    FI_MIX_EVEN(6, 20), FI_MIX_ODD(17, 11), FI_MIX_EVEN(25, 10), FI_MIX_ODD(18, 20), FI_INJECT(4);
    FI_MIX_EVEN(10, 26), FI_MIX_ODD(11, 21), FI_MIX_EVEN(13, 27), FI_MIX_ODD(23, 5), FI_INJECT(5);
    *c0 = x0, *c1 = x1, *c2 = x2, *c3 = x3;
}

typedef struct {
    uint32_t a, b, c, d;
} fi_sfc32;

static inline void fi_key_words(fi_key key, uint32_t out[4]) {
    out[0] = (uint32_t)key.seed, out[1] = (uint32_t)(key.seed >> 32);
    out[2] = (uint32_t)key.stream, out[3] = (uint32_t)(key.stream >> 32);
}

/* One generator alone, for what is not drawn in chunks. */
static inline fi_sfc32 fi_sfc32_seed(fi_key key, uint64_t index, uint32_t lane, uint32_t domain) {
    uint32_t k[4];
    fi_key_words(key, k);
    fi_sfc32 s = {(uint32_t)index, (uint32_t)(index >> 32), lane, domain};
    fi_threefry4x32(k, &s.a, &s.b, &s.c, &s.d);
    return s;
}

static inline uint32_t fi_sfc32_next(fi_sfc32 *s) {
    uint32_t word = s->a + s->b + s->d;
    s->d += 1;
    s->a = s->b ^ (s->b >> 9);
    s->b = s->c + (s->c << 3);
    s->c = fi_rotl32(s->c, 21) + word;
    return word;
}

#endif
