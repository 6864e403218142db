/* What differs between oneDNN 2.6 and 3.x, and nothing else. Private to src/dnn; implemented by
 * dnn_v2.c or dnn_v3.c.
 */
#ifndef BYOL__DNN_FACE_H
#define BYOL__DNN_FACE_H

#include <stdbool.h>

#include <dnnl.h>

/* A memory descriptor that we own, and the borrowed form that oneDNN's functions take. Both
 * versions use the same expressions. */
#if DNNL_VERSION_MAJOR >= 3
typedef const_dnnl_memory_desc_t byol__md;
#else
typedef const dnnl_memory_desc_t *byol__md;
#endif

typedef struct byol__owned_md {
    dnnl_memory_desc_t desc;
    bool set;
} byol__owned_md;

dnnl_status_t byol__md_init(byol__owned_md *md, int ndims, const dnnl_dims_t dims,
                            dnnl_data_type_t type, dnnl_format_tag_t tag);
void byol__md_release(byol__owned_md *md);
byol__md byol__md_borrow(const byol__owned_md *md); /* NULL where it is not set */

/* The arguments of a contraction's primitive descriptor. */
typedef struct byol__pd_args {
    bool linear;
    dnnl_prop_kind_t
        prop; /* forward_training, forward_inference, backward_data, backward_weights */
    byol__md src, weights, bias, dst; /* bias NULL: none */
    dnnl_dims_t strides, padding;
    const_dnnl_primitive_desc_t hint; /* forward's, for the backward passes */
    const_dnnl_primitive_attr_t attr;
} byol__pd_args;

dnnl_status_t byol__pd_create(dnnl_primitive_desc_t *pd, dnnl_engine_t engine,
                              const byol__pd_args *args);

dnnl_status_t byol__matmul_pd_create(dnnl_primitive_desc_t *pd, dnnl_engine_t engine, byol__md a,
                                     byol__md b, byol__md dst);

dnnl_status_t byol__append_relu(dnnl_post_ops_t ops);
dnnl_status_t byol__append_sum(dnnl_post_ops_t ops);

#endif
