/* What a run was found to be worth, kept beside it; and the page that shows a run, or several side by side. */
#ifndef BYOL_REPORT_H
#define BYOL_REPORT_H

#include <stddef.h>
#include <stdint.h>

#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* One result of an evaluation. Accuracies are percent; NaN: not measured. Strings and numbers are borrowed. */
typedef struct byol_evaluation {
    const char *method;       /* "knn", "linear" ...: the same method overwrites what it said before */
    uint64_t step;            /* of the weights: byol_encoder_step */
    const char *train, *test; /* the two sets of images, in words */
    size_t train_count, test_count;
    int classes;
    double accuracy, random_init_accuracy, pixel_accuracy;
    const char *choice_name; /* of the hyper-parameter that was chosen ("k"), or NULL */
    double choice;
    const uint32_t *confusion; /* (classes, classes) test images: true label by predicted label; or NULL */
} byol_evaluation;

/* Adds a result to RUN/evaluation.json, atomically. A matrix of more than 100 classes is left out. BYOL_IO where the
 * folder cannot be written. */
BYOL_API byol_status byol_evaluation_save(const char *run, const byol_evaluation *evaluation, byol_error *error);

/* 1 where RUN/evaluation.json has a result of `method` for the weights of `step`. */
BYOL_API int byol_evaluation_is_current(const char *run, const char *method, uint64_t step);

#ifdef __cplusplus
}
#endif

#endif
