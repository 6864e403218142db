/* One convolution or linear layer in one pass. It is a oneDNN primitive with its memory and the
 * reorders of its weights; or, where that needs fewer multiplications, Winograd's convolution
 * (winograd.h); or a product of the picture's patches with the weights (unfold.h).
 *
 * bf16 on a CPU without it: the primitive is fp32. src and dst pass through fp32 copies in the
 * scratch memory, and the staged weights are fp32 numbers that bf16 can hold. Products of bf16
 * numbers are exact in fp32, so only the order of the sums differs from a CPU with bf16. A few
 * weight gradients go that way on any CPU (emulates, below). Winograd's convolution widens and
 * rounds in registers. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/bf16.h"
#include "base/error.h"
#include "base/memory.h"
#include "dnn/dnn.h"
#include "dnn/dnn_face.h"
#include "dnn/dnn_private.h"
#include "dnn/unfold.h"
#include "dnn/winograd.h"

enum { SRC, WEIGHTS, BIAS, DST, SCRATCH, ROLES };
enum { SMALL_PICTURE = 5 }; /* columns of dst */
enum {
    NATIVE_CHANNELS = 128
}; /* with more, dot products of bf16 are the fastest (winograd_is_faster, spins) */

struct byol__contraction {
    byol__dnn *dnn;
    byol__contraction_desc desc;
    /* If one of these is not NULL, it replaces the primitive. */
    byol__winograd *winograd;
    byol__contraction *product; /* of the picture's patches, with the weights */

    byol__patches patches; /* of the product */
    bool emulated;
    dnnl_data_type_t type; /* of src, dst and forward weights as the primitive sees them */
    byol__format asked_src, asked_dst; /* formats requested from the primitive */
    byol__layout bound_src, bound_dst; /* as the caller has them */
    byol__layout work_src, work_dst;   /* as the primitive sees them */
    byol__owned_md md[4];              /* as requested, SRC .. DST */
    byol__owned_md plain_weights;
    dnnl_primitive_desc_t pd, hint;
    dnnl_primitive_t primitive, reorder; /* reorder: weights from or to the plain layout */
    dnnl_memory_t memory[ROLES], plain;
    size_t library_scratch; /* bytes of oneDNN's own; the copies follow */
    char implementation[48];

    void *src, *dst;           /* bound */
    void *src_copy, *dst_copy; /* what the primitive works on: the same, or copies */
    float *weights;
};

static byol__layout layout_of(const byol__contraction *c, int role, byol__dtype dtype,
                              byol__format format) {
    const byol__contraction_desc *d = &c->desc;
    if (role == SRC) return (byol__layout){dtype, format, d->n, d->ic, d->ih, d->iw};
    return (byol__layout){dtype, format, d->n, d->oc, d->oh, d->ow};
}

static dnnl_format_tag_t tag_of(byol__format format) {
    switch (format) {
    case BYOL__NCHW: return dnnl_abcd;
    case BYOL__NHWC: return dnnl_acdb;
    case BYOL__NCHW8: return dnnl_aBcd8b;
    case BYOL__NCHW16: return dnnl_aBcd16b;
    case BYOL__FORMAT_ANY:
    case BYOL__FORMATS: break;
    }
    return dnnl_format_tag_any;
}

/* src or dst; a linear layer's are matrices. */
static dnnl_status_t activation_md(const byol__contraction *c, int role, byol__format format,
                                   byol__owned_md *md) {
    byol__layout l = layout_of(c, role, BYOL__F32, format);
    if (c->desc.linear && l.h > 1)
        return byol__md_init(md, 4, (dnnl_dims_t){l.n, l.c, l.h, l.w}, c->type, dnnl_acdb);
    if (c->desc.linear) return byol__md_init(md, 2, (dnnl_dims_t){l.n, l.c}, c->type, dnnl_ab);
    return byol__md_init(md, 4, (dnnl_dims_t){l.n, l.c, l.h, l.w}, c->type, tag_of(format));
}

