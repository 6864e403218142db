/* Vectors from another model, one for each image: a .npy file of float32, (N, D). */
#ifndef BYOL__NPY_VECTORS_H
#define BYOL__NPY_VECTORS_H

#include <stddef.h>

#include "byol/status.h"

typedef struct byol__vectors {
    float *values; /* (count, dimension), owned */
    size_t count;
    int dimension;
} byol__vectors;

/* Zero-initialise first. BYOL_ERROR_FORMAT if it is no such file, or if a value is not finite (the
 * error names the first such row). */
byol_status byol__vectors_read(byol__vectors *vectors, const char *path, byol_error *error);
void byol__vectors_release(byol__vectors *vectors);

#endif
