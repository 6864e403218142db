/* Searching among vectors by cosine: the nearest ones of a query, and pairs that are nearly the
 * same. Vectors are compared block by block over all threads; memory stays small whatever their
 * number, and the result is the same for any number of threads. A vector of zeros (a picture that
 * could not be read) is near nothing and never found. */
#ifndef BYOL_SEARCH_H
#define BYOL_SEARCH_H

#include <stddef.h>
#include <stdint.h>

#include "byol/encoder.h"
#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct byol_neighbour {
    uint32_t index;
    float distance; /* 1 - cosine: 0 (the same direction) .. 2; infinity: there are fewer vectors
                       than were asked for */
} byol_neighbour;

/* For each of `query_count` queries (query_count, dimension) the `k` nearest of the vectors (count,
 * dimension), nearest first, equally near ones in their order: `found` is (query_count, k), the
 * caller's. `threads` 0: every processor. `progress` may be NULL. BYOL_ERROR_INVALID where there is
 * nothing to search, a number is not finite, or k is not 1 .. count. */
BYOL_API byol_status byol_search_nearest(const float *vectors, size_t count, int dimension,
                                         const float *queries, size_t query_count, int k,
                                         int threads, byol_neighbour *found, byol_progress progress,
                                         void *context, byol_error *error);

typedef struct byol_similar_pair {
    uint32_t first, second; /* first < second */
    float similarity;       /* cosine */
} byol_similar_pair;

/* All pairs among the vectors whose cosine is at least `similarity` (from 1 - 2e-6 on they count as
 * 1, for rounding: 1 finds every copy), the most similar first: up to `limit` of them into `pairs`
 * (room for `limit`, the caller's), and how many there are in all into `*total`. */
BYOL_API byol_status byol_search_duplicates(const float *vectors, size_t count, int dimension,
                                            float similarity, size_t limit, int threads,
                                            byol_similar_pair *pairs, uint64_t *total,
                                            byol_progress progress, void *context,
                                            byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
