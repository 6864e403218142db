/* The places of a vision transformer's patches, read from a file of another size of image. */
#ifndef BYOL__PLACES_H
#define BYOL__PLACES_H

#include "graph/graph.h"
#include "state/safetensors.h"

/* Fills `dst`, the row (1, in_front + side side, c), from a tensor with another side, by bicubic
 * interpolation with antialiasing (timm's resample_abs_pos_embed). The first `in_front` places are
 * a class token's and are copied. BYOL_ERROR_MISMATCH if the tensor is not such a square. */
byol_status byol__read_places(const byol__safetensors *file, const char *name,
                              const byol__param *row, int in_front, float *dst, byol_error *error);

#endif
