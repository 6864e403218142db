/* The evaluation results that are kept beside a run, and the page that shows one run or compares
 * several. */
#ifndef BYOL_REPORT_H
#define BYOL_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "byol/encoder.h"
#include "byol/source.h"
#include "byol/status.h"
#include "byol/verify.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One result of an evaluation. Accuracies are percent; NaN: not measured. Strings and numbers are
 * borrowed. */
typedef struct byol_evaluation {
    /* "knn", "linear" ...: a new result replaces an old one of the same method. */
    const char *method;
    uint64_t step;            /* of the weights: byol_encoder_step */
    const char *train, *test; /* the two sets of images, in words */
    size_t train_count, test_count;
    int classes;
    double accuracy, random_init_accuracy, pixel_accuracy, hog_accuracy;
    double logmel_accuracy, mfcc_accuracy; /* of sounds; 0 like NaN */
    /* Of texts, without a network: byol_tfidf and byol_majority; 0 or NaN: not measured. */
    double tfidf_accuracy, majority_accuracy;
    const char *choice_name; /* of the hyper-parameter that was chosen ("k"), or NULL */
    double choice;
    /* (classes, classes) test images: true label by predicted label; or NULL. */
    const uint64_t *confusion;
    /* 1: the test images are the training images, so the accuracies mean little. */
    bool same_images;
} byol_evaluation;

/* Adds a result to RUN/evaluation.json, atomically. A matrix of more than 100 classes is left out.
 * BYOL_ERROR_IO where the folder cannot be written. */
BYOL_API byol_status byol_evaluation_save(const char *run, const byol_evaluation *evaluation,
                                          byol_error *error);

/* 1 where RUN/evaluation.json has a result of the same method and weights that says more and
 * should not be replaced by this one: it has more test images, or as many and more training
 * images. A result whose test images are not the training images says more than one whose are,
 * however many. */
BYOL_API int byol_evaluation_is_outranked(const char *run, const byol_evaluation *evaluation);

/* 1 where RUN/evaluation.json has a result of `method` for the weights of `step`. */
BYOL_API int byol_evaluation_is_current(const char *run, const char *method, uint64_t step);

/* One result of verification by pairs. All is borrowed; NULL: not measured. */
typedef struct byol_verification {
    uint64_t step;     /* of the weights: byol_encoder_step */
    const char *pairs; /* the file of pairs, in words */
    const byol_roc *trained, *random_init, *pixels;
    double far;                      /* the FAR that thresholds were chosen for, 0 .. 1 */
    const byol_threshold *threshold; /* of the trained encoder, chosen on other persons */
    bool mean;                       /* vectors are means over views */
} byol_verification;

/* Adds it to RUN/evaluation.json as "verify", atomically, with the curves: at most 200 points of
 * each. BYOL_ERROR_IO where the folder cannot be written. */
BYOL_API byol_status byol_verification_save(const char *run, const byol_verification *verification,
                                            byol_error *error);

/* ---- Tasks on every pixel ---- */

enum { BYOL_MEASURES = 3 };

/* A line of figures: percent, NaN where there is none. */
typedef struct byol_task_row {
    const char *name;
    double values[BYOL_MEASURES];
} byol_task_row;

/* A result of segmentation or detection. All is borrowed. */
typedef struct byol_task_evaluation {
    const char *task; /* "segment", "detect-finetune" ...: a new result replaces an old one */
    uint64_t step;    /* of the weights: byol_encoder_step */
    const char *train, *test; /* the two sets, in words */
    size_t train_count, test_count;
    const char *how;                     /* in words: "frozen, stage2, 30 epochs" */
    const char *measures[BYOL_MEASURES]; /* what the figures are: "mIoU" */
    const byol_task_row *rows;           /* the trained encoder, then what stands beside it */
    size_t row_count;
    const byol_task_row *classes; /* the trained encoder by class */
    size_t class_count;
    const char *legend;          /* of the pictures, in words */
    const char *const *pictures; /* PNG files in the run folder */
    size_t picture_count;
} byol_task_evaluation;

/* Adds a result to RUN/evaluation.json, atomically. BYOL_ERROR_IO where the folder cannot be
 * written. */
BYOL_API byol_status byol_task_evaluation_save(const char *run,
                                               const byol_task_evaluation *evaluation,
                                               byol_error *error);

/* ---- The page ---- */

typedef struct byol_report_options {
    /* All are borrowed and may be NULL: the page then lacks the pictures that need them. */
    const byol_source *data;  /* what the run was trained on: for the gallery of views */
    const byol_source *train; /* nearest neighbours are sought among up to 5,000 of these */
    /* Images whose neighbours are sought; up to 1,000 of them make the map. NULL: as train. */
    const byol_source *test;
    const char *note; /* why pictures are missing, shown on the page; or NULL */
    int threads;      /* 0: every processor the process may use */
    /* Called with what the progress that follows is of; may be NULL. */
    void (*stage)(void *context, const char *what);
    byol_progress progress; /* may be NULL; non-zero stops (BYOL_ERROR_CANCELLED) */
    void *context;
} byol_report_options;

BYOL_API void byol_report_options_init(byol_report_options *options);

/* Writes one HTML page, atomically, that needs no network and no other file. It shows what is in
 * the run folders (config.yaml, metrics.jsonl, summary.json, evaluation.json) and, for a single
 * run, pictures by its encoder. For several runs (`count` 2 .. 16) it compares curves, results and
 * settings.
 *
 * BYOL_ERROR_NOT_FOUND where a folder is no run, BYOL_ERROR_INVALID for a wrong number of runs,
 * BYOL_ERROR_IO where `out` cannot be written. */
BYOL_API byol_status byol_report_write(const char *const *runs, size_t count, const char *out,
                                       const byol_report_options *options, byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
