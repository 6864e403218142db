/* The contents of a run folder: configuration, log, summary and evaluations, read into memory. */
#ifndef BYOL__RUN_DATA_H
#define BYOL__RUN_DATA_H

#include <stdbool.h>
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

typedef struct byol__run_data {
    const char *path; /* as given; borrowed */
    char name[256];   /* the last part of it */
    byol_config config;
    size_t lines;                   /* of metrics.jsonl */
    double *figures[BYOL__FIGURES]; /* (lines) each; NaN if the line lacks it */
    double last_step;               /* of the log or the last checkpoint, whichever is later */
    /* Of training, over all resumptions, with checkpoints and kNN; NaN: not known. */
    double seconds;
    json_t *summary, *evaluations; /* objects, perhaps empty */
} byol__run_data;

/* Reads the folder. BYOL_ERROR_NOT_FOUND if it has no config.yaml or no metrics.jsonl: it is no
 * run. Unreadable lines of the log are skipped (the last one of a killed run). Zero-initialise,
 * then release in any case. */
byol_status byol__run_data_read(byol__run_data *run_data, const char *path, byol_error *error);
void byol__run_data_release(byol__run_data *run_data);

/* The last known value of a figure; NaN if there is none. */
double byol__run_data_last(const byol__run_data *run_data, byol__figure figure);
/* The mean over the last tenth of the lines that have it: steadier. */
double byol__run_data_late(const byol__run_data *run_data, byol__figure figure);

/* Did the run learn from texts? What it learned from: "texts", "sounds" or "images"; one of them.
 */
bool byol__run_data_has_texts(const byol__run_data *run_data);
const char *byol__run_data_samples(const byol__run_data *run_data);
const char *byol__run_data_sample(const byol__run_data *run_data);

/* How many epochs are done. Before the first line of the log, this is from the last checkpoint. NaN
 * if there is neither. */
double byol__run_data_epochs(const byol__run_data *run_data);

/* Images or texts a second, by the last checkpoint or else by the log. NaN if there is neither. */
double byol__run_data_speed(const byol__run_data *run_data);

/* NaN, or "", if `object` lacks it. Borrowed. */
double byol__number(const json_t *object, const char *key);
const char *byol__words(const json_t *object, const char *key);

/* 1 if the test samples of a result were the training samples. */
int byol__run_data_same_images(const json_t *evaluation);

/* The result of `method` ("knn"), or NULL. Borrowed. `*outdated` (may be NULL): 1 if it is of other
 * weights than the run's last. */
const json_t *byol__run_data_evaluation(const byol__run_data *run_data, const char *method,
                                        int *outdated);

#endif
