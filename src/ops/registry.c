#include "ops/ops.h"

extern const byol__op byol__op_conv, byol__op_linear, byol__op_batch_norm, byol__op_relu,
    byol__op_add, byol__op_max_pool, byol__op_avg_pool, byol__op_global_avg_pool, byol__op_flatten;

const byol__op *const byol__all_ops[] = {
    &byol__op_conv,       &byol__op_linear,
    &byol__op_batch_norm, &byol__op_relu,
    &byol__op_add,        &byol__op_max_pool,
    &byol__op_avg_pool,   &byol__op_global_avg_pool,
    &byol__op_flatten,    NULL,
};
