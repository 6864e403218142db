#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/smaller.h"
#include "base/threads.h"
#include "byol/eval.h"
#include "dnn/matmul.h"
#include "eval/features.h"

/* Queries and training vectors are compared tile by tile, so that the similarities of one tile stay
 * in the cache. */
enum { QUERY_TILE = 512, TRAIN_TILE = 1024 };

typedef struct neighbour {
    float similarity;
    int32_t label;
    uint32_t index; /* in the training set */
} neighbour;

/* What one call needs besides the features. */
typedef struct knn_search {
    const byol_features *train, *test;
    int k;
    float *train_scale, *test_scale; /* 1 / |x|; 0 for a vector of zeros */
    float *products;                 /* (QUERY_TILE, TRAIN_TILE) */
    neighbour *heaps;                /* (QUERY_TILE, k): each query's best k, the worst first */
    double *votes;                   /* (QUERY_TILE, classes) */
    int32_t *predicted;              /* (test count) */
} knn_search;

/* The k best are the most similar; of equals, the earlier one in the training set is better. */
static bool is_worse(neighbour a, neighbour b) {
    return a.similarity < b.similarity || (a.similarity == b.similarity && a.index > b.index);
}

/* Restores the heap (no child is worse than its parent) after its root has changed. */
static void sift_down(neighbour *heap, int size) {
    neighbour moving = heap[0];
    int at = 0;
    for (;;) {
        int child = 2 * at + 1;
        if (child >= size) break;
        if (child + 1 < size && is_worse(heap[child + 1], heap[child])) child++;
        if (!is_worse(heap[child], moving)) break;
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = moving;
}

/* Fills a heap with neighbours that are worse than every real one. */
static void clear_heap(neighbour *heap, int size) {
    for (int i = 0; i < size; i++) heap[i] = (neighbour){.similarity = -INFINITY};
}

/* Is any of `count` similarities above the threshold? Nearly always none is. Apart from the
 * products, the search spends its time here. */
static int any_above(const float *products, const float *scale, size_t count, float threshold) {
    int above = 0;
#pragma omp simd reduction(| : above)
    for (size_t i = 0; i < count; i++) above |= products[i] * scale[i] > threshold;
    return above;
}

/* Training vectors come in their order, so one that only equals the worst of the k is worse. */
static void take_neighbours(const knn_search *search, size_t query, size_t first, size_t count) {
    enum { GROUP = 64 };
    const float *products = search->products + query * TRAIN_TILE,
                *scale = search->train_scale + first;
    neighbour *heap = search->heaps + query * (size_t)search->k;
    for (size_t group = 0; group < count; group += GROUP) {
        size_t end = byol__smaller_size(group + GROUP, count);
        if (!any_above(products + group, scale + group, end - group, heap[0].similarity)) continue;
        for (size_t i = group; i < end; i++) {
            float similarity = products[i] * scale[i];
            if (!(similarity > heap[0].similarity)) continue;
            heap[0] =
                (neighbour){similarity, search->train->labels[first + i], (uint32_t)(first + i)};
            sift_down(heap, search->k);
        }
    }
}

static int by_rank(const void *a, const void *b) {
    neighbour x = *(const neighbour *)a, y = *(const neighbour *)b;
    return is_worse(x, y) - is_worse(y, x);
}

/* Weights are relative to the best neighbour's, so no temperature can make them overflow. Of
 * equally supported labels, the lowest wins. */
static int32_t vote(const knn_search *search, size_t query, float query_scale, float temperature) {
    neighbour *heap = search->heaps + query * (size_t)search->k;
    int classes = search->train->classes;
    double *votes = search->votes + query * (size_t)classes;
    /* Sums of doubles need a fixed order. */
    qsort(heap, (size_t)search->k, sizeof *heap, by_rank);
    memset(votes, 0, (size_t)classes * sizeof *votes);
    for (int i = 0; i < search->k; i++) {
        double below_best =
            (double)query_scale * ((double)heap[i].similarity - (double)heap[0].similarity);
        votes[heap[i].label] += exp(below_best / (double)temperature);
    }
    int32_t best = 0;
    for (int32_t label = 1; label < classes; label++)
        if (votes[label] > votes[best]) best = label;
    return best;
}

/* Classifies `count` queries from `first` on. A query's length does not change the order of its
 * neighbours, so it is applied to the similarities only when they vote. */
static byol_status classify_tile(const knn_search *search, size_t first, size_t count,
                                 float temperature, byol_error *error) {
    size_t dimension = (size_t)search->train->dimension;
    for (size_t q = 0; q < count; q++) clear_heap(search->heaps + q * (size_t)search->k, search->k);
    byol__matrix queries = {search->test->values + first * dimension, dimension, BYOL__AS_IS};
    for (size_t t = 0; t < search->train->count; t += TRAIN_TILE) {
        size_t columns = byol__smaller_size(TRAIN_TILE, search->train->count - t);
        byol__matrix train = {search->train->values + t * dimension, dimension, BYOL__TRANSPOSED};
        BYOL__TRY(byol__sgemm(count, columns, dimension, 1, queries, train, 0, search->products,
                              TRAIN_TILE, error));
#pragma omp parallel for schedule(static)
        for (size_t q = 0; q < count; q++) take_neighbours(search, q, t, columns);
    }
#pragma omp parallel for schedule(static)
    for (size_t q = 0; q < count; q++)
        search->predicted[first + q] = vote(search, q, search->test_scale[first + q], temperature);
    return BYOL_OK;
}

static void release(knn_search *search) {
    byol__free(search->train_scale);
    byol__free(search->test_scale);
    byol__free(search->products);
    byol__free(search->heaps);
    byol__free(search->votes);
    byol__free(search->predicted);
}

static byol_status prepare(knn_search *search, byol_error *error) {
    size_t k = (size_t)search->k, classes = (size_t)search->train->classes;
    size_t train_count = search->train->count, test_count = search->test->count;
    const char *what = "kNN";
    BYOL__TRY(
        byol__alloc(&search->train_scale, train_count, sizeof *search->train_scale, what, error));
    BYOL__TRY(
        byol__alloc(&search->test_scale, test_count, sizeof *search->test_scale, what, error));
    BYOL__TRY(byol__alloc(&search->products, QUERY_TILE * TRAIN_TILE, sizeof *search->products,
                          what, error));
    BYOL__TRY(byol__alloc(&search->heaps, QUERY_TILE * k, sizeof *search->heaps, what, error));
    BYOL__TRY(
        byol__alloc(&search->votes, QUERY_TILE * classes, sizeof *search->votes, what, error));
    BYOL__TRY(byol__alloc(&search->predicted, test_count, sizeof *search->predicted, what, error));
    /* That all are finite has been checked. */
    byol__inverse_norms(search->train->values, train_count, search->train->dimension,
                        search->train_scale);
    byol__inverse_norms(search->test->values, test_count, search->test->dimension,
                        search->test_scale);
    return BYOL_OK;
}

static byol_status classify_all(const knn_search *search, float temperature, byol_progress progress,
                                void *context, byol_error *error) {
    size_t count = search->test->count;
    for (size_t q = 0; q < count; q += QUERY_TILE) {
        size_t rows = byol__smaller_size(QUERY_TILE, count - q);
        BYOL__TRY(classify_tile(search, q, rows, temperature, error));
        if (progress != NULL && progress(context, q + rows, count) != 0)
            return byol__fail(error, BYOL_ERROR_CANCELLED,
                              "kNN was stopped after %zu of %zu queries", q + rows, count);
    }
    return BYOL_OK;
}

static byol_status check(const byol_features *train, const byol_features *test,
                         const byol_knn_options *options, byol_error *error) {
    BYOL__TRY(byol__features_check(train, "training", error));
    BYOL__TRY(byol__features_check(test, "test", error));
    BYOL__TRY(byol__features_agree(train, test, "test", error));
    if (options->k < 1 || (size_t)options->k > train->count)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "k is %d; it must be 1 .. %zu, the number of training vectors",
                          options->k, train->count);
    if (!(options->temperature > 0) || !isfinite(options->temperature))
        return byol__fail(error, BYOL_ERROR_INVALID, "the temperature is %g; it must be above 0",
                          (double)options->temperature);
    return BYOL_OK;
}

