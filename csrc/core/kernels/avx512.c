/* The kernels at the avx512 level; its compiler flags are in csrc/levels.mk. */
#define LEVEL(name) name##_avx512
#define LEVEL_NAME "avx512"
#include "level_tpl.h"
