/* A plan's life: create, bind, stage, forward, backward. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "plan/unit.h"

byol_status byol__plan_create(byol__plan **out, const byol__graph *graph,
                              const byol__plan_options *options, byol_error *error) {
    byol__plan *plan;
    BYOL__TRY(byol__alloc(&plan, 1, sizeof *plan, "plan", error));
    plan->options = *options;
    if (plan->options.comm == NULL) plan->options.comm = &byol__comm_alone;
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
        byol__unit *unit = &plan->units[i];
        if (unit->state != NULL && unit->op->runs->release != NULL) unit->op->runs->release(unit);
        byol__free(unit->state);
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
    *info = (byol__plan_info){.workspace_bytes = plan->workspace_bytes,
                              .staging_bytes = plan->staging_bytes,
                              .steps = plan->unit_count};
    for (int i = 0; i < plan->unit_count; i++) {
        info->forward_flops += plan->units[i].forward_flops;
        info->backward_flops += plan->units[i].backward_flops;
    }
}

/* ---- bind ---- */

byol_status byol__plan_bind(byol__plan *plan, const byol__binding *binding, byol_error *error) {
    if (plan->options.mode == BYOL__TRAIN && binding->grads == NULL)
        return byol__fail(error, BYOL_ERROR_INVALID, "a training plan needs a gradient arena");
    plan->bound = *binding;
    for (int i = 0; i < plan->unit_count; i++) {
        byol__unit *unit = &plan->units[i];
        if (unit->op->runs->bind != NULL) BYOL__TRY(unit->op->runs->bind(plan, unit, error));
    }
    return BYOL_OK;
}

/* ---- stage ---- */

byol_status byol__plan_stage(byol__plan *plan, byol_error *error) {
    double begin = byol__now();
    for (int i = 0; i < plan->unit_count; i++) {
        byol__unit *unit = &plan->units[i];
        if (unit->op->runs->stage != NULL) BYOL__TRY(unit->op->runs->stage(plan, unit, error));
    }
    byol__profile_add(plan->profile, BYOL__WORK_STAGE, begin, 0, plan->staging_bytes);
    return BYOL_OK;
}

/* ---- run ---- */

static byol__layout plain(const byol__slot *slot) {
    byol__layout layout = slot->layout;
    layout.dtype = BYOL__F32;
    layout.format = BYOL__NCHW;
    return layout;
}

void byol__plan_draw(byol__plan *plan, const byol__draw *draw) {
    plan->draw = *draw;
    plan->draws = true;
}

void byol__plan_profile(byol__plan *plan, byol__profile *profile) { plan->profile = profile; }

/* The first failure of a pass. The other units run all the same: ranks that train together must
 * meet in the same sums, whatever happened to one of them. */
typedef struct failure {
    byol_status status;
    byol_error *error;
} failure;

static void keep(failure *first, byol_status status, const byol_error *words) {
    if (status == BYOL_OK || first->status != BYOL_OK) return;
    first->status = status;
    if (first->error != NULL) *first->error = *words;
}

static void take_input(byol__plan *plan, const void *input) {
    const byol__slot *slot = &plan->slots[0];
    byol__layout from = plain(slot);
    double begin = byol__now();
    if (slot->layout.dtype == BYOL__I32)
        memcpy(byol__value_at(plan, 0), input, byol__value_bytes(plan, 0));
    else
        byol__layout_convert(&slot->layout, byol__value_at(plan, 0), &from, input);
    byol__profile_add(plan->profile, BYOL__WORK_LAYOUT, begin, 0,
                      byol__layout_bytes(&from) + byol__value_bytes(plan, 0));
}

byol_status byol__plan_forward(byol__plan *plan, const void *input, byol_error *error) {
    take_input(plan, input);
    failure first = {BYOL_OK, error};
    for (int i = 0; i < plan->unit_count; i++) {
        byol_error words = {0};
        keep(&first, plan->units[i].op->runs->forward(plan, &plan->units[i], &words), &words);
    }
    return first.status;
}

void byol__plan_read(const byol__plan *plan, byol__output output, float *dst) {
    const byol__slot *slot = &plan->slots[plan->output[output]];
    byol__layout to = plain(slot);
    byol__layout_convert(&to, dst, &slot->layout, byol__at(plan, slot->buffer));
}

/* What the input's readers have left is one gradient in the end. */
static void add_input_diffs(byol__plan *plan) {
    const byol__slot *slot = &plan->slots[0];
    for (int i = 1; i < slot->diff_count; i++)
        plan->kernels->add(&slot->layout, byol__at(plan, slot->diffs[0]),
                           byol__at(plan, slot->diffs[i]));
}

/* Gradients beyond those that the op takes are added up first. */
static void add_diffs(byol__plan *plan, const byol__unit *unit) {
    double begin = byol__now();
    if (unit->dy_count <= unit->op->runs->diffs) return;
    for (int i = unit->op->runs->diffs; i < unit->dy_count; i++)
        plan->kernels->add(&plan->slots[unit->stage.dst].layout, byol__at(plan, unit->dy[0]),
                           byol__at(plan, unit->dy[i]));
    byol__profile_add(plan->profile, BYOL__WORK_NORM_BACKWARD, begin, 0, 0);
}

void byol__plan_diff(byol__plan *plan, byol__output output, const float *diff) {
    const byol__slot *slot = &plan->slots[plan->output[output]];
    byol__layout from = plain(slot);
    byol__layout_convert(&slot->layout, byol__at(plan, plan->diff[output]), &from, diff);
}

byol_status byol__plan_backward(byol__plan *plan, const float *diff, byol_error *error) {
    failure first = {BYOL_OK, error};
    byol__plan_diff(plan, plan->options.output, diff);
    for (int i = plan->unit_count - 1; i >= 0; i--) {
        byol__unit *unit = &plan->units[i];
        if (unit->dy_count == 0) continue; /* nothing before it is trained */
        add_diffs(plan, unit);
        byol_error words = {0};
        keep(&first, unit->op->runs->backward(plan, unit, &words), &words);
    }
    if (plan->options.input_diff) add_input_diffs(plan);
    return first.status;
}

void byol__plan_read_input_diff(const byol__plan *plan, float *dst) {
    const byol__slot *slot = &plan->slots[0];
    byol__layout to = plain(slot);
    byol__layout_convert(&to, dst, &slot->layout, byol__at(plan, slot->diffs[0]));
}

static bool is_kept(const byol__plan *plan, byol__value_id id) {
    if (id >= (byol__value_id)plan->slot_count || plan->slots[id].buffer == BYOL__NO_BUFFER)
        return false;
    for (int i = 0; i < plan->unit_count; i++)
        if (plan->units[i].stage.dst == (int)id) return plan->units[i].applied_by == BYOL__NONE;
    return true; /* the input */
}

byol_status byol__plan_read_value(const byol__plan *plan, byol__value_id id, float *dst,
                                  byol_error *error) {
    if (!is_kept(plan, id) || plan->slots[id].layout.dtype == BYOL__I32)
        return byol__fail(error, BYOL_ERROR_NOT_FOUND, "this plan does not keep value %u",
                          (unsigned)id);
    byol__layout to = plain(&plan->slots[id]);
    byol__layout_convert(&to, dst, &plan->slots[id].layout, byol__value_at(plan, (int)id));
    return BYOL_OK;
}
