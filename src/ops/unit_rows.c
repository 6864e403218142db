#include "ops/unit_rows.h"

#include "base/clock.h"
#include "base/error.h"
#include "ops/token_lengths.h"

byol__rows byol__rows_at(const byol__plan *plan, int value, int buffer) {
    return byol__rows_of(&plan->slots[value].layout, byol__at(plan, buffer));
}

byol__rows byol__value_rows(const byol__plan *plan, int value) {
    return byol__rows_of(&plan->slots[value].layout, byol__value_at(plan, value));
}

void byol__check_row_width(byol__graph *graph, const char *name, int channels) {
    if (channels > BYOL__ROW_MAX)
        byol__graph_mistake(graph, BYOL_ERROR_UNSUPPORTED, "%s: %d channels are more than %d", name,
                            channels, BYOL__ROW_MAX);
}

const char *byol__rows_in_onnx(byol__shape src, char *lines) {
    if (src.rank != 3) return "x";
    byol__onnx_append(lines, "flat = Reshape x [0,%d,%d]\nrows = Transpose flat perm=[0,2,1]\n",
                      src.c, src.h * src.w);
    return "rows";
}

void byol__note_rows(byol__plan *plan, const byol__unit *unit, double begin) {
    size_t bytes = byol__value_bytes(plan, unit->stage.dst);
    for (int i = 0; i < BYOL__SOURCES_MAX && unit->stage.src[i] != BYOL__NO_VALUE; i++)
        bytes += byol__value_bytes(plan, unit->stage.src[i]);
    byol__profile_add(plan->profile, BYOL__WORK_POOL, begin, 0, bytes);
}

byol_status byol__check_padding(const byol__compiler *c, const byol__unit *unit) {
    const byol__layout *src = &c->plan->slots[unit->stage.src[0]].layout;
    if (unit->stage.src[1] == BYOL__NO_VALUE) return BYOL_OK;
    return byol__check_token_length(c, unit, unit->stage.src[1], src->h * src->w);
}

byol_status byol__place_padding(byol__compiler *c, const byol__unit *unit, int slot, int *buffer) {
    *buffer = BYOL__NO_BUFFER;
    if (unit->stage.src[1] == BYOL__NO_VALUE) return BYOL_OK;
    int last = byol__trains(c->plan) ? byol__backward_slot(c->plan, slot) : slot;
    return byol__new_floats(c, c->plan->options.batch, slot, last, buffer);
}

void byol__measure_padding(const byol__plan *plan, const byol__unit *unit, int buffer) {
    if (buffer != BYOL__NO_BUFFER)
        byol__token_lengths(plan, unit->stage.src[1], byol__at(plan, buffer));
}

int byol__rows_that_count(const byol__plan *plan, int buffer, const byol__rows *x, int n) {
    const int *lengths = byol__at(plan, buffer);
    return lengths == NULL ? x->strides.spatial : lengths[n] > 0 ? lengths[n] : 1;
}
