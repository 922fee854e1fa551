/* The core's whole interface: what a fill is, and the one table of kernels that the rest of the library calls.
 * Pure C11: no Python, no allocation, no failure. */
#ifndef FI_CORE_H
#define FI_CORE_H

#if !defined(__GNUC__) && !defined(__clang__)
#error "fastinit is compiled by gcc or clang, whose vectors its kernels use; on Windows by MinGW or clang-cl"
#endif

#if __FLT_EVAL_METHOD__ != 0 && __FLT_EVAL_METHOD__ != 16
#error "a float must be computed as a float: see csrc/levels.mk for the flags that say so"
#endif

#include "words.h"

typedef enum { FI_F32, FI_F64, FI_F16, FI_BF16, FI_DTYPES } fi_dtype;

/* What is known of a dtype. Its magnitudes: the largest finite one, the smallest normal one, the smallest of all. */
typedef struct {
    const char *name;
    int item_size;
    double largest, smallest_normal, smallest_subnormal;
} fi_dtype_row;
extern const fi_dtype_row fi_dtypes[FI_DTYPES];

/* How words become values; see uniform.h, normal.h and truncated.h. FI_UNIFORM: no value can leave [lo, hi]. */
typedef enum {
    FI_UNIFORM,
    FI_UNIFORM_CLAMPED,
    FI_NORMAL,
    FI_TRUNCATED_NARROW,
    FI_TRUNCATED_WIDE,
    FI_TRUNCATED_TAIL,
    FI_LAWS
} fi_law;

enum { FI_TAIL_TERMS_F32 = 12, FI_TAIL_TERMS_F64 = 26 };

/* A distribution, prepared: every number a kernel needs, in double and (where its values are single) already rounded.
 * Every law ends in value = x scale + shift, and all but the first and the normal's with a clamp to [lo, hi]. */
typedef struct {
    fi_law law;
    double scale, shift, lo, hi;
    union { /* truncated laws: the symbols of truncated.h */
        struct {
            double k0, step, e0, v_lo, v_hi;
        } centre;
        struct {
            double step, rho, curve, middle, inverse, factor[FI_TAIL_TERMS_F64];
        } tail;
    };
} fi_distribution;

/* Fill out[0..count) with the elements [first, first + count) of the stream, in C order. */
typedef void fi_fill_kernel(const fi_distribution *dist, fi_key key, uint64_t first, size_t count, void *out);

/* Activations: out[i] = f(z[i]), times grad[i] unless grad is NULL. out may be z or grad itself. No bfloat16. */
typedef enum { FI_SIGMOID, FI_DSIGMOID, FI_TANH, FI_DTANH, FI_ACTIVATIONS } fi_activation;
typedef void fi_activation_kernel(const void *grad, const void *z, size_t n, void *out);

/* Statistics: values come in strips of FI_STAT_STRIP, strips in runs of FI_STAT_RUN; bins are FI_BIN_TABLES tables of a
 * float32's sign, exponent and 3 bits of mantissa. */
enum { FI_STAT_STRIP = 2048, FI_STAT_RUN = 64, FI_BINS = 4096, FI_BIN_TABLES = 4, FI_BIN_TABLE = FI_BINS + 16 };

typedef struct { /* lane by lane: sums of powers of x - pivot and of |x|, extremes */
    double power[4][8], abs[8], min[8], max[8];
} fi_sums;

typedef struct { /* of n finite values; mean: pivot + mean_offset; m2 to m4: sums of powers of what differs from it */
    double n, pivot, mean_offset, m2, m3, m4, sum_abs, min, max;
} fi_moments;

typedef struct { /* negative: finite and below 0 */
    uint64_t nan, posinf, neginf, zero, subnormal, negative;
} fi_counts;

typedef struct { /* of one strip; negative: the sign bit is set */
    uint32_t zero, negative_zero, not_finite, subnormal, negative;
} fi_strip_counts;

typedef struct { /* what is collected from one run of strips; bins may be NULL */
    fi_counts counts;
    fi_moments waiting[64];
    uint32_t *bins;
} fi_description;

/* Orthogonal matrices, a block of reflections at a time: orthogonal.h has the theory. */
typedef struct fi_reflections fi_reflections;
typedef struct {
    /* rows [from, to) of V, in order: first drawn, then made reflections; both multiples of 64, but for the end */
    void (*draw)(fi_reflections *block, uint64_t from, uint64_t to);
    void (*pack)(fi_reflections *block, uint64_t from, uint64_t to);
    /* applied to `rows` <= 64 rows, `pitch` numbers apart; begins: they begin here, as rows `begin`, ... of it */
    void (*apply)(const fi_reflections *block, void *scratch, int rows, int begins, int begin, void *out,
                  uint64_t pitch);
} fi_reflect_kernels;

