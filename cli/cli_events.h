/* What TensorBoard shows of a run, written beside metrics.jsonl during training. */
#ifndef CLI_EVENTS_H
#define CLI_EVENTS_H

#include "byol/events.h"
#include "byol/trainer.h"
#include "cli.h"

typedef struct cli_events {
    byol_events *file; /* NULL: nothing is written */
    const byol_trainer *trainer;
    int epoch_ended; /* the next step ends an epoch */
    double knn;      /* measured at the end of the epoch; NaN: not */
} cli_events;

/* Opens the run's event file to continue after the steps that the trainer has done. At the
 * beginning of a run it also gets a contact sheet of the views (RUN/views.png). The first error
 * here or later is reported as a warning; it ends the events, not the run. */
void cli_events_open(cli_events *events, const char *run, const byol_trainer *trainer,
                     const byol_source *source);
void cli_events_close(cli_events *events);

/* Called from on_epoch, then from on_step. */
void cli_events_epoch(cli_events *events, double knn);
void cli_events_step(cli_events *events, const byol_metrics *metrics);

#endif
