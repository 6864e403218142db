#include "byol/search.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include <omp.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/smaller.h"
#include "base/threads.h"
#include "dnn/matmul.h"
#include "eval/features.h"

/* Tiles of the matrix of similarities: one tile stays in the cache. */
enum { ROW_TILE = 256, COLUMN_TILE = 1024 };

/* A heap of the best `size` pairs so far, the worst first. */
typedef struct heap {
    byol_similar_pair *pairs;
    size_t size, used;
} heap;

/* The order of results: more similar first, then by index. It does not depend on the order of
 * finding. */
static bool is_worse(byol_similar_pair a, byol_similar_pair b) {
    if (a.similarity != b.similarity) return a.similarity < b.similarity;
    return a.first != b.first ? a.first > b.first : a.second > b.second;
}

static int by_rank(const void *a, const void *b) {
    byol_similar_pair x = *(const byol_similar_pair *)a, y = *(const byol_similar_pair *)b;
    return is_worse(x, y) - is_worse(y, x);
}

static void sift_up(heap *h, size_t at) {
    byol_similar_pair moving = h->pairs[at];
    for (; at > 0 && is_worse(moving, h->pairs[(at - 1) / 2]); at = (at - 1) / 2)
        h->pairs[at] = h->pairs[(at - 1) / 2];
    h->pairs[at] = moving;
}

static void sift_down(heap *h) {
    byol_similar_pair moving = h->pairs[0];
    size_t at = 0;
    for (size_t child; (child = 2 * at + 1) < h->used; at = child) {
        if (child + 1 < h->used && is_worse(h->pairs[child + 1], h->pairs[child])) child++;
        if (!is_worse(h->pairs[child], moving)) break;
        h->pairs[at] = h->pairs[child];
    }
    h->pairs[at] = moving;
}

static void offer(heap *h, byol_similar_pair pair) {
    if (h->used < h->size) {
        h->pairs[h->used] = pair;
        sift_up(h, h->used++);
    } else if (h->size > 0 && is_worse(h->pairs[0], pair)) {
        h->pairs[0] = pair;
        sift_down(h);
    }
}

/* 1 / |x| of each vector; 0 for zeros. Owned. */
static byol_status inverse_norms(const float *vectors, size_t count, int dimension, float **scale,
                                 byol_error *error) {
    BYOL__TRY(byol__alloc(scale, count, sizeof **scale, "lengths of vectors", error));
    if (byol__inverse_norms(vectors, count, dimension, *scale)) return BYOL_OK;
    byol__free(*scale);
    *scale = NULL;
    return byol__fail(error, BYOL_ERROR_INVALID,
                      "among the vectors is one with NaN, infinity or numbers beyond 1e18");
}

static byol_status check_set(size_t count, int dimension, byol_error *error) {
    if (count < 1 || dimension < 1)
        return byol__fail(error, BYOL_ERROR_INVALID, "there are no vectors to search");
    if (count > UINT32_MAX)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%zu vectors are more than the %u that can be searched", count,
                          UINT32_MAX);
    return BYOL_OK;
}

/* ---- Nearest neighbours ---- */

typedef struct nearest {
    const float *vectors, *queries;
    size_t count, dimension;
    int k;
    float *vector_scale, *query_scale;
    float *products;          /* (ROW_TILE, COLUMN_TILE) */
    byol_similar_pair *pairs; /* (ROW_TILE, k): `first` is unused, `second` is the index */
    heap heaps[ROW_TILE];
} nearest;

static void take_row(nearest *n, size_t row, float scale, size_t first, size_t columns) {
    const float *products = n->products + row * COLUMN_TILE;
    for (size_t c = 0; c < columns; c++)
        if (n->vector_scale[first + c] > 0)
            offer(&n->heaps[row],
                  (byol_similar_pair){.second = (uint32_t)(first + c),
                                      .similarity =
                                          products[c] * n->vector_scale[first + c] * scale});
}

/* Moves cosines that rounding put outside -1 .. 1 back into it. */
static float clamp(float cosine) { return fminf(fmaxf(cosine, -1), 1); }

static void write_row(heap *h, int k, byol_neighbour *found) {
    qsort(h->pairs, h->used, sizeof *h->pairs, by_rank);
    for (size_t i = 0; i < (size_t)k; i++)
        found[i] = i < h->used
                       ? (byol_neighbour){h->pairs[i].second, 1 - clamp(h->pairs[i].similarity)}
                       : (byol_neighbour){0, INFINITY};
}

