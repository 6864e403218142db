/* The run folder: names, order and housekeeping of what a run leaves on disk.
 *
 *     config.yaml            the resolved configuration: enough to run again
 *     metrics.jsonl          one JSON object a line
 *     unreadable.txt         images that could not be read, and why
 *     checkpoints/           step-000123.safetensors ...
 *     encoder.safetensors    the online network of the last checkpoint
 *     summary.json           cost, machine and progress, as of the last checkpoint
 *     evaluation.json        the results of evaluating the encoder
 *     *.old1, *.old2 ...     files that were there without checkpoints when a run began
 *     .lock                  held by the process that trains here */
#ifndef BYOL__RUNFOLDER_H
#define BYOL__RUNFOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "byol/config.h"
#include "byol/status.h"
#include "state/checkpoint.h"

enum { BYOL__RUN_PATH_MAX = 4096 };

typedef struct byol__run_folder {
    char path[BYOL__RUN_PATH_MAX - 64]; /* leaves space for the names below it */
    int lock;                           /* file descriptor */
    bool is_new;                        /* it was not there before */
} byol__run_folder;

/* Creates or enters the folder and locks it against other processes (BYOL_ERROR_IO if one trains
 * there already). Without `resume`, BYOL_ERROR_INVALID if it holds a run. Removes temporary files
 * that a killed process left, and no other files. */
byol_status byol__run_open(byol__run_folder *folder, const char *path, bool resume,
                           byol_error *error);
/* Unlocks it, and removes it again where it is new and holds no run yet. */
void byol__run_close(byol__run_folder *folder);

/* "config.yaml" -> "RUN/config.yaml"; `path` is BYOL__RUN_PATH_MAX bytes. */
void byol__run_path(const char *run, const char *name, char *path);
void byol__run_checkpoint_path(const char *run, uint64_t step, char *path);

byol_status byol__run_write_config(const byol__run_folder *folder, const byol_config *config,
                                   byol_error *error);

/* Called for each checkpoint that was skipped. */
typedef void (*byol__damaged)(void *context, const char *text);

/* Opens the newest whole checkpoint of `run`, and calls `damaged` (may be NULL) for every newer
 * one. BYOL_ERROR_NOT_FOUND if there are no checkpoints, BYOL_ERROR_FORMAT if none is whole. Owned:
 * byol__safetensors_close. */
byol_status byol__run_open_newest(const char *run, byol__safetensors **out, byol__origin *origin,
                                  byol__damaged damaged, void *context, byol_error *error);

/* Renames checkpoints of steps after `step`: they get ".damaged" at the end. So the newest by name
 * is the newest whole one again. */
byol_status byol__run_set_aside(const byol__run_folder *folder, uint64_t step, byol_error *error);

/* If there is an encoder, renames it and the files that belong to it to NAME.old1, or the first
 * free number. For a run that begins where a finished one lost its checkpoints. */
byol_status byol__run_keep_old(const byol__run_folder *folder, byol_error *error);

/* Removes all checkpoints but the newest `keep`. */
byol_status byol__run_prune(const byol__run_folder *folder, int keep, byol_error *error);

/* Drops the lines of metrics.jsonl after `step`, and a half-written last one. So the log continues
 * as if the run had never stopped. */
byol_status byol__run_truncate_log(const byol__run_folder *folder, uint64_t step,
                                   byol_error *error);

#endif
