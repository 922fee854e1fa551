/* Orthogonal matrices, block of reflections by block: what is done in which order, and by whom. */
#include "orthogonal.h"

enum { ROWS_A_TASK = 64 * FI_BLOCK }; /* of V, drawn or packed */

typedef struct {
    const fi_orthogonal *matrix;
    const fi_reflect_kernels *kernels;
    fi_reflections block;
    uint64_t at;                 /* the block's first row and column */
    char *scratch;               /* the workers' */
    uint64_t first, begun, step; /* rows from first on are at work: those before `begun` begin; rows a task */
} work;

static uint64_t up_to_blocks(uint64_t n) { return (n + FI_BLOCK - 1) / FI_BLOCK * FI_BLOCK; }
static uint64_t smaller(uint64_t a, uint64_t b) { return a < b ? a : b; }
static size_t item_size(const fi_orthogonal *matrix) { return matrix->is_double ? sizeof(double) : sizeof(float); }

static void draw_task(void *context, int worker, uint64_t i) {
    (void)worker;
    work *w = context;
    w->kernels->draw(&w->block, i * ROWS_A_TASK, smaller((i + 1) * ROWS_A_TASK, w->block.length));
}

static void pack_task(void *context, int worker, uint64_t i) {
    (void)worker;
    work *w = context;
    w->kernels->pack(&w->block, i * ROWS_A_TASK, smaller((i + 1) * ROWS_A_TASK, w->block.length));
}

/* Task 0: the rows that begin. */
static void apply_task(void *context, int worker, uint64_t i) {
    const work *w = context;
    const fi_orthogonal *m = w->matrix;
    const uint64_t from = i ? w->begun + (i - 1) * w->step : w->first;
    const uint64_t to = i ? smaller(from + w->step, m->to) : w->begun;
    char *scratch = w->scratch + (size_t)worker * FI_REFLECT_SCRATCH * item_size(m);
    char *out = (char *)m->out + ((from - m->from) * m->pitch + w->at) * item_size(m);
    const int begin = i ? 0 : (int)(from - w->at / (uint64_t)m->parts);
    if (to > from) w->kernels->apply(&w->block, scratch, (int)(to - from), i == 0, begin, out, m->pitch);
}

/* The block of reflections from number `at` on, made and applied. */
static int do_block(work *w, int workers, fi_poll *poll, void *poll_context) {
    const fi_orthogonal *m = w->matrix;
    const uint64_t parts = (uint64_t)m->parts, height = parts * m->columns;
    w->block.n = (int)smaller(FI_BLOCK, parts * m->rows - w->at);
    w->block.length = height - w->at;
    w->block.place = w->at * up_to_blocks(height);
    w->block.gain = w->at ? 1.0 : m->gain;
    const uint64_t tasks = (w->block.length + ROWS_A_TASK - 1) / ROWS_A_TASK;
    int stop = fi_parallel(tasks, 1, draw_task, w, poll, poll_context);
    if (!stop) stop = fi_parallel(tasks, 1, pack_task, w, poll, poll_context);
    if (stop) return stop;

    const uint64_t own = w->at / parts, next = smaller(own + (uint64_t)w->block.n / parts, m->to);
    w->first = own > m->from ? own : m->from;
    w->begun = next > w->first ? next : w->first;
    const uint64_t later = m->to - w->begun,
                   threads = later * w->block.length >> 17; /* a thread costs that much work */
    workers = (int)smaller((uint64_t)workers, threads + 1);
    w->step = smaller(FI_BLOCK, workers == 1 ? FI_BLOCK : (later / (2 * (uint64_t)workers) + 15) / 16 * 16);
    return fi_parallel(1 + (later + w->step - 1) / w->step, workers, apply_task, w, poll, poll_context);
}

size_t fi_orthogonal_scratch(const fi_orthogonal *matrix, int workers) {
    const size_t v = (size_t)up_to_blocks((uint64_t)matrix->parts * matrix->columns) * FI_BLOCK;
    return (2 * v + FI_BLOCK * FI_BLOCK + (size_t)workers * FI_REFLECT_SCRATCH) * item_size(matrix);
}

int fi_make_orthogonal(const fi_orthogonal *matrix, int workers, fi_poll *poll, void *poll_context) {
    const uint64_t parts = (uint64_t)matrix->parts;
    const size_t block = FI_BLOCK * item_size(matrix), v = (size_t)up_to_blocks(parts * matrix->columns) * block;
    char *scratch = matrix->scratch;
    work w = {.matrix = matrix,
              .kernels = &matrix->kernels->reflect[matrix->is_double],
              .block = {.parts = matrix->parts,
                        .key = matrix->key,
                        .v = scratch,
                        .transposed = scratch + v,
                        .lower = scratch + 2 * v},
              .scratch = scratch + 2 * v + FI_BLOCK * block};
    int stop = 0;
    /* those that begin after the rows that are wanted leave them as they are */
    for (uint64_t blocks = up_to_blocks(parts * matrix->to) / FI_BLOCK; blocks && !stop; blocks--) {
        w.at = (blocks - 1) * FI_BLOCK;
        stop = do_block(&w, workers, poll, poll_context);
    }
    return stop;
}
