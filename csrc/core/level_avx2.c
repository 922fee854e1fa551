/* The kernels at the avx2 level; its compiler flags are in setup.py. */
#define FI_VECTOR_BYTES 32
#include "kernels.h"

FI_LEVEL(avx2);
