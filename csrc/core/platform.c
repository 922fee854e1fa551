/* Threads and the rest by pthreads, by Win32, or (a WebAssembly build without threads) not at all. */
#define _POSIX_C_SOURCE 200809L
#define _DEFAULT_SOURCE /* madvise */
#include "platform.h"

#ifdef __linux__
#include <sys/mman.h>

void fi_wish_huge_pages(void *memory, uint64_t bytes) {
    const uintptr_t page = 1 << 21, from = ((uintptr_t)memory + page - 1) / page * page;
    const uintptr_t to = ((uintptr_t)memory + (uintptr_t)bytes) / page * page;
    if (from < to) (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
}
#else
void fi_wish_huge_pages(void *memory, uint64_t bytes) {
    (void)memory;
    (void)bytes;
}
#endif

#ifdef _WIN32
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

static DWORD WINAPI run(void *argument) {
    const fi_thread *thread = argument;
    thread->run(thread->argument);
    return 0;
}

int fi_threads_start(fi_thread *threads, int count) { /* no signal is ever handed to a thread here */
    for (int i = 0; i < count; i++) {
        const HANDLE handle = CreateThread(NULL, 0, run, &threads[i], 0, NULL);
        if (!handle) return i;
        threads[i].handle = (uintptr_t)handle;
    }
    return count;
}

void fi_threads_join(const fi_thread *threads, int count) {
    for (int i = 0; i < count; i++) {
        WaitForSingleObject((HANDLE)threads[i].handle, INFINITE);
        CloseHandle((HANDLE)threads[i].handle);
    }
}

int64_t fi_clock(void) {
    LARGE_INTEGER ticks, second;
    QueryPerformanceCounter(&ticks);
    QueryPerformanceFrequency(&second);
    return (int64_t)((double)ticks.QuadPart / (double)second.QuadPart * 1e9);
}

int64_t fi_process(void) { return 0; }

#else
#include <time.h>

int64_t fi_clock(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

#if defined(__wasm__) && !defined(_REENTRANT)
int fi_threads_start(fi_thread *threads, int count) {
    (void)threads;
    (void)count;
    return 0;
}
void fi_threads_join(const fi_thread *threads, int count) {
    (void)threads;
    (void)count;
}
int64_t fi_process(void) { return 0; }

#else
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

static void *run(void *argument) {
    const fi_thread *thread = argument;
    thread->run(thread->argument);
    return NULL;
}

int fi_threads_start(fi_thread *threads, int count) {
    static const int FAULTS[] = {SIGBUS, SIGFPE, SIGILL, SIGSEGV, SIGSYS, SIGTRAP};
    sigset_t blocked, before;
    int started = 0;
    if (count < 1) return 0;
    sigfillset(&blocked);
    for (size_t i = 0; i < sizeof FAULTS / sizeof *FAULTS; i++) sigdelset(&blocked, FAULTS[i]);
    pthread_sigmask(SIG_SETMASK, &blocked, &before); /* which the threads inherit */
    for (; started < count; started++) {
        pthread_t handle;
        if (pthread_create(&handle, NULL, run, &threads[started])) break;
        threads[started].handle = (uintptr_t)handle;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

void fi_threads_join(const fi_thread *threads, int count) {
    for (int i = 0; i < count; i++) pthread_join((pthread_t)threads[i].handle, NULL);
}

int64_t fi_process(void) { return getpid(); }
#endif
#endif

#ifdef __x86_64__
/* Asked by ourselves: a compiler's own answer (__builtin_cpu_supports) is as good as the runtime it links with. */
#include <cpuid.h>

/* Intel's manual, volume 2, CPUID; clang and gcc spell the names of some of them differently. */
enum {
    LEAF1_SSE4_2 = 1 << 20,
    LEAF1_POPCNT = 1 << 23,
    LEAF1_OSXSAVE = 1 << 27,
    LEAF1_AVX = 1 << 28,
    LEAF1_F16C = 1 << 29,
    LEAF7_BMI1 = 1 << 3,
    LEAF7_AVX2 = 1 << 5,
    LEAF7_BMI2 = 1 << 8,
    LEAF7_AVX512F = 1 << 16,
    LEAF7_AVX512DQ = 1 << 17,
    LEAF7_AVX512CD = 1 << 28,
    LEAF7_AVX512BW = 1 << 30,
};
static const unsigned LEAF7_AVX512VL = 1u << 31; /* too large for an enum */
enum { YMM_KEPT = 0x06, ZMM_KEPT = 0xe6 };       /* registers that the system saves when it changes threads */

static int all_of(unsigned have, unsigned wanted) { return (have & wanted) == wanted; }

int fi_processor(void) {
    unsigned a, b, c, d, leaf1 = 0, leaf7 = 0, kept = 0, unused;
    if (__get_cpuid(1, &a, &b, &c, &d)) leaf1 = c;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) leaf7 = b;
    if (all_of(leaf1, LEAF1_OSXSAVE)) __asm__ volatile("xgetbv" : "=a"(kept), "=d"(unused) : "c"(0));
    if (!all_of(leaf1, LEAF1_SSE4_2 | LEAF1_POPCNT)) return 0;
    if (!all_of(leaf1, LEAF1_AVX | LEAF1_F16C) || !all_of(leaf7, LEAF7_AVX2 | LEAF7_BMI1 | LEAF7_BMI2) ||
        !all_of(kept, YMM_KEPT))
        return FI_X86_64_V2;
    if (!all_of(leaf7, LEAF7_AVX512F | LEAF7_AVX512DQ | LEAF7_AVX512CD | LEAF7_AVX512BW | LEAF7_AVX512VL) ||
        !all_of(kept, ZMM_KEPT))
        return FI_X86_64_V2 | FI_AVX2;
    return FI_X86_64_V2 | FI_AVX2 | FI_AVX512;
}
#else
int fi_processor(void) { return 0; }
#endif
