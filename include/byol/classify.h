/* A classifier: an encoder with a linear layer on its representation, and the names of the classes.
 * byol_finetune writes such files, and byol_classifier_save writes one of a linear probe. */
#ifndef BYOL_CLASSIFY_H
#define BYOL_CLASSIFY_H

#include <stddef.h>

#include "byol/encoder.h"
#include "byol/source.h"
#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct byol_classifier byol_classifier;

/* Loads a .safetensors file of an encoder with a classifier. `threads` 0: every processor the
 * process may use. BYOL_ERROR_NOT_FOUND where the weights have no classifier (a run folder never
 * has one), BYOL_ERROR_FORMAT, BYOL_ERROR_MISMATCH. Owned: byol_classifier_free. */
BYOL_API byol_status byol_classifier_load(byol_classifier **out, const char *path, int threads,
                                          byol_error *error);
BYOL_API void byol_classifier_free(byol_classifier *classifier); /* NULL is fine */

/* How many classes it knows, 1 and more. */
BYOL_API int byol_classifier_classes(const byol_classifier *classifier);

/* The name of class `label` (below byol_classifier_classes), or NULL where it has only its number.
 * Borrowed. */
BYOL_API const char *byol_classifier_name(const byol_classifier *classifier, int label);

/* The class of the classifier that is class `label` of `source`: the one of the same name or, where
 * one of the two has no names, of the same number. -1: it knows no such class. */
BYOL_API int byol_classifier_match(const byol_classifier *classifier, const byol_source *source,
                                   int label);

/* The encoder below the layer. Borrowed. */
BYOL_API byol_encoder *byol_classifier_encoder(byol_classifier *classifier);

/* The probability of each class for every sample of `source`: softmax of the logits, (count,
 * classes) floats of the caller's. A sample that cannot be read (byol_source_unreadable) gets a row
 * of zeros. `progress` counts samples and may be NULL. Errors are those of byol_encoder_embed. Not
 * from two threads at once. */
BYOL_API byol_status byol_classifier_predict(byol_classifier *classifier, const byol_source *source,
                                             float *probabilities, byol_progress progress,
                                             void *context, byol_error *error);

/* A linear layer on an encoder's representation: logits = weight x + bias. All is borrowed. */
typedef struct byol_linear_layer {
    const float *weight; /* (classes, dimension of the backbone) */
    const float *bias;   /* (classes) */
    int classes;
    const char *const *names; /* (classes) UTF-8; it, or some of it, may be NULL: numbers only */
} byol_linear_layer;

/* Writes the encoder's backbone and the layer as one file that byol_classifier_load and
 * byol_encoder_load read, atomically. The layer has torchvision's name: fc.weight and fc.bias (of a
 * vit head.*). BYOL_ERROR_INVALID for a layer without classes, BYOL_ERROR_IO, BYOL_ERROR_MEMORY. */
BYOL_API byol_status byol_classifier_save(const char *path, const byol_encoder *encoder,
                                          const byol_linear_layer *layer, byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
