/* Batch norm (Ioffe and Szegedy, 2015), addition and ReLU: what stands between two convolutions.
 * plan/fuse.c makes one stage of y = relu(bn(x) + residual), each part optional; plan/kernels.c
 * runs it in as few passes as batch statistics allow. */
#include "ops/norm.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "ops/ops.h"

/* ---- In the graph ---- */

static byol__shape infer(byol__graph *graph, const char *name, const byol__attributes *attributes,
                         byol__shape src) {
    (void)graph, (void)name, (void)attributes;
    return src;
}

static void add_parameters(byol__graph *graph, byol__node *node, byol__shape src) {
    node->weight = byol__graph_vector_param(graph, node->name, "weight", src.c, BYOL__INIT_ONE);
    node->bias = byol__graph_vector_param(graph, node->name, "bias", src.c, BYOL__INIT_ZERO);
    node->running_mean =
        byol__graph_statistic(graph, node->name, "running_mean", src.c, BYOL__INIT_ZERO);
    node->running_var =
        byol__graph_statistic(graph, node->name, "running_var", src.c, BYOL__INIT_ONE);
}

static void norm_in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    (void)graph, (void)node;
    byol__onnx_append(lines,
                      "y = BatchNormalization x weight bias running_mean running_var epsilon=%.9e",
                      (double)BYOL__NORM_EPSILON);
}

static void relu_in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    (void)graph, (void)node;
    byol__onnx_append(lines, "y = Relu x");
}

static void add_in_onnx(const byol__graph *graph, const byol__node *node, char *lines) {
    (void)graph, (void)node;
    byol__onnx_append(lines, "y = Add x x1");
}

byol__norm byol__norm_of(const byol__graph *graph, int node) {
    if (node == BYOL__NONE) return (byol__norm){{0, 0}, {0, 0}, {0, 0}, {0, 0}};
    const byol__node *bn = &graph->nodes[node];
    return (byol__norm){
        byol__range_of(&graph->params, bn->weight),
        byol__range_of(&graph->params, bn->bias),
        byol__range_of(&graph->statistics, bn->running_mean),
        byol__range_of(&graph->statistics, bn->running_var),
    };
}

void byol__norm_fixed(const byol__plan *plan, const byol__norm *norm, size_t channel, float *scale,
                      float *shift) {
    const byol__binding *b = &plan->bound;
    float variance = b->statistics[norm->running_var.offset + channel];
    *scale = b->params[norm->gamma.offset + channel] / sqrtf(variance + (float)BYOL__NORM_EPSILON);
    *shift = b->params[norm->beta.offset + channel] -
             b->statistics[norm->running_mean.offset + channel] * *scale;
}

/* ---- In a plan ---- */

static bool has_norm(const byol__unit *unit) { return unit->stage.bn != BYOL__NONE; }

/* Of a ReLU right behind a batch norm, backward makes what it saw again from the norm's source. */
static unsigned reads_of(const byol__unit *unit) {
    bool remakes_sum = has_norm(unit) && unit->stage.src[1] == BYOL__NO_VALUE;
    return BYOL__READS_NOTHING | (has_norm(unit) ? BYOL__READS_SRC : 0) |
           (unit->stage.relu && !remakes_sum ? BYOL__READS_DST : 0);
}

static byol_status compile(byol__compiler *c, byol__unit *unit) {
    const byol__slot *src = &c->plan->slots[unit->stage.src[0]];
    byol__pointwise_state *s = unit->state;
    bool eval = c->plan->options.mode == BYOL__EVAL;
    s->kernel = (byol__pointwise){
        .layout = src->layout,
        .normalize = has_norm(unit) && !eval,
        .fixed = has_norm(unit) && eval,
        .relu = unit->stage.relu,
    };
    s->norm = byol__norm_of(c->graph, unit->stage.bn);
    s->mean = s->inv_std = s->scale = s->shift = s->partial = BYOL__NO_BUFFER;
    s->gathered_by = BYOL__NONE;
    c->plan->slots[unit->stage.dst].layout = src->layout;
    return BYOL_OK;
}

