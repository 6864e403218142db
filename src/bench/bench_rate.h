/* The rate of a configuration on its own images. */
#ifndef BYOL__BENCH_RATE_H
#define BYOL__BENCH_RATE_H

#include "byol/config.h"
#include "byol/source.h"
#include "byol/status.h"

/* Images a second of whole training steps on `source`, reading included, measured for about
 * `seconds`. Nothing is written and nothing learned. data.image_size must be set. */
byol_status byol__bench_rate(const byol_config *config, const byol_source *source, double seconds,
                             double *images_per_second, byol_error *error);

#endif
