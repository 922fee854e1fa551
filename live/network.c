/* What the page computes: fills by the library's core, and a network that trains on digits.
 *
 * Layers 1 to depth are hidden and have `width` units, layer depth + 1 is the output. Values are kept units x batch, so
 * that every loop runs along the batch; weights are (out, in), as in Python. Into a layer go a multiple of 4 values,
 * out of it a multiple of 2. Built as WebAssembly for the page (tools/wasm.py), and natively for tests/test_live.py.
 */
#include <math.h>
#include <string.h>

#include "core.h"

enum { INPUTS = 64, CLASSES = 10, BATCH = 64, DEPTH = 30, WIDTH = 128, LAYERS = DEPTH + 2 };
enum { UNIFORM, NORMAL, TRUNCATED, CONSTANT };
enum { SIGMOID, TANH, RELU };
enum { PLAIN, RESIDUAL, NORMALISED };
/* Of a layer: a's mean and std; share of z out where f is flat; rms of dL/dz; rms of W - W0, of W0; rms of the last
 * step's change of W over that of W. */
enum { MEAN, STD, FLAT, DZ_RMS, MOVED, FIRST, UPDATE, MEASURES };

#ifdef __wasm__
#define EXPORT(name) __attribute__((export_name(#name)))
#else
#define EXPORT(name) __attribute__((visibility("default")))
#endif

typedef float unit[BATCH];
typedef float vec __attribute__((vector_size(16), aligned(4), may_alias));

extern const fi_kernels fi_level_baseline;
#define KERNEL(which) fi_level_baseline.activation[which][FI_F32] /* one entry: the linker leaves the others out */

static float weights[WIDTH * INPUTS + (DEPTH - 1) * WIDTH * WIDTH + CLASSES * WIDTH] __attribute__((aligned(64)));
static float first[sizeof weights / 4], slopes[WIDTH * WIDTH] __attribute__((aligned(64)));
static float biases[LAYERS][WIDTH];
/* z = W a + b of the layer below, or that of a normalised u = W a; a = f(z), plus the layer below in a residual
 * network; dL/dz and dL/du. Layer 0 is the input. */
static unit z[LAYERS][WIDTH] __attribute__((aligned(64))), a[LAYERS][WIDTH] __attribute__((aligned(64)));
static unit dz[LAYERS][WIDTH] __attribute__((aligned(64))), du[LAYERS][WIDTH] __attribute__((aligned(64)));
static unit stream[WIDTH] __attribute__((aligned(64))); /* dL/da on its way back */
static float inverse_std[LAYERS][BATCH];                /* of u, over the units, by image */
static uint8_t labels[BATCH];
static double measures[LAYERS][MEASURES];
static uint32_t room[256]; /* for the page's small arrays */
static int depth, width, activation, wiring;

static int units(int layer) { return layer == 0 ? INPUTS : layer <= depth ? width : CLASSES; }
static int is_normalised(int layer) { return wiring == NORMALISED && layer <= depth; }
static int has_skip(int layer) { return wiring == RESIDUAL && layer >= 2 && layer <= depth; }
static unit *product_slopes(int layer) { return is_normalised(layer) ? du[layer] : dz[layer]; }
static size_t place(int layer) { /* of a layer's weights */
    return layer < 2 ? 0 : (size_t)width * INPUTS + (size_t)(layer - 2) * (size_t)(width * width);
}
static size_t count(int layer) { return (size_t)units(layer) * (size_t)units(layer - 1); }

EXPORT(weight) float *page_weight(int layer) { return weights + place(layer); }
EXPORT(bias) float *page_bias(int layer) { return biases[layer]; }
EXPORT(values) float *page_values(int layer) { return a[layer][0]; }
EXPORT(gradients) float *page_gradients(int layer) { return dz[layer][0]; }
EXPORT(labels) uint8_t *page_labels(void) { return labels; }
EXPORT(measures) double *page_measures(void) { return measures[0]; }
EXPORT(room) void *page_room(void) { return room; }

/* ---- fills ------------------------------------------------------------------------------------------------------- */

