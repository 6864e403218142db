/* What the kernels of attention share: the head that a thread takes. For the files that are
 * compiled once per instruction set. */
#ifndef BYOL__ATTENTION_HEADS_H
#define BYOL__ATTENTION_HEADS_H

#include <stddef.h>

#include "base/smaller.h"
#include "ops/attention_kernels.h"
#include "ops/head_products.h"

/* Sample, first channel, and how many of its tokens there are. */
typedef struct head {
    int n, channel, queries, keys;
    float *log_sums;
} head;

static inline head head_of(const byol__attention *p, int index) {
    int queries = p->q.layout.h * p->q.layout.w, keys = p->k.layout.h * p->k.layout.w;
    head h = {.n = index / p->heads,
              .channel = index % p->heads * p->width,
              .queries = queries,
              .keys = keys,
              .log_sums = p->log_sums + (size_t)index * (size_t)queries};
    if (p->lengths == NULL) return h;
    h.keys = byol__smaller(keys, p->lengths[h.n]);
    if (queries == keys) h.queries = h.keys; /* queries are the same tokens */
    return h;
}

/* Where q, k or v of the head lies; and where y and dy do. */
static inline head_place place_of(const byol__head_source *source, const byol__attention *p,
                                  const head *h) {
    return head_place_of(&source->layout, h->n, source->channel + h->channel, p->width);
}

static inline head_place y_place(const byol__attention *p, const head *h) {
    return head_place_of(&p->layout, h->n, h->channel, p->width);
}

/* Gradients of `count` positions; the rest of `all` are zeros. */
static inline void store_diff(const byol__head_source *source, const byol__attention *p,
                              const head *h, int count, int all, float scale, const float *rows,
                              int stride) {
    if (source->diff == NULL) return;
    head_place place = place_of(source, p, h);
    store_head(&place, source->diff, count, all, scale, rows, stride);
}

#endif
