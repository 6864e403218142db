/* Convolution and linear layer: the same to oneDNN (dnn/dnn.h), a contraction of the source with
 * weights. In evaluation the batch norm and the ReLU behind it are part of it. */
#include <stdbool.h>
#include <stdlib.h>

#include "base/error.h"
#include "ops/norm.h"
#include "ops/ops.h"
#include "ops/window.h"

extern const byol__op byol__op_conv, byol__op_linear, byol__op_token_linear;

/* ---- In the graph ---- */

static byol__shape infer_conv(byol__graph *graph, const char *name, const byol__attributes *a,
                              byol__shape src) {
    if (a->groups < 1 || src.c % a->groups != 0 || a->out % a->groups != 0)
        byol__graph_mistake(graph, BYOL_ERROR_INVALID,
                            "%s: %d input and %d output channels do not divide into %d groups",
                            name, src.c, a->out, a->groups);
    return byol__image_shape(a->out, byol__window_out(src.h, a), byol__window_out(src.w, a));
}

static void add_conv_parameters(byol__graph *graph, byol__node *node, byol__shape src) {
    const byol__attributes *a = &node->attributes;
    int ic = a->groups > 0 ? src.c / a->groups : src.c, kernel = a->kernel;
    byol__param weight = {
        .dims = {a->out, ic, kernel, kernel},
        .ndims = 4,
        .init = a->patches ? BYOL__INIT_TRUNCATED_FAN_IN : BYOL__INIT_KAIMING_FAN_OUT,
        .fan_in = ic * kernel * kernel,
        .fan_out = a->out * kernel * kernel}; /* PyTorch's count: over all groups */
    node->weight = byol__graph_param(graph, node->name, "weight", weight);
    if (a->bias)
        node->bias = byol__graph_vector_param(graph, node->name, "bias", a->out, BYOL__INIT_ZERO);
}

static byol__shape infer_linear(byol__graph *graph, const char *name, const byol__attributes *a,
                                byol__shape src) {
    (void)graph, (void)name, (void)src;
    return byol__vector_shape(a->out);
}

static void add_linear_parameters(byol__graph *graph, byol__node *node, byol__shape src) {
    int out = node->attributes.out;
    byol__param weight = {.dims = {out, src.c},
                          .ndims = 2,
                          .init = BYOL__INIT_TRUNCATED_FAN_IN,
                          .fan_in = src.c,
                          .fan_out = out};
    node->weight = byol__graph_param(graph, node->name, "weight", weight);
    if (node->attributes.bias)
        node->bias = byol__graph_vector_param(graph, node->name, "bias", out, BYOL__INIT_ZERO);
}

static uint64_t flops(const byol__graph *graph, const byol__node *node) {
    byol__shape out = graph->values[node->dst].shape;
    return 2 * (uint64_t)graph->params.rows[node->weight].count * (uint64_t)out.h * (uint64_t)out.w;
}

/* The same at every position: a convolution of 1 x 1 whose weight is a matrix. */
static byol__shape infer_token_linear(byol__graph *graph, const char *name,
                                      const byol__attributes *a, byol__shape src) {
    (void)graph, (void)name;
    src.c = a->out;
    return src;
}

static void conv_in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    (void)graph;
    char window[BYOL__WINDOW_TEXT_MAX];
    byol__onnx_append(lines, "y = Conv x weight bias group=%d %s", node->attributes.groups,
                      byol__window_in_onnx(&node->attributes, window));
}

static void linear_in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    (void)graph, (void)node;
    byol__onnx_append(lines, "y = Gemm x weight bias transB=1");
}

static void token_linear_in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    if (graph->values[node->dst].shape.rank != 2) return;
    bool bias = node->attributes.bias;
    byol__onnx_append(lines, "t = Transpose weight perm=[1,0]\n%s = MatMul x t%s", bias ? "m" : "y",
                      bias ? "\ny = Add m bias" : "");
}

/* ---- Compiling ---- */

static byol_status create(byol__compiler *c, const byol__unit *unit, byol__contraction **out,
                          byol__contraction_desc desc) {
    byol_status status = byol__contraction_create(out, c->plan->dnn, &desc, c->error);
    if (status != BYOL_OK) return byol__fail_within(c->error, status, "%s", unit->name);
    return BYOL_OK;
}

