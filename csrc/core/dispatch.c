/* Which levels there are, and which of them this processor runs. */
#include "core.h"

extern const fi_kernels fi_level_baseline;
#ifdef __x86_64__
extern const fi_kernels fi_level_avx2, fi_level_avx512;
const fi_kernels *const fi_levels[] = {&fi_level_baseline, &fi_level_avx2, &fi_level_avx512, NULL};

int fi_level_runs_here(const fi_kernels *level) {
    __builtin_cpu_init();
    const int v2 = __builtin_cpu_supports("sse4.2") && __builtin_cpu_supports("popcnt");
    /* gcc and clang ask the operating system (xgetbv) before they say that AVX is there. F16C comes with every AVX2. */
    const int avx2 =
        v2 && __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi") && __builtin_cpu_supports("bmi2");
    if (level == &fi_level_baseline) return v2;
    if (level == &fi_level_avx2) return avx2;
    return avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("avx512dq") &&
           __builtin_cpu_supports("avx512vl");
}
#else
const fi_kernels *const fi_levels[] = {&fi_level_baseline, NULL};

int fi_level_runs_here(const fi_kernels *level) {
    (void)level;
    return 1;
}
#endif
