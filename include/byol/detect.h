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

/* ---- Pictures with boxes ---- */

typedef struct byol_boxes byol_boxes;

typedef struct byol_boxes_info {
    const char *description; /* one line for people; borrowed */
    size_t count;            /* pictures */
    size_t objects;
    int classes;
    int height, width; /* of the first picture */
    int channels;      /* of the pictures: 1 or 3 */
    size_t notes;      /* what was skipped or is strange: byol_boxes_note */
} byol_boxes_info;

/* Opens one of
 *   a folder in the manner of Pascal VOC, "FOLDER" or "FOLDER:SPLIT": Annotations/a.xml belongs to
 *   JPEGImages/a.jpg, and ImageSets/Main/SPLIT.txt lists the names of a split;
 *   a folder with a.xml beside each a.jpg ("FOLDER:SPLIT": FOLDER/SPLIT);
 *   a file of COCO's, "FILE.json": its pictures lie beside it or in images/ beside it.
 * Corners are taken as they are written. Difficult objects (VOC) and crowds (COCO) are `crowd`.
 * Classes are the names that occur, in the order of the alphabet (VOC) or of their numbers (COCO);
 * FOLDER/classes.txt may list them; with `like` they are that set's. Boxes without an area, and
 * those outside their picture, are skipped, and noted.
 *
 * BYOL_ERROR_NOT_FOUND (a file that is missing), BYOL_ERROR_FORMAT (no XML or JSON, none that tells
 * of boxes, a picture of another size than it says), BYOL_ERROR_MISMATCH (a class beyond the list).
 * Each names the file. Owned: byol_boxes_free. */
BYOL_API byol_status byol_boxes_open(byol_boxes **out, const char *spec, const byol_boxes *like,
                                     byol_error *error);

/* Pictures and their objects, copied and sorted by picture; the pictures are borrowed until
 * byol_boxes_free. BYOL_ERROR_INVALID for an object beyond the pictures or the classes. */
BYOL_API byol_status byol_boxes_from_memory(byol_boxes **out, const byol_source *pictures,
                                            const byol_object *objects, size_t count, int classes,
                                            byol_error *error);
BYOL_API void byol_boxes_free(byol_boxes *boxes);

BYOL_API void byol_boxes_describe(const byol_boxes *boxes, byol_boxes_info *info);

/* All borrowed: the pictures alone; the objects, (info.objects), by picture; the name of a class,
 * or NULL; what was skipped, in words. */
BYOL_API const byol_source *byol_boxes_pictures(const byol_boxes *boxes);
BYOL_API const byol_object *byol_boxes_objects(const byol_boxes *boxes);
BYOL_API const char *byol_boxes_class_name(const byol_boxes *boxes, int label);
BYOL_API const char *byol_boxes_note(const byol_boxes *boxes, size_t index);

/* Writes picture `index` with its boxes and, beside it, with those that were found as surely as
 * `least`, each class in a colour, as a PNG for people. */
BYOL_API byol_status byol_boxes_show(const byol_boxes *boxes, size_t index,
                                     const byol_object *found, size_t count, float least,
                                     const char *path, byol_error *error);

/* Writes detections as COCO's results, a list of {image_id, category_id, bbox, score}, atomically;
 * image_id and category_id are those of the set's file (VOC: the picture's index and the class's
 * number from 1), and file_name and category say the same in words. */
BYOL_API byol_status byol_detections_write(const char *path, const byol_boxes *boxes,
                                           const byol_object *found, size_t count,
                                           byol_error *error);

/* ---- Learning ---- */

enum { BYOL_DETECTIONS_MAX = 100 }; /* in a picture */

/* Called with what was found in each test picture, the surest first; borrowed. */
typedef byol_status (*byol_detect_answer)(void *context, size_t index, const byol_object *found,
                                          size_t count, byol_error *error);

typedef struct byol_detect_result {
    byol_precision_scores scores;
    int height, width; /* that the network was given */
    float stride;      /* of the map, in pixels of that */
    uint64_t steps;
    double loss;     /* mean of the last epoch */
    char stages[96]; /* "stage1,stage2" */
    double seconds;
} byol_detect_result;

/* Trains on `train`, answers for `test`. `by_class` (classes) and `answer` and `progress` may be
 * NULL. BYOL_ERROR_INVALID (options, a training set without objects), _MISMATCH (classes,
 * channels), _NUMERIC (it diverged), _CANCELLED. */
BYOL_API byol_status byol_detect(const byol_encoder *encoder, const byol_boxes *train,
                                 const byol_boxes *test, const byol_task_options *options,
                                 byol_detect_result *result, byol_precision_scores *by_class,
                                 byol_detect_answer answer, byol_progress progress, void *context,
                                 byol_error *error);

/* A baseline without a network: as many boxes of the training pictures, drawn at random. */
BYOL_API byol_status byol_detect_by_chance(const byol_boxes *train, const byol_boxes *test,
                                           uint64_t seed, byol_precision_scores *scores,
                                           byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