static bool is_added(const byol__graph *graph, int value) {
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const byol__node *node = &graph->nodes[i];
        if (byol__role_of(node) != BYOL__ROLE_ADD) continue;
        if ((int)node->src[0] == value || (int)node->src[1] == value) return true;
    }
    return false;
}

/* oneDNN's own choice, but for plain NCHW pictures (its fallback where it has nothing better), for
 * which our kernels want channels last: they go along channels. What a shortcut adds again later
 * must lie as the sum will. */
static byol_status create_forward(byol__compiler *c, byol__unit *unit,
                                  byol__contraction_desc desc) {
    byol__contraction_state *s = unit->state;
    BYOL__TRY(create(c, unit, &s->forward, desc));
    byol__format dst = byol__contraction_dst(s->forward), src = byol__contraction_src(s->forward);
    bool plain =
        dst == BYOL__NCHW && desc.oh * desc.ow > 1 && c->plan->options.format == BYOL__FORMAT_ANY;
    bool apart = src != dst && is_added(c->graph, unit->stage.src[0]);
    bool good = src != BYOL__FORMAT_ANY && dst != BYOL__FORMAT_ANY && !plain && !apart;
    if (desc.linear || good) return BYOL_OK;
    byol__contraction_free(s->forward);
    s->forward = NULL;
    if (desc.src_format == BYOL__FORMAT_ANY) desc.src_format = BYOL__NHWC;
    desc.dst_format = BYOL__NHWC;
    return create(c, unit, &s->forward, desc);
}

/* `desc`: as forward, with the formats that it took. */
static byol_status create_backward(byol__compiler *c, byol__unit *unit,
                                   byol__contraction_desc desc) {
    byol__contraction_state *s = unit->state;
    desc.relu = false;
    desc.pass = BYOL__BACKWARD_WEIGHTS;
    BYOL__TRY(create(c, unit, &s->backward_weights, desc));
    unit->backward_flops = unit->forward_flops;
    if (!c->plan->slots[unit->stage.src[0]].wants_grad) return BYOL_OK;
    desc.pass = BYOL__BACKWARD_DATA;
    desc.bias = false;
    unit->backward_flops *= 2;
    return create(c, unit, &s->backward_data, desc);
}

/* Fills in the sizes: of images, or with desc->linear of vectors, one for each position. */
static void set_sizes(const byol__compiler *c, const byol__unit *unit,
                      byol__contraction_desc *desc) {
    byol__shape in = c->graph->values[unit->stage.src[0]].shape,
                out = c->graph->values[unit->stage.dst].shape;
    desc->n = c->plan->options.batch;
    desc->ic = in.c;
    desc->ih = in.h;
    desc->iw = in.w;
    desc->oc = out.c;
    desc->oh = out.h;
    desc->ow = out.w;
    if (!desc->linear) return;
    desc->n *= in.h * in.w;
    desc->ih = desc->iw = desc->oh = desc->ow = 1;
}

static byol_status compile_as(byol__compiler *c, byol__unit *unit, byol__contraction_desc desc) {
    byol__plan *plan = c->plan;
    byol__contraction_state *s = unit->state;
    const byol__node *node = &c->graph->nodes[unit->stage.node];
    byol__slot *src = &plan->slots[unit->stage.src[0]];
    s->weight = byol__range_of(&c->graph->params, node->weight);
    s->bias = byol__range_of(&c->graph->params, node->bias);
    s->norm = byol__norm_of(c->graph, unit->stage.bn);
    s->applies_norm_of = s->gathers_for = BYOL__NONE;
    s->moments = s->scratch = s->backward_scratch = s->diff_weights = s->diff_bias =
        BYOL__NO_BUFFER;
    unit->forward_flops = byol__node_flops(c->graph, node) * (uint64_t)plan->options.batch;

    desc.pass = BYOL__FORWARD;
    desc.inference = !byol__trains(plan);
    desc.dtype = plan->options.dtype;
    set_sizes(c, unit, &desc);
    desc.bias = node->bias != BYOL__NONE || unit->stage.bn != BYOL__NONE;
    desc.relu = unit->stage.relu;
    desc.src_format = desc.linear ? BYOL__NCHW : src->layout.format;
    BYOL__TRY(create_forward(c, unit, desc));
    desc.src_format = byol__contraction_src(s->forward);
    desc.dst_format = byol__contraction_dst(s->forward);
    /* Vectors that follow one another are an image whose channels come last. */
    bool has_positions = desc.linear && c->graph->values[unit->stage.dst].shape.rank > 1;
    src->layout.format = has_positions ? BYOL__NHWC : desc.src_format;
    plan->slots[unit->stage.dst].layout =
        byol__layout_for(c, unit->stage.dst, has_positions ? BYOL__NHWC : desc.dst_format);
    return byol__trains(plan) ? create_backward(c, unit, desc) : BYOL_OK;
}

