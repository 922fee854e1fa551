/* The one table of dtypes, which Python reads too. */
#include "core.h"

const fi_dtype_row fi_dtypes[FI_DTYPES] = {
    [FI_F32] = {"float32", 4, 0x1.fffffep127, 0x1p-126, 0x1p-149},
    [FI_F64] = {"float64", 8, 0x1.fffffffffffffp1023, 0x1p-1022, 0x1p-1074},
    [FI_F16] = {"float16", 2, 65504.0, 0x1p-14, 0x1p-24},
    [FI_BF16] = {"bfloat16", 2, 0x1.fep127, 0x1p-126, 0x1p-133},
};