/* Uniform on [p, q]; normal, mean p and std q; that truncated to [low, high]; or the constant p. */
EXPORT(fill)
void page_fill(int law, double p, double q, double low, double high, double seed, double number, int n, float *out) {
    fi_distribution d;
    switch (law) {
    case UNIFORM: fi_uniform_setup(&d, FI_F32, p, q); break;
    case NORMAL: fi_normal_setup(&d, FI_F32, p, q); break;
    case TRUNCATED: fi_truncated_setup(&d, FI_F32, p, q, low, high); break;
    default:
        for (int i = 0; i < n; i++) out[i] = (float)p;
        return;
    }
    fi_level_baseline.fill[FI_F32](&d, (fi_key){(uint64_t)seed, (uint64_t)number}, 0, (size_t)n, out);
}

/* (rows, columns), rows or columns orthonormal, whichever are fewer, times the gain. */
EXPORT(orthogonal) void page_orthogonal(int rows, int columns, double gain, double seed, double number, float *out) {
    static float matrix[WIDTH * WIDTH];
    static char scratch[1 << 18] __attribute__((aligned(64))); /* more than fi_orthogonal_scratch says of WIDTH */
    const int fewer = rows < columns ? rows : columns, more = rows < columns ? columns : rows;
    const fi_orthogonal made = {.kernels = &fi_level_baseline,
                                .key = {(uint64_t)seed, (uint64_t)number},
                                .parts = 1,
                                .rows = (uint64_t)fewer,
                                .columns = (uint64_t)more,
                                .to = (uint64_t)fewer,
                                .gain = gain,
                                .out = matrix,
                                .pitch = (uint64_t)more,
                                .scratch = scratch};
    fi_make_orthogonal(&made, 1, NULL, NULL);
    for (int i = 0; i < rows; i++)
        for (int j = 0; j < columns; j++) out[i * columns + j] = matrix[rows > columns ? j * more + i : i * more + j];
}

/* A network of this shape, its biases 0; then fill its weights, then start. */
EXPORT(shape) void page_shape(int layers, int wide, int f, int how_wired) {
    depth = layers, width = wide, activation = f, wiring = how_wired;
    memset(biases, 0, sizeof biases);
    memset(measures, 0, sizeof measures);
}
EXPORT(start) void page_start(void) { memcpy(first, weights, (place(depth + 1) + count(depth + 1)) * sizeof *weights); }

/* ---- forwards ---------------------------------------------------------------------------------------------------- */

static vec splat(float x) { return (vec){x, x, x, x}; }
static vec load(const float *x) { return *(const vec *)x; }

/* A matrix and how one walks through it: w[i * along + j * across], i the row of what comes out. */
typedef struct {
    const float *w;
    size_t along, across;
} walk;

/* out[i] = shift[i] + the sum over j of w_ij in[j], for `rows` rows of a batch each */
static void product(walk m, const float *shift, const unit *in, int terms, int rows, unit *out) {
    for (int i = 0; i < rows; i += 2) {
        const float *w = m.w + (size_t)i * m.along;
        for (int at = 0; at < BATCH; at += 16) {
            vec s[2][4];
            for (int r = 0; r < 2; r++)
                for (int v = 0; v < 4; v++) s[r][v] = splat(shift ? shift[i + r] : 0.0f);
            for (int j = 0; j < terms; j++) {
                const float *from = in[j] + at;
                const vec w0 = splat(w[(size_t)j * m.across]), w1 = splat(w[m.along + (size_t)j * m.across]);
                for (int v = 0; v < 4; v++) s[0][v] += w0 * load(from + 4 * v), s[1][v] += w1 * load(from + 4 * v);
            }
            for (int r = 0; r < 2; r++)
                for (int v = 0; v < 4; v++) *(vec *)(out[i + r] + at + 4 * v) = s[r][v];
        }
    }
}

/* Layer normalisation (Ba et al. 2016): u of each image to mean 0 and variance 1 over the units; then the bias. */
static void normalise(int layer) {
    for (int b = 0; b < BATCH; b++) {
        float sum = 0.0f, square = 0.0f;
        for (int i = 0; i < width; i++) sum += z[layer][i][b];
        const float mean = sum / (float)width;
        for (int i = 0; i < width; i++) z[layer][i][b] -= mean, square += z[layer][i][b] * z[layer][i][b];
        const float inverse = inverse_std[layer][b] = 1.0f / sqrtf(square / (float)width + 1e-5f);
        for (int i = 0; i < width; i++) z[layer][i][b] = z[layer][i][b] * inverse + biases[layer][i];
    }
}