static dnnl_status_t weights_md(const byol__contraction *c, dnnl_data_type_t type, bool plain,
                                byol__owned_md *md) {
    const byol__contraction_desc *d = &c->desc;
    if (d->linear && d->kernel == 1)
        return byol__md_init(md, 2, (dnnl_dims_t){d->oc, d->ic}, type,
                             plain ? dnnl_ab : dnnl_format_tag_any);
    if (d->groups == 1) {
        dnnl_format_tag_t tag = d->exchanged ? dnnl_bacd : dnnl_abcd;
        return byol__md_init(md, 4, (dnnl_dims_t){d->oc, d->ic, d->kernel, d->kernel}, type,
                             plain ? tag : dnnl_format_tag_any);
    }
    dnnl_dims_t dims = {d->groups, d->oc / d->groups, d->ic / d->groups, d->kernel, d->kernel};
    return byol__md_init(md, 5, dims, type, plain ? dnnl_abcde : dnnl_format_tag_any);
}

static dnnl_status_t describe_memory(byol__contraction *c) {
    const byol__contraction_desc *d = &c->desc;
    dnnl_data_type_t weights_type = d->pass == BYOL__BACKWARD_WEIGHTS ? dnnl_f32 : c->type;
    dnnl_status_t status = activation_md(c, SRC, c->asked_src, &c->md[SRC]);
    if (status == dnnl_success) status = weights_md(c, weights_type, false, &c->md[WEIGHTS]);
    if (status == dnnl_success && d->bias && d->pass != BYOL__BACKWARD_DATA)
        status = byol__md_init(&c->md[BIAS], 1, (dnnl_dims_t){d->oc}, dnnl_f32, dnnl_a);
    if (status == dnnl_success) status = activation_md(c, DST, c->asked_dst, &c->md[DST]);
    if (status == dnnl_success) status = weights_md(c, dnnl_f32, true, &c->plain_weights);
    return status;
}

/* The scratchpad is the user's: one buffer of the plan's maximum serves all primitives. */
static dnnl_status_t make_attributes(const byol__contraction_desc *d, dnnl_primitive_attr_t *attr) {
    dnnl_status_t status = dnnl_primitive_attr_create(attr);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user);
    if (status != dnnl_success || d->pass != BYOL__FORWARD || !d->relu) return status;
    dnnl_post_ops_t ops;
    status = dnnl_post_ops_create(&ops);
    if (status != dnnl_success) return status;
    status = byol__append_relu(ops);
    if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(*attr, ops);
    dnnl_post_ops_destroy(ops);
    return status;
}

/* The backward passes need a forward descriptor as a hint. Its weights have the precision of the
 * activations. */
static dnnl_status_t make_hint(byol__contraction *c, const byol__pd_args *args) {
    byol__owned_md weights = {0};
    dnnl_status_t status = weights_md(c, c->type, false, &weights);
    if (status == dnnl_success) {
        byol__pd_args forward = *args;
        forward.prop = dnnl_forward_training;
        forward.weights = byol__md_borrow(&weights);
        forward.bias = NULL;
        forward.attr = NULL;
        status = byol__pd_create(&c->hint, c->dnn->engine, &forward);
    }
    byol__md_release(&weights);
    return status;
}

static dnnl_status_t make_primitive(byol__contraction *c) {
    static const dnnl_prop_kind_t props[] = {dnnl_forward_training, dnnl_backward_data,
                                             dnnl_backward_weights};
    const byol__contraction_desc *d = &c->desc;
    dnnl_primitive_attr_t attr = NULL;
    dnnl_status_t status = make_attributes(d, &attr);
    byol__pd_args args = {
        .linear = d->linear,
        .prop = d->inference ? dnnl_forward_inference : props[d->pass],
        .src = byol__md_borrow(&c->md[SRC]),
        .weights = byol__md_borrow(&c->md[WEIGHTS]),
        .bias = byol__md_borrow(&c->md[BIAS]),
        .dst = byol__md_borrow(&c->md[DST]),
        .strides = {d->stride, d->stride},
        .padding = {d->padding, d->padding},
        .attr = attr,
    };
    if (status == dnnl_success && d->pass != BYOL__FORWARD) status = make_hint(c, &args);
    args.hint = c->hint;
    if (status == dnnl_success) status = byol__pd_create(&c->pd, c->dnn->engine, &args);
    if (status == dnnl_success) status = dnnl_primitive_create(&c->primitive, c->pd);
    dnnl_primitive_attr_destroy(attr);
    return status;
}

