/* Attention of bf16 activations on a CPU that multiplies pairs of bf16 numbers (AVX-512 BF16): the
 * blocks and the arithmetic of attention_kernels.c, but products are of bf16 numbers, summed in
 * fp32. Weights and their gradients are rounded to bf16 before they are multiplied. Widths are
 * even; there is no noise here. See attention_kernels.h. */
#include "ops/attention_kernels.h"

#include "base/vectors.h"

#if defined(__AVX512F__)
#pragma GCC target("avx512bf16")

#include <immintrin.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include <omp.h>

#include "base/smaller.h"
#include "base/vector_math.h"
#include "ops/attention_heads.h"
#include "ops/head_products.h"

enum { QUERIES = 32, KEYS = 256 };

/* ---- Products of pairs: a uint32_t holds two bf16 numbers, which follow one another along the sum
 * ---- */

/* a (m, 2 k): pair (i, l) at i * row + l * column. */
typedef struct pairs {
    const uint32_t *values;
    size_t row, column;
} pairs;

INLINE void dot_tile(pairs a, const uint32_t *b, size_t b_row, float *c, size_t c_row, int k,
                     bool fresh, const int rows, const int vecs) {
    __m512 sum[4][4];
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vecs; v++)
            sum[i][v] = fresh ? _mm512_setzero_ps()
                              : _mm512_loadu_ps(c + (size_t)i * c_row + (size_t)v * LANES);
    for (int l = 0; l < k; l++) {
        __m512bh right[4];
        for (int v = 0; v < vecs; v++)
            right[v] = (__m512bh)_mm512_loadu_si512(b + (size_t)l * b_row + (size_t)v * LANES);
        for (int i = 0; i < rows; i++) {
            __m512bh left = (__m512bh)_mm512_set1_epi32(
                (int)a.values[(size_t)i * a.row + (size_t)l * a.column]);
            for (int v = 0; v < vecs; v++) sum[i][v] = _mm512_dpbf16_ps(sum[i][v], left, right[v]);
        }
    }
    for (int i = 0; i < rows; i++)
        for (int v = 0; v < vecs; v++)
            _mm512_storeu_ps(c + (size_t)i * c_row + (size_t)v * LANES, sum[i][v]);
}

/* c (m, n) = a b, or with `fresh` false c += a b; b (2 k, n), pairs of rows; n is a multiple of
 * LANES. */
static void dot_product(pairs a, const uint32_t *b, size_t b_row, float *c, size_t c_row, int m,
                        int n, int k, bool fresh) {
    for (int j = 0; j < n;) {
        bool wide = n - j >= 4 * LANES;
        for (int i = 0; i < m;) {
            pairs from = {a.values + (size_t)i * a.row, a.row, a.column};
            float *to = c + (size_t)i * c_row + j;
            bool tall = m - i >= 4;
            if (wide && tall)
                dot_tile(from, b + j, b_row, to, c_row, k, fresh, 4, 4);
            else if (wide)
                dot_tile(from, b + j, b_row, to, c_row, k, fresh, 1, 4);
            else if (tall)
                dot_tile(from, b + j, b_row, to, c_row, k, fresh, 4, 1);
            else
                dot_tile(from, b + j, b_row, to, c_row, k, fresh, 1, 1);
            i += tall ? 4 : 1;
        }
        j += wide ? 4 * LANES : LANES;
    }
}

/* ---- A head ---- */

/* A thread's arrays. Rows hold `half` pairs along the channels; what is summed over positions lies
 * in pairs of rows, `stride` to a pair; columns hold the rows' pairs, transposed. */
typedef struct arrays {
    int queries, keys, width, half, stride, columns;
    uint32_t *q_rows, *q_pairs, *rows; /* rows: of k, then of v */
    uint32_t *k_columns, *k_pairs, *v_columns, *v_pairs, *dy_rows, *dy_pairs, *halves, *pairs;
    float *y, *dq, *dk, *dv, *weights, *diffs;
} arrays;

