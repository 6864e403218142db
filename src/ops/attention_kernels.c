/* Attention's kernels, in GCC's vector types. Compiled once for each instruction set: KERNELS_ISA
 * is plain, avx2 or avx512. See attention_kernels.h for what they do. */
#include "ops/attention_kernels.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <omp.h>

#include "base/bf16.h"
#include "base/smaller.h"
#include "base/vector_math.h"
#include "base/vectors.h"

/* Queries and keys of a block: their weights (32 KiB) stay in the first-level cache. */
enum { QUERIES = 32, KEYS = 256 };

static int round_up(int value) { return (value + LANES - 1) / LANES * LANES; }

/* ---- small products ---- */

/* a (m, k), element (i, l) at i * row + l * column; b (k, n), n a multiple of LANES. */
typedef struct operand {
    const float *values;
    size_t row, column;
} operand;

INLINE void tile(operand a, const float *b, size_t b_row, float *c, size_t c_row, int k,
                 const int rows, const int vecs) {
    vec sum[4][4];
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vecs; v++)
            memcpy(&sum[i][v], c + (size_t)i * c_row + (size_t)v * LANES, sizeof(vec));
    for (int l = 0; l < k; l++) {
        vec right[4];
        for (int v = 0; v < vecs; v++)
            memcpy(&right[v], b + (size_t)l * b_row + (size_t)v * LANES, sizeof(vec));
        for (int i = 0; i < rows; i++) {
            float left = a.values[(size_t)i * a.row + (size_t)l * a.column];
            for (int v = 0; v < vecs; v++) sum[i][v] += left * right[v];
        }
    }
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vecs; v++)
            memcpy(c + (size_t)i * c_row + (size_t)v * LANES, &sum[i][v], sizeof(vec));
}

/* c (m, n) += a b */
static void add_product(operand a, const float *b, size_t b_row, float *c, size_t c_row, int m,
                        int n, int k) {
    for (int j = 0; j < n;) {
        bool wide = n - j >= 4 * LANES;
        int i = 0;
        for (; i < m;) {
            operand from = a;
            from.values += (size_t)i * a.row;
            float *to = c + (size_t)i * c_row + j;
            bool tall = m - i >= 4;
            if (wide && tall)
                tile(from, b + j, b_row, to, c_row, k, 4, 4);
            else if (wide)
                tile(from, b + j, b_row, to, c_row, k, 1, 4);
            else if (tall)
                tile(from, b + j, b_row, to, c_row, k, 4, 1);
            else
                tile(from, b + j, b_row, to, c_row, k, 1, 1);
            i += tall ? 4 : 1;
        }
        j += wide ? 4 * LANES : LANES;
    }
}

/* ---- one head in fp32, densely ---- */

/* Where channel `c` of position `s` of sample `n` lies. */
static size_t element(const byol__strides *s, int n, int position, int c) {
    return (size_t)n * s->stride_n + (size_t)(c / s->lanes) * s->stride_block +
           (size_t)position * s->stride_s + (size_t)(c % s->lanes);
}

/* Positions 0 .. count-1 of a head to rows of `stride` floats, scaled; the rest of a row is zeros.
 */
static void load_head(const byol__layout *layout, const void *values, int channel, int n, int count,
                      int width, float scale, float *rows, int stride) {
    byol__strides s = byol__layout_strides(layout);
    bool bf16 = layout->dtype == BYOL__BF16;
    for (int i = 0; i < count; i++) {
        float *row = rows + (size_t)i * (size_t)stride;
        for (int c = 0; c < width; c++) {
            size_t at = element(&s, n, i, channel + c);
            row[c] = scale * (bf16 ? byol__bf16_to_float(((const byol__bf16 *)values)[at])
                                   : ((const float *)values)[at]);
        }
        for (int c = width; c < stride; c++) row[c] = 0;
    }
}

