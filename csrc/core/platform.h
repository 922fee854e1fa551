/* What differs from one platform to the next: threads, signals, the clock, processes, pages, the
 * processor's instructions. */
#ifndef FI_PLATFORM_H
#define FI_PLATFORM_H

#include <stdint.h>

typedef struct {
    void (*run)(void *argument);
    void *argument;
    uintptr_t handle; /* the system's */
} fi_thread;

/* Start up to `count` threads, and say how many there are: one that cannot be had is one worker fewer. Signals are for
 * the thread that called, which looks for them; but a fault is its own thread's. */
int fi_threads_start(fi_thread *threads, int count);
void fi_threads_join(const fi_thread *threads, int count);

/* Nanoseconds since some moment; never back. */
int64_t fi_clock(void);
/* This process, which is another one after fork; 0 where there is no fork. */
int64_t fi_process(void);

/* Ask for pages of 2 MiB for the ones that lie wholly within this memory, whose first writes are then a fifth of the
 * cost. Only a wish. */
void fi_wish_huge_pages(void *memory, uint64_t bytes);

/* The sets of instructions that the processor has and the system keeps the registers of: bits of fi_processor(). */
enum { FI_X86_64_V2 = 1, FI_AVX2 = 2, FI_AVX512 = 4 };
int fi_processor(void);

#endif
