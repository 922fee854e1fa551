/* The core's promises, checked without Python: run under sanitizers by the Makefile beside this file. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core.h"

static int passed, failed;

static void check(int right, const char *what) {
    if (right) {
        passed++;
    } else {
        failed++;
        printf("FAILED: %s\n", what);
    }
}

static void known_answers(const char *path) {
    FILE *file = fopen(path, "r");
    char line[400];
    int vectors = 0;
    while (file && fgets(line, sizeof line, file)) {
        uint32_t c[4], k[4], r[4];
        if (sscanf(line, "%x %x %x %x %x %x %x %x %x %x %x %x", c, c + 1, c + 2, c + 3, k, k + 1, k + 2, k + 3, r,
                   r + 1, r + 2, r + 3) != 12)
            continue;
        fi_threefry4x32(k, c, c + 1, c + 2, c + 3);
        check(!memcmp(c, r, sizeof c), "Threefry4x32-20 known answer");
        vectors++;
    }
    if (file) fclose(file);
    check(vectors == 3, "three known answers were read");
}

/* The words as words.h describes them, one lane at a time. */
static void words_match_the_lanes(const fi_kernels *level) {
    const fi_key key = {0x0123456789abcdefu, 42};
    uint32_t words[FI_CHUNK] __attribute__((aligned(64)));
    level->words(key, 5000000000u, FI_ROWS, words);
    int right = 1;
    for (uint32_t lane = 0; lane < FI_LANES; lane++) {
        fi_sfc32 one = fi_sfc32_seed(key, 5000000000u, lane, FI_DOMAIN_FILL);
        for (int row = 0; row < FI_ROWS; row++) right &= words[row * FI_LANES + (int)lane] == fi_sfc32_next(&one);
    }
    check(right, "words equal their lanes");
}

enum { N = 3 * FI_CHUNK + 77 };

/* Every level the same bytes as the baseline; a fill in pieces the same as the whole; nothing written past the end. */
static void fills_agree(const fi_kernels *level, const fi_distribution *dist, fi_dtype dtype) {
    const fi_key key = {7, 11};
    const size_t item = (size_t)fi_dtypes[dtype].item_size;
    char *whole = malloc(N * item), *other = malloc(N * item);
    fi_levels[0]->fill[dtype](dist, key, 0, N, whole);
    level->fill[dtype](dist, key, 0, N, other);
    check(!memcmp(whole, other, N * item), "a level gives the baseline's bytes");
    for (size_t first = 0, count = 1; first < N; first += count, count = count * 3 % 1999 + 1) {
        if (count > N - first) count = N - first;
        char *piece = malloc(count * item); /* of the exact size: the sanitizer sees one byte more */
        level->fill[dtype](dist, key, first, count, piece);
        check(!memcmp(piece, whole + first * item, count * item), "a piece equals the whole");
        free(piece);
    }
    free(whole), free(other);
}

/* gcc 12 at -O2 drops (double)(float)x where it vectorises a few of them. */
static void parameters_are_rounded(void) {
    volatile float std = 0.1f, bound = 0.2f;
    fi_distribution dist;
    fi_truncated_setup(&dist, FI_F32, 0, 0.1, -0.2, 0.2);
    check(dist.scale == (double)std && dist.hi == (double)bound && dist.lo == -(double)bound,
          "parameters rounded to single");
    fi_truncated_setup(&dist, FI_F64, 0, 0.1, -0.2, 0.2);
    check(dist.scale == 0.1 && dist.hi == 0.2, "parameters kept in double");
}

/* The table of dtypes says what IEEE arithmetic says: a step beyond the largest there is nothing, below the smallest, 0. */
static void dtypes_are_ieee(void) {
    static const int mantissa[FI_DTYPES] = {[FI_F32] = 23, [FI_F64] = 52, [FI_F16] = 10, [FI_BF16] = 7};
    static const int exponent[FI_DTYPES] = {[FI_F32] = 127, [FI_F64] = 1023, [FI_F16] = 15, [FI_BF16] = 127};
    for (int i = 0; i < FI_DTYPES; i++) {
        const fi_dtype_row *row = &fi_dtypes[i];
        check(row->largest == ldexp(2.0 - ldexp(1.0, -mantissa[i]), exponent[i]), "a dtype's largest");
        check(row->smallest_normal == ldexp(1.0, 1 - exponent[i]), "a dtype's smallest normal");
        check(row->smallest_subnormal == ldexp(row->smallest_normal, -mantissa[i]), "a dtype's smallest subnormal");
    }
}