/* The memory descriptor that the primitive has chosen for this role. */
static byol__md chosen_md(const byol__contraction *c, int role) {
    static const dnnl_query_t queries[3][ROLES] = {
        [BYOL__FORWARD] = {dnnl_query_src_md, dnnl_query_weights_md, dnnl_query_weights_md,
                           dnnl_query_dst_md},
        [BYOL__BACKWARD_DATA] = {dnnl_query_diff_src_md, dnnl_query_weights_md,
                                 dnnl_query_weights_md, dnnl_query_diff_dst_md},
        [BYOL__BACKWARD_WEIGHTS] = {dnnl_query_src_md, dnnl_query_diff_weights_md,
                                    dnnl_query_diff_weights_md, dnnl_query_diff_dst_md},
    };
    if (role == SCRATCH) return dnnl_primitive_desc_query_md(c->pd, dnnl_query_scratchpad_md, 0);
    return dnnl_primitive_desc_query_md(c->pd, queries[c->desc.pass][role], role == BIAS);
}

/* The chosen format; FORMAT_ANY if it is none of those we know. */
static byol__format chosen_format(const byol__contraction *c, int role) {
    if (c->desc.linear) return BYOL__NCHW;
    for (int format = BYOL__NCHW; format < BYOL__FORMATS; format++) {
        byol__owned_md md = {0};
        if (activation_md(c, role, (byol__format)format, &md) != dnnl_success) continue;
        bool equal = dnnl_memory_desc_equal(byol__md_borrow(&md), chosen_md(c, role)) != 0;
        byol__md_release(&md);
        if (equal) return (byol__format)format;
    }
    return BYOL__FORMAT_ANY;
}

static dnnl_status_t make_reorder(byol__contraction *c) {
    bool collect = c->desc.pass == BYOL__BACKWARD_WEIGHTS;
    byol__md plain = byol__md_borrow(&c->plain_weights), own = chosen_md(c, WEIGHTS);
    dnnl_primitive_attr_t attr = NULL;
    dnnl_post_ops_t ops = NULL;
    dnnl_primitive_desc_t pd = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(&attr);
    if (status == dnnl_success && collect) {
        status = dnnl_post_ops_create(&ops);
        if (status == dnnl_success) status = byol__append_sum(ops);
        if (status == dnnl_success) status = dnnl_primitive_attr_set_post_ops(attr, ops);
        dnnl_post_ops_destroy(ops);
    }
    if (status == dnnl_success)
        status = dnnl_reorder_primitive_desc_create(&pd, collect ? own : plain, c->dnn->engine,
                                                    collect ? plain : own, c->dnn->engine, attr);
    if (status == dnnl_success) status = dnnl_primitive_create(&c->reorder, pd);
    if (pd != NULL) dnnl_primitive_desc_destroy(pd);
    dnnl_primitive_attr_destroy(attr);
    return status;
}

static dnnl_status_t make_memory(byol__contraction *c) {
    dnnl_status_t status = dnnl_success;
    for (int role = SRC; role < ROLES && status == dnnl_success; role++) {
        if (role == BIAS && !c->md[BIAS].set) continue;
        byol__md md = role == BIAS ? byol__md_borrow(&c->md[BIAS]) : chosen_md(c, role);
        status = dnnl_memory_create(&c->memory[role], md, c->dnn->engine, DNNL_MEMORY_NONE);
    }
    if (status == dnnl_success)
        status = dnnl_memory_create(&c->plain, byol__md_borrow(&c->plain_weights), c->dnn->engine,
                                    DNNL_MEMORY_NONE);
    return status;
}

