/* What tests of numbers share: arrays of floats, and calls that must not fail. */
#ifndef FLOATS_H
#define FLOATS_H

#include "base/memory.h"
#include "base/philox.h"
#include "byol/status.h"

static byol_error error; /* of the last call that took it */

static inline void check(byol_status status) {
    if (status != BYOL_OK) fail_msg("%s", error.text);
}

/* Owned: byol__free. */
static inline float *floats(size_t count) {
    float *values;
    check(byol__alloc(&values, count, sizeof *values, "test", &error));
    return values;
}

/* Normally distributed, always the same for `seed` and `index`. Owned: byol__free. */
static inline float *random_floats(size_t count, uint64_t seed, uint32_t index) {
    float *values = floats(count);
    byol__random random = byol__random_stream(seed, BYOL__PURPOSE_BENCH, 0, index, 0);
    for (size_t i = 0; i < count; i++) values[i] = byol__random_normal(&random);
    return values;
}

#endif
