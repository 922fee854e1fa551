/* Tasks shared out among threads that are made and joined within the call: no pool, so nothing breaks after fork. */
#define _POSIX_C_SOURCE 200809L
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "core.h"

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

static void *work(void *argument) {
    fi_worker *self = argument;
    (void)fi_modes_enter(); /* the thread ends with its modes */
    while (run_one(self->job, self->worker)) {}
    return NULL;
}

int fi_parallel(uint64_t n, int workers, fi_task *task, void *context, fi_poll *poll, void *poll_context) {
    fi_job job = {.n = n, .task = task, .context = context, .next = 0};
    pthread_t threads[FI_MAX_WORKERS];
    fi_worker selves[FI_MAX_WORKERS];
    int started = 0, stop = 0;
    if ((uint64_t)workers > n) workers = (int)n;
    if (workers > FI_MAX_WORKERS) workers = FI_MAX_WORKERS;
    if (workers > 1) {
        /* signals are for the thread that called, which looks for them; but a fault is its own thread's */
        static const int FAULTS[] = {SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
        sigset_t blocked, before;
        sigfillset(&blocked);
        for (size_t i = 0; i < sizeof FAULTS / sizeof *FAULTS; i++) sigdelset(&blocked, FAULTS[i]);
        pthread_sigmask(SIG_SETMASK, &blocked, &before);
        for (int i = 1; i < workers; i++) { /* a thread that cannot be had is one worker fewer */
            selves[started] = (fi_worker){&job, started + 1};
            if (pthread_create(&threads[started], NULL, work, &selves[started])) break;
            started++;
        }
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    }
    const fi_modes saved = fi_modes_enter();
    while (run_one(&job, 0)) {
        if (poll && (stop = poll(poll_context))) {
            atomic_store_explicit(&job.next, n, memory_order_relaxed);
            break;
        }
    }
    fi_modes_leave(saved);
    for (int i = 0; i < started && stop != FI_FORKED; i++) pthread_join(threads[i], NULL);
    return stop;
}
