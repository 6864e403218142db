/* Compiling: stages -> units with formats, primitives and buffers. Formats flow forward: each contraction takes its
 * source as it lies and the plan keeps to the format that the first convolution chose, so nothing is ever reordered in
 * between. */
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "plan/plan_private.h"

typedef struct compiler {
    byol__plan *plan;
    const byol__graph *graph;
    byol__format trunk; /* what the options ask for, or the first convolution chose; FORMAT_ANY before it */
    byol_error *error;
} compiler;

/* ---- time ---- */

/* Unit i runs forward in slot i, backward in slot 2 units - 1 - i. */
static int backward_slot(const byol__plan *plan, int unit) { return 2 * plan->unit_count - 1 - unit; }

static bool trains(const byol__plan *plan) { return plan->options.mode == BYOL__TRAIN; }

/* ---- buffers ---- */

static byol_status new_buffer(compiler *c, size_t bytes, int first, int last, int *id) {
    byol__plan *plan = c->plan;
    if (plan->buffer_count == plan->buffer_capacity) {
        int capacity = plan->buffer_capacity ? 2 * plan->buffer_capacity : 256;
        byol__buffer *grown = realloc(plan->buffers, (size_t)capacity * sizeof *grown);
        if (grown == NULL) return byol__fail(c->error, BYOL_MEMORY, "no memory for the plan's buffer table");
        plan->buffers = grown;
        plan->buffer_capacity = capacity;
    }
    *id = plan->buffer_count;
    plan->buffers[plan->buffer_count++] = (byol__buffer){.bytes = bytes, .first = first, .last = last};
    return BYOL_OK;
}

static void keep_until(byol__plan *plan, int buffer, int slot) {
    if (plan->buffers[buffer].last < slot) plan->buffers[buffer].last = slot;
}

static byol_status floats(compiler *c, int count, int first, int last, int *id) {
    return new_buffer(c, (size_t)count * sizeof(float), first, last, id);
}

/* ---- formats and primitives ---- */

static byol__layout layout_for(const compiler *c, int value, byol__format format) {
    byol__shape shape = c->graph->values[value].shape;
    return (byol__layout){c->plan->options.dtype, format, c->plan->options.batch, shape.c, shape.h, shape.w};
}

static byol__span span_of(const byol__table *table, int row) {
    if (row == BYOL__NONE) return (byol__span){0, 0};
    return (byol__span){table->rows[row].offset, table->rows[row].count};
}

static byol_status create(compiler *c, byol__unit *unit, byol__contraction **out, byol__contraction_desc desc) {
    byol_status status = byol__contraction_create(out, c->plan->dnn, &desc, c->error);
    if (status != BYOL_OK) return byol__fail_within(c->error, status, "%s", unit->name);
    return BYOL_OK;
}

static bool is_added(const byol__graph *graph, int value) {
    for (uint32_t i = 0; i < graph->node_count; i++) {
        const byol__node *node = &graph->nodes[i];
        if (node->op == BYOL__OP_ADD && ((int)node->src[0] == value || (int)node->src[1] == value)) return true;
    }
    return false;
}

/* oneDNN's own choice, but for plain NCHW pictures (its fallback where it has nothing better), for which our kernels
 * want channels last: they go along channels. What a shortcut adds again later must lie as the sum will. */
static byol_status create_forward(compiler *c, byol__unit *unit, byol__contraction_desc desc) {
    BYOL__TRY(create(c, unit, &unit->forward, desc));
    byol__format dst = byol__contraction_dst(unit->forward), src = byol__contraction_src(unit->forward);
    bool plain = dst == BYOL__NCHW && desc.oh * desc.ow > 1 && c->plan->options.format == BYOL__FORMAT_ANY;
    bool apart = src != dst && is_added(c->graph, unit->stage.src);
    bool good = src != BYOL__FORMAT_ANY && dst != BYOL__FORMAT_ANY && !plain && !apart;
    if (desc.linear || good) return BYOL_OK;
    byol__contraction_free(unit->forward);
    unit->forward = NULL;
    if (desc.src_format == BYOL__FORMAT_ANY) desc.src_format = BYOL__NHWC;
    desc.dst_format = BYOL__NHWC;
    return create(c, unit, &unit->forward, desc);
}

