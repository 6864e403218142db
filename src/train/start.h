/* Weights to begin with, from a file. */
#ifndef BYOL__START_H
#define BYOL__START_H

#include "byol/status.h"
#include "graph/graph.h"

/* Hears what is worth knowing about a file that was taken. */
typedef void (*byol__hear)(void *context, const char *text);

/* Reads the network of `graph` from `path`: a run folder (its encoder.safetensors), an encoder
 * file, a checkpoint (its online network) or anybody's safetensors with torchvision's names, as
 * timm's are too. The backbone must be there; a head that the file does not hold at all stays as it
 * is; a classifier (fc.*) and what else the network has no place for is left out. `hear` (may be
 * NULL) is told which. BYOL_ERROR_NOT_FOUND and BYOL_ERROR_MISMATCH name every tensor that does not
 * fit, with both shapes, as far as the error has room. */
byol_status byol__start_from(const char *path, const byol__graph *graph, float *params,
                             float *statistics, byol__hear hear, void *context, byol_error *error);

#endif
