/* An encoder: a network with its weights that turns images into vectors. Batch norm is folded into
 * convolutions. */
#ifndef BYOL_ENCODER_H
#define BYOL_ENCODER_H

#include <stddef.h>
#include <stdint.h>

#include "byol/config.h"
#include "byol/source.h"
#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct byol_encoder byol_encoder;

typedef enum byol_layer {
    BYOL_LAYER_BACKBONE,   /* the representation, for use after training */
    BYOL_LAYER_PROJECTION, /* after the projector */
    BYOL_LAYER_PREDICTION, /* after the predictor */
} byol_layer;

/* Loads a run folder (its last good checkpoint or encoder.safetensors) or a .safetensors file
 * written by this library. `threads` 0: every processor the process may use. Owned:
 * byol_encoder_free. */
BYOL_API byol_status byol_encoder_load(byol_encoder **out, const char *path, int threads,
                                       byol_error *error);

/* A freshly initialised network of the same kind as `like`, in evaluation mode: the baseline for
 * every result. Owned: byol_encoder_free. */
BYOL_API byol_status byol_encoder_create_random(byol_encoder **out, const byol_encoder *like,
                                                uint64_t seed, byol_error *error);

BYOL_API void byol_encoder_free(byol_encoder *encoder);

/* The configuration the weights were trained with. Borrowed. */
BYOL_API const byol_config *byol_encoder_config(const byol_encoder *encoder);

/* Length of the vectors of `layer`; 0 where the weights do not have that layer. */
BYOL_API int byol_encoder_dimension(const byol_encoder *encoder, byol_layer layer);

/* Optimizer steps that the weights were trained for, of an encoder that was loaded or taken from a
 * trainer; 0 for a random one. */
BYOL_API uint64_t byol_encoder_step(const byol_encoder *encoder);

/* Number of input channels (1 or 3; 1 of sounds); 0: it is an encoder of texts. */
BYOL_API int byol_encoder_channels(const byol_encoder *encoder);
/* What it reads. */
BYOL_API byol_sample_kind byol_encoder_samples(const byol_encoder *encoder);

/* Prepares image `index` of `source` as the encoder sees it: short side resized, centre crop,
 * normalised, (channels, image_size, image_size) floats. An image that cannot be read gives zeros.
 * This is for comparing other methods with the encoder's vectors. Not from two threads at once.
 * Of a sound: its middle unit, normalised, (1, data.mels, data.frames) floats. BYOL_ERROR_INVALID
 * for a source of texts. */
BYOL_API byol_status byol_encoder_prepare(byol_encoder *encoder, const byol_source *source,
                                          size_t index, float *image, byol_error *error);

/* Embeds every image of `source` (prepared by byol_view_center; of a sound the mean over units of
 * data.frames side by side, as many as it is long, at most 64) into `features`, (count, dimension)
 * floats of the caller's. `progress` may be NULL. BYOL_ERROR_MISMATCH where the channels differ (a
 * source that decodes gives the channels asked for). An image that cannot be read
 * (byol_source_unreadable) gets a vector of zeros; BYOL_ERROR_FORMAT where no image can be read. */
BYOL_API byol_status byol_encoder_embed(byol_encoder *encoder, const byol_source *source,
                                        byol_layer layer, float *features, byol_progress progress,
                                        void *context, byol_error *error);

/* The same for training a probe: each image is seen through a random crop and flip (pass `pass`,
 * seed `seed`), as in the paper's linear evaluation. */
BYOL_API byol_status byol_encoder_embed_augmented(byol_encoder *encoder, const byol_source *source,
                                                  byol_layer layer, uint64_t seed, uint32_t pass,
                                                  float *features, byol_progress progress,
                                                  void *context, byol_error *error);

/* The mean of several vectors of each image: of the evaluation view, its mirror image, and `crops`
 * random crops (half of the area and more, flipped at random), which depend on `seed`. It is slower
 * by a factor of 2 + crops and a different measure from the evaluation view alone: say which of the
 * two a figure is of. */
BYOL_API byol_status byol_encoder_embed_mean(byol_encoder *encoder, const byol_source *source,
                                             byol_layer layer, int crops, uint64_t seed,
                                             float *features, byol_progress progress, void *context,
                                             byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
