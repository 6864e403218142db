/* What TensorBoard shows of a run: written beside metrics.jsonl while it trains. */
#ifndef CLI_EVENTS_H
#define CLI_EVENTS_H

#include "byol/events.h"
#include "byol/trainer.h"
#include "cli.h"

typedef struct cli_events {
    byol_events *file; /* NULL: nothing is written (any more) */
    const byol_trainer *trainer;
    int epoch_ended; /* with the step that comes next */
    double knn;      /* measured at that end; NaN: not */
} cli_events;

/* Opens the run's event file to go on after what the trainer has done; at the beginning of a run,
 * with a contact sheet of its views (RUN/views.png). What goes wrong here or later is told once as
 * a warning and ends the events, not the run. */
void cli_events_open(cli_events *events, const char *run, const byol_trainer *trainer,
                     const byol_source *source);
void cli_events_close(cli_events *events);

/* From on_epoch, then from on_step. */
void cli_events_epoch(cli_events *events, double knn);
void cli_events_step(cli_events *events, const byol_metrics *metrics);

#endif
