/* A plan's life: create, bind, stage, forward, backward. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "plan/plan_private.h"

size_t byol__pointwise_partials(const byol__layout *layout) {
    return (size_t)BYOL__CHUNKS * 2 * (size_t)byol__layout_padded_channels(layout);
}

byol_status byol__plan_create(byol__plan **out, const byol__graph *graph, const byol__plan_options *options,
                              byol_error *error) {
    byol__plan *plan;
    BYOL__TRY(byol__alloc(&plan, 1, sizeof *plan, "plan", error));
    plan->options = *options;
    plan->kernels = byol__kernels();
    byol_status status = byol__dnn_create(&plan->dnn, error);
    if (status == BYOL_OK) status = byol__plan_compile(plan, graph, error);
    if (status != BYOL_OK) {
        byol__plan_free(plan);
        return status;
    }
    *out = plan;
    return BYOL_OK;
}

void byol__plan_free(byol__plan *plan) {
    if (plan == NULL) return;
    for (int i = 0; plan->units != NULL && i < plan->unit_count; i++) {
        byol__contraction_free(plan->units[i].forward);
        byol__contraction_free(plan->units[i].backward_data);
        byol__contraction_free(plan->units[i].backward_weights);
    }
    byol__free(plan->units);
    byol__free(plan->slots);
    free(plan->buffers);
    byol__free(plan->staging);
    byol__free(plan->fold);
    byol__dnn_free(plan->dnn);
    byol__free(plan);
}

void byol__plan_describe(const byol__plan *plan, byol__plan_info *info) {
    *info = (byol__plan_info){
        .workspace_bytes = plan->workspace_bytes, .staging_bytes = plan->staging_bytes, .steps = plan->unit_count};
    for (int i = 0; i < plan->unit_count; i++) {
        const byol__unit *unit = &plan->units[i];
        int passes = (unit->backward_weights != NULL) + (unit->backward_data != NULL);
        info->forward_flops += unit->flops;
        info->backward_flops += unit->flops * (uint64_t)passes;
    }
}

/* ---- bind ---- */

static void *at(const byol__plan *plan, int buffer) {
    return buffer == BYOL__NO_BUFFER ? NULL : (char *)plan->bound.workspace + plan->buffers[buffer].offset;
}

static void *value_at(const byol__plan *plan, int value) { return at(plan, plan->slots[value].buffer); }

static float *staged(const byol__plan *plan, size_t offset) { return (float *)(void *)(plan->staging + offset); }

static void norm_input(const byol__plan *plan, const byol__unit *unit, byol__contraction *contraction) {
    if (unit->applies_norm_of == BYOL__NONE) return;
    const byol__unit *norm = &plan->units[unit->applies_norm_of];
    byol__contraction_norm_input(contraction, at(plan, norm->scale), at(plan, norm->shift));
}

static byol_status bind_contraction(byol__plan *plan, byol__unit *unit, byol_error *error) {
    void *src = value_at(plan, unit->stage.src), *dst = value_at(plan, unit->stage.dst);
    /* oneDNN takes the bias without const; forward only reads it. */
    float *bias = unit->stage.bn != BYOL__NONE ? staged(plan, unit->staged_bias)
                                               : (float *)(uintptr_t)(plan->bound.params + unit->bias.offset);
    BYOL__TRY(byol__contraction_bind(unit->forward, src, staged(plan, unit->staged_forward), bias, dst,
                                     at(plan, unit->scratch), error));
    norm_input(plan, unit, unit->forward);
    if (unit->gathers_for != BYOL__NONE)
        unit->gathered = byol__contraction_gather_moments(unit->forward, at(plan, unit->moments));
    if (unit->backward_weights == NULL) return BYOL_OK;
    void *dy = at(plan, unit->dy[0]), *scratch = at(plan, unit->backward_scratch);
    BYOL__TRY(byol__contraction_bind(unit->backward_weights, src, at(plan, unit->diff_weights),
                                     at(plan, unit->diff_bias), dy, scratch, error));
    norm_input(plan, unit, unit->backward_weights);
    if (unit->backward_data == NULL) return BYOL_OK;
    return byol__contraction_bind(unit->backward_data, at(plan, unit->dx), staged(plan, unit->staged_backward), NULL,
                                  dy, scratch, error);
}

