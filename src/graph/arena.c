#include "graph/arena.h"

#include <string.h>

#include "base/memory.h"

byol_status byol__arena_alloc(float **out, size_t count, const char *what, byol_error *error) {
    return byol__alloc(out, count, sizeof(float), what, error);
}

byol_status byol__workspace_alloc(void **out, size_t bytes, byol_error *error) {
    return byol__alloc(out, bytes, 1, "activations of a step", error);
}

void byol__arena_free(void *arena) { byol__free(arena); }

void byol__arena_clear(float *arena, size_t count) { memset(arena, 0, count * sizeof *arena); }

void byol__arena_copy(float *dst, const float *src, size_t count) {
    memcpy(dst, src, count * sizeof *dst);
}
