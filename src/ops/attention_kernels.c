/* Attention's kernels, in GCC's vector types. Compiled once for each instruction set: KERNELS_ISA
 * is plain, avx2 or avx512. See attention_kernels.h for what they do. */
#include "ops/attention_kernels.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <omp.h>

#include "base/smaller.h"
#include "base/vector_math.h"
#include "base/vector_random.h"
#include "base/vectors.h"
#include "ops/attention_heads.h"
#include "ops/head_products.h"

/* Queries and keys of a block: their weights (32 KiB) stay in the first-level cache. */
enum { QUERIES = 32, KEYS = 256 };

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

/* A block of noise into `weights`. Key j is word j / 16 % 4 of
 * counter j / 64 * 16 + j % 16, so that the numbers do not depend on LANES. */
static void draw_noise(const byol__attention *p, const arrays *a, int index, int query, int queries,
                       int key, int keys) {
    const byol__attention_noise *noise = &p->noise;
    uvec lane = {0}, rest = {0};
    for (int l = 0; l < LANES; l++) lane[l] = (uint32_t)l;
    for (int i = 0; i < queries; i++)
        for (int j = 0; j < keys; j += 64) {
            uint32_t row = (uint32_t)index * (uint32_t)a->queries + (uint32_t)(query + i),
                     block = row * (uint32_t)((a->keys + 63) / 64) + (uint32_t)(key + j) / 64;
            for (int half = 0; half < 16; half += LANES) {
                uvec words[4] = {lane + block * 16 + (uint32_t)half, rest + noise->stream[0],
                                 rest + noise->stream[1], rest + noise->stream[2]};
                philox_of(words, noise->key);
                for (int w = 0; w < 4; w++) {
                    vec drawn = noise->strength * normal_of(words[w]);
                    memcpy(a->weights + i * KEYS + j + 16 * w + half, &drawn, sizeof drawn);
                }
            }
        }
}

