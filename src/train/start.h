/* Initial weights from a file. */
#ifndef BYOL__START_H
#define BYOL__START_H

#include "byol/status.h"
#include "graph/graph.h"

/* Called with what is worth knowing about a file that was read. */
typedef void (*byol__hear)(void *context, const char *text);

/* Reads the network of `graph` from `path`: a run folder (its encoder.safetensors), an encoder
 * file, a checkpoint (its online network) or any safetensors file with torchvision's names (timm's
 * are the same). The backbone must be there. A head that is wholly absent from the file stays as it
 * is. A classifier (fc.*, head.*) and other tensors without a place in the network are left out.
 * Places of patches (pos_embed) for another size of image are resized. `hear` (may be NULL) is told
 * of all. BYOL_ERROR_NOT_FOUND and BYOL_ERROR_MISMATCH name every tensor that does not fit, with
 * both shapes, as far as the error's text has space. */
byol_status byol__start_from(const char *path, const byol__graph *graph, float *params,
                             float *statistics, byol__hear hear, void *context, byol_error *error);

#endif
