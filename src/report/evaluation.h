/* evaluation.json: the results of evaluating a run's encoder, kept in the run folder. */
#ifndef BYOL__EVALUATION_H
#define BYOL__EVALUATION_H

#include <stdbool.h>

#include <jansson.h>

#include "byol/report.h"

enum {
    BYOL__CONFUSION_CLASSES = 100 /* for more classes no matrix is kept: nobody could read it */
};

/* The object of RUN/evaluation.json: one key a method. An empty object if there is none, or it
 * cannot be read. Owned: json_decref. NULL if there is no memory. */
json_t *byol__evaluation_read(const char *run);

/* Is a result that of a task on every pixel, not of a classification? */
bool byol__evaluation_is_task(const json_t *result);

#endif
