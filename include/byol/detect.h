/* Detection: where objects are, as boxes. Pictures with boxes, a head that finds centres and sizes
 * on the maps of an encoder's stages (the idea of CenterNet, arXiv 1904.07850), with the encoder
 * frozen or fine-tuned, and average precision as COCO defines it. */
#ifndef BYOL_DETECT_H
#define BYOL_DETECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "byol/config.h"
#include "byol/dense.h"
#include "byol/encoder.h"
#include "byol/source.h"
#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- How right ---- */

/* A box of a picture, in pixels: the corner of the first is (0, 0). */
typedef struct byol_object {
    uint32_t picture;          /* index */
    int label;                 /* class, from 0 */
    float x, y, width, height; /* of its upper left corner */
    float score;               /* of a detection: 0 .. 1 */
    bool crowd;                /* of the truth: a box of many, that is neither found nor missed */
} byol_object;

/* Percent; NaN where the truth has no such object. */
typedef struct byol_precision_scores {
    double ap;   /* mean over overlaps of .5, .55 ... .95 */
    double ap50; /* at an overlap of .5 */
    double ap75;
} byol_precision_scores;

/* COCO's average precision (pycocotools' COCOeval for boxes of all sizes, at most 100 detections of
 * a class in a picture): means over the classes that the truth has. `by_class` (classes) may be
 * NULL. BYOL_ERROR_INVALID for a label beyond the classes, BYOL_ERROR_MEMORY. */
BYOL_API byol_status byol_average_precision(const byol_object *truth, size_t truth_count,
                                            const byol_object *found, size_t found_count,
                                            int classes, byol_precision_scores *scores,
                                            byol_precision_scores *by_class, byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