static byol_status compile_conv(byol__compiler *c, byol__unit *unit) {
    const byol__attributes *a = &c->graph->nodes[unit->stage.node].attributes;
    byol__contraction_desc desc = {.kernel = a->kernel,
                                   .stride = a->stride,
                                   .padding = a->padding,
                                   .groups = a->groups,
                                   .dst_format = c->trunk};
    BYOL__TRY(compile_as(c, unit, desc));
    c->trunk = c->plan->slots[unit->stage.dst].layout.format;
    return BYOL_OK;
}

static byol_status compile_linear(byol__compiler *c, byol__unit *unit) {
    byol__contraction_desc desc = {
        .linear = true, .kernel = 1, .stride = 1, .groups = 1, .dst_format = BYOL__NCHW};
    if (c->plan->slots[unit->stage.src[0]].layout.format != BYOL__NCHW)
        return byol__fail(c->error, BYOL_ERROR_UNSUPPORTED,
                          "%s: put a flatten before this linear layer", unit->name);
    return compile_as(c, unit, desc);
}

/* One product of all positions' vectors where they lie one after another. */
static byol_status compile_token_linear(byol__compiler *c, byol__unit *unit) {
    byol__format src = c->plan->slots[unit->stage.src[0]].layout.format;
    bool in_rows = src == BYOL__NHWC || src == BYOL__FORMAT_ANY;
    byol__contraction_desc desc = {.linear = in_rows,
                                   .kernel = 1,
                                   .stride = 1,
                                   .groups = 1,
                                   .dst_format = in_rows ? BYOL__NCHW : src};
    return compile_as(c, unit, desc);
}

static byol_status place_forward(byol__compiler *c, byol__unit *unit, int slot) {
    byol__contraction_state *s = unit->state;
    BYOL__TRY(
        byol__new_buffer(c, byol__contraction_scratch_bytes(s->forward), slot, slot, &s->scratch));
    if (s->gathers_for == BYOL__NONE) return BYOL_OK;
    return byol__new_buffer(c, byol__contraction_moments_bytes(s->forward), slot, s->gathers_for,
                            &s->moments);
}

static byol_status place_backward(byol__compiler *c, byol__unit *unit, int slot) {
    byol__contraction_state *s = unit->state;
    size_t scratch = byol__contraction_scratch_bytes(s->backward_weights);
    size_t other = s->backward_data != NULL ? byol__contraction_scratch_bytes(s->backward_data) : 0;
    size_t weights = byol__contraction_weights_bytes(s->backward_weights);
    BYOL__TRY(
        byol__new_buffer(c, scratch > other ? scratch : other, slot, slot, &s->backward_scratch));
    BYOL__TRY(byol__new_buffer(c, weights, slot, slot, &s->diff_weights));
    return s->bias.count > 0 ? byol__new_floats(c, (int)s->bias.count, slot, slot, &s->diff_bias)
                             : BYOL_OK;
}

static void place_staging(byol__plan *plan, byol__unit *unit) {
    byol__contraction_state *s = unit->state;
    s->staged_forward = byol__reserve_staging(plan, byol__contraction_weights_bytes(s->forward));
    s->staged_backward = s->staged_forward;
    s->own_backward_weights =
        s->backward_data != NULL && !byol__contraction_same_weights(s->forward, s->backward_data);
    if (s->own_backward_weights)
        s->staged_backward =
            byol__reserve_staging(plan, byol__contraction_weights_bytes(s->backward_data));
    if (unit->stage.bn == BYOL__NONE) return;
    s->staged_bias = byol__reserve_staging(plan, s->norm.gamma.count * sizeof(float));
    if (plan->fold_floats < s->weight.count) plan->fold_floats = s->weight.count;
}

