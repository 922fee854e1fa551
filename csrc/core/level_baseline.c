/* The kernels at the baseline level; its compiler flags are in setup.py. */
#define FI_VECTOR_BYTES 16
#include "kernels.h"

FI_LEVEL(baseline);
