/* The laws as core.h offers them; how each is prepared stands with its kernel. */
#include "normal.h"
#include "uniform.h"

void fi_uniform_setup(fi_distribution *dist, fi_dtype dtype, double a, double b) { *dist = fi_uniform(dtype, a, b); }
void fi_normal_setup(fi_distribution *dist, fi_dtype dtype, double mean, double std) {
    *dist = fi_normal(dtype, mean, std);
}