static void activate(int layer) {
    const size_t n = (size_t)(width * BATCH);
    const float *from = z[layer][0];
    float *to = a[layer][0];
    if (activation == RELU)
        for (size_t i = 0; i < n; i++) to[i] = from[i] <= 0.0f ? 0.0f : from[i]; /* NaN stays */
    else
        (activation == TANH ? KERNEL(FI_TANH) : KERNEL(FI_SIGMOID))(NULL, from, n, to);
    if (has_skip(layer))
        for (size_t i = 0; i < n; i++) to[i] += a[layer - 1][0][i];
}

/* Of the output: the loss; dL/dz; how many are right at *right. */
static double cross_entropy(int *right) {
    unit *scores = a[depth + 1], *out = dz[depth + 1];
    double loss = 0.0;
    *right = 0;
    for (int b = 0; b < BATCH; b++) {
        double powers[CLASSES], sum = 0.0, max = scores[0][b];
        int best = 0;
        for (int i = 1; i < CLASSES; i++)
            if (scores[i][b] > max) max = scores[i][b], best = i;
        for (int i = 0; i < CLASSES; i++) sum += powers[i] = fi_exp(scores[i][b] - max);
        loss += fi_log(sum) + max - scores[labels[b]][b];
        *right += best == labels[b];
        for (int i = 0; i < CLASSES; i++) out[i][b] = (float)((powers[i] / sum - (i == labels[b])) / BATCH);
    }
    return loss / BATCH;
}

/* The batch in layer 0, forwards. */
EXPORT(forward) double page_forward(int *right) {
    for (int layer = 1; layer <= depth + 1; layer++) {
        const int in = units(layer - 1), normalised = is_normalised(layer);
        const walk by_rows = {weights + place(layer), (size_t)in, 1};
        product(by_rows, normalised ? NULL : biases[layer], a[layer - 1], in, units(layer), z[layer]);
        if (normalised) normalise(layer);
        if (layer <= depth) activate(layer);
    }
    memcpy(a[depth + 1], z[depth + 1], sizeof(unit) * CLASSES);
    return cross_entropy(right);
}

/* ---- backwards --------------------------------------------------------------------------------------------------- */

static void differentiate(int layer) { /* dz holds dL/da, and shall hold dL/dz */
    const size_t n = (size_t)(width * BATCH);
    const float *from = z[layer][0];
    float *to = dz[layer][0];
    if (activation == RELU)
        for (size_t i = 0; i < n; i++) to[i] = from[i] <= 0.0f ? 0.0f : to[i];
    else
        (activation == TANH ? KERNEL(FI_DTANH) : KERNEL(FI_DSIGMOID))(to, from, n, to);
}

static void normalise_back(int layer) { /* dL/du from dL/dz */
    for (int b = 0; b < BATCH; b++) {
        float mean = 0.0f, along = 0.0f;
        for (int i = 0; i < width; i++) {
            mean += dz[layer][i][b];
            along += dz[layer][i][b] * (z[layer][i][b] - biases[layer][i]);
        }
        mean /= (float)width, along /= (float)width;
        for (int i = 0; i < width; i++) {
            const float x = z[layer][i][b] - biases[layer][i];
            du[layer][i][b] = (dz[layer][i][b] - mean - x * along) * inverse_std[layer][b];
        }
    }
}

EXPORT(backward) void page_backward(void) {
    for (int layer = depth; layer >= 1; layer--) {
        const int above = units(layer + 1);
        const walk by_columns = {weights + place(layer + 1), 1, (size_t)width};
        product(by_columns, NULL, product_slopes(layer + 1), above, width, dz[layer]);
        if (has_skip(layer + 1))
            for (size_t i = 0; i < (size_t)(width * BATCH); i++) dz[layer][0][i] += stream[0][i];
        memcpy(stream, dz[layer], sizeof(unit) * (size_t)width);
        differentiate(layer);
        if (is_normalised(layer)) normalise_back(layer);
    }
}

static float total(vec x) { return (x[0] + x[1]) + (x[2] + x[3]); }

