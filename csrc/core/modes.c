/* The floating-point modes of the calling thread, aside and back. */
#include "core.h"

#ifdef __SSE__
#include <xmmintrin.h>
fi_modes fi_modes_enter(void) {
    const fi_modes saved = _mm_getcsr();
    _mm_setcsr(0x1f80); /* the processor's state at start */
    return saved;
}
void fi_modes_leave(fi_modes saved) { _mm_setcsr((unsigned)saved); }
#elif defined(__aarch64__)
fi_modes fi_modes_enter(void) {
    fi_modes saved;
    __asm__ volatile("mrs %0, fpcr" : "=r"(saved));
    __asm__ volatile("msr fpcr, %0" ::"r"((fi_modes)0));
    return saved;
}
void fi_modes_leave(fi_modes saved) { __asm__ volatile("msr fpcr, %0" ::"r"(saved)); }
#else /* no flush to zero that we know of */
fi_modes fi_modes_enter(void) { return 0; }
void fi_modes_leave(fi_modes saved) { (void)saved; }
#endif