/* Hands out `base`, or NULL to only count. Returns the floats in all. */
static size_t lay_out(const byol__attention *p, float *base, arrays *a) {
    int queries = p->q.layout.h * p->q.layout.w, keys = p->k.layout.h * p->k.layout.w;
    *a = (arrays){.queries = queries,
                  .keys = keys,
                  .width = p->width,
                  .half = p->width / 2,
                  .stride = round_up(p->width),
                  .columns = round_up(keys)};
    size_t half = (size_t)a->half, stride = (size_t)a->stride, q = (size_t)queries + 1,
           k = (size_t)keys + 1, columns = half * (size_t)a->columns, used = 0;
    const struct {
        void *array;
        size_t floats;
    } parts[] = {{&a->q_rows, q * half},
                 {&a->q_pairs, q * stride},
                 {&a->rows, k * half},
                 {&a->k_columns, columns},
                 {&a->k_pairs, k * stride},
                 {&a->v_columns, columns},
                 {&a->v_pairs, k * stride},
                 {&a->dy_rows, q * half},
                 {&a->dy_pairs, q * stride},
                 {&a->halves, QUERIES * KEYS / 2},
                 {&a->pairs, QUERIES * KEYS / 2},
                 {&a->y, QUERIES * stride},
                 {&a->dq, q * stride},
                 {&a->dk, k * stride},
                 {&a->dv, k * stride},
                 {&a->weights, QUERIES * KEYS},
                 {&a->diffs, QUERIES * KEYS}};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        void *place = base + used;
        if (base != NULL) memcpy(parts[i].array, &place, sizeof place);
        used += (parts[i].floats + 15) / 16 * 16;
    }
    return used;
}

/* Positions 0 .. count-1 as rows of pairs, and a row of zeros behind them. */
static void load_rows(const head_place *h, const void *values, int count, uint32_t *rows) {
    byol__bf16 *to = (byol__bf16 *)(void *)rows;
    for (int i = 0; i < count; i++, to += h->width)
        for (int c = 0, length; c < h->width; c += length) {
            size_t at = run_at(h, i, c, &length);
            memcpy(to + c, (const byol__bf16 *)values + at, (size_t)length * sizeof *to);
        }
    memset(to, 0, (size_t)h->width * sizeof *to);
}

/* Rows of pairs along the channels -> pairs of rows: (2 i, c) beside (2 i + 1, c). */
static void pair_rows(const uint32_t *rows, int count, const arrays *a, uint32_t *out) {
    const byol__bf16 *from = (const byol__bf16 *)(const void *)rows;
    for (int i = 0; i < count; i += 2, from += 2 * a->width, out += a->stride) {
        for (int c = 0; c < a->width; c++) out[c] = from[c] | (uint32_t)from[a->width + c] << 16;
        for (int c = a->width; c < a->stride; c++) out[c] = 0;
    }
}

/* Rows of pairs -> (half, columns), zeros beyond count. */
static void transpose_pairs(const uint32_t *rows, int count, const arrays *a, uint32_t *columns) {
    for (int l = 0; l < a->half; l++) {
        uint32_t *to = columns + (size_t)l * (size_t)a->columns;
        for (int i = 0; i < count; i++) to[i] = rows[(size_t)i * (size_t)a->half + (size_t)l];
        for (int i = count; i < a->columns; i++) to[i] = 0;
    }
}

/* Rows of floats (count, KEYS) as rows of pairs along the keys: for products over keys. */
static void halve(const float *rows, int count, int keys, uint32_t *out) {
    for (int i = 0; i < count; i++)
        for (int j = 0; j < keys; j += LANES) {
            __m256bh half = _mm512_cvtneps_pbh(_mm512_loadu_ps(rows + i * KEYS + j));
            memcpy(out + (i * KEYS + j) / 2, &half, sizeof half);
        }
}

/* The same as pairs of rows: for products over queries. */
static void halve_pairs(const float *rows, int count, int keys, uint32_t *out) {
    for (int i = 0; i < count; i += 2)
        for (int j = 0; j < keys; j += LANES) {
            const float *from = rows + i * KEYS + j;
            __m512 second = i + 1 < count ? _mm512_loadu_ps(from + KEYS) : _mm512_setzero_ps();
            __m512i low = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(_mm512_loadu_ps(from)));
            __m512i high = _mm512_cvtepu16_epi32((__m256i)_mm512_cvtneps_pbh(second));
            _mm512_storeu_si512(out + i / 2 * KEYS + j,
                                _mm512_or_si512(low, _mm512_slli_epi32(high, 16)));
        }
}

/* ---- Forward ---- */

/* The first `left` lanes. */
INLINE __mmask16 live_lanes(int left) {
    unsigned lanes = left < LANES ? (1u << left) - 1 : 0xffffu;
    return (__mmask16)lanes;
}

/* row = exp(scale row - by), zeros from count up to a whole vector; returns the sum. */
static float exponentiate(float *row, int count, float scale, float by) {
    __m512 sum = _mm512_setzero_ps();
    for (int i = 0; i < count; i += LANES) {
        vec x;
        memcpy(&x, row + i, sizeof x);
        x = exp_of(scale * x - by);
        __mmask16 live = live_lanes(count - i);
        __m512 kept = _mm512_maskz_mov_ps(live, (__m512)x);
        _mm512_storeu_ps(row + i, kept);
        sum = _mm512_add_ps(sum, kept);
    }
    return _mm512_reduce_add_ps(sum);
}

