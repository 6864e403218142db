/* The record of a run: everything that training leaves in its run folder, and how a run is
 * resumed. */
#ifndef BYOL__RECORD_H
#define BYOL__RECORD_H

#include <stdbool.h>
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
    /* The one to resume from, until byol__record_begin; NULL: a new run. */
    byol__safetensors *checkpoint;
    byol__origin origin; /* of that checkpoint */
    uint64_t saved_step; /* step of the last good checkpoint; 0: none */
    uint64_t unreadable; /* images named in unreadable.txt */
} byol__record;

/* Enters and locks the run folder `run`. With `resume`, opens the newest whole checkpoint. `warn`
 * is called for damaged ones, and if there is none at all. Zero-initialise the record first. */
byol_status byol__record_open(byol__record *record, const char *run, bool resume,
                              byol__damaged warn, void *context, byol_error *error);
/* Fine for a record that was never opened, or not completely. */
void byol__record_close(byol__record *record);

/* Can the run of `record->origin` be resumed with `origin`? BYOL_ERROR_MISMATCH names every changed
 * setting that decides the result, or the data. Changed settings that may change the result
 * (threads: the order of sums) go to `warn`. */
byol_status byol__record_compare(const byol__record *record, const byol__origin *origin,
                                 byol__damaged warn, void *context, byol_error *error);

/* Reads the opened checkpoint, if there is one, into `method`. Then writes config.yaml and opens
 * the log: from here on the folder is this run's. */
byol_status byol__record_begin(byol__record *record, byol__method *method,
                               const byol_config *config, byol_error *error);

/* Writes one line of metrics.jsonl. `knn` NaN: none. */
byol_status byol__record_log(byol__record *record, const byol_metrics *metrics, double knn,
                             byol_error *error);

/* Writes a line for the step at which the numbers became NaN or infinite. It has no figures: by
 * this a report recognises it. */
void byol__record_log_break(byol__record *record, uint64_t step, double epoch);

/* Writes a line of unreadable.txt, unless it names the image already. */
byol_status byol__record_unreadable(byol__record *record, const char *name, const char *reason,
                                    byol_error *error);

/* Writes encoder.safetensors. BYOL_ERROR_NUMERIC, and nothing written, if any value in the arenas
 * is not finite. */
byol_status byol__record_save_encoder(const byol__record *record, const byol__method *method,
                                      const byol__origin *origin, byol_error *error);

/* Writes a checkpoint and removes older ones beyond `checkpoint.keep`. Call it after everything
 * else is saved: a run that is resumed at its end writes nothing more, so a whole checkpoint must
 * mean that the other files are whole too. */
byol_status byol__record_save_checkpoint(byol__record *record, const byol__method *method,
                                         const byol__origin *origin, byol_error *error);

/* Writes the online network alone. */
byol_status byol__record_write_encoder(const char *path, const byol__method *method,
                                       const byol__origin *origin, byol_error *error);

#endif
