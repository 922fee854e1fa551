/* The kernels at the avx512 level; its compiler flags are in setup.py. */
#define FI_VECTOR_BYTES 64
#include "kernels.h"

FI_LEVEL(avx512);