static byol_status compile_contraction(compiler *c, byol__unit *unit) {
    byol__plan *plan = c->plan;
    const byol__node *node = &c->graph->nodes[unit->stage.node];
    byol__slot *src = &plan->slots[unit->stage.src], *dst = &plan->slots[unit->stage.dst];
    byol__shape in = c->graph->values[unit->stage.src].shape, out = c->graph->values[unit->stage.dst].shape;
    bool linear = node->op == BYOL__OP_LINEAR, eval = plan->options.mode == BYOL__EVAL;
    if (linear && src->layout.format != BYOL__NCHW)
        return byol__fail(c->error, BYOL_UNSUPPORTED, "%s: put a flatten before this linear layer", unit->name);
    unit->weight = span_of(&c->graph->params, node->weight);
    unit->bias = span_of(&c->graph->params, node->bias);
    unit->flops = byol__node_flops(c->graph, node) * (uint64_t)plan->options.batch;

    byol__contraction_desc desc = {
        .pass = BYOL__FORWARD,
        .linear = linear,
        .inference = !trains(plan),
        .dtype = plan->options.dtype,
        .n = plan->options.batch,
        .ic = in.c,
        .ih = in.h,
        .iw = in.w,
        .oc = out.c,
        .oh = out.h,
        .ow = out.w,
        .kernel = linear ? 1 : node->kernel,
        .stride = linear ? 1 : node->stride,
        .padding = linear ? 0 : node->padding,
        .groups = linear ? 1 : node->groups,
        .bias = node->bias != BYOL__NONE || (eval && unit->stage.bn != BYOL__NONE),
        .relu = unit->stage.relu,
        .src_format = src->layout.format,
        .dst_format = linear ? BYOL__NCHW : c->trunk,
    };
    BYOL__TRY(create_forward(c, unit, desc));
    src->layout.format = byol__contraction_src(unit->forward);
    dst->layout = layout_for(c, unit->stage.dst, byol__contraction_dst(unit->forward));
    if (!linear) c->trunk = dst->layout.format;

    if (!trains(plan)) return BYOL_OK;
    desc.src_format = src->layout.format;
    desc.dst_format = dst->layout.format;
    desc.relu = false;
    desc.pass = BYOL__BACKWARD_WEIGHTS;
    BYOL__TRY(create(c, unit, &unit->backward_weights, desc));
    if (!src->wants_grad) return BYOL_OK;
    desc.pass = BYOL__BACKWARD_DATA;
    desc.bias = false;
    return create(c, unit, &unit->backward_data, desc);
}

static void compile_pointwise(compiler *c, byol__unit *unit) {
    const byol__stage *stage = &unit->stage;
    const byol__slot *src = &c->plan->slots[stage->src];
    unit->pointwise = (byol__pointwise){
        .layout = src->layout,
        .normalize = stage->bn != BYOL__NONE && c->plan->options.mode != BYOL__EVAL,
        .fixed = stage->bn != BYOL__NONE && c->plan->options.mode == BYOL__EVAL,
        .relu = stage->relu,
    };
    c->plan->slots[stage->dst].layout = src->layout;
}

static void compile_pool(compiler *c, byol__unit *unit) {
    const byol__node *node = &c->graph->nodes[unit->stage.node];
    const byol__slot *src = &c->plan->slots[unit->stage.src];
    bool global = node->op == BYOL__OP_GLOBAL_AVG_POOL;
    byol__layout dst = layout_for(c, unit->stage.dst, global ? BYOL__NCHW : src->layout.format);
    c->plan->slots[unit->stage.dst].layout = dst;
    unit->pool = (byol__pool){src->layout, dst, node->kernel, node->stride, node->padding, NULL, NULL, NULL, NULL};
}