/* Sets the layouts on both sides after the primitive has chosen. A format that the caller left open
 * is the primitive's choice. */
static void settle_layouts(byol__contraction *c) {
    const byol__contraction_desc *d = &c->desc;
    byol__dtype dtype = c->type == dnnl_bf16 ? BYOL__BF16 : BYOL__F32;
    byol__format src = chosen_format(c, SRC), dst = chosen_format(c, DST);
    c->work_src = layout_of(c, SRC, dtype, src);
    c->work_dst = layout_of(c, DST, dtype, dst);
    c->bound_src = layout_of(c, SRC, d->dtype,
                             d->src_format == BYOL__FORMAT_ANY || d->linear ? src : d->src_format);
    c->bound_dst = layout_of(c, DST, d->dtype,
                             d->dst_format == BYOL__FORMAT_ANY || d->linear ? dst : d->dst_format);
}

static bool is_narrow(const byol__contraction_desc *desc) {
    return desc->ic <= NATIVE_CHANNELS && desc->oc <= NATIVE_CHANNELS;
}

/* oneDNN's bf16 weight gradient (2.6.3, AVX-512) splits the columns of src by their remainder
 * modulo the stride. With fewer columns than that in the picture, it reads what it never wrote. */
static bool reads_unwritten(const byol__contraction_desc *desc) {
    return desc->pass == BYOL__BACKWARD_WEIGHTS && desc->iw < desc->stride;
}

/* The threads of that kernel wait for each other at spinning barriers, several per picture. Beside
 * a busy process, a call on a small picture took forty times as long. The threads of fp32's kernel
 * wait at most once per call. With few channels, it is as fast there. */
static bool spins(const byol__contraction_desc *desc) {
    return desc->pass == BYOL__BACKWARD_WEIGHTS && !desc->linear && is_narrow(desc) &&
           desc->oh <= SMALL_PICTURE && desc->ow <= SMALL_PICTURE && !byol__cpu_has_amx();
}

static bool emulates(const byol__contraction_desc *desc) {
    return desc->dtype == BYOL__BF16 &&
           (!byol__cpu_has_bf16() || reads_unwritten(desc) || spins(desc));
}

/* Is Winograd's convolution, which computes in fp32, faster? Dot products of bf16 run at twice the
 * rate of fp32. Against them it is faster with few channels, for stride 1 and for weight gradients
 * with stride 2 (docs/performance.md). */
static bool winograd_is_faster(const byol__contraction_desc *d) {
    if (d->dtype == BYOL__F32 || emulates(d)) return true;
    return is_narrow(d) && (d->stride == 1 || d->pass == BYOL__BACKWARD_WEIGHTS) &&
           !byol__cpu_has_amx();
}

static byol_status create_as(byol__contraction **out, byol__dnn *dnn,
                             const byol__contraction_desc *desc, byol__format src, byol__format dst,
                             byol_error *error) {
    byol__contraction *c;
    BYOL__TRY(byol__alloc(&c, 1, sizeof *c, "primitive", error));
    c->dnn = dnn;
    c->desc = *desc;
    c->asked_src = src;
    c->asked_dst = dst;
    c->emulated = emulates(desc);
    c->type = desc->dtype == BYOL__BF16 && !c->emulated ? dnnl_bf16 : dnnl_f32;
    dnnl_status_t status = describe_memory(c);
    if (status == dnnl_success) status = make_primitive(c);
    if (status == dnnl_success) status = make_reorder(c);
    if (status == dnnl_success) status = make_memory(c);
    if (status != dnnl_success) {
        byol__contraction_free(c);
        return byol__dnn_fail(error, status, desc->linear ? "linear layer" : "convolution");
    }
    settle_layouts(c);
    c->library_scratch = byol__align_up(dnnl_memory_desc_get_size(chosen_md(c, SCRATCH)));
    const char *name = "?";
    dnnl_primitive_desc_query(c->pd, dnnl_query_impl_info_str, 0, (void *)&name);
    snprintf(c->implementation, sizeof c->implementation, "%s", name);
    *out = c;
    return BYOL_OK;
}

