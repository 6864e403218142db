#include "dnn/precision.h"

#include "dnn/dnn.h"

byol_precision byol__precision_resolve(byol_precision asked) {
    if (asked != BYOL_PRECISION_AUTO) return asked;
    return byol__cpu_has_bf16() ? BYOL_PRECISION_BF16 : BYOL_PRECISION_FP32;
}

byol__dtype byol__precision_dtype(byol_precision resolved) {
    return resolved == BYOL_PRECISION_BF16 ? BYOL__BF16 : BYOL__F32;
}