static byol_status place_forward(byol__compiler *c, byol__unit *unit, int slot) {
    byol__pointwise_state *s = unit->state;
    if (!has_norm(unit)) return BYOL_OK;
    int last = byol__trains(c->plan)            ? byol__backward_slot(c->plan, slot)
               : unit->applied_by != BYOL__NONE ? unit->applied_by
                                                : slot;
    /* Padded to what the widest vector may touch. */
    int padded = (s->kernel.layout.c + 15) / 16 * 16;
    BYOL__TRY(byol__new_floats(c, padded, slot, last, &s->mean));
    BYOL__TRY(byol__new_floats(c, padded, slot, last, &s->inv_std));
    BYOL__TRY(byol__new_floats(c, padded, slot, last, &s->scale));
    BYOL__TRY(byol__new_floats(c, 3 * padded, slot, last, &s->shift));
    return byol__new_buffer(c, byol__pointwise_partials(&s->kernel.layout) * sizeof(double), slot,
                            last, &s->partial);
}

static void place_staging(byol__plan *plan, byol__unit *unit) {
    byol__pointwise_state *s = unit->state;
    if (!s->kernel.fixed) return;
    s->staged_scale = byol__reserve_staging(plan, (s->norm.gamma.count + 16) * sizeof(float));
    s->staged_shift = byol__reserve_staging(plan, (s->norm.gamma.count + 16) * sizeof(float));
}

static void bind_norm(const byol__binding *bound, const byol__norm *norm, byol__pointwise *p) {
    p->gamma = bound->params + norm->gamma.offset;
    p->beta = bound->params + norm->beta.offset;
    p->running_mean = bound->statistics + norm->running_mean.offset;
    p->running_var = bound->statistics + norm->running_var.offset;
    p->diff_gamma = bound->grads == NULL ? NULL : bound->grads + norm->gamma.offset;
    p->diff_beta = bound->grads == NULL ? NULL : bound->grads + norm->beta.offset;
}

static byol_status bind(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    byol__pointwise_state *s = unit->state;
    byol__pointwise *p = &s->kernel;
    p->x = byol__value_at(plan, unit->stage.src[0]);
    p->residual =
        unit->stage.src[1] == BYOL__NO_VALUE ? NULL : byol__value_at(plan, unit->stage.src[1]);
    p->y = unit->applied_by == BYOL__NONE ? byol__value_at(plan, unit->stage.dst) : NULL;
    p->moments =
        s->gathered_by == BYOL__NONE ? NULL : byol__contraction_of(plan, s->gathered_by)->gathered;
    p->mean = byol__at(plan, s->mean);
    p->inv_std = byol__at(plan, s->inv_std);
    p->scale = p->fixed ? byol__staged(plan, s->staged_scale) : byol__at(plan, s->scale);
    p->shift = p->fixed ? byol__staged(plan, s->staged_shift) : byol__at(plan, s->shift);
    p->partial = byol__at(plan, s->partial);
    p->count = (double)p->layout.n * p->layout.h * p->layout.w * plan->options.comm->size;
    if (has_norm(unit)) bind_norm(&plan->bound, &s->norm, p);
    p->dy_count = unit->dy_count < BYOL__DIFFS ? unit->dy_count : BYOL__DIFFS;
    for (int i = 0; i < p->dy_count; i++) p->dy[i] = byol__at(plan, unit->dy[i]);
    p->g = byol__at(plan, unit->dx[1]);
    p->dx = byol__at(plan, unit->dx[0]);
    return BYOL_OK;
}

static byol_status stage(byol__plan *plan, byol__unit *unit, byol_error *error) {
    (void)error;
    byol__pointwise_state *s = unit->state;
    for (size_t c = 0; s->kernel.fixed && c < s->norm.gamma.count; c++)
        byol__norm_fixed(plan, &s->norm, c, &s->kernel.scale[c], &s->kernel.shift[c]);
    return BYOL_OK;
}

/* Channels as the sums lie in p->partial. */
static size_t padded_channels(const byol__pointwise *p) {
    byol__strides s = byol__layout_strides(&p->layout);
    return (size_t)s.blocks * (size_t)s.lanes;
}

/* The ranks' means and variances make the whole batch's (Chan, Golub, LeVeque 1983). */
static byol_status merge_moments(const byol__comm *comm, const byol__pointwise *p,
                                 byol_error *error) {
    if (comm->size == 1) return BYOL_OK;
    size_t channels = padded_channels(p);
    double *mean = p->partial, *variance = mean + channels, *own = variance + channels;
    memcpy(own, mean, channels * sizeof *own);
    BYOL__TRY(byol__comm_sum_doubles(comm, mean, channels, error));
    for (size_t c = 0; c < channels; c++) {
        mean[c] /= comm->size;
        variance[c] += (own[c] - mean[c]) * (own[c] - mean[c]);
    }
    BYOL__TRY(byol__comm_sum_doubles(comm, variance, channels, error));
    for (size_t c = 0; c < channels; c++) variance[c] /= comm->size;
    return BYOL_OK;
}

