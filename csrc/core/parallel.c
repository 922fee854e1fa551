/* Tasks shared out among threads that are made and joined within the call: no pool, so nothing breaks after fork. */
#include <stdatomic.h>

#include "core.h"
#include "platform.h"

typedef struct {
    uint64_t n;
    fi_task *task;
    void *context;
    _Atomic uint64_t next; /* the first task nobody has begun; n or more: all begun, or stopped */
} fi_job;

typedef struct {
    fi_job *job;
    int worker;
} fi_worker;

static int run_one(fi_job *job, int worker) {
    const uint64_t i = atomic_fetch_add_explicit(&job->next, 1, memory_order_relaxed);
    if (i >= job->n) return 0;
    job->task(job->context, worker, i);
    return 1;
}

static void work(void *argument) {
    fi_worker *self = argument;
    (void)fi_modes_enter(); /* the thread ends with its modes */
    while (run_one(self->job, self->worker)) {}
}

int fi_parallel(uint64_t n, int workers, fi_task *task, void *context, fi_poll *poll, void *poll_context) {
    fi_job job = {.n = n, .task = task, .context = context, .next = 0};
    fi_worker selves[FI_MAX_WORKERS];
    fi_thread threads[FI_MAX_WORKERS];
    int stop = 0;
    if ((uint64_t)workers > n) workers = (int)n;
    if (workers > FI_MAX_WORKERS) workers = FI_MAX_WORKERS;
    for (int i = 0; i < workers - 1; i++) {
        selves[i] = (fi_worker){&job, i + 1};
        threads[i] = (fi_thread){work, &selves[i], 0};
    }
    const int started = fi_threads_start(threads, workers - 1);
    const fi_modes saved = fi_modes_enter();
    while (run_one(&job, 0)) {
        if (poll && (stop = poll(poll_context))) {
            atomic_store_explicit(&job.next, n, memory_order_relaxed);
            break;
        }
    }
    fi_modes_leave(saved);
    if (stop != FI_FORKED) fi_threads_join(threads, started);
    return stop;
}