static void every_fill(const fi_kernels *level) {
    static const double bounds[][2] = {{-2, 2}, {-1, 9}, {3.2, 1e9}, {-1001, -1000}, {0.5, 0.5}, {1, 1 + 1e-9}};
    for (int dtype = 0; dtype < FI_DTYPES; dtype++) {
        fi_distribution dist;
        fi_uniform_setup(&dist, dtype, -1, 3), fills_agree(level, &dist, dtype);
        fi_normal_setup(&dist, dtype, 1, 2), fills_agree(level, &dist, dtype);
        for (size_t i = 0; i < sizeof bounds / sizeof *bounds; i++) {
            fi_truncated_setup(&dist, dtype, 0, 1, bounds[i][0], bounds[i][1]);
            fills_agree(level, &dist, dtype);
        }
    }
}

/* Every length, in place and out of place, with and without a gradient: the same values, none but those asked for touched. */
static void every_activation(const fi_kernels *level) {
    static const fi_dtype dtypes[] = {FI_F16, FI_F32, FI_F64};
    for (int function = 0; function < FI_ACTIVATIONS; function++)
        for (int t = 0; t < 3; t++)
            for (size_t n = 0; n < 300; n += n < 20 ? 1 : 37) {
                fi_activation_kernel *kernel = level->activation[function][dtypes[t]];
                const size_t item = (size_t)fi_dtypes[dtypes[t]].item_size, bytes = n * item;
                char *z = malloc(bytes + 1), *grad = malloc(bytes + 1), *out = malloc(bytes + 1),
                     *with = malloc(bytes + 1);
                for (size_t i = 0; i < bytes; i++) z[i] = (char)(i * 37 + n), grad[i] = (char)(i * 11);
                kernel(NULL, z, n, out);
                kernel(grad, z, n, with);
                kernel(grad, z, n, grad);
                check(!memcmp(grad, with, bytes), "a gradient in place");
                kernel(NULL, z, n, z);
                check(!memcmp(z, out, bytes), "an activation in place");
                if (n == 7) {
                    char one[8], first[8];
                    memcpy(first, out, item);
                    for (size_t i = 0; i < bytes; i++) z[i] = (char)(i * 37 + n);
                    kernel(NULL, z, 1, one);
                    check(!memcmp(one, first, item), "one value is the first of many");
                }
                free(z), free(grad), free(out), free(with);
            }
}

/* Strips of every length: sums that are known, every value in a bin, nothing read beyond the end. */
static void every_strip(const fi_kernels *level) {
    for (int is_double = 0; is_double < 2; is_double++)
        for (int n = 0; n <= FI_STAT_STRIP; n += n < 70 ? 1 : 659) {
            void *values = malloc((size_t)n * (is_double ? 8 : 4) + 1);
            fi_description into = {.bins = calloc(FI_BIN_TABLES * FI_BIN_TABLE, sizeof(uint32_t))};
            double expected = 0;
            for (int i = 0; i < n; i++) {
                const double x = i % 10 == 9 ? INFINITY : i - 3;
                expected += i % 10 == 9 ? 0 : x;
                if (is_double)
                    ((double *)values)[i] = x;
                else
                    ((float *)values)[i] = (float)x;
            }
            fi_describe_strip(level, values, is_double, n, is_double ? 0x0010000000000000u : 0x00800000u, 0, &into);
            const fi_moments all = fi_moments_fold(into.waiting, 1);
            uint64_t binned = 0;
            for (int i = 0; i < FI_BIN_TABLES * FI_BIN_TABLE; i++) binned += into.bins[i];
            check(all.n == n - n / 10 && binned == (uint64_t)(n - n / 10) && into.counts.posinf == (uint64_t)(n / 10),
                  "a strip's counts");
            check(fabs(all.n * (all.pivot + all.mean_offset) - expected) < 1e-6 && into.counts.zero == (n > 3),
                  "a strip's sum");
            free(values), free(into.bins);
        }
}

