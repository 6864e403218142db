/* summary.json: what a run has cost, where, and how far it has come. For people and for `byol
 * report`. */
#ifndef BYOL__SUMMARY_H
#define BYOL__SUMMARY_H

#include "byol/trainer.h"
#include "train/monitor.h"

/* Writes RUN/summary.json atomically. `data` describes the training images. */
byol_status byol__summary_write(const byol_trainer *trainer, const char *run, const char *data,
                                byol__verdict verdict, const byol_run_result *result,
                                byol_error *error);

#endif