static float largest_of(const float *row, int count) {
    __m512 most = _mm512_set1_ps(-INFINITY);
    for (int i = 0; i < count; i += LANES) {
        __mmask16 live = live_lanes(count - i);
        most = _mm512_mask_max_ps(most, live, most, _mm512_loadu_ps(row + i));
    }
    return _mm512_reduce_max_ps(most);
}

/* Products of a block of queries with a block of keys: weights (queries, KEYS). */
static void score(const arrays *a, int query, int queries, int key, int keys) {
    pairs q = {a->q_rows + (size_t)query * (size_t)a->half, (size_t)a->half, 1};
    dot_product(q, a->k_columns + key, (size_t)a->columns, a->weights, KEYS, queries,
                round_up(keys), a->half, true);
}

/* As in attention_kernels.c; y is the block's. */
static void attend(const arrays *a, float scale, int query, int queries, int keys,
                   float *log_sums) {
    float most[QUERIES], sum[QUERIES];
    size_t stride = (size_t)a->stride;
    memset(a->y, 0, (size_t)queries * stride * sizeof *a->y);
    for (int i = 0; i < queries; i++) {
        most[i] = -INFINITY;
        sum[i] = 0;
    }
    for (int key = 0; key < keys; key += KEYS) {
        int count = byol__smaller(KEYS, keys - key);
        score(a, query, queries, key, count);
        for (int i = 0; i < queries; i++) {
            float *row = a->weights + (size_t)i * KEYS, here = scale * largest_of(row, count);
            float now = here > most[i] ? here : most[i], shrink = expf(most[i] - now);
            sum[i] = sum[i] * shrink + exponentiate(row, count, scale, now);
            most[i] = now;
            for (int c = 0; c < a->stride && key > 0; c++) a->y[(size_t)i * stride + c] *= shrink;
        }
        halve(a->weights, queries, round_up(count), a->halves);
        dot_product((pairs){a->halves, KEYS / 2, 1}, a->v_pairs + (size_t)(key / 2) * stride,
                    stride, a->y, stride, queries, a->stride, (count + 1) / 2, false);
    }
    for (int i = 0; i < queries; i++) {
        log_sums[i] = most[i] + logf(sum[i]);
        for (int c = 0; c < a->stride; c++) a->y[(size_t)i * stride + c] /= sum[i];
    }
}

static void load_keys(const byol__attention *p, const arrays *a, const head *h) {
    head_place q = place_of(&p->q, p, h), k = place_of(&p->k, p, h);
    load_rows(&q, p->q.values, h->queries, a->q_rows);
    load_rows(&k, p->k.values, h->keys, a->rows);
    transpose_pairs(a->rows, h->keys, a, a->k_columns);
}

/* The block's y to positions first .. of the activation. */
static void store_block(const head_place *h, void *values, int first, int count, const arrays *a) {
    for (int i = 0; i < count; i++)
        for (int c = 0, length; c < h->width; c += length) {
            size_t at = run_at(h, first + i, c, &length);
            store_run(values, at, length, true, 1, a->y + (size_t)i * (size_t)a->stride + c);
        }
}

/* Positions from `count` on are padding: zeros. */
static void store_padding(const head_place *h, void *values, int count, int all) {
    for (int i = count; i < all; i++)
        for (int c = 0, length; c < h->width; c += length) {
            size_t at = run_at(h, i, c, &length);
            memset((byol__bf16 *)values + at, 0, (size_t)length * sizeof(byol__bf16));
        }
}

static void forward(const byol__attention *p) {
    clear_padding(&p->layout, p->y);
#pragma omp parallel for schedule(dynamic) num_threads(p->threads)
    for (int index = 0; index < p->layout.n * p->heads; index++) {
        arrays a;
        lay_out(p, p->scratch + (size_t)omp_get_thread_num() * p->scratch_floats, &a);
        head h = head_of(p, index);
        head_place v = place_of(&p->v, p, &h), y = y_place(p, &h);
        load_keys(p, &a, &h);
        load_rows(&v, p->v.values, h.keys, a.rows);
        pair_rows(a.rows, h.keys, &a, a.v_pairs);
        for (int query = 0; query < h.queries; query += QUERIES) {
            int queries = byol__smaller(QUERIES, h.queries - query);
            attend(&a, p->scale, query, queries, h.keys, h.log_sums + query);
            store_block(&y, p->y, query, queries, &a);
        }
        store_padding(&y, p->y, h.queries, a.queries);
    }
}

