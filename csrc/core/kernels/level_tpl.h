/* The one body of every level: its table of kernels. Each level's file includes it, compiled with that level's flags
 * (csrc/levels.mk). Expects LEVEL(name): name and the level; and LEVEL_NAME.
 *
 * Only IEEE add, subtract, multiply, divide and square root, conversions and integer operations, in a fixed order: that
 * is what makes every level, compiler and processor give the same bits. Loops run over the 32 lanes of a row, a fixed
 * count, or over a strip of values, so that the compiler turns each into vector instructions of whatever width the
 * level has.
 */
#include <math.h>

#include "../activations.h"
#include "../bins.h"
#include "../core.h"
#include "../half.h"
#include "../normal.h"
#include "../orthogonal.h"
#include "../truncated.h"
#include "../uniform.h"
#include "copy.h"
#include "lanes.h"

#define WIDTH 32
#include "draw_tpl.h"
#define WIDTH 64
#include "draw_tpl.h"

#define WIDTH 32
#include "sums_tpl.h"
#define WIDTH 64
#include "sums_tpl.h"

#define WIDTH 32
#define TYPE float
#define NAME(name) name##_f32
#include "fill_tpl.h"
#define WIDTH 64
#define TYPE double
#define NAME(name) name##_f64
#include "fill_tpl.h"
#define WIDTH 32
#define TYPE uint16_t
#define NAME(name) name##_f16
#include "fill_tpl.h"
#define WIDTH 32
#define TYPE uint16_t
#define NAME(name) name##_bf16
#include "fill_tpl.h"

#define WIDTH 32
#define TYPE float
#define NAME(name) name##_f32
#define ROUND(y) ((float)(y))
#include "activation_tpl.h"
#define WIDTH 64
#define TYPE double
#define NAME(name) name##_f64
#define ROUND(y) (y)
#include "activation_tpl.h"
#define WIDTH 32
#define TYPE uint16_t
#define NAME(name) name##_f16
#define ROUND(y) fi_float_to_odd(y)
#include "activation_tpl.h"

#define WIDTH 32
#include "orthogonal_tpl.h"
#define WIDTH 64
#include "orthogonal_tpl.h"

const fi_kernels LEVEL(fi_level) = {
    .name = LEVEL_NAME,
    .words = fi_words,
    .fill = {[FI_F32] = fi_fill_f32, [FI_F64] = fi_fill_f64, [FI_F16] = fi_fill_f16, [FI_BF16] = fi_fill_bf16},
    .activation = {[FI_SIGMOID] = {[FI_F32] = fi_sigmoid_f32, [FI_F64] = fi_sigmoid_f64, [FI_F16] = fi_sigmoid_f16},
                   [FI_DSIGMOID] = {[FI_F32] = fi_dsigmoid_f32, [FI_F64] = fi_dsigmoid_f64, [FI_F16] = fi_dsigmoid_f16},
                   [FI_TANH] = {[FI_F32] = fi_tanh_f32, [FI_F64] = fi_tanh_f64, [FI_F16] = fi_tanh_f16},
                   [FI_DTANH] = {[FI_F32] = fi_dtanh_f32, [FI_F64] = fi_dtanh_f64, [FI_F16] = fi_dtanh_f16}},
    .sums = {fi_sums_of_f32, fi_sums_of_f64},
    .counts = {fi_counts_of_f32, fi_counts_of_f64},
    .load_f16 = fi_load_f16,
    .round = {[FI_F16] = fi_store_f16, [FI_BF16] = fi_store_bf16},
    .reflect = {{fi_reflect_draw_f32, fi_reflect_pack_f32, fi_reflect_apply_f32},
                {fi_reflect_draw_f64, fi_reflect_pack_f64, fi_reflect_apply_f64}},
};
