/* Which levels there are, and which of them this processor runs. */
#include "core.h"
#include "platform.h"

extern const fi_kernels fi_level_baseline;
#ifdef FI_X86_LEVELS /* defined where they are compiled */
extern const fi_kernels fi_level_avx2, fi_level_avx512;
const fi_kernels *const fi_levels[] = {&fi_level_baseline, &fi_level_avx2, &fi_level_avx512, NULL};

int fi_level_runs_here(const fi_kernels *level) {
    const int needed = level == &fi_level_baseline ? FI_X86_64_V2 : level == &fi_level_avx2 ? FI_AVX2 : FI_AVX512;
    return (fi_processor() & needed) != 0;
}
#else
const fi_kernels *const fi_levels[] = {&fi_level_baseline, NULL};

int fi_level_runs_here(const fi_kernels *level) {
    (void)level;
    return 1;
}
#endif