static byol_status search_tile(nearest *n, size_t first, size_t rows, byol_neighbour *found,
                               byol_error *error) {
    for (size_t r = 0; r < rows; r++)
        n->heaps[r] = (heap){.pairs = n->pairs + r * (size_t)n->k, .size = (size_t)n->k};
    byol__matrix queries = {n->queries + first * n->dimension, n->dimension, BYOL__AS_IS};
    for (size_t t = 0; t < n->count; t += COLUMN_TILE) {
        size_t columns = byol__smaller_size(COLUMN_TILE, n->count - t);
        byol__matrix vectors = {n->vectors + t * n->dimension, n->dimension, BYOL__TRANSPOSED};
        BYOL__TRY(byol__sgemm(rows, columns, n->dimension, 1, queries, vectors, 0, n->products,
                              COLUMN_TILE, error));
#pragma omp parallel for schedule(static)
        for (size_t r = 0; r < rows; r++)
            if (n->query_scale[first + r] > 0)
                take_row(n, r, n->query_scale[first + r], t, columns);
    }
    for (size_t r = 0; r < rows; r++)
        write_row(&n->heaps[r], n->k, found + (first + r) * (size_t)n->k);
    return BYOL_OK;
}

static byol_status search_all(nearest *n, size_t query_count, byol_neighbour *found,
                              byol_progress progress, void *context, byol_error *error) {
    int dimension = (int)n->dimension;
    BYOL__TRY(inverse_norms(n->vectors, n->count, dimension, &n->vector_scale, error));
    BYOL__TRY(inverse_norms(n->queries, query_count, dimension, &n->query_scale, error));
    BYOL__TRY(byol__alloc(&n->products, ROW_TILE * COLUMN_TILE, sizeof *n->products, "similarities",
                          error));
    BYOL__TRY(byol__alloc(&n->pairs, (size_t)ROW_TILE * (size_t)n->k, sizeof *n->pairs,
                          "neighbours", error));
    for (size_t q = 0; q < query_count; q += ROW_TILE) {
        size_t rows = byol__smaller_size(ROW_TILE, query_count - q);
        BYOL__TRY(search_tile(n, q, rows, found, error));
        if (progress != NULL && progress(context, q + rows, query_count) != 0)
            return byol__fail(error, BYOL_ERROR_CANCELLED, "stopped after %zu of %zu queries",
                              q + rows, query_count);
    }
    return BYOL_OK;
}

byol_status byol_search_nearest(const float *vectors, size_t count, int dimension,
                                const float *queries, size_t query_count, int k, int threads,
                                byol_neighbour *found, byol_progress progress, void *context,
                                byol_error *error) {
    BYOL__TRY(check_set(count, dimension, error));
    if (k < 1 || (size_t)k > count)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%d neighbours were asked for; 1 .. %zu can be", k, count);
    nearest *n;
    BYOL__TRY(byol__alloc(&n, 1, sizeof *n, "a search", error));
    n->vectors = vectors;
    n->queries = queries;
    n->count = count;
    n->dimension = (size_t)dimension;
    n->k = k;
    byol__threads used = byol__threads_begin(threads);
    byol_status status = search_all(n, query_count, found, progress, context, error);
    byol__threads_end(used);
    byol__free(n->vector_scale);
    byol__free(n->query_scale);
    byol__free(n->products);
    byol__free(n->pairs);
    byol__free(n);
    return status;
}

/* ---- Pairs ---- */

typedef struct duplicates {
    const float *vectors;
    size_t count, dimension;
    float similarity;
    float *scale;
    float *products; /* (ROW_TILE, COLUMN_TILE) */
    /* The best of what each thread has seen; together they hold the best of all. */
    heap *heaps;
    int threads;
    uint64_t total;
} duplicates;

/* In fp32 the cosine of a vector with its own copy may be a little below 1. From here on it counts
 * as 1. */
static const float AS_GOOD_AS_ONE = 1 - 2e-6f;

/* Row `a` against those of the vectors first .. first + columns - 1 that come after it. */
static uint64_t take_pairs(const duplicates *d, heap *h, const float *products, size_t a,
                           size_t first, size_t columns) {
    uint64_t found = 0;
    for (size_t b = first > a ? first : a + 1; b < first + columns; b++) {
        float cosine = clamp(products[b - first] * d->scale[a] * d->scale[b]);
        if (!(cosine >= fminf(d->similarity, AS_GOOD_AS_ONE)) || d->scale[a] == 0 ||
            d->scale[b] == 0)
            continue;
        offer(h, (byol_similar_pair){(uint32_t)a, (uint32_t)b, cosine});
        found++;
    }
    return found;
}

