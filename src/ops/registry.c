#include "ops/ops.h"

extern const byol__op byol__op_conv, byol__op_linear, byol__op_batch_norm, byol__op_relu,
    byol__op_add, byol__op_max_pool, byol__op_avg_pool, byol__op_global_avg_pool, byol__op_flatten,
    byol__op_token_linear, byol__op_layer_norm, byol__op_gelu, byol__op_embedding,
    byol__op_attention, byol__op_packed_attention, byol__op_places, byol__op_class_token,
    byol__op_first_token, byol__op_mean_token, byol__op_max_token, byol__op_dropout,
    byol__op_low_rank;

const byol__op *const byol__all_ops[] = {
    &byol__op_conv,
    &byol__op_linear,
    &byol__op_batch_norm,
    &byol__op_relu,
    &byol__op_add,
    &byol__op_max_pool,
    &byol__op_avg_pool,
    &byol__op_global_avg_pool,
    &byol__op_flatten,
    &byol__op_token_linear,
    &byol__op_layer_norm,
    &byol__op_gelu,
    &byol__op_embedding,
    &byol__op_attention,
    &byol__op_packed_attention,
    &byol__op_places,
    &byol__op_class_token,
    &byol__op_first_token,
    &byol__op_mean_token,
    &byol__op_max_token,
    &byol__op_dropout,
    &byol__op_low_rank,
    NULL,
};
