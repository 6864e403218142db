/* What are features worth? kNN and a linear probe, over any (count, dimension) matrix of floats, and a report on any
 * predictions. */
#ifndef BYOL_EVAL_H
#define BYOL_EVAL_H

#include <stddef.h>
#include <stdint.h>

#include "byol/encoder.h"
#include "byol/source.h"
#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* A labelled set of feature vectors: (count, dimension) floats and `count` labels 0 .. classes-1. Everything borrowed.
 */
typedef struct byol_features {
    const float *values;
    const int32_t *labels;
    size_t count;
    int dimension;
    int classes;
} byol_features;

typedef struct byol_knn_options {
    int k;             /* neighbours; default 20 */
    float temperature; /* votes are weighted exp(similarity / temperature); default 0.07 */
    int threads;       /* default 0: every processor the process may use */
} byol_knn_options;

BYOL_API void byol_knn_options_init(byol_knn_options *options);

/* Weighted kNN with cosine similarity (Wu et al., "Unsupervised feature learning via non-parametric instance
 * discrimination", CVPR 2018, section 3.4). `*accuracy` in percent. `predicted` (test->count labels) may be NULL. */
BYOL_API byol_status byol_knn(const byol_features *train, const byol_features *test, const byol_knn_options *options,
                              double *accuracy, int32_t *predicted, byol_progress progress, void *context,
                              byol_error *error);

typedef struct byol_linear_options {
    int epochs;       /* default 80 */
    int batch_size;   /* default 256 */
    float momentum;   /* default 0.9, Nesterov */
    const float *lrs; /* base learning rates (for batch 256) to choose from on held-out training images; borrowed */
    int lr_count;     /* default: 9 values, 0.0006 .. 6; a wider range may do better where the choice is at its edge */
    float held_out;   /* share of the training set held out for the choice; default 0.1 */
    uint64_t seed;
    int standardize; /* features scaled to mean 0, variance 1 with training statistics; default 1 */
    int threads;     /* default 0: every processor the process may use; changes nothing but the time */
} byol_linear_options;

BYOL_API void byol_linear_options_init(byol_linear_options *options);

typedef struct byol_linear_result {
    double accuracy;          /* on the test set, percent; the probe retrained on all training images */
    double held_out_accuracy; /* of the chosen learning rate, percent */
    float lr;                 /* the chosen base learning rate */
} byol_linear_result;

/* A linear (softmax) classifier on frozen features: SGD with Nesterov momentum, cosine schedule, no warm-up, no weight
 * decay (BYOL, appendix C.1). `train` is an array of `passes` feature sets of the same images under different
 * augmentations (1: none); epoch e uses train[e % passes]. The test set is used once, at the end. `predicted`
 * (test->count labels) may be NULL. */
BYOL_API byol_status byol_linear(const byol_features *train, int passes, const byol_features *test,
                                 const byol_linear_options *options, byol_linear_result *result, int32_t *predicted,
                                 byol_progress progress, void *context, byol_error *error);

/* ---- Classification report ---- */

/* Of one class, or a mean over classes; percent. With TP, FP, FN counted for the class: precision TP / (TP + FP),
 * recall TP / (TP + FN), F1 2 TP / (2 TP + FP + FN); each is 0 where that is 0 / 0. */
typedef struct byol_class_scores {
    double precision, recall, f1;
    uint64_t support; /* how many images are of the class */
} byol_class_scores;

typedef struct byol_classification {
    int classes;
    uint64_t count;              /* images */
    double accuracy;             /* percent */
    byol_class_scores *of_class; /* (classes) */
    byol_class_scores macro;     /* means over all classes, those without images included; support: count */
    byol_class_scores weighted;  /* means weighted by support */
    uint64_t *confusion;         /* (classes, classes): at [label * classes + predicted] how many images */
} byol_classification;

/* Compares `count` predictions with the labels; both are 0 .. classes-1 (else BYOL_INVALID). The figures are those of
 * scikit-learn's classification_report and confusion_matrix with labels=range(classes), zero_division=0. `report` is
 * the caller's: byol_classification_release. */
BYOL_API byol_status byol_classification_init(byol_classification *report, const int32_t *labels,
                                              const int32_t *predicted, size_t count, int classes, byol_error *error);
BYOL_API void byol_classification_release(byol_classification *report);

#ifdef __cplusplus
}
#endif

#endif
