/* An encoder as files for other programs: PyTorch (torchvision, timm) and whatever runs ONNX. */
#ifndef BYOL_EXPORT_H
#define BYOL_EXPORT_H

#include "byol/encoder.h"
#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct byol_weights_options {
    int heads; /* 0: the backbone alone; 1: projector and predictor too, as "projector.0.weight" ...
                */
    int classes; /* above 0: adds "fc.weight" (classes, dimension) and "fc.bias" (classes), all
                    zero: a classifier that has yet to be trained, so that torchvision's network
                    takes the file with nothing missing */
} byol_weights_options;

/* Writes the weights as safetensors with torchvision's names and shapes, atomically.
 * `num_batches_tracked` is left out: PyTorch sets it to 0 by itself. The file can be loaded again
 * by byol_encoder_load. `options` NULL: the backbone. BYOL_ERROR_NOT_FOUND where heads are wanted
 * and the weights have none, BYOL_ERROR_INVALID, BYOL_ERROR_IO, BYOL_ERROR_MEMORY. */
BYOL_API byol_status byol_export_safetensors(const byol_encoder *encoder, const char *path,
                                             const byol_weights_options *options,
                                             byol_error *error);

typedef struct byol_onnx_options {
    byol_layer output; /* the network ends here */
    int features;      /* 1: the feature maps at the end of each stage are outputs too */
} byol_onnx_options;

/* Writes the network in evaluation mode as an ONNX model, opset 17, atomically.
 *
 * Input "images": (batch, channels, image_size, image_size) floats, RGB (or grey) in 0 .. 1, any
 * batch; mean and std are applied within. Outputs: "backbone", "projection" or "prediction":
 * (batch, dimension); with `features` also "layer1" ... "layer4": (batch, c, h, w). Initializers
 * bear torchvision's names. What an ONNX runtime computes equals byol_encoder_embed up to rounding.
 * `options` NULL: the backbone, no feature maps.
 *
 * BYOL_ERROR_NOT_FOUND where the weights end before the wanted output, BYOL_ERROR_UNSUPPORTED where
 * the network has a layer that is not written, BYOL_ERROR_IO, BYOL_ERROR_MEMORY. */
BYOL_API byol_status byol_export_onnx(const byol_encoder *encoder, const char *path,
                                      const byol_onnx_options *options, byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
