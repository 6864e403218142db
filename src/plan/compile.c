/* Compiles stages into units with formats, primitives and buffers. Formats flow forward: each
 * contraction takes its source in the format it has, and the plan keeps the format that the first
 * convolution chose. So nothing is reordered in between. What is specific to an operation comes
 * from its table. */
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "plan/unit.h"

/* ---- units ---- */

static byol_status check_op(const byol__op *op, byol_error *error) {
    if (op->runs->reads == 0 && op->runs->reads_of == NULL)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "the operation %s does not say what its backward pass reads", op->kind);
    return BYOL_OK;
}

static byol_status compile_unit(byol__compiler *c, byol__unit *unit, const byol__stage *stage) {
    const byol__node *node = &c->graph->nodes[stage->node];
    byol__plan *plan = c->plan;
    BYOL__TRY(check_op(node->op, c->error));
    unit->stage = *stage;
    unit->op = node->op;
    memcpy(unit->name, node->name, sizeof unit->name);
    for (int i = 0; i < BYOL__SOURCES_MAX; i++) unit->dx[i] = BYOL__NO_BUFFER;
    unit->applied_by = BYOL__NONE;
    if (node->op->runs->state_bytes > 0)
        BYOL__TRY(byol__alloc(&unit->state, 1, node->op->runs->state_bytes, "plan", c->error));
    bool wants_grad = node->weight != BYOL__NONE || stage->bn != BYOL__NONE;
    for (int i = 0; i < BYOL__SOURCES_MAX && stage->src[i] != BYOL__NO_VALUE; i++) {
        byol__slot *src = &plan->slots[stage->src[i]];
        bool is_map = src->layout.h * src->layout.w > 1;
        if (src->layout.format == BYOL__FORMAT_ANY && !node->op->chooses_layout)
            src->layout.format = is_map && c->trunk != BYOL__FORMAT_ANY ? c->trunk : BYOL__NCHW;
        if (node->op->runs->in_place &&
            src->layout.format != plan->slots[stage->src[0]].layout.format)
            return byol__fail(c->error, BYOL_ERROR_UNSUPPORTED,
                              "%s: its two sides lie differently in memory", unit->name);
        wants_grad = wants_grad || src->wants_grad;
    }
    plan->slots[stage->dst].wants_grad = wants_grad && !stage->aside;
    return unit->op->compile(c, unit);
}

/* ---- lifetimes, forward ---- */

/* An element-by-element unit writes over its source if nobody reads that again. */
static bool runs_in_place(const byol__plan *plan, const byol__unit *unit) {
    if (!unit->op->runs->in_place || byol__count_readers(plan, unit->stage.src[0]) != 1)
        return false;
    int maker = byol__producer(plan, unit->stage.src[0]);
    if (maker == BYOL__NONE) return false;
    bool is_read = byol__backward_reads(unit) & BYOL__READS_SRC,
         is_read_before = byol__backward_reads(&plan->units[maker]) & BYOL__READS_DST;
    return !byol__trains(plan) || (!is_read && !is_read_before);
}

static byol_status place_value(byol__compiler *c, byol__unit *unit, int index) {
    byol__plan *plan = c->plan;
    byol__slot *dst = &plan->slots[unit->stage.dst];
    const byol__slot *src = &plan->slots[unit->stage.src[0]];
    if (unit->applied_by != BYOL__NONE || runs_in_place(plan, unit))
        dst->buffer = src->buffer;
    else
        BYOL__TRY(
            byol__new_buffer(c, byol__layout_bytes(&dst->layout), index, index, &dst->buffer));
    unsigned reads = byol__trains(plan) ? byol__backward_reads(unit) : 0;
    int later = byol__backward_slot(plan, index);
    for (int i = 0; i < BYOL__SOURCES_MAX && unit->stage.src[i] != BYOL__NO_VALUE; i++) {
        bool is_read = reads & (unsigned)BYOL__READS_SRC << i;
        byol__keep_until(plan, plan->slots[unit->stage.src[i]].buffer, is_read ? later : index);
    }
    byol__keep_until(plan, dst->buffer, reads & BYOL__READS_DST ? later : index);
    return BYOL_OK;
}

