/* The names of one width. Expects WIDTH: 32 or 64. Gives REAL; WORD, as wide an unsigned integer; PER_ROW, how many
 * values a row of words makes; OF(name): name_f32 or _f64. */
#undef REAL
#undef WORD
#undef PER_ROW
#undef OF
#if WIDTH == 32
#define REAL float
#define WORD uint32_t
#define PER_ROW FI_LANES
#define OF(name) name##_f32
#else
#define REAL double
#define WORD uint64_t
#define PER_ROW (FI_LANES / 2)
#define OF(name) name##_f64
#endif
