/* Weights to begin with, from a file. */
#ifndef BYOL__START_H
#define BYOL__START_H

#include "byol/status.h"
#include "graph/graph.h"

/* Reads the network of `graph` from `path`: a run folder (its encoder.safetensors), an encoder file, a checkpoint (its
 * online network) or anybody's safetensors with torchvision's names. The backbone must be there; a head that the file
 * does not hold at all stays as it is. BYOL_NOT_FOUND and BYOL_MISMATCH name the tensor. */
byol_status byol__start_from(const char *path, const byol__graph *graph, float *params, float *statistics,
                             byol_error *error);

#endif
