/* Reflections drawn and applied, as orthogonal.h has them: its blocks, of 64 x 64 numbers row by row. Expects WIDTH. */
#include "width_tpl.h"

/* ---- products of blocks ------------------------------------------------------------------------------------------ */

/* A tile: HEIGHT rows of two vectors, whose sums stay in registers. */
#undef HEIGHT
#undef TILE
#define HEIGHT (FI_VECTOR_BYTES == 64 ? 8 : 4)
#define TILE (2 * FI_VECTOR_BYTES / (int)sizeof(REAL))

/* A tile of a b, summed over n <= 64 terms in sequence. */
FI_INLINE void OF(fi_tile_product)(const REAL *a, const REAL *b, int n, OF(fi_vec) sum[HEIGHT][2]) {
#pragma GCC unroll 8
    for (int i = 0; i < HEIGHT; i++) sum[i][0] = sum[i][1] = (OF(fi_vec)){0};
#pragma GCC unroll 4
    for (int k = 0; k < n; k++, a++, b += FI_BLOCK) {
        const OF(fi_vec) left = OF(fi_vector)(b), right = OF(fi_vector)(b + TILE / 2);
#pragma GCC unroll 8
        for (int i = 0; i < HEIGHT; i++) sum[i][0] += a[i * FI_BLOCK] * left, sum[i][1] += a[i * FI_BLOCK] * right;
    }
}

/* c += a b, of which `rows`, `columns` and n terms are in use. Half is saved where b is lower triangular, or where as
 * much of c is wanted. */
typedef enum { OF(NONE_IS_LOWER), OF(B_IS_LOWER), OF(C_IS_LOWER) } OF(fi_shape);

FI_APART void OF(fi_block_add)(OF(fi_shape) shape, int rows, int columns, int n, const REAL *restrict a,
                               const REAL *restrict b, REAL *restrict c) {
    for (int j = 0; j < columns; j += TILE) {
        const int k = shape == OF(B_IS_LOWER) ? j : 0;
        for (int i = shape == OF(C_IS_LOWER) ? j : 0; i < rows; i += HEIGHT) {
            OF(fi_vec) sum[HEIGHT][2];
            OF(fi_tile_product)(a + i * FI_BLOCK + k, b + k * FI_BLOCK + j, n - k, sum);
#pragma GCC unroll 8
            for (int r = 0; r < HEIGHT; r++) {
                REAL *left = c + (i + r) * FI_BLOCK + j, *right = left + TILE / 2;
                OF(fi_put)(OF(fi_vector)(left) + sum[r][0], left), OF(fi_put)(OF(fi_vector)(right) + sum[r][1], right);
            }
        }
    }
}

/* c = (c - a b) gain, c anywhere in memory. Row i of a has `terms` + i `more` numbers and then zeros. */
FI_APART void OF(fi_block_subtract)(int rows, int columns, int terms, int more, const REAL *restrict a,
                                    const REAL *restrict b, REAL gain, REAL *restrict c, uint64_t pitch) {
    for (int i = 0; i < rows; i += HEIGHT, c += HEIGHT * pitch) {
        const int height = rows - i < HEIGHT ? rows - i : HEIGHT;
        const int n = terms + (i + height - 1) * more;
        for (int j = 0; j < columns; j += TILE) {
            const int width = columns - j < TILE ? columns - j : TILE, whole = height == HEIGHT && width == TILE;
            const size_t bytes = (size_t)width * sizeof *c;
            REAL edge[HEIGHT * TILE], *to = whole ? c + j : edge;
            const uint64_t step = whole ? pitch : (uint64_t)TILE;
            for (int r = 0; r < height; r++) {
                if (whole)
                    __builtin_prefetch(to + (uint64_t)r * step, 1);
                else /* the matrix ends within the tile, which is done aside */
                    memcpy(edge + r * TILE, c + (uint64_t)r * pitch + j, bytes);
            }
            OF(fi_vec) sum[HEIGHT][2];
            OF(fi_tile_product)(a + i * FI_BLOCK, b + j, n, sum);
#pragma GCC unroll 8
            for (int r = 0; r < HEIGHT; r++) {
                REAL *left = to + (uint64_t)r * step, *right = left + TILE / 2;
                OF(fi_put)((OF(fi_vector)(left) - sum[r][0]) * gain, left);
                OF(fi_put)((OF(fi_vector)(right) - sum[r][1]) * gain, right);
            }
            for (int r = 0; !whole && r < height; r++) memcpy(c + (uint64_t)r * pitch + j, edge + r * TILE, bytes);
        }
    }
}

/* ---- reflections ------------------------------------------------------------------------------------------------- */

/* Normals made what the vectors are of: i times each even column beside it, zeros above the vectors' own components and
 * beyond the last vector. */
