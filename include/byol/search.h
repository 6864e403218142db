/* Search among vectors by cosine: the nearest ones of a query, and pairs that are nearly the same.
 * Vectors are compared block by block on all threads. Memory stays small for any number of vectors,
 * and the result is the same for any number of threads. A vector of zeros (a picture that could not
 * be read) is near nothing and never found. */
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
    /* 1 - cosine: 0 (the same direction) .. 2; infinity: fewer vectors than were asked for. */
    float distance;
} byol_neighbour;

/* Finds for each of `query_count` queries (query_count, dimension) the `k` nearest of the vectors
 * (count, dimension), nearest first; equally near ones stay in their order. `found` is
 * (query_count, k), the caller's. `threads` 0: every processor. `progress` may be NULL.
 * BYOL_ERROR_INVALID where there is nothing to search, a number is not finite, or k is not 1 ..
 * count. */
BYOL_API byol_status byol_search_nearest(const float *vectors, size_t count, int dimension,
                                         const float *queries, size_t query_count, int k,
                                         int threads, byol_neighbour *found, byol_progress progress,
                                         void *context, byol_error *error);

typedef struct byol_similar_pair {
    uint32_t first, second; /* first < second */
    float similarity;       /* cosine */
} byol_similar_pair;

/* Finds all pairs of vectors whose cosine is at least `similarity`, the most similar first. A
 * cosine from 1 - 2e-6 on counts as 1, for rounding, so `similarity` 1 finds every copy. Writes up
 * to `limit` pairs into `pairs` (`limit` elements, the caller's) and the number of all such pairs
 * into `*total`. */
BYOL_API byol_status byol_search_duplicates(const float *vectors, size_t count, int dimension,
                                            float similarity, size_t limit, int threads,
                                            byol_similar_pair *pairs, uint64_t *total,
                                            byol_progress progress, void *context,
                                            byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
