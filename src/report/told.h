/* What a run folder tells: configuration, log, summary and evaluations, read into memory. */
#ifndef BYOL__TOLD_H
#define BYOL__TOLD_H

#include <stddef.h>

#include <jansson.h>

#include "byol/config.h"
#include "byol/status.h"

typedef enum byol__figure {
    BYOL__EPOCH,
    BYOL__LOSS,
    BYOL__LR,
    BYOL__TAU,
    BYOL__SPREAD,
    BYOL__POSITIVE,
    BYOL__NEGATIVE,
    BYOL__RANK,
    BYOL__REPRESENTATION_RANK,
    BYOL__SPEED,
    BYOL__SECONDS,
    BYOL__KNN,
    BYOL__FIGURES
} byol__figure;

typedef struct byol__told {
    const char *path; /* as it was given; borrowed */
    char name[256];   /* the last part of it */
    byol_config config;
    size_t lines;                   /* of metrics.jsonl */
    double *figures[BYOL__FIGURES]; /* (lines) each; NaN where a line does not hold it */
    double last_step;               /* of the log or of the last checkpoint, whichever is later */
    double seconds; /* of training, resumptions included; checkpoints and kNN too; NaN: not known */
    json_t *summary, *evaluations; /* objects, perhaps empty */
} byol__told;

/* Reads the folder. BYOL_ERROR_NOT_FOUND where there is no config.yaml or no metrics.jsonl: it is
 * no run. A line of the log that cannot be read is passed over (the last one of a killed run).
 * Zero-initialise, then release in any case. */
byol_status byol__told_read(byol__told *told, const char *path, byol_error *error);
void byol__told_release(byol__told *told);

/* The last known value of a figure; NaN where there is none. */
double byol__told_last(const byol__told *told, byol__figure figure);
/* The mean over the last tenth of the lines that hold it: steadier. */
double byol__told_late(const byol__told *told, byol__figure figure);

/* How far training is; before the first line of the log by the last checkpoint. NaN where neither
 * is there. */
double byol__told_epochs(const byol__told *told);

/* NaN, or "" where `object` does not hold it. Borrowed. */
double byol__number(const json_t *object, const char *key);
const char *byol__words(const json_t *object, const char *key);

/* 1 where a result is of test images that were the training images. */
int byol__told_same_images(const json_t *evaluation);

/* The result of `method` ("knn"), or NULL. Borrowed. `*outdated` (may be NULL): 1 where it is of
 * other weights than the run's last. */
const json_t *byol__told_evaluation(const byol__told *told, const char *method, int *outdated);

#endif
