/* Matrix multiplication outside networks: losses, Muon, evaluation. */
#ifndef BYOL__MATMUL_H
#define BYOL__MATMUL_H

#include <stddef.h>

#include "base/bf16.h"
#include "base/dtype.h"
#include "byol/status.h"
#include "dnn/dnn.h"

typedef enum byol__transpose { BYOL__AS_IS, BYOL__TRANSPOSED } byol__transpose;

/* A row-major matrix: element (i, j) at values[i * stride + j]; TRANSPOSED: (i, j) is read at
 * values[j * stride + i].
 */
typedef struct byol__matrix {
    const float *values;
    size_t stride;
    byol__transpose transpose;
} byol__matrix;

/* dst (m, n) = alpha a (m, k) b (k, n) + beta dst, row-major. With beta 0, dst may be
 * uninitialised. Runs on all OpenMP threads, or on one inside a parallel region. The result is the
 * same, bit for bit, for any number of threads. */
byol_status byol__sgemm(size_t m, size_t n, size_t k, float alpha, byol__matrix a, byol__matrix b,
                        float beta, float *dst, size_t dst_stride, byol_error *error);

/* The same for a product (n, n) that the caller knows to be symmetric, like dst. Little more than
 * half is computed; the rest is mirrored. */
byol_status byol__sgemm_symmetric(size_t n, size_t k, float alpha, byol__matrix a, byol__matrix b,
                                  float beta, float *dst, byol_error *error);

/* dst (m, n) = a (m, k) b (k, n), row-major, without gaps; summed in fp32, dst in `dtype`. A
 * TRANSPOSED operand is stored as (k, m) or (n, k). Only if byol__cpu_has_bf16. */
byol_status byol__bf16_matmul(byol__dnn *dnn, size_t m, size_t n, size_t k, const byol__bf16 *a,
                              byol__transpose a_lies, const byol__bf16 *b, byol__transpose b_lies,
                              byol__dtype dtype, void *dst, byol_error *error);

#endif
