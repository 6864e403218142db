#include "plan/unit.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"

byol_status byol__new_buffer(byol__compiler *c, size_t bytes, int first, int last, int *id) {
    byol__plan *plan = c->plan;
    if (plan->buffer_count == plan->buffer_capacity) {
        int capacity = plan->buffer_capacity ? 2 * plan->buffer_capacity : 256;
        byol__buffer *grown = realloc(plan->buffers, (size_t)capacity * sizeof *grown);
        if (grown == NULL)
            return byol__fail(c->error, BYOL_ERROR_MEMORY, "no memory for the plan's buffer table");
        plan->buffers = grown;
        plan->buffer_capacity = capacity;
    }
    *id = plan->buffer_count;
    plan->buffers[plan->buffer_count++] =
        (byol__buffer){.bytes = bytes, .first = first, .last = last};
    return BYOL_OK;
}

byol_status byol__new_floats(byol__compiler *c, int count, int first, int last, int *id) {
    return byol__new_buffer(c, (size_t)count * sizeof(float), first, last, id);
}

void byol__keep_until(byol__plan *plan, int buffer, int slot) {
    if (plan->buffers[buffer].last < slot) plan->buffers[buffer].last = slot;
}

size_t byol__reserve_staging(byol__plan *plan, size_t bytes) {
    size_t offset = plan->staging_bytes;
    plan->staging_bytes += byol__align_up(bytes);
    return offset;
}

byol__layout byol__layout_for(const byol__compiler *c, int value, byol__format format) {
    const byol__value *v = &c->graph->values[value];
    byol__dtype dtype = v->integers ? BYOL__I32 : c->plan->options.dtype;
    byol__shape shape = v->shape;
    return (byol__layout){dtype, format, c->plan->options.batch, shape.c, shape.h, shape.w};
}

byol__range byol__range_of(const byol__table *table, int row) {
    if (row == BYOL__NONE) return (byol__range){0, 0};
    return (byol__range){table->rows[row].offset, table->rows[row].count};
}

int byol__count_readers(const byol__plan *plan, int value) {
    int readers = 0;
    for (int i = 0; i < plan->unit_count; i++)
        for (int k = 0; k < BYOL__SOURCES_MAX; k++) readers += plan->units[i].stage.src[k] == value;
    for (int mark = 0; mark < BYOL__OUTPUTS_MAX; mark++)
        readers += (plan->has_output >> mark & 1u) && (int)plan->output[mark] == value;
    return readers;
}

int byol__producer(const byol__plan *plan, int value) {
    for (int i = 0; i < plan->unit_count; i++)
        if (plan->units[i].stage.dst == value) return i;
    return BYOL__NONE;
}

unsigned byol__backward_reads(const byol__unit *unit) {
    return unit->op->runs->reads_of != NULL ? unit->op->runs->reads_of(unit)
                                            : unit->op->runs->reads;
}

void *byol__at(const byol__plan *plan, int buffer) {
    return buffer == BYOL__NO_BUFFER ? NULL
                                     : (char *)plan->bound.workspace + plan->buffers[buffer].offset;
}

void *byol__value_at(const byol__plan *plan, int value) {
    return byol__at(plan, plan->slots[value].buffer);
}

float *byol__staged(const byol__plan *plan, size_t offset) {
    return (float *)(void *)(plan->staging + offset);
}

size_t byol__value_bytes(const byol__plan *plan, int value) {
    return value == BYOL__NO_VALUE ? 0 : byol__layout_bytes(&plan->slots[value].layout);
}