/* And back; positions count .. all-1 become zeros. */
static void store_head(const byol__layout *layout, void *values, int channel, int n, int count,
                       int all, int width, float scale, const float *rows, int stride) {
    byol__strides s = byol__layout_strides(layout);
    bool bf16 = layout->dtype == BYOL__BF16;
    for (int i = 0; i < all; i++) {
        const float *row = rows + (size_t)i * (size_t)stride;
        for (int c = 0; c < width; c++) {
            size_t at = element(&s, n, i, channel + c);
            float value = i < count ? scale * row[c] : 0;
            if (bf16)
                ((byol__bf16 *)values)[at] = byol__bf16_from_float(value);
            else
                ((float *)values)[at] = value;
        }
    }
}

/* rows (count, stride) -> columns (width, to_stride), zeros beyond count. */
static void transpose(const float *rows, int count, int width, int stride, float *columns,
                      int to_stride) {
    for (int c = 0; c < width; c++) {
        float *to = columns + (size_t)c * (size_t)to_stride;
        for (int i = 0; i < count; i++) to[i] = rows[(size_t)i * (size_t)stride + (size_t)c];
        for (int i = count; i < to_stride; i++) to[i] = 0;
    }
}

/* A thread's arrays; `stride` floats a row, `columns` a column of k and v. */
typedef struct arrays {
    int queries, keys, width, stride, columns;
    float *q, *k, *k_columns, *v, *v_columns, *y, *dy, *dq, *dk, *dv, *weights, *diffs;
} arrays;

/* Hands out `base`, or NULL to only count. Returns the floats in all. */
static size_t lay_out(const byol__attention *p, float *base, arrays *a) {
    int queries = p->q.layout.h * p->q.layout.w, keys = p->k.layout.h * p->k.layout.w;
    *a = (arrays){.queries = queries,
                  .keys = keys,
                  .width = p->width,
                  .stride = round_up(p->width),
                  .columns = round_up(keys)};
    size_t by_query = (size_t)queries * (size_t)a->stride,
           by_key = (size_t)keys * (size_t)a->stride,
           by_column = (size_t)p->width * (size_t)a->columns, used = 0;
    const struct {
        float **array;
        size_t floats;
    } parts[] = {{&a->q, by_query},
                 {&a->k, by_key},
                 {&a->k_columns, by_column},
                 {&a->v, by_key},
                 {&a->v_columns, by_column},
                 {&a->y, by_query},
                 {&a->dy, by_query},
                 {&a->dq, by_query},
                 {&a->dk, by_key},
                 {&a->dv, by_key},
                 {&a->weights, QUERIES * KEYS},
                 {&a->diffs, QUERIES * KEYS}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        if (base != NULL) *parts[i].array = base + used;
        used += (parts[i].floats + 15) / 16 * 16;
    }
    return used;
}

/* ---- forward ---- */

static float largest_of(const float *row, int count) {
    float most = -INFINITY;
    for (int i = 0; i < count; i++) most = row[i] > most ? row[i] : most;
    return most;
}

/* row = exp(row - by), zeros from count up to a whole vector; returns the sum. */
static float exponentiate(float *row, int count, float by) {
    vec sum = {0};
    float total = 0;
    for (int i = count; i < round_up(count); i++) row[i] = -INFINITY;
    for (int i = 0; i < count; i += LANES) {
        vec x;
        memcpy(&x, row + i, sizeof x);
        ivec gone = x == (vec){0} - INFINITY;
        x = (vec)((ivec)exp_of(x - by) & ~gone);
        sum += x;
        memcpy(row + i, &x, sizeof x);
    }
    for (int l = 0; l < LANES; l++) total += sum[l];
    return total;
}

/* The scores of a block of queries and keys: weights (queries, KEYS). */
static void score(const arrays *a, int query, int queries, int key, int keys) {
    memset(a->weights, 0, QUERIES * KEYS * sizeof(float));
    operand q = {a->q + (size_t)query * (size_t)a->stride, (size_t)a->stride, 1};
    add_product(q, a->k_columns + key, (size_t)a->columns, a->weights, KEYS, queries,
                round_up(keys), a->width);
}

/* The queries of a block against all keys: the softmax over blocks of keys, whose largest score and
 * sum are brought up to date with each. */