/* ---- lifetimes, backward ---- */

/* Leaves `buffer` to the producer of `value` as one reader's gradient. */
static byol_status leave_diff(byol__compiler *c, int value, int buffer) {
    byol__slot *s = &c->plan->slots[value];
    if (s->diff_count == BYOL__MAX_FANOUT)
        return byol__fail(c->error, BYOL_ERROR_UNSUPPORTED,
                          "a value is read by more than %d layers", BYOL__MAX_FANOUT);
    s->diffs[s->diff_count++] = buffer;
    return BYOL_OK;
}

static byol_status new_diff(byol__compiler *c, int value, int slot, int *id) {
    BYOL__TRY(
        byol__new_buffer(c, byol__layout_bytes(&c->plan->slots[value].layout), slot, slot, id));
    return leave_diff(c, value, *id);
}

/* Takes the gradients that the readers of this unit's destination have left. */
static byol_status collect_diffs(byol__compiler *c, byol__unit *unit, int slot) {
    const byol__slot *dst = &c->plan->slots[unit->stage.dst];
    if (dst->diff_count == 0)
        return byol__fail(c->error, BYOL_ERROR_INVALID, "%s: nothing behind it is trained",
                          unit->name);
    unit->dy_count = dst->diff_count;
    for (int i = 0; i < dst->diff_count; i++) {
        unit->dy[i] = dst->diffs[i];
        byol__keep_until(c->plan, unit->dy[i], slot);
    }
    return BYOL_OK;
}

static byol_status place_backward(byol__compiler *c, byol__unit *unit, int slot) {
    byol__plan *plan = c->plan;
    if (!plan->slots[unit->stage.dst].wants_grad) return BYOL_OK; /* it does not run backward */
    BYOL__TRY(collect_diffs(c, unit, slot));
    if (unit->op->runs->place_backward != NULL)
        BYOL__TRY(unit->op->runs->place_backward(c, unit, slot));
    for (int i = BYOL__SOURCES_MAX - 1; i >= 0; i--) {
        int src = unit->stage.src[i];
        if (src == BYOL__NO_VALUE || !plan->slots[src].wants_grad) continue;
        if (i > 0 || !unit->op->runs->in_place) {
            BYOL__TRY(new_diff(c, src, slot, &unit->dx[i]));
            continue;
        }
        unit->dx[0] = unit->dy[0]; /* element by element: it may write over what it has read */
        BYOL__TRY(leave_diff(c, src, unit->dx[0]));
    }
    return BYOL_OK;
}

/* ---- the whole ---- */

static byol_status compile_forward(byol__compiler *c, const byol__stage *stages) {
    byol__plan *plan = c->plan;
    for (int i = 0; i < plan->unit_count; i++)
        BYOL__TRY(compile_unit(c, &plan->units[i], &stages[i]));
    for (int i = 0; i < plan->unit_count; i++)
        if (plan->units[i].op->runs->join != NULL) plan->units[i].op->runs->join(plan, i);
    byol__slot *input = &plan->slots[0];
    BYOL__TRY(byol__new_buffer(c, byol__layout_bytes(&input->layout), 0, 0, &input->buffer));
    for (int i = 0; i < plan->unit_count; i++) {
        byol__unit *unit = &plan->units[i];
        BYOL__TRY(place_value(c, unit, i));
        if (unit->op->runs->place_forward != NULL)
            BYOL__TRY(unit->op->runs->place_forward(c, unit, i));
    }
    /* Outputs can be read until backward begins, if the last one needs them. */
    for (int mark = 0; mark < BYOL__OUTPUTS_MAX; mark++) {
        if (!(plan->has_output >> mark & 1u)) continue;
        int buffer = plan->slots[plan->output[mark]].buffer;
        if (buffer == BYOL__NO_BUFFER)
            plan->has_output &= ~(1u << mark);
        else
            byol__keep_until(plan, buffer, plan->unit_count - 1);
    }
    return BYOL_OK;
}