typedef struct {
    const char *name;
    void (*words)(fi_key key, uint64_t chunk, int rows, uint32_t *out);
    fi_fill_kernel *fill[FI_DTYPES];
    fi_activation_kernel *activation[FI_ACTIVATIONS][FI_DTYPES];
    /* of float32, of float64; tiny: the smallest normal number as bits of the values' type */
    void (*sums[2])(const void *values, int n, double pivot, fi_sums *sums, uint32_t *bins);
    void (*counts[2])(const void *values, int n, uint64_t tiny, fi_strip_counts *counts);
    void (*load_f16)(const uint16_t *in, int n, float *out);
    void (*round[FI_DTYPES])(const float *in, int n, uint16_t *out); /* to the halves */
    fi_reflect_kernels reflect[2];                                   /* in float, in double */
} fi_kernels;

/* The levels compiled in, widest last; NULL ends the list. */
extern const fi_kernels *const fi_levels[];
/* Whether this processor can run a level. */
int fi_level_runs_here(const fi_kernels *level);

/* Prepare distributions. Values of single precision and less are computed in float, so their parameters are rounded. */
void fi_uniform_setup(fi_distribution *dist, fi_dtype dtype, double a, double b);
void fi_normal_setup(fi_distribution *dist, fi_dtype dtype, double mean, double std);
/* A normal of this mean and std, given that it falls in [a, b]; either bound may be infinite. */
void fi_truncated_setup(fi_distribution *dist, fi_dtype dtype, double mean, double std, double a, double b);
/* Mass, mean and standard deviation of the standard normal truncated to [alpha, beta]. */
void fi_truncated_moments(double alpha, double beta, double *mass, double *mean, double *std);

/* Describe strip `number` of a run of up to FI_STAT_RUN; tiny as in fi_kernels. */
void fi_describe_strip(const fi_kernels *kernels, const void *values, int is_double, int n, uint64_t tiny,
                       uint64_t number, fi_description *into);
void fi_moments_merge(fi_moments *a, const fi_moments *b);
void fi_moments_push(fi_moments *waiting, uint64_t number, fi_moments moments);
fi_moments fi_moments_fold(const fi_moments *waiting, uint64_t parts);

/* Elementary functions in IEEE operations only, so that no value depends on the C library. */
double fi_exp(double x);
double fi_log(double x);
double fi_upper_tail(double x); /* P(Z > x), Z standard normal */

/* Draw so many of `rows` < 2^32 rows without replacement, one after the other: bit `column` of mask[row], which is 1 in
 * rows not drawn before if clear, else 0, changes. */
void fi_sparse_draw(fi_sfc32 *generator, int column, uint64_t rows, int clear, uint64_t draws, uint64_t *mask);

/* A random orthogonal matrix times a gain, or some rows of it: rows <= columns, the rows orthonormal. */
typedef struct {
    const fi_kernels *kernels;
    fi_key key;
    int is_double, parts;   /* in float or double; 2 of complex numbers, which are computed in pairs (re, im) */
    uint64_t rows, columns; /* of the whole matrix */
    uint64_t from, to;      /* the rows that are made */
    double gain;
    void *out;      /* row `from` */
    uint64_t pitch; /* numbers (parts of one) from a row to the next */
    void *scratch;  /* of fi_orthogonal_scratch bytes, aligned to 64; this changes no value */
} fi_orthogonal;

/* About 128 numbers for each column, and 8192 for each worker. */
size_t fi_orthogonal_scratch(const fi_orthogonal *matrix, int workers);

/* Floating-point modes: nearest rounding, no flush to zero, no trap; and back to what they were. */
typedef uint64_t fi_modes;
fi_modes fi_modes_enter(void);
void fi_modes_leave(fi_modes saved);

/* Run task(context, worker, i) for every i in [0, n), on up to `workers` threads; the calling one is worker 0.
 * poll (may be NULL) is called on it between tasks; once that returns nonzero no further task is begun, and its value
 * is returned. FI_FORKED says that poll came back in a forked child, which has none of the other threads: they are not
 * waited for, and the tasks they were at are undone. Floating-point modes are the default ones within tasks, and put
 * back afterwards. */
typedef void fi_task(void *context, int worker, uint64_t i);
enum { FI_MAX_WORKERS = 256, FI_FORKED = 1 };
typedef int fi_poll(void *context);
int fi_parallel(uint64_t n, int workers, fi_task *task, void *context, fi_poll *poll, void *poll_context);

/* Make it: the same rules, and up to `workers` threads where they pay. Stopped, the rows are half made. */
int fi_make_orthogonal(const fi_orthogonal *matrix, int workers, fi_poll *poll, void *poll_context);

#endif
