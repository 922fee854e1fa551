/* Tasks without the GIL: signals are answered, forks survived. */
#include "ext.h"

#include "platform.h"

/* Between two looks for signals, ns. */
static const int64_t SHORTEST_PAUSE = 20000000, LONGEST_PAUSE = 200000000;

typedef struct {
    PyThreadState *thread;
    int64_t next; /* when to look again */
    int64_t process;
    int interrupted;
} signal_watch;

/* Called between tasks on the calling thread. A handler may do anything: raise, fork, or both. */
static int look_for_signals(void *context) {
    signal_watch *watch = context;
    const int64_t asked = fi_clock();
    if (asked < watch->next) return 0;
    PyEval_RestoreThread(watch->thread);
    int64_t pause = 8 * (fi_clock() - asked); /* an eighth of the time at most goes into waiting for the GIL */
    if (pause < SHORTEST_PAUSE) pause = SHORTEST_PAUSE;
    if (pause > LONGEST_PAUSE) pause = LONGEST_PAUSE;
    watch->interrupted = PyErr_CheckSignals();
    watch->thread = PyEval_SaveThread();
    watch->next = fi_clock() + pause;
    return fi_process() == watch->process ? watch->interrupted : FI_FORKED;
}

/* Only the main thread runs handlers. And no other may ask for the GIL before its workers are done: once the
 * interpreter ends, asking ends a thread, while its workers go on with what is on its stack. */
static int on_main_thread(int64_t process) {
    static _Atomic int64_t known = -1;        /* a child's main thread is the one that forked */
    static _Atomic unsigned long main_thread; /* without the GIL two threads may ask at once: they find the same */
    if (known != process) {
        PyObject *threading = PyImport_ImportModule("threading");
        PyObject *thread = threading ? PyObject_CallMethod(threading, "main_thread", NULL) : NULL;
        PyObject *ident = thread ? PyObject_GetAttrString(thread, "ident") : NULL;
        main_thread = ident ? PyLong_AsUnsignedLongMask(ident) : 0;
        known = process;
        PyErr_Clear(); /* at the interpreter's end there is no threading, and so no main thread */
        Py_XDECREF(threading);
        Py_XDECREF(thread);
        Py_XDECREF(ident);
    }
    return PyThread_get_thread_ident() == main_thread;
}

int fi_run(int is_long, fi_call *call, void *context) {
    signal_watch watch = {0};
    if (is_long) watch.next = fi_clock() + SHORTEST_PAUSE, watch.process = fi_process();
    const int watched = is_long && on_main_thread(watch.process);
    watch.thread = PyEval_SaveThread();
    const int stopped = call(context, watched ? look_for_signals : NULL, &watch);
    PyEval_RestoreThread(watch.thread);
    return watch.interrupted ? -1 : stopped;
}

typedef struct {
    uint64_t n, workers;
    fi_task *task;
    void *context;
} tasks;

static int run_tasks(void *context, fi_poll *poll, void *poll_context) {
    const tasks *all = context;
    return fi_parallel(all->n, (int)all->workers, all->task, all->context, poll, poll_context);
}

int fi_run_tasks(uint64_t n, uint64_t workers, fi_task *task, void *context) {
    tasks all = {n, workers, task, context};
    return fi_run(n > 1, run_tasks, &all);
}
