/* A run that ends by the clock (train.minutes) and not after a number of steps.
 *
 * Until the rate must fall, nothing depends on how long the run will be: the rate is constant after
 * its warm-up (schedule trapezoid). When what is left of the time is optimizer.decay of the whole,
 * the steps that still fit are counted by the pace of the last ones, and from then on the run ends
 * by steps like any other. What was decided belongs to a checkpoint: a run that is interrupted has
 * as much time as one that is not. */
#ifndef BYOL__PACING_H
#define BYOL__PACING_H

#include <stddef.h>
#include <stdint.h>

#include "train/steps.h"

typedef struct byol__pacing {
    double budget; /* seconds; 0: the run ends by steps, and nothing here counts */
    double spent;  /* seconds, of the processes before this one too; evaluation does not count */
    double pace;   /* seconds a step: a running mean */
} byol__pacing;

void byol__pacing_init(byol__pacing *pacing, const byol_config *config);

/* `seconds` went into the step after which `done` are done. Decides on the end of the run, once,
 * when it is time. */
void byol__pacing_step(byol__pacing *pacing, byol__steps *steps, const byol_config *config,
                       uint64_t done, double seconds);

/* How many steps the run will have come to: exactly, or as it looks after `done`. */
uint64_t byol__pacing_total(const byol__pacing *pacing, const byol__steps *steps, uint64_t done);

/* As a line of text for a checkpoint, exact to the last bit; and back again. Text that is not of
 * byol__pacing_write leaves all as it was. */
void byol__pacing_write(const byol__pacing *pacing, const byol__steps *steps, char *text,
                        size_t size);
void byol__pacing_read(byol__pacing *pacing, byol__steps *steps, const char *text);

#endif
