/* safetensors: 8 bytes header length, a JSON header, then raw tensors. The one file format for
 * weights and checkpoints.
 *
 * Our additions are in `__metadata__`, as the format allows: "xxh3" is the XXH3-64 of the whole
 * file with these 16 hex digits taken as zeros. So one flipped byte anywhere is found. Files of
 * other programs, without it, load too. */
#ifndef BYOL__SAFETENSORS_H
#define BYOL__SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "byol/status.h"

typedef struct byol__tensor {
    const char *name;
    const float *data; /* fp32 */
    int dims[4];
    int ndims;
} byol__tensor;

typedef struct byol__metadata {
    const char *key, *value;
} byol__metadata;

/* Writes atomically: a temporary file beside `path`, synced, renamed, the folder synced. On any
 * failure (disk full, no permission) an old file stays whole and the temporary is removed. */
byol_status byol__safetensors_write(const char *path, const byol__tensor *tensors,
                                    size_t tensor_count, const byol__metadata *metadata,
                                    size_t metadata_count, byol_error *error);

typedef struct byol__safetensors byol__safetensors;

/* Maps the file. Checks the header, every offset and, if present, the digest. Owned:
 * byol__safetensors_close. */
byol_status byol__safetensors_open(byol__safetensors **out, const char *path, byol_error *error);
void byol__safetensors_close(byol__safetensors *file);

/* NULL if it is not there; borrowed. */
const char *byol__safetensors_metadata(const byol__safetensors *file, const char *key);
size_t byol__safetensors_count(const byol__safetensors *file);
/* The name of a tensor of any type; borrowed. */
const char *byol__safetensors_name(const byol__safetensors *file, size_t index);

/* Tensor `index`, borrowed until close. Only F32 tensors have data; others give
 * BYOL_ERROR_UNSUPPORTED. */
byol_status byol__safetensors_tensor(const byol__safetensors *file, size_t index,
                                     byol__tensor *tensor, byol_error *error);

/* Copies the tensor `name` to `dst`. BYOL_ERROR_NOT_FOUND, or BYOL_ERROR_MISMATCH naming both
 * shapes. */
byol_status byol__safetensors_read(const byol__safetensors *file, const char *name, const int *dims,
                                   int ndims, float *dst, byol_error *error);

#endif
