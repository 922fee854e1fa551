/* The kernels at the avx2 level; its compiler flags are in csrc/levels.mk. */
#define LEVEL(name) name##_avx2
#define LEVEL_NAME "avx2"
#include "level_tpl.h"