static void attend(const arrays *a, int query, int queries, int keys, float *log_sums) {
    float most[QUERIES], sum[QUERIES], *y = a->y + (size_t)query * (size_t)a->stride;
    memset(y, 0, (size_t)queries * (size_t)a->stride * sizeof *y);
    for (int i = 0; i < queries; i++) {
        most[i] = -INFINITY;
        sum[i] = 0;
    }
    for (int key = 0; key < keys; key += KEYS) {
        int count = byol__smaller(KEYS, keys - key);
        score(a, query, queries, key, count);
        for (int i = 0; i < queries; i++) {
            float *row = a->weights + (size_t)i * KEYS, here = largest_of(row, count);
            float now = here > most[i] ? here : most[i], shrink = expf(most[i] - now);
            sum[i] = sum[i] * shrink + exponentiate(row, count, now);
            most[i] = now;
            float *to = y + (size_t)i * (size_t)a->stride;
            for (int c = 0; c < a->stride; c++) to[c] *= shrink;
        }
        add_product((operand){a->weights, KEYS, 1}, a->v + (size_t)key * (size_t)a->stride,
                    (size_t)a->stride, y, (size_t)a->stride, queries, a->stride, count);
    }
    for (int i = 0; i < queries; i++) {
        log_sums[i] = most[i] + logf(sum[i]);
        for (int c = 0; c < a->stride; c++) y[(size_t)i * (size_t)a->stride + (size_t)c] /= sum[i];
    }
}

/* Sample and head number `index`, and how many of its tokens there are. */
typedef struct head {
    int n, number, queries, keys;
    float *log_sums;
} head;

static head head_of(const byol__attention *p, const arrays *a, int index) {
    head h = {.n = index / p->heads, .number = index % p->heads};
    bool is_own = a->queries == a->keys; /* queries are the same tokens */
    h.queries =
        p->lengths == NULL || !is_own ? a->queries : byol__smaller(a->queries, p->lengths[h.n]);
    h.keys = p->lengths == NULL ? a->keys : byol__smaller(a->keys, p->lengths[h.n]);
    h.log_sums = p->log_sums + (size_t)index * (size_t)a->queries;
    return h;
}

static void load_sources(const byol__attention *p, const arrays *a, const head *h) {
    int from = h->number * p->width;
    load_head(&p->q.layout, p->q.values, p->q.channel + from, h->n, h->queries, p->width, p->scale,
              a->q, a->stride);
    load_head(&p->k.layout, p->k.values, p->k.channel + from, h->n, h->keys, p->width, 1, a->k,
              a->stride);
    load_head(&p->v.layout, p->v.values, p->v.channel + from, h->n, h->keys, p->width, 1, a->v,
              a->stride);
    transpose(a->k, h->keys, p->width, a->stride, a->k_columns, a->columns);
}

/* Lanes beyond the real channels become 0, which oneDNN relies on. */
static void clear_padding(const byol__layout *layout, void *values) {
    if (values != NULL && byol__layout_padded_channels(layout) != layout->c)
        memset(values, 0, byol__layout_bytes(layout));
}

static void forward(const byol__attention *p) {
    clear_padding(&p->layout, p->y);
#pragma omp parallel for schedule(dynamic) num_threads(p->threads)
    for (int index = 0; index < p->layout.n * p->heads; index++) {
        arrays a;
        lay_out(p, p->scratch + (size_t)omp_get_thread_num() * p->scratch_floats, &a);
        head h = head_of(p, &a, index);
        load_sources(p, &a, &h);
        for (int query = 0; query < h.queries; query += QUERIES)
            attend(&a, query, byol__smaller(QUERIES, h.queries - query), h.keys,
                   h.log_sums + query);
        store_head(&p->layout, p->y, h.number * p->width, h.n, h.queries, a.queries, p->width, 1,
                   a.y, a.stride);
    }
}

/* ---- backward ---- */

/* The weights of a block once more, normalised: exp(score - log sum). */
static void weigh_again(const arrays *a, int query, int queries, int key, int keys,
                        const float *log_sums) {
    score(a, query, queries, key, keys);
    for (int i = 0; i < queries; i++)
        exponentiate(a->weights + (size_t)i * KEYS, keys, log_sums[i]);
}

/* With P the weights: dv += P^T dy; dP = dy v^T; dS = P (dP - sum(dy y)); dq += dS k; dk += dS^T q.
 */