/* y += noise v, for a block of queries against all keys. */
static void add_noise(const byol__attention *p, const arrays *a, int index, int query, int queries,
                      int keys) {
    for (int key = 0; key < keys; key += KEYS) {
        int count = byol__smaller(KEYS, keys - key);
        draw_noise(p, a, index, query, queries, key, count);
        add_product((operand){a->weights, KEYS, 1}, a->v + (size_t)key * (size_t)a->stride,
                    (size_t)a->stride, a->y + (size_t)query * (size_t)a->stride, (size_t)a->stride,
                    queries, a->stride, count);
    }
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

static void load_source(const byol__head_source *source, const byol__attention *p, const head *h,
                        int count, float scale, float *rows, int stride) {
    head_place place = place_of(source, p, h);
    load_head(&place, source->values, 0, count, scale, rows, stride);
}

static void load_sources(const byol__attention *p, const arrays *a, const head *h) {
    load_source(&p->q, p, h, h->queries, p->scale, a->q, a->stride);
    load_source(&p->k, p, h, h->keys, 1, a->k, a->stride);
    load_source(&p->v, p, h, h->keys, 1, a->v, a->stride);
    transpose(a->k, h->keys, p->width, a->stride, a->k_columns, a->columns);
}

static void forward(const byol__attention *p) {
    clear_padding(&p->layout, p->y);
#pragma omp parallel for schedule(dynamic) num_threads(p->threads)
    for (int index = 0; index < p->layout.n * p->heads; index++) {
        arrays a;
        lay_out(p, p->scratch + (size_t)omp_get_thread_num() * p->scratch_floats, &a);
        head h = head_of(p, index);
        load_sources(p, &a, &h);
        for (int query = 0; query < h.queries; query += QUERIES) {
            int queries = byol__smaller(QUERIES, h.queries - query);
            attend(&a, query, queries, h.keys, h.log_sums + query);
            if (p->noise.strength > 0) add_noise(p, &a, index, query, queries, h.keys);
        }
        head_place y = y_place(p, &h);
        store_head(&y, p->y, h.queries, a.queries, 1, a.y, a.stride);
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

/* Of a block: the weights P and their gradients dP = dy v^T. */
static void differentiate(const arrays *a, int query, int queries, int key, int keys,
                          const float *log_sums) {
    size_t stride = (size_t)a->stride;
    weigh_again(a, query, queries, key, keys, log_sums);
    memset(a->diffs, 0, QUERIES * KEYS * sizeof(float));
    add_product((operand){a->dy + (size_t)query * stride, stride, 1}, a->v_columns + key,
                (size_t)a->columns, a->diffs, KEYS, queries, round_up(keys), a->width);
}

/* sum(P dP) of each query, which without noise is sum(dy y). */
static void sum_along(const arrays *a, int query, int queries, float *along) {
    const float *y = a->y + (size_t)query * (size_t)a->stride,
                *dy = a->dy + (size_t)query * (size_t)a->stride;
    for (int i = 0; i < queries; i++, y += a->stride, dy += a->stride) {
        along[i] = 0;
        for (int c = 0; c < a->width; c++) along[i] += dy[c] * y[c];
    }
}

/* The same where y has noise in it; and what the noise gives to v: dv += noise^T dy. */
static void sum_beside_noise(const byol__attention *p, const arrays *a, int index, int query,
                             int queries, int keys, const float *log_sums, float *along) {
    size_t stride = (size_t)a->stride;
    for (int i = 0; i < queries; i++) along[i] = 0;
    for (int key = 0; key < keys; key += KEYS) {
        int count = byol__smaller(KEYS, keys - key);
        differentiate(a, query, queries, key, count, log_sums);
        for (int i = 0; i < queries; i++)
            for (int j = 0; j < count; j++)
                along[i] += a->weights[i * KEYS + j] * a->diffs[i * KEYS + j];
        draw_noise(p, a, index, query, queries, key, count);
        add_product((operand){a->weights, 1, KEYS}, a->dy + (size_t)query * stride, stride,
                    a->dv + (size_t)key * stride, stride, count, a->stride, queries);
    }
}

/* dv += P^T dy; dS = P (dP - along); dq += dS k; dk += dS^T q. */
static void attend_backward(const arrays *a, int query, int queries, int keys,
                            const float *log_sums, const float *along) {
    size_t stride = (size_t)a->stride;
    const float *q = a->q + (size_t)query * stride, *dy = a->dy + (size_t)query * stride;
    for (int key = 0; key < keys; key += KEYS) {
        int count = byol__smaller(KEYS, keys - key);
        size_t from = (size_t)key * stride;
        differentiate(a, query, queries, key, count, log_sums);
        add_product((operand){a->weights, 1, KEYS}, dy, stride, a->dv + from, stride, count,
                    a->stride, queries);
        for (int i = 0; i < queries; i++)
            for (int j = 0; j < round_up(count); j++)
                a->diffs[i * KEYS + j] =
                    a->weights[i * KEYS + j] * (a->diffs[i * KEYS + j] - along[i]);
        add_product((operand){a->diffs, KEYS, 1}, a->k + from, stride,
                    a->dq + (size_t)query * stride, stride, queries, a->stride, count);
        add_product((operand){a->diffs, 1, KEYS}, q, stride, a->dk + from, stride, count, a->stride,
                    queries);
    }
}

static void backward(const byol__attention *p) {
    clear_padding(&p->q.layout, p->q.diff);
    clear_padding(&p->k.layout, p->k.diff);
    clear_padding(&p->v.layout, p->v.diff);
#pragma omp parallel for schedule(dynamic) num_threads(p->threads)
    for (int index = 0; index < p->layout.n * p->heads; index++) {
        arrays a;
        lay_out(p, p->scratch + (size_t)omp_get_thread_num() * p->scratch_floats, &a);
        head h = head_of(p, index);
        load_sources(p, &a, &h);
        transpose(a.v, h.keys, p->width, a.stride, a.v_columns, a.columns);
        head_place y = y_place(p, &h);
        load_head(&y, p->y, 0, h.queries, 1, a.y, a.stride);
        load_head(&y, p->dy, 0, h.queries, 1, a.dy, a.stride);
        memset(a.dq, 0, (size_t)a.queries * (size_t)a.stride * sizeof(float));
        memset(a.dk, 0, (size_t)a.keys * (size_t)a.stride * sizeof(float));
        memset(a.dv, 0, (size_t)a.keys * (size_t)a.stride * sizeof(float));
        for (int query = 0; query < h.queries; query += QUERIES) {
            int queries = byol__smaller(QUERIES, h.queries - query);
            float along[QUERIES];
            if (p->noise.strength > 0)
                sum_beside_noise(p, &a, index, query, queries, h.keys, h.log_sums + query, along);
            else
                sum_along(&a, query, queries, along);
            attend_backward(&a, query, queries, h.keys, h.log_sums + query, along);
        }
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