static byol_status create_winograd(byol__contraction **out, const byol__contraction_desc *desc,
                                   byol_error *error) {
    byol__contraction *c;
    BYOL__TRY(byol__alloc(&c, 1, sizeof *c, "convolution", error));
    c->desc = *desc;
    byol_status status = byol__winograd_create(&c->winograd, desc, error);
    if (status != BYOL_OK) {
        byol__contraction_free(c);
        return status;
    }
    c->bound_src.format = desc->src_format;
    c->bound_dst.format = desc->dst_format;
    *out = c;
    return BYOL_OK;
}

static bool is_channels_last(byol__format format) {
    return format == BYOL__NHWC || format == BYOL__FORMAT_ANY;
}

/* oneDNN's convolutions (2.6.3) reach a fifth to a twentieth of AMX's rate on small pictures, and
 * weight gradients also on larger ones. There one product with the patches is faster, including the
 * making of the patches (docs/performance.md). */
static bool product_is_faster(const byol__contraction_desc *d) {
    static const int most_columns[] = {[BYOL__FORWARD] = SMALL_PICTURE,
                                       [BYOL__BACKWARD_DATA] = SMALL_PICTURE,
                                       [BYOL__BACKWARD_WEIGHTS] = 16};
    bool tiles = byol__cpu_has_amx() && d->dtype == BYOL__BF16 && d->ic >= 16;
    bool is_one = !d->linear && d->groups == 1 && d->kernel > 1 &&
                  (d->pass != BYOL__BACKWARD_DATA || d->stride == 1);
    return tiles && is_one && is_channels_last(d->src_format) && is_channels_last(d->dst_format) &&
           d->ow <= most_columns[d->pass];
}

/* The gradient of src is a convolution too: of dst's gradient with the flipped weights, input and
 * output channels exchanged. */
static byol_status create_product(byol__contraction **out, byol__dnn *dnn,
                                  const byol__contraction_desc *desc, byol_error *error) {
    byol__contraction *c;
    BYOL__TRY(byol__alloc(&c, 1, sizeof *c, "convolution", error));
    c->desc = *desc;
    byol__contraction_desc product = *desc;
    product.linear = true;
    product.ih = product.iw = desc->kernel;
    product.oh = product.ow = 1;
    product.src_format = product.dst_format = BYOL__NCHW;
    c->patches = (byol__patches){desc->kernel, desc->stride, -desc->padding, 1, desc->oh, desc->ow};
    if (desc->pass == BYOL__BACKWARD_DATA) {
        product.pass = BYOL__FORWARD;
        product.exchanged = true;
        product.ic = desc->oc;
        product.oc = desc->ic;
        c->patches = (byol__patches){desc->kernel, 1, desc->padding, -1, desc->ih, desc->iw};
    }
    product.n = desc->n * c->patches.height * c->patches.width;
    c->bound_src = layout_of(c, SRC, desc->dtype, BYOL__NHWC);
    c->bound_dst = layout_of(c, DST, desc->dtype, BYOL__NHWC);
    byol_status status = byol__contraction_create(&c->product, dnn, &product, error);
    if (status == BYOL_OK)
        *out = c;
    else
        byol__contraction_free(c);
    return status;
}

/* The layout that the patches are taken from. */
static const byol__layout *unfolded(const byol__contraction *c) {
    return c->desc.pass == BYOL__BACKWARD_DATA ? &c->bound_dst : &c->bound_src;
}