static byol_status forward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    const byol__stage *stage = &unit->stage;
    const byol__pointwise *p = &((const byol__pointwise_state *)unit->state)->kernel;
    double begin = byol__now();
    if (p->normalize) {
        plan->kernels->norm_moments(p);
        BYOL__TRY(merge_moments(plan->options.comm, p, error));
    }
    plan->kernels->pointwise_forward(p);
    size_t src = byol__value_bytes(plan, stage->src[0]),
           rest = byol__value_bytes(plan, stage->dst) + byol__value_bytes(plan, stage->src[1]);
    size_t sums = p->normalize && p->moments == NULL ? src : 0,
           apply = unit->applied_by == BYOL__NONE ? src + rest : 0;
    byol__profile_add(plan->profile, BYOL__WORK_NORM_FORWARD, begin, 0, sums + apply);
    return BYOL_OK;
}

/* Batch norm reads its source and the gradients twice. */
static byol_status backward(byol__plan *plan, byol__unit *unit, byol_error *error) {
    const byol__pointwise *p = &((const byol__pointwise_state *)unit->state)->kernel;
    double begin = byol__now();
    if (p->normalize) {
        plan->kernels->norm_sums(p);
        BYOL__TRY(
            byol__comm_sum_doubles(plan->options.comm, p->partial, 2 * padded_channels(p), error));
    }
    plan->kernels->pointwise_backward(p);
    size_t src = byol__value_bytes(plan, unit->stage.src[0]),
           dst = byol__value_bytes(plan, unit->stage.dst);
    bool mask = p->relu && (!has_norm(unit) || unit->stage.src[1] != BYOL__NO_VALUE);
    size_t reads = p->normalize ? 2 * src + 2 * (size_t)(mask + p->dy_count) * dst : 0;
    byol__profile_add(plan->profile, BYOL__WORK_NORM_BACKWARD, begin, 0,
                      src + (unit->dx[1] != BYOL__NO_BUFFER) * dst + reads);
    return BYOL_OK;
}

byol__pointwise_state *byol__pointwise_of(const byol__plan *plan, int index) {
    return plan->units[index].op->compile == compile ? plan->units[index].state : NULL;
}

/* ---- The kinds ---- */

static const byol__runs runs = {
    .state_bytes = sizeof(byol__pointwise_state),
    .reads_of = reads_of,
    .in_place = true,
    .diffs = BYOL__DIFFS,
    .join = byol__gather_moments,
    .place_forward = place_forward,
    .place_staging = place_staging,
    .bind = bind,
    .stage = stage,
    .forward = forward,
    .backward = backward,
};

extern const byol__op byol__op_batch_norm, byol__op_relu, byol__op_add;

const byol__op byol__op_batch_norm = {
    .kind = "batch norm",
    .role = BYOL__ROLE_NORM,
    .sources = 1,
    .infer = infer,
    .add_parameters = add_parameters,
    .onnx_lines = norm_in_onnx,
    .compile = compile,
    .runs = &runs,
};

const byol__op byol__op_relu = {
    .kind = "relu",
    .role = BYOL__ROLE_RELU,
    .sources = 1,
    .infer = infer,
    .onnx_lines = relu_in_onnx,
    .compile = compile,
    .runs = &runs,
};

/* Its unit may have taken a batch norm in (plan/fuse.c). */
const byol__op byol__op_add = {
    .kind = "add",
    .role = BYOL__ROLE_ADD,
    .sources = 2,
    .infer = infer,
    .onnx_lines = add_in_onnx,
    .compile = compile,
    .runs = &runs,
};

byol__value_id byol__graph_batch_norm(byol__graph *graph, const char *name, byol__value_id src) {
    return byol__graph_apply(graph, &byol__op_batch_norm, name, (byol__attributes){0}, 1, &src);
}

byol__value_id byol__graph_relu(byol__graph *graph, byol__value_id src) {
    return byol__graph_apply(graph, &byol__op_relu, "relu", (byol__attributes){0}, 1, &src);
}

byol__value_id byol__graph_add(byol__graph *graph, byol__value_id a, byol__value_id b) {
    return byol__graph_apply(graph, &byol__op_add, "add", (byol__attributes){0}, 2,
                             (byol__value_id[]){a, b});
}
