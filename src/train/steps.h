/* The count of optimizer steps, on which both schedules depend.
 *
 * The batches of a run are numbered through all epochs: 0 .. epochs * batches_per_epoch - 1. Step s
 * (from 0) takes the batches s * accumulate .. (s + 1) * accumulate - 1. So a step may span the end
 * of an epoch: nothing is dropped there and nothing shifts. Only at the end of the whole run, up to
 * accumulate - 1 batches that fill no step are left out. The position to resume from is one number:
 * step * accumulate batches are done. */
#ifndef BYOL__STEPS_H
#define BYOL__STEPS_H

#include <stddef.h>
#include <stdint.h>

#include "byol/config.h"
#include "byol/status.h"

/* The end of the run is not yet known (train.minutes). */
#define BYOL__STEPS_OPEN UINT64_MAX

typedef struct byol__steps {
    /* The loader drops the last, incomplete batch of an epoch. */
    uint64_t batches_per_epoch;
    uint64_t accumulate;
    uint64_t total;  /* optimizer steps of the run, or BYOL__STEPS_OPEN */
    uint64_t warmup; /* of these, at the start */
    uint64_t decay;  /* of these, at the end, while the rate falls; schedule trapezoid */
    int epochs;      /* begun, by the end of the run; 0: open */
} byol__steps;

/* BYOL_ERROR_INVALID if `images` do not fill one batch, or the run not one step. */
byol_status byol__steps_init(byol__steps *steps, const byol_config *config, size_t images,
                             byol_error *error);

/* Ends an open run `decay` steps after the `done` steps so far, with a falling rate. */
void byol__steps_end_after(byol__steps *steps, uint64_t done, uint64_t decay);

/* For the step numbered `step` from 0. The learning rate is optimizer.lr * batch_size * accumulate
 * / 256, scheduled. */
double byol__steps_lr(const byol__steps *steps, const byol_config *config, uint64_t step);
double byol__steps_tau(const byol__steps *steps, const byol_config *config, uint64_t step);

/* After `done` steps: epochs passed (1.5: half of the second), and whole epochs. The last step ends
 * the last epoch. */
double byol__steps_epoch(const byol__steps *steps, uint64_t done);
int byol__steps_epochs_done(const byol__steps *steps, uint64_t done);

#endif