static size_t patches_bytes(const byol__contraction *c) {
    return byol__align_up(byol__unfolded_elements(unfolded(c), &c->patches) *
                          byol__dtype_bytes(c->desc.dtype));
}

static byol_status bind_product(byol__contraction *c, void *src, void *weights, float *bias,
                                void *dst, void *scratch, byol_error *error) {
    bool data = c->desc.pass == BYOL__BACKWARD_DATA;
    c->src = data ? dst : src;
    c->src_copy = scratch;
    return byol__contraction_bind(c->product, scratch, weights, bias, data ? src : dst,
                                  (char *)scratch + patches_bytes(c), error);
}

static bool is_reference_code(const byol__contraction *c) {
    return strncmp(c->implementation, "ref", 3) == 0;
}

byol_status byol__contraction_create(byol__contraction **out, byol__dnn *dnn,
                                     const byol__contraction_desc *desc, byol_error *error) {
    if (winograd_is_faster(desc) && byol__winograd_fits(desc))
        return create_winograd(out, desc, error);
    if (product_is_faster(desc) && create_product(out, dnn, desc, NULL) == BYOL_OK) return BYOL_OK;
    byol__contraction *direct, *detour;
    BYOL__TRY(create_as(&direct, dnn, desc, desc->src_format, desc->dst_format, error));
    *out = direct;
    bool open = desc->src_format == BYOL__FORMAT_ANY || desc->dst_format == BYOL__FORMAT_ANY;
    if (open || desc->linear || !is_reference_code(direct)) return BYOL_OK;
    if (create_as(&detour, dnn, desc, BYOL__NCHW, BYOL__NCHW, NULL) != BYOL_OK) return BYOL_OK;
    bool better = !is_reference_code(detour);
    byol__contraction_free(better ? direct : detour);
    if (better) *out = detour;
    return BYOL_OK;
}

void byol__contraction_free(byol__contraction *c) {
    if (c == NULL) return;
    byol__winograd_free(c->winograd);
    byol__contraction_free(c->product);
    for (int role = SRC; role < ROLES; role++) dnnl_memory_destroy(c->memory[role]);
    dnnl_memory_destroy(c->plain);
    dnnl_primitive_destroy(c->primitive);
    dnnl_primitive_destroy(c->reorder);
    if (c->pd != NULL) dnnl_primitive_desc_destroy(c->pd);
    if (c->hint != NULL) dnnl_primitive_desc_destroy(c->hint);
    for (int role = SRC; role <= DST; role++) byol__md_release(&c->md[role]);
    byol__md_release(&c->plain_weights);
    byol__free(c);
}

byol__format byol__contraction_src(const byol__contraction *c) { return c->bound_src.format; }
byol__format byol__contraction_dst(const byol__contraction *c) { return c->bound_dst.format; }

const char *byol__contraction_implementation(const byol__contraction *c) {
    if (c->product != NULL) return byol__contraction_implementation(c->product);
    return c->winograd != NULL ? byol__winograd_implementation(c->winograd) : c->implementation;
}

byol__work byol__contraction_work(const byol__contraction *c) {
    static const byol__work conv[] = {BYOL__WORK_CONV_FORWARD, BYOL__WORK_CONV_DATA,
                                      BYOL__WORK_CONV_WEIGHTS};
    static const byol__work winograd[] = {BYOL__WORK_WINOGRAD_FORWARD, BYOL__WORK_WINOGRAD_DATA,
                                          BYOL__WORK_WINOGRAD_WEIGHTS};
    if (c->desc.linear) return BYOL__WORK_LINEAR;
    return c->winograd != NULL ? winograd[c->desc.pass] : conv[c->desc.pass];
}

size_t byol__contraction_weights_bytes(const byol__contraction *c) {
    if (c->winograd != NULL) return byol__winograd_weights_bytes(c->winograd);
    if (c->product != NULL) return byol__contraction_weights_bytes(c->product);
    return dnnl_memory_desc_get_size(chosen_md(c, WEIGHTS));
}

