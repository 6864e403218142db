/* Segmentation: which class each pixel is of. Pictures with a mask each, a linear head on the maps
 * of an encoder's stages (batch norm, a 1x1 convolution, bilinear to the size of the picture), with
 * the encoder frozen or fine-tuned, and how right the answers are. */
#ifndef BYOL_SEGMENT_H
#define BYOL_SEGMENT_H

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

/* ---- Pictures with masks ---- */

typedef struct byol_masks byol_masks;

enum { BYOL_MASK_CLASSES_MAX = 255, BYOL_IGNORE_DEFAULT = 255 };

typedef struct byol_masks_options {
    int ignore;  /* the number of pixels that count for nothing; BYOL_IGNORE_DEFAULT; -1: none */
    int classes; /* numbers are 0 .. classes-1; 0: from classes.txt, or the highest number + 1 */
} byol_masks_options;

typedef struct byol_masks_info {
    const char *description; /* one line for people; borrowed */
    size_t count;
    int classes, ignore;
    int height, width; /* of the first picture */
    int channels;      /* of the pictures: 1 or 3 */
} byol_masks_info;

/* Opens "FOLDER" or "FOLDER:SPLIT". A folder has images/ and labels/, with folders of splits in
 * both or not: labels/train/a.png belongs to images/train/a.jpg. Or each picture has its mask
 * beside it: a.png beside a.jpg. Masks are PNG, grey or with a palette; FOLDER/classes.txt may name
 * the classes, a line each. Every mask is looked at once. BYOL_ERROR_NOT_FOUND (no folder, no
 * pictures, a picture without a mask), BYOL_ERROR_MISMATCH (a mask of another size than its
 * picture, a number beyond the classes): each names the file. Owned: byol_masks_free. */
BYOL_API byol_status byol_masks_open(byol_masks **out, const char *spec,
                                     const byol_masks_options *options, byol_error *error);

/* Pictures of one size and their masks, (count, height, width), both borrowed until
 * byol_masks_free. BYOL_ERROR_MISMATCH as above, BYOL_ERROR_INVALID for texts and for pictures of
 * different sizes. */
BYOL_API byol_status byol_masks_from_memory(byol_masks **out, const byol_source *pictures,
                                            const uint8_t *masks, const byol_masks_options *options,
                                            byol_error *error);

BYOL_API void byol_masks_free(byol_masks *masked);

BYOL_API void byol_masks_describe(const byol_masks *masked, byol_masks_info *info);

/* The pictures alone, borrowed. */
BYOL_API const byol_source *byol_masks_pictures(const byol_masks *masked);

/* The name of a class, or NULL where there are none. Borrowed. */
BYOL_API const char *byol_masks_class_name(const byol_masks *masked, int label);

/* Reads mask `index`: `*mask` is (height, width), owned: byol_mask_free. */
BYOL_API byol_status byol_masks_mask(const byol_masks *masked, size_t index, uint8_t **mask,
                                     int *height, int *width, byol_error *error);
BYOL_API void byol_mask_free(uint8_t *mask);

/* Writes a mask as a grey PNG, atomically. */
BYOL_API byol_status byol_mask_write(const char *path, const uint8_t *mask, int height, int width,
                                     byol_error *error);

/* Writes the picture, its mask and the predicted one (of the same size) side by side as a PNG, each
 * class in a colour, for people. */
BYOL_API byol_status byol_masks_show(const byol_masks *masked, size_t index,
                                     const uint8_t *predicted, const char *path, byol_error *error);

/* ---- How right ---- */

/* Percent. */
typedef struct byol_segment_scores {
    double miou;           /* mean of intersection over union, over the classes that there are */
    double class_accuracy; /* mean over the classes that there are */
    double pixel_accuracy;
} byol_segment_scores;

/* Of a matrix (classes, classes) of pixels: true class by predicted class. `iou` and `accuracy`
 * (classes) may be NULL; NaN for a class that is neither there nor predicted (accuracy: not
 * there). */
BYOL_API void byol_segment_score(const uint64_t *confusion, int classes,
                                 byol_segment_scores *scores, double *iou, double *accuracy);

/* ---- Learning ---- */

/* Called with the prediction for each test picture: (height, width) of its mask, borrowed. */
typedef byol_status (*byol_segment_answer)(void *context, size_t index, const uint8_t *mask,
                                           int height, int width, byol_error *error);

typedef struct byol_segment_result {
    byol_segment_scores scores;
    int height, width; /* that the network was given */
    uint64_t steps;
    double loss;     /* mean of the last epoch */
    char stages[96]; /* "stage2,stage3" */
    double seconds;
} byol_segment_result;

/* Trains on `train`, answers for `test`. `confusion` (classes, classes) is filled in; classes are
 * those of `train`. `answer` and `progress` may be NULL. BYOL_ERROR_INVALID (options), _MISMATCH
 * (classes, channels), _NUMERIC (it diverged), _CANCELLED. */
BYOL_API byol_status byol_segment(const byol_encoder *encoder, const byol_masks *train,
                                  const byol_masks *test, const byol_task_options *options,
                                  byol_segment_result *result, uint64_t *confusion,
                                  byol_segment_answer answer, byol_progress progress, void *context,
                                  byol_error *error);

/* Baselines without an encoder: the same head on the colours and the place of each pixel; and the
 * most frequent class of each position. The same options, as far as they apply. */
BYOL_API byol_status byol_segment_by_colour(const byol_encoder *encoder, const byol_masks *train,
                                            const byol_masks *test,
                                            const byol_task_options *options,
                                            byol_segment_result *result, uint64_t *confusion,
                                            byol_progress progress, void *context,
                                            byol_error *error);
BYOL_API byol_status byol_segment_by_place(const byol_masks *train, const byol_masks *test,
                                           const byol_task_options *options, uint64_t *confusion,
                                           byol_progress progress, void *context,
                                           byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