static void bind_pointwise(byol__plan *plan, byol__unit *unit) {
    byol__pointwise *p = &unit->pointwise;
    const byol__binding *bound = &plan->bound;
    p->x = value_at(plan, unit->stage.src);
    p->residual = unit->stage.residual == BYOL__NO_VALUE ? NULL : value_at(plan, unit->stage.residual);
    p->y = unit->applied_by == BYOL__NONE ? value_at(plan, unit->stage.dst) : NULL;
    p->moments = unit->gathered_by == BYOL__NONE ? NULL : plan->units[unit->gathered_by].gathered;
    p->mean = at(plan, unit->mean);
    p->inv_std = at(plan, unit->inv_std);
    p->scale = p->fixed ? staged(plan, unit->staged_forward) : at(plan, unit->scale);
    p->shift = p->fixed ? staged(plan, unit->staged_bias) : at(plan, unit->shift);
    p->partial = at(plan, unit->partial);
    if (unit->stage.bn != BYOL__NONE) {
        p->gamma = bound->params + unit->gamma.offset;
        p->beta = bound->params + unit->beta.offset;
        p->running_mean = bound->statistics + unit->running_mean.offset;
        p->running_var = bound->statistics + unit->running_var.offset;
        p->diff_gamma = bound->grads == NULL ? NULL : bound->grads + unit->gamma.offset;
        p->diff_beta = bound->grads == NULL ? NULL : bound->grads + unit->beta.offset;
    }
    p->dy_count = unit->dy_count < BYOL__DIFFS ? unit->dy_count : BYOL__DIFFS;
    for (int i = 0; i < p->dy_count; i++) p->dy[i] = at(plan, unit->dy[i]);
    p->g = at(plan, unit->g);
    p->dx = at(plan, unit->dx);
}

static void bind_pool(byol__plan *plan, byol__unit *unit) {
    unit->pool.x = value_at(plan, unit->stage.src);
    unit->pool.y = value_at(plan, unit->stage.dst);
    unit->pool.dy = unit->dy_count > 0 ? at(plan, unit->dy[0]) : NULL;
    unit->pool.dx = at(plan, unit->dx);
}

byol_status byol__plan_bind(byol__plan *plan, const byol__binding *binding, byol_error *error) {
    if (plan->options.mode == BYOL__TRAIN && binding->grads == NULL)
        return byol__fail(error, BYOL_INVALID, "a training plan needs a gradient arena");
    plan->bound = *binding;
    for (int i = 0; i < plan->unit_count; i++) {
        byol__unit *unit = &plan->units[i];
        switch (unit->stage.kind) {
        case BYOL__STAGE_CONTRACT: BYOL__TRY(bind_contraction(plan, unit, error)); break;
        case BYOL__STAGE_POINTWISE: bind_pointwise(plan, unit); break;
        case BYOL__STAGE_MAX_POOL:
        case BYOL__STAGE_AVG_POOL: bind_pool(plan, unit); break;
        case BYOL__STAGE_FLATTEN: break;
        }
    }
    return BYOL_OK;
}

/* ---- stage ---- */

/* Batch norm with running statistics is y = scale x + shift. */
static void fixed_scale(const byol__plan *plan, const byol__unit *unit, size_t channel, float *scale, float *shift) {
    const byol__binding *b = &plan->bound;
    float variance = b->statistics[unit->running_var.offset + channel];
    *scale = b->params[unit->gamma.offset + channel] / sqrtf(variance + 1e-5f);
    *shift = b->params[unit->beta.offset + channel] - b->statistics[unit->running_mean.offset + channel] * *scale;
}

/* scale (w x + b) + shift = (scale w) x + (scale b + shift) */
static void stage_folded(byol__plan *plan, byol__unit *unit) {
    const float *weight = plan->bound.params + unit->weight.offset, *bias = plan->bound.params + unit->bias.offset;
    size_t channels = unit->gamma.count, row = unit->weight.count / channels;
    float *folded_bias = staged(plan, unit->staged_bias);
    for (size_t c = 0; c < channels; c++) {
        float scale, shift;
        fixed_scale(plan, unit, c, &scale, &shift);
        for (size_t i = 0; i < row; i++) plan->fold[c * row + i] = scale * weight[c * row + i];
        folded_bias[c] = shift + (unit->bias.count > 0 ? scale * bias[c] : 0);
    }
    byol__contraction_stage(unit->forward, plan->fold);
}

static void stage_unit(byol__plan *plan, byol__unit *unit) {
    if (unit->pointwise.fixed)
        for (size_t c = 0; c < unit->gamma.count; c++)
            fixed_scale(plan, unit, c, &unit->pointwise.scale[c], &unit->pointwise.shift[c]);
    if (unit->forward == NULL) return;
    if (unit->stage.bn != BYOL__NONE) {
        stage_folded(plan, unit);
        return;
    }
    const float *weight = plan->bound.params + unit->weight.offset;
    byol__contraction_stage(unit->forward, weight);
    if (unit->own_backward_weights) byol__contraction_stage(unit->backward_data, weight);
}

