/* A TensorBoard event file: scalars, histograms and pictures over the steps of a run. */
#ifndef BYOL_EVENTS_H
#define BYOL_EVENTS_H

#include <stddef.h>
#include <stdint.h>

#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct byol_events byol_events;

/* Opens events.out.tfevents.byol in `folder` (which exists) to continue after `step`; the file is
 * created if it is not there. Records of later steps are cut off, and so is anything damaged or
 * half-written: a resumed run has one history. With step 0 the file begins anew. Owned:
 * byol_events_close. BYOL_ERROR_IO; BYOL_ERROR_FORMAT where a file of that name is not an event
 * file. */
BYOL_API byol_status byol_events_open(byol_events **out, const char *folder, uint64_t step,
                                      byol_error *error);
BYOL_API void byol_events_close(byol_events *events); /* NULL is fine */

typedef struct byol_scalar {
    const char *tag; /* "train/loss": a name before a slash groups them */
    double value;
} byol_scalar;

/* Writes the numbers of one step; those that are not finite are left out. On return everything
 * is in the file (though not synced). BYOL_ERROR_IO, BYOL_ERROR_MEMORY; also in the functions
 * below. */
BYOL_API byol_status byol_events_scalars(byol_events *events, uint64_t step,
                                         const byol_scalar *scalars, size_t count,
                                         byol_error *error);

/* Writes how `count` numbers are distributed; those that are not finite are left out. */
BYOL_API byol_status byol_events_histogram(byol_events *events, uint64_t step, const char *tag,
                                           const float *values, size_t count, byol_error *error);

/* Writes a picture, given as the bytes of a PNG file. BYOL_ERROR_FORMAT where they are not. */
BYOL_API byol_status byol_events_png(byol_events *events, uint64_t step, const char *tag,
                                     const void *png, size_t length, byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