void byol_knn_options_init(byol_knn_options *options) {
    *options = (byol_knn_options){.k = 20, .temperature = 0.07f};
}

static byol_status search_and_count(const byol_features *train, const byol_features *test,
                                    const byol_knn_options *options, double *accuracy,
                                    int32_t *predicted, byol_progress progress, void *context,
                                    byol_error *error) {
    BYOL__TRY(check(train, test, options, error));
    knn_search search = {.train = train, .test = test, .k = options->k};
    byol_status status = prepare(&search, error);
    if (status == BYOL_OK)
        status = classify_all(&search, options->temperature, progress, context, error);
    if (status == BYOL_OK) {
        size_t right = 0;
        for (size_t i = 0; i < test->count; i++) right += search.predicted[i] == test->labels[i];
        *accuracy = 100 * (double)right / (double)test->count;
        if (predicted != NULL) memcpy(predicted, search.predicted, test->count * sizeof *predicted);
    }
    release(&search);
    return status;
}

byol_status byol_knn(const byol_features *train, const byol_features *test,
                     const byol_knn_options *options, double *accuracy, int32_t *predicted,
                     byol_progress progress, void *context, byol_error *error) {
    byol__threads threads = byol__threads_begin(options->threads);
    byol_status status =
        search_and_count(train, test, options, accuracy, predicted, progress, context, error);
    byol__threads_end(threads);
    return status;
}