static byol_status compile_unit(compiler *c, byol__unit *unit, const byol__stage *stage) {
    const byol__node *node = &c->graph->nodes[stage->node];
    byol__plan *plan = c->plan;
    unit->stage = *stage;
    memcpy(unit->name, node->name, sizeof unit->name);
    unit->mean = unit->inv_std = unit->scale = unit->shift = unit->partial = BYOL__NO_BUFFER;
    unit->scratch = unit->backward_scratch = unit->diff_weights = unit->diff_bias = BYOL__NO_BUFFER;
    unit->dx = unit->g = BYOL__NO_BUFFER;
    unit->moments = BYOL__NO_BUFFER;
    unit->applied_by = unit->applies_norm_of = unit->gathered_by = unit->gathers_for = BYOL__NONE;
    if (stage->bn != BYOL__NONE) {
        const byol__node *bn = &c->graph->nodes[stage->bn];
        unit->gamma = span_of(&c->graph->params, bn->weight);
        unit->beta = span_of(&c->graph->params, bn->bias);
        unit->running_mean = span_of(&c->graph->statistics, bn->running_mean);
        unit->running_var = span_of(&c->graph->statistics, bn->running_var);
    }
    /* An input that no convolution has claimed (a linear layer, a pool) is plain. */
    byol__slot *src = &plan->slots[stage->src];
    if (src->layout.format == BYOL__FORMAT_ANY && node->op != BYOL__OP_CONV) src->layout.format = BYOL__NCHW;
    if (stage->residual != BYOL__NO_VALUE && plan->slots[stage->residual].layout.format != src->layout.format)
        return byol__fail(c->error, BYOL_UNSUPPORTED, "%s: its two sides lie differently in memory", unit->name);
    bool has_params = stage->kind == BYOL__STAGE_CONTRACT || stage->bn != BYOL__NONE;
    plan->slots[stage->dst].wants_grad = has_params || src->wants_grad;

    switch (stage->kind) {
    case BYOL__STAGE_CONTRACT: return compile_contraction(c, unit);
    case BYOL__STAGE_POINTWISE: compile_pointwise(c, unit); break;
    case BYOL__STAGE_MAX_POOL:
    case BYOL__STAGE_AVG_POOL: compile_pool(c, unit); break;
    case BYOL__STAGE_FLATTEN: plan->slots[stage->dst].layout = layout_for(c, stage->dst, BYOL__NCHW); break;
    }
    return BYOL_OK;
}

/* ---- lifetimes, forward ---- */

/* Does the backward pass of `unit` read its source, its destination? */
static bool backward_reads_src(const byol__unit *unit) {
    return unit->stage.kind == BYOL__STAGE_CONTRACT || unit->stage.kind == BYOL__STAGE_MAX_POOL ||
           (unit->stage.kind == BYOL__STAGE_POINTWISE && unit->stage.bn != BYOL__NONE);
}

/* A ReLU right behind a batch norm: backward makes what it saw again from the norm's source. */
static bool remakes_sum(const byol__unit *unit) {
    return unit->stage.bn != BYOL__NONE && unit->stage.residual == BYOL__NO_VALUE;
}

static bool backward_reads_dst(const byol__unit *unit) {
    return unit->stage.kind == BYOL__STAGE_MAX_POOL ||
           (unit->stage.kind == BYOL__STAGE_POINTWISE && unit->stage.relu && !remakes_sum(unit));
}

static int count_readers(const byol__plan *plan, int value) {
    int readers = 0;
    for (int i = 0; i < plan->unit_count; i++)
        readers += (plan->units[i].stage.src == value) + (plan->units[i].stage.residual == value);
    for (int mark = 0; mark < BYOL__OUTPUTS; mark++)
        readers += (plan->has_output >> mark & 1u) && (int)plan->output[mark] == value;
    return readers;
}

/* The unit that makes a value, or BYOL__NONE. */
static int producer(const byol__plan *plan, int value) {
    for (int i = 0; i < plan->unit_count; i++)
        if (plan->units[i].stage.dst == value) return i;
    return BYOL__NONE;
}

/* A batch norm and its ReLU that one convolution alone reads are applied by that, as it reads: the norm's unit finds
 * the scale and the shift and writes nothing, and what it would have written takes no memory. */
