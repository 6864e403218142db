/* 3x3 convolutions with stride 1 or 2 by Winograd's minimal filtering (Lavin & Gray 2015, arXiv
 * 1509.09308; F(4x4, 3x3)). It needs 36 multiplications (stride 2: 81) where the direct method
 * needs 144. For that, tiles and weights pass through small linear transforms. All three passes.
 * The arithmetic is fp32, whatever the type of src and dst. bf16 weights are rounded first, as for
 * a processor that multiplies bf16. A second implementation behind dnn.h, beside oneDNN's. */
#ifndef BYOL__WINOGRAD_H
#define BYOL__WINOGRAD_H

#include "dnn/dnn.h"

#include <stdbool.h>

typedef struct byol__winograd byol__winograd;

/* True if it can compute this with fewer multiplications than the direct method. Formats are
 * settled. */
bool byol__winograd_fits(const byol__contraction_desc *desc);

/* Owned: byol__winograd_free. Made for the current number of threads of parallel regions. */
byol_status byol__winograd_create(byol__winograd **out, const byol__contraction_desc *desc,
                                  byol_error *error);
void byol__winograd_free(byol__winograd *winograd);

/* As the functions of the same names in dnn.h. */
const char *byol__winograd_implementation(const byol__winograd *winograd);
size_t byol__winograd_weights_bytes(const byol__winograd *winograd);
size_t byol__winograd_scratch_bytes(const byol__winograd *winograd);
void byol__winograd_bind(byol__winograd *winograd, void *src, void *weights, float *bias, void *dst,
                         void *scratch);
void byol__winograd_norm_input(byol__winograd *winograd, const float *scale, const float *shift);
size_t byol__winograd_moments_bytes(const byol__winograd *winograd);
const byol__moments *byol__winograd_gather_moments(byol__winograd *winograd, float *sums);
void byol__winograd_run(byol__winograd *winograd);
void byol__winograd_stage(byol__winograd *winograd, const float *plain);
void byol__winograd_collect(byol__winograd *winograd, float *plain);

#endif