/* Rows first .. first + rows - 1 against all vectors from `first` on: the lower half of the matrix
 * repeats the upper. */
static byol_status compare_tile(duplicates *d, size_t first, size_t rows, byol_error *error) {
    byol__matrix these = {d->vectors + first * d->dimension, d->dimension, BYOL__AS_IS};
    for (size_t t = first; t < d->count; t += COLUMN_TILE) {
        size_t columns = byol__smaller_size(COLUMN_TILE, d->count - t);
        byol__matrix those = {d->vectors + t * d->dimension, d->dimension, BYOL__TRANSPOSED};
        BYOL__TRY(byol__sgemm(rows, columns, d->dimension, 1, these, those, 0, d->products,
                              COLUMN_TILE, error));
        uint64_t found = 0;
#pragma omp parallel for schedule(static) reduction(+ : found)
        for (size_t r = 0; r < rows; r++)
            found += take_pairs(d, &d->heaps[omp_get_thread_num()], d->products + r * COLUMN_TILE,
                                first + r, t, columns);
        d->total += found;
    }
    return BYOL_OK;
}

static byol_status prepare_heaps(duplicates *d, size_t limit, byol_error *error) {
    BYOL__TRY(byol__alloc(&d->heaps, (size_t)d->threads, sizeof *d->heaps, "pairs", error));
    for (int t = 0; t < d->threads; t++) {
        BYOL__TRY(
            byol__alloc(&d->heaps[t].pairs, limit, sizeof *d->heaps[t].pairs, "pairs", error));
        d->heaps[t].size = limit;
    }
    return BYOL_OK;
}

static byol_status compare_all(duplicates *d, size_t limit, byol_progress progress, void *context,
                               byol_error *error) {
    BYOL__TRY(prepare_heaps(d, limit, error));
    BYOL__TRY(inverse_norms(d->vectors, d->count, (int)d->dimension, &d->scale, error));
    BYOL__TRY(byol__alloc(&d->products, ROW_TILE * COLUMN_TILE, sizeof *d->products, "similarities",
                          error));
    for (size_t first = 0; first < d->count; first += ROW_TILE) {
        size_t rows = byol__smaller_size(ROW_TILE, d->count - first);
        BYOL__TRY(compare_tile(d, first, rows, error));
        if (progress != NULL && progress(context, first + rows, d->count) != 0)
            return byol__fail(error, BYOL_ERROR_CANCELLED, "stopped after %zu of %zu vectors",
                              first + rows, d->count);
    }
    return BYOL_OK;
}

static void gather(const duplicates *d, size_t limit, byol_similar_pair *pairs) {
    heap best = {.pairs = pairs, .size = limit};
    for (int t = 0; t < d->threads; t++)
        for (size_t i = 0; i < d->heaps[t].used; i++) offer(&best, d->heaps[t].pairs[i]);
    qsort(pairs, best.used, sizeof *pairs, by_rank);
}

byol_status byol_search_duplicates(const float *vectors, size_t count, int dimension,
                                   float similarity, size_t limit, int threads,
                                   byol_similar_pair *pairs, uint64_t *total,
                                   byol_progress progress, void *context, byol_error *error) {
    BYOL__TRY(check_set(count, dimension, error));
    if (!(similarity >= -1 && similarity <= 1))
        return byol__fail(error, BYOL_ERROR_INVALID, "the similarity is %g; a cosine is -1 .. 1",
                          (double)similarity);
    byol__threads used = byol__threads_begin(threads);
    duplicates d = {.vectors = vectors,
                    .count = count,
                    .dimension = (size_t)dimension,
                    .similarity = similarity};
    d.threads = used.count;
    byol_status status = compare_all(&d, limit, progress, context, error);
    byol__threads_end(used);
    if (status == BYOL_OK) {
        gather(&d, limit, pairs);
        *total = d.total;
    }
    for (int t = 0; d.heaps != NULL && t < d.threads; t++) byol__free(d.heaps[t].pairs);
    byol__free(d.heaps);
    byol__free(d.scale);
    byol__free(d.products);
    return status;
}
