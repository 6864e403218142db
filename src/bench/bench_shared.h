/* What the benchmarks share. */
#ifndef BYOL__BENCH_SHARED_H
#define BYOL__BENCH_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "byol/bench.h"
#include "byol/status.h"

/* The side of the synthetic images where data.image_size is not set. */
enum { BYOL__BENCH_SIDE = 32 };

/* `count` synthetic images of `size` random bytes each. Owned: byol__free. */
byol_status byol__bench_images(uint8_t **pixels, size_t count, size_t size, byol_error *error);

/* Reports that `seconds` of the time are over. True if the caller is to stop. */
bool byol__bench_cancelled(const byol_bench_options *options, double seconds);

#endif
