/* A run that ends by the clock (train.minutes) and not after a number of steps.
 *
 * Until the rate must fall, nothing depends on how long the run will be: the rate is constant after
 * its warm-up (schedule trapezoid). When the remaining time is optimizer.decay of the whole, the
 * recent pace tells how many steps still fit. From then on the run ends by steps like any other.
 * The decision is stored in checkpoints: an interrupted run has as much time as one that is not. */
#ifndef BYOL__PACING_H
#define BYOL__PACING_H

#include <stddef.h>
#include <stdint.h>

#include "train/steps.h"

typedef struct byol__pacing {
    double budget; /* seconds; 0: the run ends by steps, and nothing here counts */
    double spent;  /* seconds, in earlier processes too; without evaluation */
    double pace;   /* seconds a step: a running mean */
} byol__pacing;

void byol__pacing_init(byol__pacing *pacing, const byol_config *config);

/* Call it after each step: the step took `seconds`, and `done` steps are done. When it is time, it
 * decides once where the run ends. */
void byol__pacing_step(byol__pacing *pacing, byol__steps *steps, const byol_config *config,
                       uint64_t done, double seconds);

/* The run's number of steps: exact, or an estimate after `done` steps. */
uint64_t byol__pacing_total(const byol__pacing *pacing, const byol__steps *steps, uint64_t done);

/* Seconds left by the clock; 0: the run goes by steps, or the time is over. */
double byol__pacing_left(const byol__pacing *pacing);

/* As a line of text for a checkpoint, exact to the last bit, and back again. Reading leaves all as
 * it was if the text is not from byol__pacing_write. */
void byol__pacing_write(const byol__pacing *pacing, const byol__steps *steps, char *text,
                        size_t size);
void byol__pacing_read(byol__pacing *pacing, byol__steps *steps, const char *text);

#endif