void byol__plan_stage(byol__plan *plan) {
    double begin = byol__now();
    for (int i = 0; i < plan->unit_count; i++) stage_unit(plan, &plan->units[i]);
    byol__profile_add(plan->profile, BYOL__WORK_STAGE, begin, 0, plan->staging_bytes);
}

/* ---- run ---- */

static byol__layout plain(const byol__slot *slot) {
    byol__layout layout = slot->layout;
    layout.dtype = BYOL__F32;
    layout.format = BYOL__NCHW;
    return layout;
}

/* What flatten's source looks like as (n, c, h, w), plain, in the plan's precision: the same memory as its destination.
 */
static byol__layout unflattened(const byol__slot *src) {
    byol__layout layout = src->layout;
    layout.format = BYOL__NCHW;
    return layout;
}

void byol__plan_profile(byol__plan *plan, byol__profile *profile) { plan->profile = profile; }

static size_t value_bytes(const byol__plan *plan, int value) {
    return value == BYOL__NO_VALUE ? 0 : byol__layout_bytes(&plan->slots[value].layout);
}

static void run_contraction(byol__plan *plan, const byol__unit *unit, byol__contraction *contraction) {
    double begin = byol__now();
    byol__contraction_run(contraction);
    size_t bytes = value_bytes(plan, unit->stage.src) + value_bytes(plan, unit->stage.dst) +
                   byol__contraction_weights_bytes(contraction);
    byol__profile_add(plan->profile, byol__contraction_work(contraction), begin, unit->flops, bytes);
}

/* What is no contraction makes no FLOPs worth counting. */
static void note_forward(const byol__plan *plan, const byol__unit *unit, double begin) {
    const byol__stage *stage = &unit->stage;
    const byol__pointwise *p = &unit->pointwise;
    size_t src = value_bytes(plan, stage->src),
           rest = value_bytes(plan, stage->dst) + value_bytes(plan, stage->residual);
    size_t sums = p->normalize && p->moments == NULL ? src : 0, apply = unit->applied_by == BYOL__NONE ? src + rest : 0;
    if (stage->kind == BYOL__STAGE_POINTWISE)
        byol__profile_add(plan->profile, BYOL__WORK_NORM_FORWARD, begin, 0, sums + apply);
    else if (stage->kind != BYOL__STAGE_CONTRACT)
        byol__profile_add(plan->profile, BYOL__WORK_POOL, begin, 0, src + rest);
}

/* Batch norm reads its source and the gradients twice. */
static void note_backward(const byol__plan *plan, const byol__unit *unit, double begin) {
    const byol__stage *stage = &unit->stage;
    size_t src = value_bytes(plan, stage->src), dst = value_bytes(plan, stage->dst);
    bool mask = unit->pointwise.relu && (unit->stage.bn == BYOL__NONE || stage->residual != BYOL__NO_VALUE);
    size_t reads = unit->pointwise.normalize ? 2 * src + 2 * (mask + unit->pointwise.dy_count) * dst : 0;
    if (stage->kind == BYOL__STAGE_POINTWISE)
        byol__profile_add(plan->profile, BYOL__WORK_NORM_BACKWARD, begin, 0,
                          src + (unit->g != BYOL__NO_BUFFER) * dst + reads);
    else if (stage->kind != BYOL__STAGE_CONTRACT)
        byol__profile_add(plan->profile, BYOL__WORK_POOL, begin, 0, src + dst);
}

static void forward_unit(byol__plan *plan, byol__unit *unit) {
    double begin = byol__now();
    switch (unit->stage.kind) {
    case BYOL__STAGE_CONTRACT: run_contraction(plan, unit, unit->forward); break;
    case BYOL__STAGE_POINTWISE: plan->kernels->pointwise_forward(&unit->pointwise); break;
    case BYOL__STAGE_MAX_POOL: plan->kernels->max_pool_forward(&unit->pool); break;
    case BYOL__STAGE_AVG_POOL: plan->kernels->avg_pool_forward(&unit->pool); break;
    case BYOL__STAGE_FLATTEN: {
        const byol__slot *src = &plan->slots[unit->stage.src];
        byol__layout to = unflattened(src);
        byol__layout_convert(&to, value_at(plan, unit->stage.dst), &src->layout, value_at(plan, unit->stage.src));
        break;
    }
    }
    note_forward(plan, unit, begin);
}