/* ---- Backward ---- */

/* sum(dy y) of each query. */
static void sum_along(const byol__attention *p, const arrays *a, const head *h, int query,
                      int queries, float *along) {
    head_place y = y_place(p, h);
    float row[2][8 * LANES];
    for (int i = 0; i < queries; i++) {
        along[i] = 0;
        for (int c = 0, length; c < a->width; c += length) {
            size_t at = run_at(&y, query + i, c, &length);
            length = byol__smaller(length, 8 * LANES);
            load_run(p->y, at, length, true, 1, row[0]);
            load_run(p->dy, at, length, true, 1, row[1]);
            for (int j = 0; j < length; j++) along[i] += row[0][j] * row[1][j];
        }
    }
}

/* With P the weights: dv += P^T dy; dP = dy v^T; dS = P (dP - along); dq += dS k; dk += dS^T q. */
static void attend_backward(const arrays *a, float scale, int query, int queries, int keys,
                            const float *log_sums, const float *along) {
    size_t stride = (size_t)a->stride, half = (size_t)a->half;
    int couples = (queries + 1) / 2;
    for (int key = 0; key < keys; key += KEYS) {
        int count = byol__smaller(KEYS, keys - key), whole = round_up(count);
        score(a, query, queries, key, count);
        for (int i = 0; i < queries; i++)
            exponentiate(a->weights + (size_t)i * KEYS, count, scale, log_sums[i]);
        halve_pairs(a->weights, queries, whole, a->pairs);
        dot_product((pairs){a->pairs, 1, KEYS}, a->dy_pairs + (size_t)(query / 2) * stride, stride,
                    a->dv + (size_t)key * stride, stride, count, a->stride, couples, false);
        dot_product((pairs){a->dy_rows + (size_t)query * half, half, 1}, a->v_columns + key,
                    (size_t)a->columns, a->diffs, KEYS, queries, whole, a->half, true);
        for (int i = 0; i < queries; i++)
            for (int j = 0; j < whole; j++)
                a->diffs[i * KEYS + j] =
                    a->weights[i * KEYS + j] * (a->diffs[i * KEYS + j] - along[i]);
        halve(a->diffs, queries, whole, a->halves);
        dot_product((pairs){a->halves, KEYS / 2, 1}, a->k_pairs + (size_t)(key / 2) * stride,
                    stride, a->dq + (size_t)query * stride, stride, queries, a->stride,
                    (count + 1) / 2, false);
        halve_pairs(a->diffs, queries, whole, a->pairs);
        dot_product((pairs){a->pairs, 1, KEYS}, a->q_pairs + (size_t)(query / 2) * stride, stride,
                    a->dk + (size_t)key * stride, stride, count, a->stride, couples, false);
    }
}

static void load_backward(const byol__attention *p, const arrays *a, const head *h) {
    head_place v = place_of(&p->v, p, h), y = y_place(p, h);
    load_keys(p, a, h);
    pair_rows(a->rows, h->keys, a, a->k_pairs);
    pair_rows(a->q_rows, h->queries, a, a->q_pairs);
    load_rows(&v, p->v.values, h->keys, a->rows);
    transpose_pairs(a->rows, h->keys, a, a->v_columns);
    load_rows(&y, p->dy, h->queries, a->dy_rows);
    pair_rows(a->dy_rows, h->queries, a, a->dy_pairs);
    memset(a->dq, 0, (size_t)a->queries * (size_t)a->stride * sizeof(float));
    memset(a->dk, 0, (size_t)a->keys * (size_t)a->stride * sizeof(float));
    memset(a->dv, 0, (size_t)a->keys * (size_t)a->stride * sizeof(float));
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
        load_backward(p, &a, &h);
        for (int query = 0; query < h.queries; query += QUERIES) {
            int queries = byol__smaller(QUERIES, h.queries - query);
            float along[QUERIES];
            sum_along(p, &a, &h, query, queries, along);
            attend_backward(&a, p->scale, query, queries, h.keys, h.log_sums + query, along);
        }
        store_diff(&p->q, p, &h, h.queries, a.queries, p->scale, a.dq, a.stride);
        store_diff(&p->k, p, &h, h.keys, a.keys, p->scale, a.dk, a.stride);
        store_diff(&p->v, p, &h, h.keys, a.keys, 1, a.dv, a.stride);
    }
}

static size_t scratch(const byol__attention *p) {
    arrays a;
    return lay_out(p, NULL, &a);
}

extern const byol__attention_kernels byol__attention_dot_kernels;
const byol__attention_kernels byol__attention_dot_kernels = {
    .scratch = scratch, .forward = forward, .backward = backward};

#endif
