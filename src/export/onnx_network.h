/* A network with its weights as an ONNX model. */
#ifndef BYOL__ONNX_NETWORK_H
#define BYOL__ONNX_NETWORK_H

#include <stdbool.h>

#include "encoder/encoder_internal.h"

/* Writes what `output` of the network depends on, atomically; sections up to the output's number
 * are its weights. `features`: the maps of each stage are outputs too. `classes`: their
 * names go into the metadata, or NULL. */
byol_status byol__onnx_write(const byol__weights *weights, byol__output output, bool features,
                             char *classes, const char *path, byol_error *error);

#endif
