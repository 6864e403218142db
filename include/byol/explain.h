/* Explains an answer: which part of a picture a classifier's answer, or the likeness of two
 * pictures, hangs on. Maps are gradient-weighted sums of the last stage's feature maps (Grad-CAM:
 * Selvaraju et al., "Grad-CAM: visual explanations from deep networks via gradient-based
 * localization", ICCV 2017, equations 1 and 2). They say where the network looked, not whether it
 * was right to. */
#ifndef BYOL_EXPLAIN_H
#define BYOL_EXPLAIN_H

#include <stddef.h>
#include <stdint.h>

#include "byol/classify.h"
#include "byol/encoder.h"
#include "byol/source.h"
#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct byol_explainer byol_explainer;

/* `path`: a run folder or a .safetensors file, with or without a classifier. `threads` 0: every
 * processor the process may use. BYOL_ERROR_UNSUPPORTED for encoders of texts and networks without
 * feature maps before their end. Owned: byol_explainer_free. */
BYOL_API byol_status byol_explainer_load(byol_explainer **out, const char *path, int threads,
                                         byol_error *error);
BYOL_API void byol_explainer_free(byol_explainer *explainer); /* NULL is fine */

/* The classifier, or NULL where the weights have none. Borrowed. */
BYOL_API const byol_classifier *byol_explainer_classifier(const byol_explainer *explainer);
/* Number of input channels (1 or 3), and the side of a picture as the network sees it. */
BYOL_API int byol_explainer_channels(const byol_explainer *explainer);
BYOL_API int byol_explainer_image_size(const byol_explainer *explainer);
/* Side of a map: it has (side, side) numbers. A vision transformer's are its patches. */
BYOL_API int byol_explainer_side(const byol_explainer *explainer);

/* What the logit of class `label` hangs on in picture `index` of `source`; label -1: of the most
 * probable class. With A_k the feature maps of the last stage and y the logit: `map` = ReLU of the
 * sum over k of alpha_k A_k, where alpha_k is the mean of dy/dA_k over all positions. 0: not at
 * all; the scale has no meaning beyond the picture. `*chosen` is the class, `*probability` its
 * probability; both may be NULL.
 *
 * BYOL_ERROR_NOT_FOUND without a classifier, BYOL_ERROR_INVALID for a label that it does not have,
 * and the source's own error for a picture that cannot be read. Not from two threads at once. */
BYOL_API byol_status byol_explainer_class(byol_explainer *explainer, const byol_source *source,
                                          size_t index, int label, float *map, int *chosen,
                                          double *probability, byol_error *error);

/* The same for the likeness of the picture with picture `other_index` of `other`: y is the cosine
 * of their vectors, and `map` is of the first picture. `*cosine` may be NULL. */
BYOL_API byol_status byol_explainer_likeness(byol_explainer *explainer, const byol_source *source,
                                             size_t index, const byol_source *other,
                                             size_t other_index, float *map, double *cosine,
                                             byol_error *error);

/* Draws picture `index` as the network sees it, and beside it the same in grey below the map, from
 * violet (0) over green to yellow (the map's highest value): `rgb` is (height, 2 height, 3) bytes
 * of the caller's, height from byol_explainer_height. */
BYOL_API int byol_explainer_height(const byol_explainer *explainer);
BYOL_API byol_status byol_explainer_draw(byol_explainer *explainer, const byol_source *source,
                                         size_t index, const float *map, uint8_t *rgb,
                                         byol_error *error);

/* Writes bytes (height, width, 3) as a PNG, atomically. BYOL_ERROR_IO, BYOL_ERROR_MEMORY. */
BYOL_API byol_status byol_png_save(const char *path, const uint8_t *rgb, int height, int width,
                                   byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
