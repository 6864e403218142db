/* The header of NumPy's .npy files (numpy/lib/format.py: magic, version, header length, a Python
 * dictionary, the values). */
#ifndef BYOL__NPY_HEADER_H
#define BYOL__NPY_HEADER_H

#include <stddef.h>

#include "byol/status.h"

typedef struct byol__npy_header {
    size_t dims[4];
    int ndims;
    size_t data; /* where the values begin */
} byol__npy_header;

/* Reads the header of a file that lies at `bytes`. `type` is what its values must be ("u1", "f4";
 * little-endian). `wanted` says in words which arrays are accepted. BYOL_ERROR_FORMAT: the file is
 * damaged, has other values, is in Fortran order, or has no shape of up to four dimensions. */
byol_status byol__npy_header_read(byol__npy_header *header, const unsigned char *bytes,
                                  size_t length, const char *type, const char *wanted,
                                  const char *path, byol_error *error);

/* Fails with BYOL_ERROR_FORMAT: `path` is no such array because of `what`. */
byol_status byol__npy_wrong(const char *path, const char *what, const char *wanted,
                            byol_error *error);

#endif
