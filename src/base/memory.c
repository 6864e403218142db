#include "base/memory.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"

size_t byol__align_up(size_t bytes) {
    return (bytes + BYOL__ALIGNMENT - 1) / BYOL__ALIGNMENT * BYOL__ALIGNMENT;
}

byol_status byol__alloc(void *out, size_t count, size_t size, const char *what, byol_error *error) {
    void *pointer = NULL;
    if (size != 0 && count > (SIZE_MAX - BYOL__ALIGNMENT) / size)
        return byol__fail(error, BYOL_ERROR_MEMORY,
                          "%s: %zu times %zu bytes is more than can be addressed", what, count,
                          size);
    size_t bytes = byol__align_up(count * size + (count * size == 0));
    pointer = aligned_alloc(BYOL__ALIGNMENT, bytes);
    if (pointer == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY,
                          "%s: no memory for %zu bytes; a smaller batch size or width needs less",
                          what, bytes);
    memset(pointer, 0, bytes);
    memcpy(out, &pointer, sizeof pointer);
    return BYOL_OK;
}

byol_status byol__alloc_floats(float **out, size_t count, const char *what, byol_error *error) {
    return byol__alloc(out, count, sizeof **out, what, error);
}

void byol__free(void *pointer) { free(pointer); }
