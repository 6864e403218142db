/* The record of a run: everything that training leaves in its run folder, and how it is resumed
 * again. */
#ifndef BYOL__RECORD_H
#define BYOL__RECORD_H

#include <stdint.h>
#include <stdio.h>

#include "byol/status.h"
#include "byol/trainer.h"
#include "state/checkpoint.h"
#include "state/runfolder.h"
#include "train/method.h"

typedef struct byol__record {
    byol__run_folder folder;
    FILE *log;
    byol__safetensors *checkpoint; /* to go on from, until byol__record_begin; NULL: start anew */
    byol__origin origin;           /* of that checkpoint */
    uint64_t saved_step;           /* of the last good checkpoint; 0: none */
    uint64_t unreadable;           /* images named in unreadable.txt */
} byol__record;

/* Enters and locks the run folder `run`. With `resume`, opens the newest whole checkpoint; `warn`
 * hears of damaged ones, and where there is none. Zero-initialise the record first. */
byol_status byol__record_open(byol__record *record, const char *run, int resume, byol__damaged warn,
                              void *context, byol_error *error);
void byol__record_close(
    byol__record *record); /* fine for one that was never opened, or not to the end */

/* Can the run of `record->origin` go on with `origin`? BYOL_ERROR_MISMATCH names every setting that
 * changes the result and is not as it was, or the data. Settings that may change it (threads: the
 * order of sums) are told to `warn`. */
byol_status byol__record_compare(const byol__record *record, const byol__origin *origin,
                                 byol__damaged warn, void *context, byol_error *error);

/* Reads the opened checkpoint, if there is one, into `method`. Then writes config.yaml and makes
 * the log ready: from here on the folder is this run's. */
byol_status byol__record_begin(byol__record *record, byol__method *method,
                               const byol_config *config, byol_error *error);

/* One line of metrics.jsonl; `knn` NaN: none. */
byol_status byol__record_log(byol__record *record, const byol_metrics *metrics, double knn,
                             byol_error *error);

/* The line of the step at which the numbers broke off: without figures, from which a report can
 * tell. */
void byol__record_log_break(byol__record *record, uint64_t step, double epoch);

/* A line of unreadable.txt, unless the image is named there already. */
byol_status byol__record_unreadable(byol__record *record, const char *name, const char *reason,
                                    byol_error *error);

/* encoder.safetensors. BYOL_ERROR_NUMERIC, and nothing written, where anything in the arenas is not
 * finite. */
byol_status byol__record_save_encoder(const byol__record *record, const byol__method *method,
                                      const byol__origin *origin, byol_error *error);

/* A checkpoint, and older ones beyond `checkpoint.keep` removed. After all else that is saved:
 * where it is whole, so is what goes with it, for a run that is resumed at its end writes nothing
 * more. */
byol_status byol__record_save_checkpoint(byol__record *record, const byol__method *method,
                                         const byol__origin *origin, byol_error *error);

/* The online network by itself. */
byol_status byol__record_write_encoder(const char *path, const byol__method *method,
                                       const byol__origin *origin, byol_error *error);

#endif