/* dL/dW of a layer, into `slopes`: the sum over the batch. */
static void weight_slopes(int layer) {
    const int in = units(layer - 1);
    unit *up = product_slopes(layer), *below = a[layer - 1];
    for (int i = 0; i < units(layer); i += 2)
        for (int j = 0; j < in; j += 4) {
            vec s[2][4] = {{{0}}};
            for (int b = 0; b < BATCH; b += 4)
                for (int r = 0; r < 2; r++)
                    for (int c = 0; c < 4; c++) s[r][c] += load(up[i + r] + b) * load(below[j + c] + b);
            for (int r = 0; r < 2; r++)
                for (int c = 0; c < 4; c++) slopes[(i + r) * in + j + c] = total(s[r][c]);
        }
}

/* In double: a gradient of 1e-30 squares to 1e-60. */
static double rms(const float *x, size_t n) {
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) sum += (double)x[i] * (double)x[i];
    return sqrt(sum / (double)n);
}

/* One step of plain gradient descent. */
EXPORT(update) void page_update(float rate) {
    for (int layer = 1; layer <= depth + 1; layer++) {
        float *w = weights + place(layer);
        const size_t n = count(layer);
        const double before = rms(w, n);
        weight_slopes(layer);
        measures[layer][UPDATE] = (double)rate * rms(slopes, n) / (before == 0.0 ? 1.0 : before);
        for (size_t i = 0; i < n; i++) w[i] -= rate * slopes[i];
        for (int i = 0; i < units(layer); i++) {
            float sum = 0.0f;
            for (int b = 0; b < BATCH; b++) sum += dz[layer][i][b];
            biases[layer][i] -= rate * sum;
        }
    }
}

/* ---- measures ---------------------------------------------------------------------------------------------------- */

/* The share of z where the slope is below 5.91% of its largest (docs/thresholds.md), or of a ReLU 0. */
static double flat(const float *x, size_t n) {
    const float edge = activation == SIGMOID ? 4.185f : 2.092f;
    size_t found = 0;
    for (size_t i = 0; i < n; i++) found += activation == RELU ? x[i] <= 0.0f : x[i] > edge || x[i] < -edge;
    return (double)found / (double)n;
}

static double distance(const float *x, const float *y, size_t n) { /* the rms of x - y */
    double sum = 0.0;
    for (size_t i = 0; i < n; i++) sum += ((double)x[i] - (double)y[i]) * ((double)x[i] - (double)y[i]);
    return sqrt(sum / (double)n);
}

EXPORT(measure) void page_measure(void) {
    for (int layer = 1; layer <= depth + 1; layer++) {
        const size_t n = (size_t)(units(layer) * BATCH);
        const float *w = weights + place(layer), *w0 = first + place(layer), *of = a[layer][0];
        double mean = 0.0, square = 0.0;
        for (size_t i = 0; i < n; i++) mean += (double)of[i];
        mean /= (double)n;
        for (size_t i = 0; i < n; i++) square += ((double)of[i] - mean) * ((double)of[i] - mean);
        double *to = measures[layer];
        to[MEAN] = mean, to[STD] = sqrt(square / (double)n), to[FLAT] = flat(z[layer][0], n);
        to[DZ_RMS] = rms(dz[layer][0], n), to[MOVED] = distance(w, w0, count(layer)), to[FIRST] = rms(w0, count(layer));
    }
}

/* How many of a layer's units differ from each other in weights and bias. */
EXPORT(distinct) int page_distinct(int layer) {
    const size_t in = (size_t)units(layer - 1), bytes = in * sizeof *weights;
    const float *w = weights + place(layer), *b = biases[layer];
    int found = 0;
    for (int i = 0; i < units(layer); i++) {
        int j = 0;
        while (j < i && (b[i] != b[j] || memcmp(w + (size_t)i * in, w + (size_t)j * in, bytes))) j++;
        found += j == i;
    }
    return found;
}

/* A histogram of a layer's activations: `bins` of them from low to high, values beyond go to the ends; NaN is left out.
 */
EXPORT(histogram) void page_histogram(int layer, float low, float high, int bins, uint32_t *out) {
    const int n = units(layer) * BATCH;
    const float scale = (float)bins / (high - low), *of = a[layer][0];
    memset(out, 0, (size_t)bins * sizeof *out);
    for (int i = 0; i < n; i++) {
        const float at = (of[i] - low) * scale;
        if (at == at) out[at < 0.0f ? 0 : at >= (float)bins ? bins - 1 : (int)at]++;
    }
}
