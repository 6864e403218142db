#include "text/text_buffer.h"

#include <stdint.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

byol_status byol__text_reserve(byol_text_buffer *buffer, size_t count, size_t size,
                               byol_error *error) {
    if (count <= buffer->capacity / size) return BYOL_OK;
    if (count > SIZE_MAX / 4 / size)
        return byol__fail(error, BYOL_ERROR_MEMORY, "a text needs %zu times %zu bytes", count,
                          size);
    size_t capacity = buffer->capacity < 512 ? 512 : buffer->capacity;
    while (capacity < count * size) capacity *= 2;
    void *grown;
    BYOL__TRY(byol__alloc(&grown, capacity, 1, "a text", error));
    if (buffer->capacity > 0) memcpy(grown, buffer->bytes, buffer->capacity);
    byol__free(buffer->bytes);
    buffer->bytes = grown;
    buffer->capacity = capacity;
    return BYOL_OK;
}

byol_status byol__text_append(byol_text_buffer *buffer, const void *bytes, size_t length,
                              byol_error *error) {
    if (length > SIZE_MAX - buffer->length)
        return byol__fail(error, BYOL_ERROR_MEMORY, "a text needs more bytes than there are");
    BYOL__TRY(byol__text_reserve(buffer, buffer->length + length, 1, error));
    if (length > 0) memcpy((char *)buffer->bytes + buffer->length, bytes, length);
    buffer->length += length;
    return BYOL_OK;
}

void byol__text_release(byol_text_buffer *buffer) {
    byol__free(buffer->bytes);
    *buffer = (byol_text_buffer){0};
}
