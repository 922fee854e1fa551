/* The kernels at the baseline level; its compiler flags are in csrc/levels.mk. */
#define LEVEL(name) name##_baseline
#define LEVEL_NAME "baseline"
#include "level_tpl.h"
