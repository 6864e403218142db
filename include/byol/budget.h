/* From a time budget to a configuration: what to train on these images, on this machine, in so many
 * minutes. */
#ifndef BYOL_BUDGET_H
#define BYOL_BUDGET_H

#include <stddef.h>

#include "byol/config.h"
#include "byol/encoder.h"
#include "byol/source.h"
#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum { BYOL_BUDGET_REASONS = 5, BYOL_BUDGET_REASON_MAX = 240 };

typedef struct byol_budget {
    double images_per_second; /* of the chosen configuration, measured just now */
    double epochs;            /* that fit into the time at that rate */
    char reasons[BYOL_BUDGET_REASONS]
                [BYOL_BUDGET_REASON_MAX]; /* what was chosen and why, a sentence each */
} byol_budget;

/* Fills `config` for a run of `minutes` on `source`: the size of the views, the encoder and its
 * width, the loss, batch and optimizer, and train.minutes. data.train is left as it is. The choices
 * rest on measurements (docs/guide.md). A few candidates are trained for a second or two each to
 * measure their rates here, with train.threads and train.precision of `config`. `progress` (may be
 * NULL) is called between candidates; non-zero stops (BYOL_ERROR_CANCELLED).
 *
 * BYOL_ERROR_INVALID where minutes is not above 0, or there are fewer than two images. */
BYOL_API byol_status byol_budget_choose(byol_config *config, const byol_source *source,
                                        double minutes, byol_progress progress, void *context,
                                        byol_budget *budget, byol_error *error);

/* Parses "90s", "30m", "1.5h" or "2d"; a number alone is minutes. Returns minutes, or 0 where the
 * text is something else or not above 0. */
BYOL_API double byol_budget_minutes(const char *text);

#ifdef __cplusplus
}
#endif

#endif
