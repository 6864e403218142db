/* Samples of like length meet in a batch, so that little of it is padding. */
#ifndef BYOL__LIKE_LENGTHS_H
#define BYOL__LIKE_LENGTHS_H

#include <stdint.h>

#include "base/philox.h"

/* Reorders `order`, which is random: within windows of 32 batches of `batch` samples the samples
 * are sorted by lengths[sample], then the batches shuffled. So a batch holds like lengths, and the
 * run meets short and long ones in turn. Samples behind the last whole batch stay where they are.
 * Allocates nothing: `scratch` holds as many samples as `order`. */
void byol__order_like_lengths(uint32_t *order, uint32_t count, uint32_t batch,
                              const uint32_t *lengths, byol__random *random, uint32_t *scratch);

#endif
