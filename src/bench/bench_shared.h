/* What the benchmarks share. */
#ifndef BYOL__BENCH_SHARED_H
#define BYOL__BENCH_SHARED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "byol/bench.h"
#include "byol/source.h"
#include "byol/status.h"

/* The side of the synthetic images where data.image_size is not set. */
enum { BYOL__BENCH_SIDE = 32 };

/* `count` synthetic images of `size` random bytes each. Owned: byol__free. */
byol_status byol__bench_images(uint8_t **pixels, size_t count, size_t size, byol_error *error);

/* What a configuration's encoder trains on: `count` synthetic images of `side` pixels, or as many
 * texts of data.length random words, or as many sounds of data.frames. Zero-initialise first;
 * byol__bench_data_release in any case.
 */
typedef struct byol__bench_data {
    byol_source *source;
    void *memory;
    const char **texts;
    const float **sounds;
    size_t *lengths; /* of the sounds */
} byol__bench_data;

byol_status byol__bench_data_make(byol__bench_data *data, const byol_config *config, size_t count,
                                  int channels, int side, byol_error *error);
void byol__bench_data_release(byol__bench_data *data);

/* Reports that `seconds` of the time are over. True if the caller is to stop. */
bool byol__bench_cancelled(const byol_bench_options *options, double seconds);

#endif
