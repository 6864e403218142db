/* evaluation.json: what the encoder of a run was found to be worth, kept in the run folder. */
#ifndef BYOL__EVALUATION_H
#define BYOL__EVALUATION_H

#include <jansson.h>

#include "byol/report.h"

enum {
    BYOL__CONFUSION_CLASSES = 100
}; /* of more classes no matrix is kept: nobody could read it */

/* The object of RUN/evaluation.json: one key a method. An empty object where there is none, or none
 * that can be read. Owned: json_decref. NULL where memory is short. */
json_t *byol__evaluation_read(const char *run);

#endif