FI_INLINE void OF(fi_shape_vectors)(const fi_reflections *block, int first, int rows, REAL *v) {
    const int complex = block->parts == 2;
    for (int r = 0; complex && r < rows; r += 2) {
        REAL *re = v + r * FI_BLOCK, *im = re + FI_BLOCK;
        for (int c = 0; c < FI_BLOCK; c += 2) re[c + 1] = -im[c], im[c + 1] = re[c];
    }
    for (int r = 0; r < rows; r++) {
        const int begun = first ? (r | complex) + 1 : FI_BLOCK, used = begun < block->n ? begun : block->n;
        memset(v + r * FI_BLOCK + used, 0, (size_t)(FI_BLOCK - used) * sizeof *v);
    }
}

/* Squares, summed down each column: by eights, lest roundings add up. */
FI_APART void OF(fi_add_squares)(int rows, const REAL *v, double *squares) {
    enum { DOUBLES = FI_VECTOR_BYTES / 8, AT_ONCE = 4, GROUP = 8 };
    for (int c = 0; c < FI_BLOCK; c += AT_ONCE * DOUBLES) {
        fi_vecd sum[AT_ONCE] = {{0}};
        for (int r = 0; r < rows; r += GROUP) {
            fi_vecd few[AT_ONCE] = {{0}};
            for (int i = r; i < rows && i < r + GROUP; i++) {
#pragma GCC unroll 4
                for (int k = 0; k < AT_ONCE; k++) {
                    const fi_vecd x = OF(fi_widen)(v + i * FI_BLOCK + c + k * DOUBLES);
                    few[k] += x * x;
                }
            }
#pragma GCC unroll 4
            for (int k = 0; k < AT_ONCE; k++) sum[k] += few[k];
        }
        for (int k = 0; k < AT_ONCE; k++)
            for (int i = 0; i < DOUBLES; i++) squares[c + k * DOUBLES + i] += sum[k][i];
    }
}

static void OF(fi_reflect_draw)(fi_reflections *block, uint64_t from, uint64_t to) {
    static const fi_distribution NORMAL = {.law = FI_NORMAL, .scale = 1};
    REAL *v = (REAL *)block->v + from * FI_BLOCK;
    OF(fi_fill)(&NORMAL, block->key, block->place + from * FI_BLOCK, (size_t)(to - from) * FI_BLOCK, v);
    if (from == 0) memset(block->squares, 0, sizeof block->squares);
    for (uint64_t at = from; at < to; at += FI_BLOCK, v += FI_BLOCK * FI_BLOCK) {
        const int rows = to - at < FI_BLOCK ? (int)(to - at) : FI_BLOCK;
        OF(fi_shape_vectors)(block, at == 0, rows, v);
        OF(fi_add_squares)(rows, v, block->squares);
    }
}

/* v's own component, of a complex one in the even column of the pair, and i times that in the odd one. */
FI_INLINE void OF(fi_set_own)(int parts, int c, double re, double im, REAL *v) {
    REAL *own = v + c * FI_BLOCK + c;
    own[0] = (REAL)re;
    if (parts == 2) own[1] = (REAL)-im, own[FI_BLOCK] = (REAL)im, own[FI_BLOCK + 1] = (REAL)re;
}

/* What makes reflections of the vectors, and D. v's own components are put aside: their squares are half of |v|^2, and
 * are added last. No normal is 0 (normal.h), so that no size is. */
FI_APART void OF(fi_plan_reflections)(fi_reflections *block, REAL *v) {
    const int parts = block->parts;
    for (int c = 0; c < block->n; c += parts) {
        const double re = (double)v[c * FI_BLOCK + c], im = parts == 2 ? (double)v[(c + 1) * FI_BLOCK + c] : 0.0;
        const double size = sqrt(re * re + im * im), norm = sqrt(block->squares[c]);
        const int alone = (uint64_t)(c + parts) == block->length; /* one number, which D takes to 1: no reflection */
        const double scale = alone ? 0.0 : 1.0 / sqrt(norm * (norm + size)), own = (norm + size) * scale / size;
        const double turn = (alone ? 1.0 : -1.0) / size;
        block->scale[c] = block->scale[c + parts - 1] = scale;
        block->own[0][c] = own * re, block->own[1][c] = own * im;
        block->turn[0][c] = turn * re, block->turn[1][c] = turn * im;
        OF(fi_set_own)(parts, c, 0.0, 0.0, v);
    }
    for (int c = block->n; c < FI_BLOCK; c++) block->scale[c] = 0.0;
}

/* L in the place of S = V'V: row i is that of I less S's row times the rows above, over half of |v_i|^2, which is 1 but
 * for roundings. */