static byol_status compile_backward(byol__compiler *c) {
    byol__plan *plan = c->plan;
    byol__output last = plan->options.output;
    BYOL__TRY(new_diff(c, (int)plan->output[last], plan->unit_count, &plan->diff[last]));
    for (int mark = 0; mark < last; mark++)
        if (plan->options.diffs >> mark & 1u)
            BYOL__TRY(new_diff(c, (int)plan->output[mark], plan->unit_count, &plan->diff[mark]));
    for (int i = plan->unit_count - 1; i >= 0; i--)
        BYOL__TRY(place_backward(c, &plan->units[i], byol__backward_slot(plan, i)));
    for (int i = 0; i < plan->slots[0].diff_count; i++) /* those of the input are read at the end */
        byol__keep_until(plan, plan->slots[0].diffs[i], byol__backward_slot(plan, 0));
    if (plan->options.input_diff && plan->slots[0].diff_count == 0)
        return byol__fail(c->error, BYOL_ERROR_INVALID, "the output does not depend on the input");
    return BYOL_OK;
}

static byol_status compile_stages(byol__compiler *c, const byol__stage *stages) {
    byol__plan *plan = c->plan;
    const byol__graph *graph = c->graph;
    BYOL__TRY(
        byol__alloc(&plan->units, (size_t)plan->unit_count, sizeof *plan->units, "plan", c->error));
    BYOL__TRY(byol__alloc(&plan->slots, graph->value_count, sizeof *plan->slots, "plan", c->error));
    plan->slot_count = (int)graph->value_count;
    for (int i = 0; i < plan->slot_count; i++) plan->slots[i].buffer = BYOL__NO_BUFFER;
    /* Tokens lie in rows everywhere: those of a network that was cut, too. */
    bool is_tokens = graph->values[0].shape.rank == 2 && !graph->values[0].integers;
    plan->slots[0].layout = byol__layout_for(c, 0, is_tokens ? BYOL__NHWC : BYOL__FORMAT_ANY);
    plan->slots[0].wants_grad = plan->options.input_diff;
    /* The outputs before the last one can be read too. */
    for (int mark = 0; mark <= plan->options.output; mark++) {
        plan->output[mark] = graph->output[mark];
        plan->has_output |= graph->has_output & 1u << mark;
    }
    BYOL__TRY(compile_forward(c, stages));
    if (byol__trains(plan)) BYOL__TRY(compile_backward(c));
    for (int i = 0; i < plan->unit_count; i++)
        if (plan->units[i].op->runs->place_staging != NULL)
            plan->units[i].op->runs->place_staging(plan, &plan->units[i]);

    int *order;
    BYOL__TRY(byol__alloc(&order, (size_t)plan->buffer_count, sizeof *order, "plan", c->error));
    plan->workspace_bytes = byol__place_buffers(plan->buffers, plan->buffer_count, order);
    byol__free(order);
    BYOL__TRY(byol__alloc(&plan->staging, plan->staging_bytes, 1, "staged weights", c->error));
    return byol__alloc(&plan->fold, plan->fold_floats, sizeof(float), "folded weights", c->error);
}

byol_status byol__plan_compile(byol__plan *plan, const byol__graph *graph, byol_error *error) {
    byol__compiler c = {
        .plan = plan, .graph = graph, .trunk = plan->options.format, .error = error};
    if (!(graph->has_output >> plan->options.output & 1u))
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "the network does not have the output that is asked for");
    byol__stage *stages;
    BYOL__TRY(byol__alloc(&stages, graph->node_count, sizeof *stages, "plan", error));
    plan->unit_count = byol__fuse(graph, plan->options.mode, plan->options.output, stages);
    byol_status status = plan->unit_count < 0
                             ? byol__fail(error, BYOL_ERROR_MEMORY, "no memory to plan the network")
                             : compile_stages(&c, stages);
    byol__free(stages);
    return status;
}
