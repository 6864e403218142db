/* Where the time of a training step goes, by kind of work. The code that does the work adds it to
 * the profile, if there is one. */
#ifndef BYOL__PROFILE_H
#define BYOL__PROFILE_H

#include <stddef.h>
#include <stdint.h>

#include "base/clock.h"

typedef enum byol__work {
    BYOL__WORK_CONV_FORWARD,
    BYOL__WORK_CONV_DATA,
    BYOL__WORK_CONV_WEIGHTS,
    BYOL__WORK_WINOGRAD_FORWARD,
    BYOL__WORK_WINOGRAD_DATA,
    BYOL__WORK_WINOGRAD_WEIGHTS,
    BYOL__WORK_LINEAR,
    BYOL__WORK_NORM_FORWARD,
    BYOL__WORK_NORM_BACKWARD,
    BYOL__WORK_POOL,
    BYOL__WORK_LAYOUT,
    BYOL__WORK_STAGE,
    BYOL__WORK_UPDATE,
    BYOL__WORK_WAIT,
    BYOL__WORKS,
} byol__work;

typedef struct byol__profile {
    struct {
        double seconds;
        uint64_t flops, bytes; /* a multiply-add counts as two; an array read or written counts once
                                  per pass over it */
    } rows[BYOL__WORKS];
} byol__profile;

/* Adds the work done since `begin` (a byol__now time). `profile` may be NULL. */
static inline void byol__profile_add(byol__profile *profile, byol__work work, double begin,
                                     uint64_t flops, uint64_t bytes) {
    if (profile == NULL) return;
    profile->rows[work].seconds += byol__now() - begin;
    profile->rows[work].flops += flops;
    profile->rows[work].bytes += bytes;
}

#endif