FI_APART void OF(fi_invert_lower)(const fi_reflections *block) {
    REAL *const lower = block->lower;
    for (int i = 0; i < block->n; i++) {
        const int pair = i & -block->parts;
        const REAL *own = (const REAL *)block->v + pair * FI_BLOCK + pair;
        const double re = (double)own[0], im = block->parts == 2 ? (double)own[FI_BLOCK] : 0.0;
        const double square = block->squares[i] + (re * re + im * im);
        const REAL inverse = square > 0.0 ? (REAL)(2.0 / square) : 1;
        REAL s[FI_BLOCK], *row = lower + i * FI_BLOCK;
        memcpy(s, row, sizeof s), memset(row, 0, sizeof s);
        for (int j = 0; j < i; j += TILE / 2) {
            OF(fi_vec) sum = {0};
            for (int k = j; k < i; k++) sum -= s[k] * OF(fi_vector)(lower + k * FI_BLOCK + j);
            OF(fi_put)(sum * inverse, row + j);
        }
        row[i] = inverse;
    }
}

static void OF(fi_reflect_pack)(fi_reflections *block, uint64_t from, uint64_t to) {
    REAL *v = (REAL *)block->v + from * FI_BLOCK, *transposed = (REAL *)block->transposed + from * FI_BLOCK;
    if (from == 0) {
        OF(fi_plan_reflections)(block, v);
        memset(block->squares, 0, sizeof block->squares), memset(block->lower, 0, FI_BLOCK * FI_BLOCK * sizeof *v);
    }
    for (uint64_t at = from; at < to; at += FI_BLOCK, v += FI_BLOCK * FI_BLOCK, transposed += FI_BLOCK * FI_BLOCK) {
        const int rows = to - at < FI_BLOCK ? (int)(to - at) : FI_BLOCK;
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < FI_BLOCK; c++)
                v[r * FI_BLOCK + c] = (REAL)((double)v[r * FI_BLOCK + c] * block->scale[c]);
        memset(v + rows * FI_BLOCK, 0, (size_t)(FI_BLOCK - rows) * FI_BLOCK * sizeof *v);
        OF(fi_add_squares)(rows, v, block->squares);
        for (int c = 0; at == 0 && c < block->n; c += block->parts)
            OF(fi_set_own)(block->parts, c, block->own[0][c], block->own[1][c], v);
        for (int c = 0; c < FI_BLOCK; c += 8) /* by eight columns, whose lines stay at hand */
            for (int r = 0; r < FI_BLOCK; r++)
                for (int i = c; i < c + 8; i++) transposed[i * FI_BLOCK + r] = v[r * FI_BLOCK + i];
        OF(fi_block_add)(OF(C_IS_LOWER), block->n, block->n, rows, transposed, v, block->lower);
    }
    if (to == block->length) OF(fi_invert_lower)(block);
}

/* ---- their product applied --------------------------------------------------------------------------------------- */

static void OF(fi_reflect_apply)(const fi_reflections *block, void *scratch, int rows, int begins, int begin, void *out,
                                 uint64_t pitch) {
    REAL *c = out, *copy = scratch, *w = copy + FI_BLOCK * FI_BLOCK;
    const size_t in_use = (size_t)(rows + HEIGHT - 1) / HEIGHT * HEIGHT * FI_BLOCK * sizeof *c; /* of copy and w */
    const uint64_t first = block->length < FI_BLOCK ? block->length : FI_BLOCK;
    /* rows that begin are D within the first columns, and 0 in the others; later rows are 0 within the first ones */
    const uint64_t from = begins ? 0 : first, to = begins ? first : block->length;
    for (int i = 0; i < rows; i++) {
        REAL *row = c + (uint64_t)i * pitch;
        memset(row, 0, (size_t)(begins ? block->length : first) * sizeof *row);
        const int place = (begin + i) * block->parts;
        for (int part = 0; begins && part < block->parts; part++) row[place + part] = (REAL)block->turn[part][place];
    }
    memset(copy, 0, in_use), memset(w, 0, in_use);
    for (uint64_t k = from; k < to; k += FI_BLOCK) { /* W = C V */
        const int n = to - k < FI_BLOCK ? (int)(to - k) : FI_BLOCK;
        for (int i = 0; i < rows; i++) memcpy(copy + i * FI_BLOCK, c + (uint64_t)i * pitch + k, (size_t)n * sizeof *c);
        OF(fi_block_add)(OF(NONE_IS_LOWER), rows, block->n, n, copy, (const REAL *)block->v + k * FI_BLOCK, w);
    }
    memset(copy, 0, in_use); /* now W L, lower triangular of rows that begin */
    OF(fi_block_add)(OF(B_IS_LOWER), rows, block->n, block->n, w, block->lower, copy);
    const int terms = begins ? (begin + 1) * block->parts : block->n, more = begins ? block->parts : 0;
    for (uint64_t k = 0; k < block->length; k += FI_BLOCK) {
        const int n = block->length - k < FI_BLOCK ? (int)(block->length - k) : FI_BLOCK;
        OF(fi_block_subtract)(rows, n, terms, more, copy, (const REAL *)block->transposed + k * FI_BLOCK,
                              (REAL)block->gain, c + k, pitch);
    }
}
#undef WIDTH
