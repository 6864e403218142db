/* Writes an encoder for other programs: PyTorch (torchvision, timm) and anything that runs ONNX. */
#ifndef BYOL_EXPORT_H
#define BYOL_EXPORT_H

#include <stdbool.h>

#include "byol/classify.h"
#include "byol/encoder.h"
#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct byol_weights_options {
    /* 0: the backbone alone; 1: projector and predictor too, as "projector.0.weight" ... */
    bool heads;
    /* Above 0: adds "fc.weight" (classes, dimension) and "fc.bias" (classes), all zero: a
     * classifier still to be trained, so that torchvision's network finds nothing missing. */
    int classes;
} byol_weights_options;

/* Writes the weights as safetensors with torchvision's names and shapes, atomically.
 * `num_batches_tracked` is left out: PyTorch sets it to 0 by itself. byol_encoder_load can load the
 * file again. `options` NULL: the backbone. BYOL_ERROR_NOT_FOUND where heads are asked for and the
 * weights have none, BYOL_ERROR_INVALID, BYOL_ERROR_IO, BYOL_ERROR_MEMORY. */
BYOL_API byol_status byol_export_safetensors(const byol_encoder *encoder, const char *path,
                                             const byol_weights_options *options,
                                             byol_error *error);

/* Writes an encoder of texts as a folder for Hugging Face's transformers, which is created:
 * model.safetensors, config.json, tokenizer.json, tokenizer_config.json, each atomically.
 * BertModel.from_pretrained(folder, add_pooling_layer=False) and AutoTokenizer.from_pretrained load
 * them. BYOL_ERROR_UNSUPPORTED: the encoder is none of texts, or has what BertModel has not
 * (attention of low rank, a last linear layer). BYOL_ERROR_IO, BYOL_ERROR_MEMORY. */
BYOL_API byol_status byol_export_transformers(const byol_encoder *encoder, const char *folder,
                                              byol_error *error);

typedef struct byol_onnx_options {
    byol_layer output; /* the network ends here */
    bool features;     /* 1: the feature maps after each stage are outputs too */
} byol_onnx_options;

/* Writes the network in evaluation mode as an ONNX model, opset 17, atomically.
 *
 * Input "images": (batch, channels, image_size, image_size) floats, RGB (or grey) in 0 .. 1, any
 * batch; mean and std are applied within. Output: "backbone", "projection" or "prediction", (batch,
 * dimension); with `features` also "layer1" ... "layer4", (batch, c, h, w). Initializers have
 * torchvision's names. The results equal byol_encoder_embed up to rounding. `options` NULL: the
 * backbone, no feature maps.
 *
 * BYOL_ERROR_NOT_FOUND where the weights end before the requested output, BYOL_ERROR_UNSUPPORTED
 * where the network has a layer that cannot be written, BYOL_ERROR_IO, BYOL_ERROR_MEMORY. */
BYOL_API byol_status byol_export_onnx(const byol_encoder *encoder, const char *path,
                                      const byol_onnx_options *options, byol_error *error);

/* Writes a classifier in the same way: encoder and layer, with the output "logits", (batch,
 * classes). The names of the classes are in the model's metadata under "classes", a JSON list (null
 * for a class without a name). Softmax of the logits gives byol_classifier_predict's probabilities,
 * up to rounding. The errors are those of byol_export_onnx. */
BYOL_API byol_status byol_export_classifier_onnx(const byol_classifier *classifier,
                                                 const char *path, byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
