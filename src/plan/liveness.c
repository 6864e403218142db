#include "plan/liveness.h"

#include <stdbool.h>

#include "base/memory.h"

/* Largest first. Equal sizes keep their order, so the result does not depend on the sort. */
static void sort_by_size(const byol__buffer *buffers, int count, int *order) {
    for (int i = 0; i < count; i++) {
        int at = i;
        for (; at > 0 && buffers[order[at - 1]].bytes < buffers[i].bytes; at--)
            order[at] = order[at - 1];
        order[at] = i;
    }
}

static bool alive_together(const byol__buffer *a, const byol__buffer *b) {
    return a->first <= b->last && b->first <= a->last;
}

static bool overlap(const byol__buffer *a, size_t offset, const byol__buffer *b) {
    return offset < b->offset + byol__align_up(b->bytes) &&
           b->offset < offset + byol__align_up(a->bytes);
}

/* The lowest offset is 0 or just behind a placed buffer. */
static size_t lowest_place(const byol__buffer *buffers, const int *order, int placed,
                           const byol__buffer *buffer) {
    size_t offset = 0;
    for (bool moved = true; moved;) {
        moved = false;
        for (int i = 0; i < placed; i++) {
            const byol__buffer *other = &buffers[order[i]];
            if (!alive_together(buffer, other) || !overlap(buffer, offset, other)) continue;
            offset = other->offset + byol__align_up(other->bytes);
            moved = true;
        }
    }
    return offset;
}

size_t byol__place_buffers(byol__buffer *buffers, int count, int *order) {
    size_t total = 0;
    sort_by_size(buffers, count, order);
    for (int i = 0; i < count; i++) {
        byol__buffer *buffer = &buffers[order[i]];
        buffer->offset = lowest_place(buffers, order, i, buffer);
        size_t end = buffer->offset + byol__align_up(buffer->bytes);
        if (end > total) total = end;
    }
    return total;
}