static void hand_norm_on(byol__plan *plan, int reader) {
    byol__unit *unit = &plan->units[reader];
    int maker = producer(plan, unit->stage.src);
    if (maker == BYOL__NONE || unit->forward == NULL || !byol__contraction_can_norm_input(unit->forward)) return;
    if (trains(plan) && !byol__contraction_can_norm_input(unit->backward_weights)) return;
    byol__unit *norm = &plan->units[maker];
    bool plain = norm->pointwise.normalize && norm->stage.relu && norm->stage.residual == BYOL__NO_VALUE;
    if (!plain || count_readers(plan, unit->stage.src) != 1) return;
    norm->applied_by = reader;
    unit->applies_norm_of = maker;
}

/* A convolution in front of a batch norm gathers what that wants to know, while it has it in hand. */
static void gather_moments(byol__plan *plan, int norm) {
    byol__unit *unit = &plan->units[norm];
    int maker = producer(plan, unit->stage.src);
    if (maker == BYOL__NONE || !unit->pointwise.normalize || plan->units[maker].forward == NULL) return;
    if (byol__contraction_moments_bytes(plan->units[maker].forward) == 0) return;
    unit->gathered_by = maker;
    plan->units[maker].gathers_for = norm;
}

/* A pointwise stage writes over its source where nobody will read that again. */
static bool runs_in_place(const byol__plan *plan, const byol__unit *unit) {
    if (unit->stage.kind != BYOL__STAGE_POINTWISE || count_readers(plan, unit->stage.src) != 1) return false;
    int maker = producer(plan, unit->stage.src);
    if (maker == BYOL__NONE) return false;
    return !trains(plan) || (!backward_reads_src(unit) && !backward_reads_dst(&plan->units[maker]));
}

static byol_status place_value(compiler *c, byol__unit *unit, int index) {
    byol__plan *plan = c->plan;
    byol__slot *dst = &plan->slots[unit->stage.dst];
    const byol__slot *src = &plan->slots[unit->stage.src];
    if (unit->applied_by != BYOL__NONE || runs_in_place(plan, unit))
        dst->buffer = src->buffer;
    else
        BYOL__TRY(new_buffer(c, byol__layout_bytes(&dst->layout), index, index, &dst->buffer));
    keep_until(plan, src->buffer, index);
    keep_until(plan, dst->buffer, index);
    if (unit->stage.residual != BYOL__NO_VALUE) keep_until(plan, plan->slots[unit->stage.residual].buffer, index);
    if (!trains(plan)) return BYOL_OK;
    if (backward_reads_src(unit)) keep_until(plan, src->buffer, backward_slot(plan, index));
    if (backward_reads_dst(unit)) keep_until(plan, dst->buffer, backward_slot(plan, index));
    return BYOL_OK;
}

static byol_status place_scratch(compiler *c, byol__unit *unit, int index) {
    if (unit->forward != NULL)
        BYOL__TRY(new_buffer(c, byol__contraction_scratch_bytes(unit->forward), index, index, &unit->scratch));
    if (unit->gathers_for != BYOL__NONE)
        BYOL__TRY(
            new_buffer(c, byol__contraction_moments_bytes(unit->forward), index, unit->gathers_for, &unit->moments));
    if (unit->stage.kind != BYOL__STAGE_POINTWISE || unit->stage.bn == BYOL__NONE) return BYOL_OK;
    int last = trains(c->plan)                  ? backward_slot(c->plan, index)
               : unit->applied_by != BYOL__NONE ? unit->applied_by
                                                : index;
    /* Padded to what the widest vector may touch. */
    int padded = (unit->pointwise.layout.c + 15) / 16 * 16;
    BYOL__TRY(floats(c, padded, index, last, &unit->mean));
    BYOL__TRY(floats(c, padded, index, last, &unit->inv_std));
    BYOL__TRY(floats(c, padded, index, last, &unit->scale));
    BYOL__TRY(floats(c, 3 * padded, index, last, &unit->shift));
    return new_buffer(c, byol__pointwise_partials(&unit->pointwise.layout) * sizeof(double), index, last,
                      &unit->partial);
}

/* ---- lifetimes, backward ---- */

