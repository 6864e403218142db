/* oneDNN 3.x: descriptors are opaque, primitive descriptors are made directly. */
#include <dnnl.h>
#if DNNL_VERSION_MAJOR >= 3

#include "dnn/dnn_face.h"

dnnl_status_t byol__md_init(byol__owned_md *md, int ndims, const dnnl_dims_t dims,
                            dnnl_data_type_t type, dnnl_format_tag_t tag) {
    dnnl_status_t status = dnnl_memory_desc_create_with_tag(&md->desc, ndims, dims, type, tag);
    md->set = status == dnnl_success;
    return status;
}

void byol__md_release(byol__owned_md *md) {
    if (md->set) dnnl_memory_desc_destroy(md->desc);
    md->set = false;
}

byol__md byol__md_borrow(const byol__owned_md *md) { return md->set ? md->desc : NULL; }

static dnnl_status_t convolution(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                 const byol__pd_args *a) {
    static const dnnl_dims_t dense = {0};
    switch (a->prop) {
    case dnnl_backward_data:
        return dnnl_convolution_backward_data_primitive_desc_create(
            pd, engine, dnnl_convolution_direct, a->src, a->weights, a->dst, a->strides, dense,
            a->padding, a->padding, a->hint, a->attr);
    case dnnl_backward_weights:
        return dnnl_convolution_backward_weights_primitive_desc_create(
            pd, engine, dnnl_convolution_direct, a->src, a->weights, a->bias, a->dst, a->strides,
            dense, a->padding, a->padding, a->hint, a->attr);
    default:
        return dnnl_convolution_forward_primitive_desc_create(
            pd, engine, a->prop, dnnl_convolution_direct, a->src, a->weights, a->bias, a->dst,
            a->strides, dense, a->padding, a->padding, a->attr);
    }
}

static dnnl_status_t inner_product(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                                   const byol__pd_args *a) {
    switch (a->prop) {
    case dnnl_backward_data:
        return dnnl_inner_product_backward_data_primitive_desc_create(
            pd, engine, a->src, a->weights, a->dst, a->hint, a->attr);
    case dnnl_backward_weights:
        return dnnl_inner_product_backward_weights_primitive_desc_create(
            pd, engine, a->src, a->weights, a->bias, a->dst, a->hint, a->attr);
    default:
        return dnnl_inner_product_forward_primitive_desc_create(
            pd, engine, a->prop, a->src, a->weights, a->bias, a->dst, a->attr);
    }
}

dnnl_status_t byol__pd_create(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                              const byol__pd_args *args) {
    return args->linear ? inner_product(pd, engine, args) : convolution(pd, engine, args);
}

dnnl_status_t byol__matmul_pd_create(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, byol__md a,
                                     byol__md b, byol__md dst) {
    return dnnl_matmul_primitive_desc_create(pd, engine, a, b, NULL, dst, NULL);
}

dnnl_status_t byol__append_relu(dnnl_post_ops_t ops) {
    return dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, 0.0f, 0.0f);
}

dnnl_status_t byol__append_sum(dnnl_post_ops_t ops) {
    return dnnl_post_ops_append_sum(ops, 1.0f, 0, dnnl_data_type_undef);
}

#endif