/* Rows of a matrix and nothing else: each level the baseline's bytes, on any threads, and some rows those of the whole. */
static void orthogonal_rows_agree(const fi_kernels *level) {
    static const uint64_t shapes[][2] = {{1, 1}, {3, 70}, {64, 64}, {130, 131}, {96, 700}};
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int kind = 0; kind < 4; kind++) {
            fi_orthogonal matrix = {
                .kernels = fi_levels[0], .key = {3, 4}, .is_double = kind & 1, .parts = 1 + kind / 2};
            matrix.rows = matrix.to = shapes[i][0], matrix.columns = shapes[i][1], matrix.gain = 0.3;
            matrix.pitch = matrix.columns * (uint64_t)matrix.parts;
            const size_t row = (size_t)matrix.pitch * (kind & 1 ? sizeof(double) : sizeof(float));
            const size_t scratch = fi_orthogonal_scratch(&matrix, 3);
            char *whole = malloc(matrix.rows * row), *other = malloc(matrix.rows * row);
            char *memory = malloc(scratch + 64); /* C11's aligned_alloc is not Windows's */
            matrix.scratch = memory + (64 - (uintptr_t)memory % 64), matrix.out = whole;
            check(fi_make_orthogonal(&matrix, 1, NULL, NULL) == 0, "nobody stops it");
            matrix.kernels = level, matrix.out = other;
            fi_make_orthogonal(&matrix, 3, NULL, NULL);
            check(!memcmp(whole, other, matrix.rows * row), "a level gives the baseline's matrix");
            matrix.from = matrix.rows / 2, matrix.to = matrix.from + (matrix.rows + 3) / 4;
            matrix.out = malloc((matrix.to - matrix.from) * row);
            fi_make_orthogonal(&matrix, 1, NULL, NULL);
            check(!memcmp(matrix.out, whole + matrix.from * row, (matrix.to - matrix.from) * row), "rows of the whole");
            free(whole), free(other), free(memory), free(matrix.out);
        }
}

static void sparse_columns_are_exact(void) {
    for (uint64_t rows = 1; rows < 40; rows++)
        for (uint64_t chosen = 0; chosen <= rows; chosen++) {
            uint64_t *mask = calloc(rows, sizeof *mask);
            int right = 1;
            for (int j = 0; j < 64; j++) {
                fi_sfc32 generator = fi_sfc32_seed((fi_key){1, 2}, (uint64_t)j, 0, FI_DOMAIN_SPARSE);
                fi_sparse_draw(&generator, j, rows, 0, chosen / 2, mask); /* in two parts */
                fi_sparse_draw(&generator, j, rows, 0, chosen - chosen / 2, mask);
                uint64_t count = 0;
                for (uint64_t row = 0; row < rows; row++) count += mask[row] >> j & 1;
                right &= count == chosen;
            }
            check(right, "sparse column counts");
            free(mask);
        }
}

static _Atomic int visits[1000];
static void visit(void *context, int worker, uint64_t i) {
    (void)context, (void)worker;
    visits[i]++;
}
static int stop_at_once(void *context) { return ++*(int *)context; }

static void tasks_run_once(void) {
    for (int workers = 1; workers <= 8; workers++) {
        for (int i = 0; i < 1000; i++) visits[i] = 0;
        check(fi_parallel(1000, workers, visit, NULL, NULL, NULL) == 0, "a job that nobody stops returns 0");
        int right = 1;
        for (int i = 0; i < 1000; i++) right &= visits[i] == 1;
        check(right, "each task once");
    }
    int polls = 0;
    check(fi_parallel(1000, 1, visit, NULL, stop_at_once, &polls) == 1 && polls == 1, "a poll stops the job");
}

typedef struct {
    fi_distribution dist;
    char *out;
} shared_fill;
enum { PART = 1000, PARTS = 64 };
static void fill_part(void *context, int worker, uint64_t i) {
    const shared_fill *job = context;
    (void)worker;
    fi_levels[0]->fill[FI_F32](&job->dist, (fi_key){7, 11}, i * PART, PART, job->out + i * PART * sizeof(float));
}

/* What ThreadSanitizer is to see: threads that write side by side. */
static void threads_share_a_fill(void) {
    const size_t bytes = PARTS * PART * sizeof(float);
    char *whole = malloc(bytes);
    shared_fill job = {.out = malloc(bytes)};
    fi_normal_setup(&job.dist, FI_F32, 0, 1);
    fi_levels[0]->fill[FI_F32](&job.dist, (fi_key){7, 11}, 0, PARTS * PART, whole);
    fi_parallel(PARTS, 8, fill_part, &job, NULL, NULL);
    check(!memcmp(whole, job.out, bytes), "threads fill what one does");
    free(whole), free(job.out);
}

int main(int count, char **arguments) {
    known_answers(count > 1 ? arguments[1] : "tests/data/threefry_kat.txt");
    for (int i = 0; fi_levels[i]; i++) {
        if (!fi_level_runs_here(fi_levels[i])) {
            printf("level %s does not run here\n", fi_levels[i]->name);
            continue;
        }
        words_match_the_lanes(fi_levels[i]);
        every_fill(fi_levels[i]);
        every_activation(fi_levels[i]);
        every_strip(fi_levels[i]);
        orthogonal_rows_agree(fi_levels[i]);
    }
    dtypes_are_ieee();
    parameters_are_rounded();
    sparse_columns_are_exact();
    tasks_run_once();
    threads_share_a_fill();
    printf("C core: %d checks passed, %d failed\n", passed, failed);
    return failed != 0;
}
