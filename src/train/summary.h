/* summary.json: what a run has cost, on which machine, and how far it has come. For people and for
 * `byol report`. */
#ifndef BYOL__SUMMARY_H
#define BYOL__SUMMARY_H

#include "byol/trainer.h"
#include "train/monitor.h"

/* What the trainer knows. All pointers are borrowed. */
typedef struct byol__summary {
    const byol_config *config;
    const byol_trainer_info *info;
    const byol_run_result *result;
    const char *data; /* the training images in words */
    byol__verdict verdict;
} byol__summary;

/* Writes RUN/summary.json atomically. */
byol_status byol__summary_write(const char *run, const byol__summary *summary, byol_error *error);

#endif