/* ---- Binding and staging ---- */

static void norm_input(const byol__plan *plan, const byol__contraction_state *s,
                       byol__contraction *contraction) {
    if (s->applies_norm_of == BYOL__NONE) return;
    const byol__pointwise_state *norm = byol__pointwise_of(plan, s->applies_norm_of);
    byol__contraction_norm_input(contraction, byol__at(plan, norm->scale),
                                 byol__at(plan, norm->shift));
}

static byol_status bind(byol__plan *plan, byol__unit *unit, byol_error *error) {
    byol__contraction_state *s = unit->state;
    void *src = byol__value_at(plan, unit->stage.src[0]),
         *dst = byol__value_at(plan, unit->stage.dst);
    /* oneDNN takes the bias without const; forward only reads it. */
    float *bias = unit->stage.bn != BYOL__NONE
                      ? byol__staged(plan, s->staged_bias)
                      : (float *)(uintptr_t)(plan->bound.params + s->bias.offset);
    BYOL__TRY(byol__contraction_bind(s->forward, src, byol__staged(plan, s->staged_forward), bias,
                                     dst, byol__at(plan, s->scratch), error));
    norm_input(plan, s, s->forward);
    if (s->gathers_for != BYOL__NONE)
        s->gathered = byol__contraction_gather_moments(s->forward, byol__at(plan, s->moments));
    if (s->backward_weights == NULL) return BYOL_OK;
    void *dy = byol__at(plan, unit->dy[0]), *scratch = byol__at(plan, s->backward_scratch);
    BYOL__TRY(byol__contraction_bind(s->backward_weights, src, byol__at(plan, s->diff_weights),
                                     byol__at(plan, s->diff_bias), dy, scratch, error));
    norm_input(plan, s, s->backward_weights);
    if (s->backward_data == NULL) return BYOL_OK;
    return byol__contraction_bind(s->backward_data, byol__at(plan, unit->dx[0]),
                                  byol__staged(plan, s->staged_backward), NULL, dy, scratch, error);
}

/* scale (w x + b) + shift = (scale w) x + (scale b + shift) */
static byol_status stage_folded(byol__plan *plan, byol__contraction_state *s, byol_error *error) {
    const float *weight = plan->bound.params + s->weight.offset,
                *bias = plan->bound.params + s->bias.offset;
    size_t channels = s->norm.gamma.count, row = s->weight.count / channels;
    float *folded_bias = byol__staged(plan, s->staged_bias);
    for (size_t c = 0; c < channels; c++) {
        float scale, shift;
        byol__norm_fixed(plan, &s->norm, c, &scale, &shift);
        for (size_t i = 0; i < row; i++) plan->fold[c * row + i] = scale * weight[c * row + i];
        folded_bias[c] = shift + (s->bias.count > 0 ? scale * bias[c] : 0);
    }
    return byol__contraction_stage(s->forward, plan->fold, error);
}

static byol_status stage(byol__plan *plan, byol__unit *unit, byol_error *error) {
    byol__contraction_state *s = unit->state;
    if (unit->stage.bn != BYOL__NONE) return stage_folded(plan, s, error);
    const float *weight = plan->bound.params + s->weight.offset;
    BYOL__TRY(byol__contraction_stage(s->forward, weight, error));
    return s->own_backward_weights ? byol__contraction_stage(s->backward_data, weight, error)
                                   : BYOL_OK;
}

/* ---- Running ---- */

static byol_status run(byol__plan *plan, const byol__unit *unit, byol__contraction *contraction,
                       byol_error *error) {
    double begin = byol__now();
    byol_status status = byol__contraction_run(contraction, error);
    if (status != BYOL_OK) return byol__fail_within(error, status, "%s", unit->name);
    size_t bytes = byol__value_bytes(plan, unit->stage.src[0]) +
                   byol__value_bytes(plan, unit->stage.dst) +
                   byol__contraction_weights_bytes(contraction);
    byol__profile_add(plan->profile, byol__contraction_work(contraction), begin,
                      unit->forward_flops, bytes);
    return BYOL_OK;
}

static byol_status forward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    return run(plan, unit, ((byol__contraction_state *)unit->state)->forward, error);
}

