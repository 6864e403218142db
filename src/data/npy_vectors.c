#include "data/npy_vectors.h"

#include <math.h>
#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "data/npy_header.h"

static const char WANTED[] = "float32, (images, numbers)";
enum { DIMENSION_MAX = 65536 };

static byol_status take(byol__vectors *vectors, const char *bytes, size_t length, const char *path,
                        byol_error *error) {
    byol__npy_header h;
    size_t count;
    BYOL__TRY(
        byol__npy_header_read(&h, (const unsigned char *)bytes, length, "f4", WANTED, path, error));
    if (h.ndims != 2 || h.dims[1] > DIMENSION_MAX)
        return byol__npy_wrong(path, "its shape is another", WANTED, error);
    if (__builtin_mul_overflow(h.dims[0], h.dims[1], &count) ||
        count > (length - h.data) / sizeof(float))
        return byol__npy_wrong(path, "the file is truncated", WANTED, error);
    BYOL__TRY(byol__alloc(&vectors->values, count, sizeof(float), "vectors of the teacher", error));
    memcpy(vectors->values, bytes + h.data, count * sizeof(float));
    vectors->count = h.dims[0];
    vectors->dimension = (int)h.dims[1];
    for (size_t i = 0; i < count; i++)
        if (!isfinite(vectors->values[i]))
            return byol__fail(error, BYOL_ERROR_FORMAT, "%s: row %zu holds what is not a number",
                              path, i / h.dims[1]);
    return BYOL_OK;
}

byol_status byol__vectors_read(byol__vectors *vectors, const char *path, byol_error *error) {
    char *bytes;
    size_t length;
    BYOL__TRY(byol__read_file(path, &bytes, &length, error));
    byol_status status = take(vectors, bytes, length, path, error);
    byol__free(bytes);
    if (status != BYOL_OK) byol__vectors_release(vectors);
    return status;
}

void byol__vectors_release(byol__vectors *vectors) {
    byol__free(vectors->values);
    *vectors = (byol__vectors){0};
}