/* Leaves `buffer` for the maker of `value` as one reader's gradient. */
static byol_status leave_diff(compiler *c, int value, int buffer) {
    byol__slot *s = &c->plan->slots[value];
    if (s->diff_count == BYOL__MAX_FANOUT)
        return byol__fail(c->error, BYOL_UNSUPPORTED, "a value is read by more than %d layers", BYOL__MAX_FANOUT);
    s->diffs[s->diff_count++] = buffer;
    return BYOL_OK;
}

static byol_status new_diff(compiler *c, int value, int slot, int *id) {
    BYOL__TRY(new_buffer(c, byol__layout_bytes(&c->plan->slots[value].layout), slot, slot, id));
    return leave_diff(c, value, *id);
}

/* Takes over what the readers of this unit's destination have left. */
static byol_status collect_diffs(compiler *c, byol__unit *unit, int slot) {
    const byol__slot *dst = &c->plan->slots[unit->stage.dst];
    if (dst->diff_count == 0) return byol__fail(c->error, BYOL_INVALID, "%s: nothing behind it is trained", unit->name);
    unit->dy_count = dst->diff_count;
    for (int i = 0; i < dst->diff_count; i++) {
        unit->dy[i] = dst->diffs[i];
        keep_until(c->plan, unit->dy[i], slot);
    }
    return BYOL_OK;
}

static byol_status place_backward(compiler *c, byol__unit *unit, int slot) {
    byol__plan *plan = c->plan;
    BYOL__TRY(collect_diffs(c, unit, slot));
    const byol__slot *src = &plan->slots[unit->stage.src];
    if (unit->stage.kind == BYOL__STAGE_CONTRACT) {
        size_t scratch = byol__contraction_scratch_bytes(unit->backward_weights);
        size_t other = unit->backward_data != NULL ? byol__contraction_scratch_bytes(unit->backward_data) : 0;
        BYOL__TRY(new_buffer(c, scratch > other ? scratch : other, slot, slot, &unit->backward_scratch));
        BYOL__TRY(
            new_buffer(c, byol__contraction_weights_bytes(unit->backward_weights), slot, slot, &unit->diff_weights));
        if (unit->bias.count > 0) BYOL__TRY(floats(c, (int)unit->bias.count, slot, slot, &unit->diff_bias));
    }
    int residual = unit->stage.residual;
    if (residual != BYOL__NO_VALUE && plan->slots[residual].wants_grad)
        BYOL__TRY(new_diff(c, residual, slot, &unit->g));
    if (!src->wants_grad) return BYOL_OK;
    if (unit->stage.kind != BYOL__STAGE_POINTWISE) return new_diff(c, unit->stage.src, slot, &unit->dx);
    unit->dx = unit->dy[0]; /* element by element, so it may write over what it has read */
    return leave_diff(c, unit->stage.src, unit->dx);
}

/* ---- staging memory ---- */

static size_t reserve(size_t *total, size_t bytes) {
    size_t offset = *total;
    *total += byol__align_up(bytes);
    return offset;
}

static void place_staging(byol__plan *plan) {
    for (int i = 0; i < plan->unit_count; i++) {
        byol__unit *unit = &plan->units[i];
        if (unit->pointwise.fixed) {
            unit->staged_forward = reserve(&plan->staging_bytes, (unit->gamma.count + 16) * sizeof(float));
            unit->staged_bias = reserve(&plan->staging_bytes, (unit->gamma.count + 16) * sizeof(float));
        }
        if (unit->forward == NULL) continue;
        unit->staged_forward = reserve(&plan->staging_bytes, byol__contraction_weights_bytes(unit->forward));
        unit->staged_backward = unit->staged_forward;
        unit->own_backward_weights =
            unit->backward_data != NULL && !byol__contraction_same_weights(unit->forward, unit->backward_data);
        if (unit->own_backward_weights)
            unit->staged_backward = reserve(&plan->staging_bytes, byol__contraction_weights_bytes(unit->backward_data));
        if (unit->stage.bn == BYOL__NONE) continue;
        unit->staged_bias = reserve(&plan->staging_bytes, unit->gamma.count * sizeof(float));
        if (plan->fold_floats < unit->weight.count) plan->fold_floats = unit->weight.count;
    }
}

