/* The classes that have training samples, numbered one after the other: a class without one would
 * have a bias that falls for ever. */
#ifndef BYOL__LEARNED_CLASSES_H
#define BYOL__LEARNED_CLASSES_H

#include <stddef.h>
#include <stdint.h>

#include "byol/status.h"

typedef struct byol__learned_classes {
    int32_t *known;   /* (count): the class that each learned class is */
    int32_t *targets; /* (samples): the learned class of each training sample */
    int count;
} byol__learned_classes;

/* `labels` (samples) are 0 .. classes-1. BYOL_ERROR_INVALID if no class has two samples, one to
 * learn from and one to hold out. In any case the caller's: byol__learned_classes_release. */
byol_status byol__learned_classes_number(byol__learned_classes *learned, const int32_t *labels,
                                         size_t samples, int classes, byol_error *error);
void byol__learned_classes_release(byol__learned_classes *learned);

#endif