static bool same_layout(const byol__layout *a, const byol__layout *b) {
    return a->dtype == b->dtype && a->format == b->format;
}

/* Bytes of the copy that the primitive works on instead of `bound`; 0: it works on that itself. */
static size_t copy_bytes(const byol__layout *work, const byol__layout *bound) {
    return same_layout(work, bound) ? 0 : byol__align_up(byol__layout_bytes(work));
}

size_t byol__contraction_scratch_bytes(const byol__contraction *c) {
    if (c->winograd != NULL) return byol__winograd_scratch_bytes(c->winograd);
    if (c->product != NULL) return patches_bytes(c) + byol__contraction_scratch_bytes(c->product);
    return c->library_scratch + copy_bytes(&c->work_src, &c->bound_src) +
           copy_bytes(&c->work_dst, &c->bound_dst);
}

bool byol__contraction_same_weights(const byol__contraction *a, const byol__contraction *b) {
    if (a->winograd != NULL || b->winograd != NULL) return false;
    if (a->product != NULL || b->product != NULL) return false;
    return dnnl_memory_desc_equal(chosen_md(a, WEIGHTS), chosen_md(b, WEIGHTS)) != 0;
}

byol_status byol__contraction_bind(byol__contraction *c, void *src, void *weights, float *bias,
                                   void *dst, void *scratch, byol_error *error) {
    if (c->winograd != NULL) {
        byol__winograd_bind(c->winograd, src, weights, bias, dst, scratch);
        return BYOL_OK;
    }
    if (c->product != NULL) return bind_product(c, src, weights, bias, dst, scratch, error);
    c->src = src;
    c->dst = dst;
    c->weights = weights;
    size_t src_bytes = copy_bytes(&c->work_src, &c->bound_src),
           dst_bytes = copy_bytes(&c->work_dst, &c->bound_dst);
    char *copies = (char *)scratch + c->library_scratch;
    c->src_copy = src_bytes > 0 ? copies : src;
    c->dst_copy = dst_bytes > 0 ? copies + src_bytes : dst;
    void *pointers[ROLES] = {c->src_copy, weights, bias, c->dst_copy, scratch};
    dnnl_status_t status = dnnl_success;
    for (int role = SRC; role < ROLES && status == dnnl_success; role++)
        if (c->memory[role] != NULL)
            status = dnnl_memory_set_data_handle(c->memory[role], pointers[role]);
    return byol__dnn_fail(error, status, "binding memory");
}

bool byol__contraction_can_norm_input(const byol__contraction *c) {
    return c->winograd != NULL && c->desc.pass != BYOL__BACKWARD_DATA;
}

void byol__contraction_norm_input(byol__contraction *c, const float *scale, const float *shift) {
    byol__winograd_norm_input(c->winograd, scale, shift);
}

size_t byol__contraction_moments_bytes(const byol__contraction *c) {
    return c->winograd != NULL && c->desc.pass == BYOL__FORWARD
               ? byol__winograd_moments_bytes(c->winograd)
               : 0;
}

const byol__moments *byol__contraction_gather_moments(byol__contraction *c, float *sums) {
    return byol__winograd_gather_moments(c->winograd, sums);
}

/* Copies between the bound memory and the memory that the primitive works on, if they differ. */
static void copy_in(const byol__layout *work, void *copy, const byol__layout *bound,
                    const void *original) {
    if (copy != original) byol__layout_convert(work, copy, bound, original);
}

static void copy_out(const byol__layout *bound, void *original, const byol__layout *work,
                     const void *copy) {
    if (copy != original) byol__layout_convert(bound, original, work, copy);
}

static byol_status execute(byol__contraction *c, dnnl_primitive_t primitive, int count,
                           const dnnl_exec_arg_t *args, byol_error *error) {
    dnnl_status_t status = dnnl_primitive_execute(primitive, c->dnn->stream, count, args);
    if (status == dnnl_success) status = dnnl_stream_wait(c->dnn->stream);
    return status == dnnl_success ? BYOL_OK : byol__dnn_fail(error, status, "running");
}

