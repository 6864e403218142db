/* oneDNN 2.x: descriptors are structs, operations have operation descriptors. */
#include <dnnl.h>
#if DNNL_VERSION_MAJOR == 2

#include "dnn/dnn_face.h"

dnnl_status_t byol__md_init(byol__owned_md *md, int ndims, const dnnl_dims_t dims,
                            dnnl_data_type_t type, dnnl_format_tag_t tag) {
    dnnl_status_t status = dnnl_memory_desc_init_by_tag(&md->desc, ndims, dims, type, tag);
    md->set = status == dnnl_success;
    return status;
}

void byol__md_release(byol__owned_md *md) { md->set = false; }

byol__md byol__md_borrow(const byol__owned_md *md) { return md->set ? &md->desc : NULL; }

static dnnl_status_t convolution(dnnl_convolution_desc_t *desc, const byol__pd_args *a) {
    switch (a->prop) {
    case dnnl_backward_data:
        return dnnl_convolution_backward_data_desc_init(desc, dnnl_convolution_direct, a->src,
                                                        a->weights, a->dst, a->strides, a->padding,
                                                        a->padding);
    case dnnl_backward_weights:
        return dnnl_convolution_backward_weights_desc_init(desc, dnnl_convolution_direct, a->src,
                                                           a->weights, a->bias, a->dst, a->strides,
                                                           a->padding, a->padding);
    default:
        return dnnl_convolution_forward_desc_init(desc, a->prop, dnnl_convolution_direct, a->src,
                                                  a->weights, a->bias, a->dst, a->strides,
                                                  a->padding, a->padding);
    }
}

static dnnl_status_t inner_product(dnnl_inner_product_desc_t *desc, const byol__pd_args *a) {
    switch (a->prop) {
    case dnnl_backward_data:
        return dnnl_inner_product_backward_data_desc_init(desc, a->src, a->weights, a->dst);
    case dnnl_backward_weights:
        return dnnl_inner_product_backward_weights_desc_init(desc, a->src, a->weights, a->bias,
                                                             a->dst);
    default:
        return dnnl_inner_product_forward_desc_init(desc, a->prop, a->src, a->weights, a->bias,
                                                    a->dst);
    }
}

dnnl_status_t byol__pd_create(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                              const byol__pd_args *args) {
    if (args->linear) {
        dnnl_inner_product_desc_t desc;
        dnnl_status_t status = inner_product(&desc, args);
        return status != dnnl_success
                   ? status
                   : dnnl_primitive_desc_create(pd, &desc, args->attr, engine, args->hint);
    }
    dnnl_convolution_desc_t desc;
    dnnl_status_t status = convolution(&desc, args);
    return status != dnnl_success
               ? status
               : dnnl_primitive_desc_create(pd, &desc, args->attr, engine, args->hint);
}

dnnl_status_t byol__matmul_pd_create(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, byol__md a,
                                     byol__md b, byol__md dst) {
    dnnl_matmul_desc_t desc;
    dnnl_status_t status = dnnl_matmul_desc_init(&desc, a, b, NULL, dst);
    return status != dnnl_success ? status
                                  : dnnl_primitive_desc_create(pd, &desc, NULL, engine, NULL);
}

dnnl_status_t byol__append_relu(dnnl_post_ops_t ops) {
    return dnnl_post_ops_append_eltwise(ops, 1.0f, dnnl_eltwise_relu, 0.0f, 0.0f);
}

dnnl_status_t byol__append_sum(dnnl_post_ops_t ops) { return dnnl_post_ops_append_sum(ops, 1.0f); }

#endif
