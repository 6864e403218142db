/* Samples to learn from by logistic regression, and samples to judge by. */
#ifndef BYOL__FITTING_H
#define BYOL__FITTING_H

#include "eval/logistic.h"

typedef struct byol__fitting {
    byol__sparse learn, judge; /* inputs; owned */
    int32_t *targets;          /* (learn) */
    int32_t *predicted;        /* (judge): learned classes */
    double *logits;            /* (judge, outputs) */
    double *weights;           /* as byol__logistic has them */
    byol__logistic regression;
} byol__fitting;

/* Whom to ask between steps whether to go on, and how far the work is. */
typedef struct byol__fit_progress {
    byol_progress call; /* NULL: nobody */
    void *context;
    uint64_t done, total; /* fits */
} byol__fit_progress;

/* Once `learn` and `judge` are filled: sample i to learn from is of class targets[indices[i]], or
 * targets[i] if `indices` is NULL. On failure too, `f` is the caller's: byol__fitting_close. */
byol_status byol__fitting_open(byol__fitting *f, const int32_t *targets, const uint32_t *indices,
                               int classes, byol_error *error);
void byol__fitting_close(byol__fitting *f);

/* Learns with that C and predicts the samples to judge by; progress->done grows by one. */
byol_status byol__fitting_fit(byol__fitting *f, float c, byol__fit_progress *progress,
                              byol_error *error);

/* How many of the samples to judge by are predicted right: sample i is of class
 * targets[indices[i]]. */
size_t byol__fitting_right(const byol__fitting *f, const int32_t *targets, const uint32_t *indices);

/* BYOL_ERROR_INVALID unless there are values of C, all above 0, and `held_out` is between 0 and 1.
 * `what` is in the message. */
byol_status byol__fitting_check(const char *what, const float *cs, int c_count, float held_out,
                                byol_error *error);

#endif