static byol_status run_primitive(byol__contraction *c, byol_error *error) {
    static const int arguments[3][ROLES] = {
        [BYOL__FORWARD] = {DNNL_ARG_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS, DNNL_ARG_DST,
                           DNNL_ARG_SCRATCHPAD},
        [BYOL__BACKWARD_DATA] = {DNNL_ARG_DIFF_SRC, DNNL_ARG_WEIGHTS, DNNL_ARG_BIAS,
                                 DNNL_ARG_DIFF_DST, DNNL_ARG_SCRATCHPAD},
        [BYOL__BACKWARD_WEIGHTS] = {DNNL_ARG_SRC, DNNL_ARG_DIFF_WEIGHTS, DNNL_ARG_DIFF_BIAS,
                                    DNNL_ARG_DIFF_DST, DNNL_ARG_SCRATCHPAD},
    };
    byol__pass pass = c->desc.pass;
    if (pass != BYOL__BACKWARD_DATA) copy_in(&c->work_src, c->src_copy, &c->bound_src, c->src);
    if (pass != BYOL__FORWARD) copy_in(&c->work_dst, c->dst_copy, &c->bound_dst, c->dst);
    dnnl_exec_arg_t args[ROLES];
    int count = 0;
    for (int role = SRC; role < ROLES; role++)
        if (c->memory[role] != NULL)
            args[count++] = (dnnl_exec_arg_t){arguments[pass][role], c->memory[role]};
    BYOL__TRY(execute(c, c->primitive, count, args, error));
    if (pass == BYOL__FORWARD) copy_out(&c->bound_dst, c->dst, &c->work_dst, c->dst_copy);
    if (pass == BYOL__BACKWARD_DATA) copy_out(&c->bound_src, c->src, &c->work_src, c->src_copy);
    return BYOL_OK;
}

byol_status byol__contraction_run(byol__contraction *c, byol_error *error) {
    if (c->winograd != NULL) {
        byol__winograd_run(c->winograd);
        return BYOL_OK;
    }
    if (c->product == NULL) return run_primitive(c, error);
    byol__unfold(unfolded(c), c->src, &c->patches, c->src_copy);
    return byol__contraction_run(c->product, error);
}

static byol_status reorder(byol__contraction *c, int from, dnnl_memory_t from_memory, int to,
                           dnnl_memory_t to_memory, byol_error *error) {
    return execute(c, c->reorder, 2, (dnnl_exec_arg_t[]){{from, from_memory}, {to, to_memory}},
                   error);
}

byol_status byol__contraction_stage(byol__contraction *c, const float *plain, byol_error *error) {
    if (c->winograd != NULL) {
        byol__winograd_stage(c->winograd, plain);
        return BYOL_OK;
    }
    if (c->product != NULL) return byol__contraction_stage(c->product, plain, error);
    dnnl_memory_set_data_handle(c->plain, (void *)(uintptr_t)plain); /* only read */
    BYOL__TRY(reorder(c, DNNL_ARG_FROM, c->plain, DNNL_ARG_TO, c->memory[WEIGHTS], error));
    if (c->emulated)
        byol__bf16_round(c->weights, byol__contraction_weights_bytes(c) / sizeof(float));
    return BYOL_OK;
}

byol_status byol__contraction_collect(byol__contraction *c, float *plain, byol_error *error) {
    if (c->winograd != NULL) {
        byol__winograd_collect(c->winograd, plain);
        return BYOL_OK;
    }
    if (c->product != NULL) return byol__contraction_collect(c->product, plain, error);
    dnnl_memory_set_data_handle(c->plain, plain);
    return reorder(c, DNNL_ARG_FROM, c->memory[WEIGHTS], DNNL_ARG_TO, c->plain, error);
}