/* ---- the whole ---- */

static byol_status compile_forward(compiler *c, const byol__stage *stages) {
    byol__plan *plan = c->plan;
    for (int i = 0; i < plan->unit_count; i++) BYOL__TRY(compile_unit(c, &plan->units[i], &stages[i]));
    for (int i = 0; i < plan->unit_count; i++) hand_norm_on(plan, i);
    for (int i = 0; i < plan->unit_count; i++) gather_moments(plan, i);
    byol__slot *input = &plan->slots[0];
    BYOL__TRY(new_buffer(c, byol__layout_bytes(&input->layout), 0, 0, &input->buffer));
    for (int i = 0; i < plan->unit_count; i++) {
        BYOL__TRY(place_value(c, &plan->units[i], i));
        BYOL__TRY(place_scratch(c, &plan->units[i], i));
    }
    /* Outputs are there to be read until backward begins. */
    for (int mark = 0; mark < BYOL__OUTPUTS; mark++)
        if (plan->has_output >> mark & 1u)
            keep_until(plan, plan->slots[plan->output[mark]].buffer, plan->unit_count - 1);
    return BYOL_OK;
}

static byol_status compile_backward(compiler *c) {
    byol__plan *plan = c->plan;
    BYOL__TRY(new_diff(c, (int)plan->output[plan->options.output], plan->unit_count, &plan->diff_output));
    if (plan->options.diff_projection)
        BYOL__TRY(new_diff(c, (int)plan->output[BYOL__PROJECTION], plan->unit_count, &plan->diff_projection));
    for (int i = plan->unit_count - 1; i >= 0; i--)
        BYOL__TRY(place_backward(c, &plan->units[i], backward_slot(plan, i)));
    return BYOL_OK;
}

static byol_status compile_stages(compiler *c, const byol__stage *stages) {
    byol__plan *plan = c->plan;
    const byol__graph *graph = c->graph;
    BYOL__TRY(byol__alloc(&plan->units, (size_t)plan->unit_count, sizeof *plan->units, "plan", c->error));
    BYOL__TRY(byol__alloc(&plan->slots, graph->value_count, sizeof *plan->slots, "plan", c->error));
    plan->slot_count = (int)graph->value_count;
    for (int i = 0; i < plan->slot_count; i++) plan->slots[i].buffer = BYOL__NO_BUFFER;
    plan->slots[0].layout = layout_for(c, 0, BYOL__FORMAT_ANY);
    /* The outputs on the way to the last one can be read too. */
    for (int mark = 0; mark <= (int)plan->options.output; mark++) {
        plan->output[mark] = graph->output[mark];
        plan->has_output |= graph->has_output & 1u << mark;
    }
    BYOL__TRY(compile_forward(c, stages));
    if (trains(plan)) BYOL__TRY(compile_backward(c));
    place_staging(plan);

    int *order;
    BYOL__TRY(byol__alloc(&order, (size_t)plan->buffer_count, sizeof *order, "plan", c->error));
    plan->workspace_bytes = byol__place_buffers(plan->buffers, plan->buffer_count, order);
    byol__free(order);
    BYOL__TRY(byol__alloc(&plan->staging, plan->staging_bytes, 1, "staged weights", c->error));
    return byol__alloc(&plan->fold, plan->fold_floats, sizeof(float), "folded weights", c->error);
}

byol_status byol__plan_compile(byol__plan *plan, const byol__graph *graph, byol_error *error) {
    compiler c = {.plan = plan, .graph = graph, .trunk = plan->options.format, .error = error};
    if (!(graph->has_output >> plan->options.output & 1u))
        return byol__fail(error, BYOL_INVALID, "the network does not have the output that is asked for");
    byol__stage *stages;
    BYOL__TRY(byol__alloc(&stages, graph->node_count, sizeof *stages, "plan", error));
    plan->unit_count = byol__fuse(graph, plan->options.mode, plan->options.output, stages);
    byol_status status = plan->unit_count < 0 ? byol__fail(error, BYOL_MEMORY, "no memory to plan the network")
                                              : compile_stages(&c, stages);
    byol__free(stages);
    return status;
}
