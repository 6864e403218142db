/* Matrices that are nearly all zeros, row after row (CSR). */
#ifndef BYOL__SPARSE_H
#define BYOL__SPARSE_H

#include <stddef.h>
#include <stdint.h>

#include "byol/status.h"

typedef struct byol__sparse {
    size_t rows, columns;
    size_t *starts;  /* (rows + 1): entries of row r are starts[r] .. starts[r + 1] - 1 */
    uint32_t *index; /* column of each entry, ascending within a row */
    float *values;   /* of each entry */
} byol__sparse;

/* Room for `entries`; all is zero. Owned: byol__sparse_release. */
byol_status byol__sparse_create(byol__sparse *matrix, size_t rows, size_t columns, size_t entries,
                                byol_error *error);
void byol__sparse_release(byol__sparse *matrix);

/* Rows become columns. BYOL_ERROR_UNSUPPORTED beyond 2^32 rows. Owned: byol__sparse_release. */
byol_status byol__sparse_transpose(byol__sparse *out, const byol__sparse *matrix,
                                   byol_error *error);

/* out = matrix dense + constant: `dense` (columns, width), `constant` (width) is added to each row
 * (NULL: zeros), `out` (rows, width). The bits do not depend on threads. */
void byol__sparse_multiply(const byol__sparse *matrix, const double *dense, size_t width,
                           const double *constant, double *out);

#endif