static void attend_backward(const arrays *a, int query, int queries, int keys,
                            const float *log_sums) {
    size_t stride = (size_t)a->stride;
    float along[QUERIES], *q = a->q + (size_t)query * stride, *y = a->y + (size_t)query * stride,
                          *dy = a->dy + (size_t)query * stride,
                          *dq = a->dq + (size_t)query * stride;
    for (int i = 0; i < queries; i++) {
        along[i] = 0;
        for (size_t c = 0; c < stride; c++)
            along[i] += dy[(size_t)i * stride + c] * y[(size_t)i * stride + c];
    }
    for (int key = 0; key < keys; key += KEYS) {
        int count = byol__smaller(KEYS, keys - key);
        size_t from = (size_t)key * stride;
        weigh_again(a, query, queries, key, count, log_sums);
        add_product((operand){a->weights, 1, KEYS}, dy, stride, a->dv + from, stride, count,
                    a->stride, queries);
        memset(a->diffs, 0, QUERIES * KEYS * sizeof(float));
        add_product((operand){dy, stride, 1}, a->v_columns + key, (size_t)a->columns, a->diffs,
                    KEYS, queries, round_up(count), a->width);
        for (int i = 0; i < queries; i++)
            for (int j = 0; j < round_up(count); j++)
                a->diffs[i * KEYS + j] =
                    a->weights[i * KEYS + j] * (a->diffs[i * KEYS + j] - along[i]);
        add_product((operand){a->diffs, KEYS, 1}, a->k + from, stride, dq, stride, queries,
                    a->stride, count);
        add_product((operand){a->diffs, 1, KEYS}, q, stride, a->dk + from, stride, count, a->stride,
                    queries);
    }
}

static void store_diff(const byol__head_source *source, const byol__attention *p, const head *h,
                       int count, int all, float scale, const float *rows, int stride) {
    if (source->diff == NULL) return;
    store_head(&source->layout, source->diff, source->channel + h->number * p->width, h->n, count,
               all, p->width, scale, rows, stride);
}

static void backward(const byol__attention *p) {
    clear_padding(&p->q.layout, p->q.diff);
    clear_padding(&p->k.layout, p->k.diff);
    clear_padding(&p->v.layout, p->v.diff);
#pragma omp parallel for schedule(dynamic) num_threads(p->threads)
    for (int index = 0; index < p->layout.n * p->heads; index++) {
        arrays a;
        lay_out(p, p->scratch + (size_t)omp_get_thread_num() * p->scratch_floats, &a);
        head h = head_of(p, &a, index);
        load_sources(p, &a, &h);
        transpose(a.v, h.keys, p->width, a.stride, a.v_columns, a.columns);
        int from = h.number * p->width;
        load_head(&p->layout, p->y, from, h.n, h.queries, p->width, 1, a.y, a.stride);
        load_head(&p->layout, p->dy, from, h.n, h.queries, p->width, 1, a.dy, a.stride);
        memset(a.dq, 0, (size_t)a.queries * (size_t)a.stride * sizeof(float));
        memset(a.dk, 0, (size_t)a.keys * (size_t)a.stride * sizeof(float));
        memset(a.dv, 0, (size_t)a.keys * (size_t)a.stride * sizeof(float));
        for (int query = 0; query < h.queries; query += QUERIES)
            attend_backward(&a, query, byol__smaller(QUERIES, h.queries - query), h.keys,
                            h.log_sums + query);
        store_diff(&p->q, p, &h, h.queries, a.queries, p->scale, a.dq, a.stride);
        store_diff(&p->k, p, &h, h.keys, a.keys, 1, a.dk, a.stride);
        store_diff(&p->v, p, &h, h.keys, a.keys, 1, a.dv, a.stride);
    }
}

static size_t scratch(const byol__attention *p) {
    arrays a;
    return lay_out(p, NULL, &a);
}

extern const byol__attention_kernels JOIN(byol__attention_kernels_, KERNELS_ISA);
const byol__attention_kernels JOIN(byol__attention_kernels_, KERNELS_ISA) = {
    .scratch = scratch, .forward = forward, .backward = backward};