void byol__plan_forward(byol__plan *plan, const float *images) {
    byol__layout from = plain(&plan->slots[0]);
    double begin = byol__now();
    byol__layout_convert(&plan->slots[0].layout, value_at(plan, 0), &from, images);
    byol__profile_add(plan->profile, BYOL__WORK_LAYOUT, begin, 0, byol__layout_bytes(&from) + value_bytes(plan, 0));
    for (int i = 0; i < plan->unit_count; i++) forward_unit(plan, &plan->units[i]);
}

void byol__plan_read(const byol__plan *plan, byol__output output, float *dst) {
    const byol__slot *slot = &plan->slots[plan->output[output]];
    byol__layout to = plain(slot);
    byol__layout_convert(&to, dst, &slot->layout, at(plan, slot->buffer));
}

/* All kernels but the pointwise one take a single gradient, and that one takes three: the others are added up before.
 */
static void add_diffs(byol__plan *plan, const byol__unit *unit) {
    int taken = unit->stage.kind == BYOL__STAGE_POINTWISE ? BYOL__DIFFS : 1;
    for (int i = taken; i < unit->dy_count; i++)
        plan->kernels->add(&plan->slots[unit->stage.dst].layout, at(plan, unit->dy[0]), at(plan, unit->dy[i]));
}

static void backward_contraction(byol__plan *plan, byol__unit *unit) {
    run_contraction(plan, unit, unit->backward_weights);
    double begin = byol__now();
    byol__contraction_collect(unit->backward_weights, plan->bound.grads + unit->weight.offset);
    byol__profile_add(plan->profile, BYOL__WORK_STAGE, begin, 0,
                      byol__contraction_weights_bytes(unit->backward_weights) + 2 * unit->weight.count * sizeof(float));
    const float *diff_bias = at(plan, unit->diff_bias);
    for (size_t i = 0; i < unit->bias.count; i++) plan->bound.grads[unit->bias.offset + i] += diff_bias[i];
    if (unit->backward_data != NULL) run_contraction(plan, unit, unit->backward_data);
}

static void backward_unit(byol__plan *plan, byol__unit *unit) {
    double begin = byol__now();
    add_diffs(plan, unit);
    switch (unit->stage.kind) {
    case BYOL__STAGE_CONTRACT: backward_contraction(plan, unit); break;
    case BYOL__STAGE_POINTWISE: plan->kernels->pointwise_backward(&unit->pointwise); break;
    case BYOL__STAGE_MAX_POOL:
        if (unit->pool.dx != NULL) plan->kernels->max_pool_backward(&unit->pool);
        break;
    case BYOL__STAGE_AVG_POOL:
        if (unit->pool.dx != NULL) plan->kernels->avg_pool_backward(&unit->pool);
        break;
    case BYOL__STAGE_FLATTEN: {
        if (unit->dx == BYOL__NO_BUFFER) break;
        const byol__slot *src = &plan->slots[unit->stage.src];
        byol__layout from = unflattened(src);
        byol__layout_convert(&src->layout, at(plan, unit->dx), &from, at(plan, unit->dy[0]));
        break;
    }
    }
    note_backward(plan, unit, begin);
}

static void take_diff(const byol__plan *plan, byol__output output, int buffer, const float *diff) {
    const byol__slot *slot = &plan->slots[plan->output[output]];
    byol__layout from = plain(slot);
    byol__layout_convert(&slot->layout, at(plan, buffer), &from, diff);
}

void byol__plan_diff_projection(byol__plan *plan, const float *diff) {
    take_diff(plan, BYOL__PROJECTION, plan->diff_projection, diff);
}

void byol__plan_backward(byol__plan *plan, const float *diff) {
    take_diff(plan, plan->options.output, plan->diff_output, diff);
    for (int i = plan->unit_count - 1; i >= 0; i--) backward_unit(plan, &plan->units[i]);
}

static bool is_kept(const byol__plan *plan, byol__value_id id) {
    if (id >= (byol__value_id)plan->slot_count || plan->slots[id].buffer == BYOL__NO_BUFFER) return false;
    for (int i = 0; i < plan->unit_count; i++)
        if (plan->units[i].stage.dst == (int)id) return plan->units[i].applied_by == BYOL__NONE;
    return true; /* the input */
}

byol_status byol__plan_read_value(const byol__plan *plan, byol__value_id id, float *dst, byol_error *error) {
    if (!is_kept(plan, id)) return byol__fail(error, BYOL_NOT_FOUND, "this plan does not keep value %u", (unsigned)id);
    byol__layout to = plain(&plan->slots[id]);
    byol__layout_convert(&to, dst, &plan->slots[id].layout, value_at(plan, (int)id));
    return BYOL_OK;
}
