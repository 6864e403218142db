/* The rules by which a batch norm has no pass over memory of its own, where its neighbours can do
 * its work while they have the numbers in hand (docs/architecture.md, 30). */
#include "ops/norm.h"

/* A batch norm and its ReLU that one convolution alone reads are applied by that, as it reads: the
 * norm's unit finds the scale and the shift and writes nothing, and what it would have written
 * takes no memory. */
void byol__hand_norm_on(byol__plan *plan, int reader) {
    byol__unit *unit = &plan->units[reader];
    byol__contraction_state *conv = unit->state;
    int maker = byol__producer(plan, unit->stage.src[0]);
    if (maker == BYOL__NONE || !byol__contraction_can_norm_input(conv->forward)) return;
    if (byol__trains(plan) && !byol__contraction_can_norm_input(conv->backward_weights)) return;
    byol__unit *norm = &plan->units[maker];
    const byol__pointwise_state *state = byol__pointwise_of(plan, maker);
    if (state == NULL || !state->kernel.normalize || !norm->stage.relu ||
        norm->stage.src[1] != BYOL__NO_VALUE)
        return;
    if (byol__count_readers(plan, unit->stage.src[0]) != 1) return;
    norm->applied_by = reader;
    conv->applies_norm_of = maker;
}

/* A convolution in front of a batch norm gathers what that wants to know, while it has it in hand.
 */
void byol__gather_moments(byol__plan *plan, int norm) {
    byol__unit *unit = &plan->units[norm];
    byol__pointwise_state *state = unit->state;
    int maker = byol__producer(plan, unit->stage.src[0]);
    if (maker == BYOL__NONE || !state->kernel.normalize) return;
    byol__contraction_state *conv = byol__contraction_of(plan, maker);
    if (conv == NULL || byol__contraction_moments_bytes(conv->forward) == 0) return;
    state->gathered_by = maker;
    conv->gathers_for = norm;
}