static byol_status backward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    byol__contraction_state *s = unit->state;
    BYOL__TRY(run(plan, unit, s->backward_weights, error));
    double begin = byol__now();
    BYOL__TRY(byol__contraction_collect(s->backward_weights, plan->bound.grads + s->weight.offset,
                                        error));
    byol__profile_add(plan->profile, BYOL__WORK_STAGE, begin, 0,
                      byol__contraction_weights_bytes(s->backward_weights) +
                          2 * s->weight.count * sizeof(float));
    const float *diff_bias = byol__at(plan, s->diff_bias);
    for (size_t i = 0; i < s->bias.count; i++)
        plan->bound.grads[s->bias.offset + i] += diff_bias[i];
    return s->backward_data != NULL ? run(plan, unit, s->backward_data, error) : BYOL_OK;
}

static void release(byol__unit *unit) {
    byol__contraction_state *s = unit->state;
    byol__contraction_free(s->forward);
    byol__contraction_free(s->backward_data);
    byol__contraction_free(s->backward_weights);
}

/* ---- The kinds ---- */

static const byol__runs runs = {
    .state_bytes = sizeof(byol__contraction_state),
    .reads = BYOL__READS_SRC,
    .diffs = 1,
    .join = byol__hand_norm_on,
    .place_forward = place_forward,
    .place_backward = place_backward,
    .place_staging = place_staging,
    .bind = bind,
    .stage = stage,
    .forward = forward,
    .backward = backward,
    .release = release,
};

byol__contraction_state *byol__contraction_of(const byol__plan *plan, int index) {
    const byol__unit *unit = &plan->units[index];
    return unit->op->runs == &runs ? unit->state : NULL;
}

const byol__op byol__op_conv = {
    .kind = "convolution",
    .role = BYOL__ROLE_CONTRACTION,
    .sources = 1,
    .infer = infer_conv,
    .add_parameters = add_conv_parameters,
    .flops = flops,
    .onnx_lines = conv_in_onnx,
    .chooses_layout = true,
    .compile = compile_conv,
    .runs = &runs,
};

const byol__op byol__op_linear = {
    .kind = "linear",
    .role = BYOL__ROLE_CONTRACTION,
    .sources = 1,
    .takes_vectors = true,
    .infer = infer_linear,
    .add_parameters = add_linear_parameters,
    .flops = flops,
    .onnx_lines = linear_in_onnx,
    .compile = compile_linear,
    .runs = &runs,
};

const byol__op byol__op_token_linear = {
    .kind = "token linear",
    .role = BYOL__ROLE_CONTRACTION,
    .sources = 1,
    .infer = infer_token_linear,
    .add_parameters = add_linear_parameters,
    .flops = flops,
    .onnx_lines = token_linear_in_onnx,
    .chooses_layout = true,
    .compile = compile_token_linear,
    .runs = &runs,
};

byol__value_id byol__graph_conv(byol__graph *graph, const char *name, byol__value_id src, int oc,
                                int kernel, int stride, int padding, int groups, int bias) {
    byol__attributes attributes = {.out = oc,
                                   .kernel = kernel,
                                   .stride = stride,
                                   .padding = padding,
                                   .groups = groups,
                                   .bias = bias};
    return byol__graph_apply(graph, &byol__op_conv, name, attributes, 1, &src);
}

byol__value_id byol__graph_patches(byol__graph *graph, const char *name, byol__value_id src,
                                   int out, int side) {
    byol__attributes attributes = {
        .out = out, .kernel = side, .stride = side, .groups = 1, .bias = true, .patches = true};
    return byol__graph_apply(graph, &byol__op_conv, name, attributes, 1, &src);
}

byol__value_id byol__graph_linear(byol__graph *graph, const char *name, byol__value_id src, int out,
                                  int bias) {
    byol__attributes attributes = {.out = out, .bias = bias};
    return byol__graph_apply(graph, &byol__op_linear, name, attributes, 1, &src);
}

byol__value_id byol__graph_token_linear(byol__graph *graph, const char *name, byol__value_id src,
                                        int out, int bias) {
    byol__attributes attributes = {.out = out, .bias = bias};
    return byol__graph_apply(graph, &byol__op_token_linear, name, attributes, 1, &src);
}
