#include "export/record_file.h"

#include <stdbool.h>
#include <stdlib.h>

enum { RECORD_MAX = 1 << 30 }; /* a larger one is damage */

static uint32_t crc32c(const uint8_t *bytes, size_t length) {
    uint32_t crc = ~0u;
    for (size_t i = 0; i < length; i++) {
        crc ^= bytes[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0x82f63b78u & -(crc & 1)); /* reflected 0x1edc6f41 */
    }
    return ~crc;
}

uint32_t byol__masked_crc32c(const void *bytes, size_t length) {
    uint32_t crc = crc32c(bytes, length);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

bool byol__record_write(FILE *stream, const void *bytes, size_t length) {
    uint64_t size = length;
    uint32_t size_crc = byol__masked_crc32c(&size, sizeof size),
             crc = byol__masked_crc32c(bytes, length);
    fwrite(&size, sizeof size, 1, stream);
    fwrite(&size_crc, sizeof size_crc, 1, stream);
    fwrite(bytes, 1, length, stream);
    fwrite(&crc, sizeof crc, 1, stream);
    return fflush(stream) == 0 && !ferror(stream);
}

bool byol__record_read(FILE *stream, uint8_t **bytes, size_t *capacity, size_t *length) {
    uint64_t size;
    uint32_t size_crc, crc;
    if (fread(&size, sizeof size, 1, stream) != 1 ||
        fread(&size_crc, sizeof size_crc, 1, stream) != 1 ||
        size_crc != byol__masked_crc32c(&size, sizeof size) || size > RECORD_MAX)
        return false;
    if (size > *capacity) {
        uint8_t *grown = realloc(*bytes, size);
        if (grown == NULL) return false;
        *bytes = grown;
        *capacity = size;
    }
    *length = size;
    return fread(*bytes, 1, size, stream) == size && fread(&crc, sizeof crc, 1, stream) == 1 &&
           crc == byol__masked_crc32c(*bytes, size);
}
