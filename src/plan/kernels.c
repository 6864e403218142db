/* The kernels between the convolutions, in GCC's vector types. Compiled once per instruction set:
 * KERNELS_ISA is plain, avx2 or avx512. kernels.h says what each does.
 *
 * All traverse an activation as tiles: up to LANES channels of one sample, pixel after pixel. In
 * the blocked formats a tile is a channel block (contiguous). In a matrix or channels-last it is a
 * strip of columns. */
#include "plan/kernels.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/bf16.h"
#include "base/vector_memory.h"

/* ---- tiles ---- */

typedef struct tiling {
    int n, spatial, tiles, lanes, channels;  /* channels: padded */
    size_t stride_n, stride_block, stride_s; /* elements */
    int block;                               /* channels of one block of the format */
} tiling;

static tiling tile(const byol__layout *layout) {
    byol__strides s = byol__layout_strides(layout);
    tiling t = {.n = s.n,
                .spatial = s.spatial,
                .lanes = s.lanes < LANES ? s.lanes : LANES,
                .channels = s.blocks * s.lanes,
                .stride_n = s.stride_n,
                .stride_block = s.stride_block,
                .stride_s = s.stride_s,
                .block = s.lanes};
    int per_block = (s.lanes + LANES - 1) / LANES;
    t.tiles = s.blocks * per_block;
    return t;
}

/* First channel of tile `i`; `*live` is how many channels it has. */
INLINE int tile_channel(const tiling *t, int i, int *live) {
    int per_block = (t->block + LANES - 1) / LANES;
    int within = i % per_block * LANES;
    *live = t->block - within < LANES ? t->block - within : LANES;
    return i / per_block * t->block + within;
}

/* Where the tile of `channel` starts in a sample. */
INLINE size_t tile_offset(const tiling *t, int channel) {
    return (size_t)(channel / t->block) * t->stride_block + (size_t)(channel % t->block);
}

/* ---- loads and stores ---- */

INLINE float load_one(const void *src, size_t offset, bool bf16) {
    return bf16 ? byol__bf16_to_float(((const byol__bf16 *)src)[offset])
                : ((const float *)src)[offset];
}

/* Calls body(..., live, bf16) with constants for the last two in the common cases, so that the
 * compiler makes a tight loop. */
#define SPECIALISE(body, live, bf16, ...)                                                          \
    do {                                                                                           \
        if ((live) == LANES && !(bf16))                                                            \
            body(__VA_ARGS__, LANES, false);                                                       \
        else if ((live) == LANES)                                                                  \
            body(__VA_ARGS__, LANES, true);                                                        \
        else                                                                                       \
            body(__VA_ARGS__, live, bf16);                                                         \
    } while (0)

/* ---- sums over batch and space, per channel ---- */

/* partial: (CHUNKS, 2, channels) doubles. Samples of chunk `i` are n * i / CHUNKS up to n * (i + 1)
 * / CHUNKS. */
INLINE double *chunk_sums(double *partial, const tiling *t, int chunk) {
    return partial + (size_t)chunk * 2 * (size_t)t->channels;
}

INLINE void add_sums(double *first, double *second, vec a, vec b, int live) {
    for (int l = 0; l < live; l++) {
        first[l] += (double)a[l];
        second[l] += (double)b[l];
    }
}

/* Combines the chunks in order: the same bits for any number of threads. */
static void combine(const double *partial, const tiling *t, int channel, double *first,
                    double *second) {
    *first = *second = 0;
    for (int chunk = 0; chunk < BYOL__CHUNKS; chunk++) {
        const double *sums = partial + (size_t)chunk * 2 * (size_t)t->channels;
        *first += sums[channel];
        *second += sums[t->channels + channel];
    }
}

/* Zeroes the lanes beyond the real channels: 0 + 0 x stays 0, which oneDNN relies on. */
static void clear_padding(float *array, const byol__pointwise *p, const tiling *t) {
    for (int c = p->layout.c; c < t->channels; c++) array[c] = 0;
}

/* ---- batch norm + residual + ReLU, forward ---- */

/* Sums of (x - mean) and (x - mean)^2, where `mean` is any number near the true mean. Without it,
 * the squares of a channel with a large mean would swallow its variance. */
INLINE void tile_moments(const tiling *t, const void *x, size_t offset, const float *mean,
                         double *sums, int live, bool bf16) {
    vec k = load_f32(mean, live), sum[2] = {{0}}, square[2] = {{0}};
    int s = 0;
    for (; s + 1 < t->spatial; s += 2) {
        for (int u = 0; u < 2; u++) {
            vec v = load(x, offset + (size_t)(s + u) * t->stride_s, live, bf16) - k;
            sum[u] += v;
            square[u] += v * v;
        }
    }
    if (s < t->spatial) {
        vec v = load(x, offset + (size_t)s * t->stride_s, live, bf16) - k;
        sum[0] += v;
        square[0] += v * v;
    }
    add_sums(sums, sums + t->channels, sum[0] + sum[1], square[0] + square[1], live);
}

static void moments(const byol__pointwise *p, const tiling *t, bool bf16) {
    for (int i = 0; i < t->tiles; i++) {
        int live, channel = tile_channel(t, i, &live);
        for (int l = 0; l < live; l++)
            p->mean[channel + l] = load_one(p->x, tile_offset(t, channel) + (size_t)l, bf16);
    }
#pragma omp parallel for schedule(static)
    for (int chunk = 0; chunk < BYOL__CHUNKS; chunk++) {
        double *sums = chunk_sums(p->partial, t, chunk);
        memset(sums, 0, 2 * (size_t)t->channels * sizeof *sums);
        for (int n = t->n * chunk / BYOL__CHUNKS; n < t->n * (chunk + 1) / BYOL__CHUNKS; n++) {
            for (int i = 0; i < t->tiles; i++) {
                int live, channel = tile_channel(t, i, &live);
                size_t offset = (size_t)n * t->stride_n + tile_offset(t, channel);
                SPECIALISE(tile_moments, live, bf16, t, p->x, offset, p->mean + channel,
                           sums + channel);
            }
        }
    }
}

/* Batch mean and variance -> scale and shift. Running statistics as in PyTorch: momentum .1,
 * unbiased variance. */
static void settle(const byol__pointwise *p, int c, double mean, double variance) {
    const double momentum = 0.1;
    double count = p->count;
    double inv_std = 1 / sqrt(variance + BYOL__NORM_EPSILON);
    double scale = (double)p->gamma[c] * inv_std;
    p->mean[c] = (float)mean;
    p->inv_std[c] = (float)inv_std;
    p->scale[c] = (float)scale;
    p->shift[c] = (float)((double)p->beta[c] - mean * scale);
    double unbiased = count > 1 ? variance * count / (count - 1) : variance;
    p->running_mean[c] = (float)((1 - momentum) * (double)p->running_mean[c] + momentum * mean);
    p->running_var[c] = (float)((1 - momentum) * (double)p->running_var[c] + momentum * unbiased);
}

/* Mean and variance replace the first chunk's sums. */
static void finish_moments(const byol__pointwise *p, const tiling *t) {
    double count = (double)t->n * t->spatial;
    for (int c = 0; c < p->layout.c; c++) {
        double sum, square;
        combine(p->partial, t, c, &sum, &square);
        double offset = sum / count;
        p->partial[c] = (double)p->mean[c] + offset;
        p->partial[t->channels + c] = fmax(square / count - offset * offset, 0);
    }
}

/* Combines the means and squared deviations of the parts (Chan, Golub, LeVeque 1983), in order. */
static void finish_gathered(const byol__pointwise *p, const tiling *t) {
    const byol__moments *m = p->moments;
    double count = (double)t->n * t->spatial, *mean = p->partial,
           *squares = p->partial + t->channels;
    memset(p->partial, 0, 2 * (size_t)t->channels * sizeof *p->partial);
    for (int part = 0; part < m->parts; part++) {
        const float *near = m->sums + (size_t)part * 3 * (size_t)m->channels,
                    *sum = near + m->channels;
        double pixels = m->pixels[part];
        for (int c = 0; c < p->layout.c; c++)
            mean[c] += (pixels * (double)near[c] + (double)sum[c]) / count;
    }
    for (int part = 0; part < m->parts; part++) {
        const float *near = m->sums + (size_t)part * 3 * (size_t)m->channels,
                    *sum = near + m->channels;
        const float *square = sum + m->channels;
        double pixels = m->pixels[part];
        for (int c = 0; c < p->layout.c; c++) {
            double own = (double)sum[c] / pixels, off = (double)near[c] + own - mean[c];
            squares[c] += (double)square[c] - (double)sum[c] * own + pixels * off * off;
        }
    }
    for (int c = 0; c < p->layout.c; c++) squares[c] = fmax(squares[c] / count, 0);
}

static void norm_moments(const byol__pointwise *p) {
    tiling t = tile(&p->layout);
    if (p->moments != NULL) {
        finish_gathered(p, &t);
        return;
    }
    moments(p, &t, p->layout.dtype == BYOL__BF16);
    finish_moments(p, &t);
}

static void find_scale(const byol__pointwise *p, const tiling *t) {
    clear_padding(p->mean, p, t);
    clear_padding(p->scale, p, t);
    clear_padding(p->shift, p, t);
    for (int c = 0; c < p->layout.c; c++) settle(p, c, p->partial[c], p->partial[t->channels + c]);
}

INLINE void tile_apply(const tiling *t, const byol__pointwise *p, int channel, size_t offset,
                       int live, bool bf16) {
    bool affine = p->normalize || p->fixed;
    vec scale = affine ? load_f32(p->scale + channel, live) : splat(1);
    vec shift = affine ? load_f32(p->shift + channel, live) : splat(0);
    for (int s = 0; s < t->spatial; s++) {
        size_t at = offset + (size_t)s * t->stride_s;
        vec v = load(p->x, at, live, bf16) * scale + shift;
        if (p->residual != NULL) v += load(p->residual, at, live, bf16);
        if (p->relu) v = relu_of(v);
        store(p->y, at, v, live, bf16);
    }
}

static void pointwise_forward(const byol__pointwise *p) {
    tiling t = tile(&p->layout);
    bool bf16 = p->layout.dtype == BYOL__BF16;
    if (p->normalize) find_scale(p, &t);
    if (p->y == NULL) return;
#pragma omp parallel for schedule(static)
    for (int n = 0; n < t.n; n++) {
        for (int i = 0; i < t.tiles; i++) {
            int live, channel = tile_channel(&t, i, &live);
            size_t offset = (size_t)n * t.stride_n + tile_offset(&t, channel);
            SPECIALISE(tile_apply, live, bf16, &t, p, channel, offset);
        }
    }
}

/* ---- and backward ---- */

/* The sum of the gradients of all readers of y. */
INLINE vec sum_of_diffs(const byol__pointwise *p, size_t at, int live, bool bf16) {
    vec g = load(p->dy[0], at, live, bf16);
    for (int k = 1; k < p->dy_count; k++) g += load(p->dy[k], at, live, bf16);
    return g;
}

/* The gradient at the sum before the ReLU. */
INLINE vec arriving(const byol__pointwise *p, size_t at, int live, bool bf16) {
    vec g = sum_of_diffs(p, at, live, bf16);
    return p->relu ? select_positive(load(p->y, at, live, bf16), g) : g;
}

/* The same behind a batch norm whose x has been read. Without a residual, the ReLU's input is
 * recomputed by the same operations as in tile_apply, instead of reading a third array. */
INLINE vec arriving_at_norm(const byol__pointwise *p, size_t at, vec x, vec scale, vec shift,
                            int live, bool bf16) {
    if (!p->relu || p->residual != NULL) return arriving(p, at, live, bf16);
    return select_positive(x * scale + shift, sum_of_diffs(p, at, live, bf16));
}

/* Sums of g and g (x - mean); stores g too if p->g is set. */
INLINE void tile_gradient_sums(const tiling *t, const byol__pointwise *p, int channel,
                               size_t offset, double *sums, int live, bool bf16) {
    vec scale = load_f32(p->scale + channel, live), shift = load_f32(p->shift + channel, live);
    vec mean = load_f32(p->mean + channel, live), first = {0}, second = {0};
    for (int s = 0; s < t->spatial; s++) {
        size_t at = offset + (size_t)s * t->stride_s;
        vec x = load(p->x, at, live, bf16),
            g = arriving_at_norm(p, at, x, scale, shift, live, bf16);
        if (p->g != NULL) store(p->g, at, g, live, bf16);
        first += g;
        second += g * (x - mean);
    }
    add_sums(sums, sums + t->channels, first, second, live);
}

static void gradient_sums(const byol__pointwise *p, const tiling *t, bool bf16) {
#pragma omp parallel for schedule(static)
    for (int chunk = 0; chunk < BYOL__CHUNKS; chunk++) {
        double *sums = chunk_sums(p->partial, t, chunk);
        memset(sums, 0, 2 * (size_t)t->channels * sizeof *sums);
        for (int n = t->n * chunk / BYOL__CHUNKS; n < t->n * (chunk + 1) / BYOL__CHUNKS; n++) {
            for (int i = 0; i < t->tiles; i++) {
                int live, channel = tile_channel(t, i, &live);
                size_t offset = (size_t)n * t->stride_n + tile_offset(t, channel);
                SPECIALISE(tile_gradient_sums, live, bf16, t, p, channel, offset, sums + channel);
            }
        }
    }
}

/* The whole batch's sums replace the first chunk's. */
static void norm_sums(const byol__pointwise *p) {
    tiling t = tile(&p->layout);
    gradient_sums(p, &t, p->layout.dtype == BYOL__BF16);
    for (int c = 0; c < p->layout.c; c++) {
        double sum, product;
        combine(p->partial, &t, c, &sum, &product);
        p->diff_gamma[c] += (float)(product * (double)p->inv_std[c]);
        p->diff_beta[c] += (float)sum;
        p->partial[c] = sum;
        p->partial[t.channels + c] = product;
    }
}

/* dx = a g + b (x - mean) + c with, for m values in a channel,
 *     a = gamma inv_std (forward's scale),
 *     b = -a inv_std^2 sum(g (x - mean)) / m,
 *     c = -a sum(g) / m. */
static void find_slope(const byol__pointwise *p, const tiling *t, float *slope, float *constant) {
    clear_padding(slope, p, t);
    clear_padding(constant, p, t);
    for (int c = 0; c < p->layout.c; c++) {
        double sum = p->partial[c], product = p->partial[t->channels + c];
        double inv_std = (double)p->inv_std[c], a = (double)p->gamma[c] * inv_std;
        slope[c] = (float)(-a * inv_std * inv_std * product / p->count);
        constant[c] = (float)(-a * sum / p->count);
    }
}

INLINE void tile_input_gradient(const tiling *t, const byol__pointwise *p, const float *slope,
                                const float *constant, int channel, size_t offset, int live,
                                bool bf16) {
    vec mean = load_f32(p->mean + channel, live), a = load_f32(p->scale + channel, live);
    vec shift = load_f32(p->shift + channel, live);
    vec b = load_f32(slope + channel, live), c = load_f32(constant + channel, live);
    for (int s = 0; s < t->spatial; s++) {
        size_t at = offset + (size_t)s * t->stride_s;
        vec x = load(p->x, at, live, bf16);
        vec g = p->g != NULL ? load(p->g, at, live, bf16)
                             : arriving_at_norm(p, at, x, a, shift, live, bf16);
        store(p->dx, at, a * g + b * (x - mean) + c, live, bf16);
    }
}

INLINE void tile_arriving(const tiling *t, const byol__pointwise *p, size_t offset, int live,
                          bool bf16) {
    for (int s = 0; s < t->spatial; s++) {
        size_t at = offset + (size_t)s * t->stride_s;
        vec g = arriving(p, at, live, bf16);
        if (p->g != NULL) store(p->g, at, g, live, bf16);
        if (p->dx != NULL) store(p->dx, at, g, live, bf16);
    }
}

static void pointwise_backward(const byol__pointwise *p) {
    tiling t = tile(&p->layout);
    bool bf16 = p->layout.dtype == BYOL__BF16;
    float *slope = p->shift + t.channels, *constant = slope + t.channels;
    if (p->normalize) find_slope(p, &t, slope, constant);
    if (p->dx == NULL && (p->normalize || p->g == NULL)) return; /* nothing before it is trained */
#pragma omp parallel for schedule(static)
    for (int n = 0; n < t.n; n++) {
        for (int i = 0; i < t.tiles; i++) {
            int live, channel = tile_channel(&t, i, &live);
            size_t offset = (size_t)n * t.stride_n + tile_offset(&t, channel);
            if (p->normalize)
                SPECIALISE(tile_input_gradient, live, bf16, &t, p, slope, constant, channel,
                           offset);
            else
                SPECIALISE(tile_arriving, live, bf16, &t, p, offset);
        }
    }
}

/* ---- pools ---- */

/* Window [first, last) of output index `out` along an axis of `size`. */
INLINE void window(int out, int kernel, int stride, int padding, int size, int *first, int *last) {
    int start = out * stride - padding, end = start + kernel;
    *first = start < 0 ? 0 : start;
    *last = end > size ? size : end;
}

typedef struct pool_geometry {
    tiling src, dst;
    int ih, iw, oh, ow;
    bool bf16;
} pool_geometry;

static pool_geometry pool_of(const byol__pool *p) {
    return (pool_geometry){.src = tile(&p->src_layout),
                           .dst = tile(&p->dst_layout),
                           .ih = p->src_layout.h,
                           .iw = p->src_layout.w,
                           .oh = p->dst_layout.h,
                           .ow = p->dst_layout.w,
                           .bf16 = p->src_layout.dtype == BYOL__BF16};
}

/* One tile of one sample, every output pixel. A pool's source and destination have the same format.
 * The exception is the global pool (a single output pixel), whose destination is a matrix: hence
 * two tilings. */
typedef void pool_tile(const pool_geometry *g, const byol__pool *p, size_t src, size_t dst,
                       int live);

static void for_each_tile(const byol__pool *p, pool_tile *run) {
    pool_geometry g = pool_of(p);
#pragma omp parallel for schedule(static)
    for (int n = 0; n < g.src.n; n++) {
        for (int i = 0; i < g.src.tiles; i++) {
            int live, channel = tile_channel(&g.src, i, &live);
            int real = live; /* padding included, where both layouts have it */
            if (g.dst.block != g.src.block && p->dst_layout.c - channel < live)
                real = p->dst_layout.c - channel;
            if (real <= 0) continue;
            run(&g, p, (size_t)n * g.src.stride_n + tile_offset(&g.src, channel),
                (size_t)n * g.dst.stride_n + tile_offset(&g.dst, channel), real);
        }
    }
}

INLINE void max_tile_as(const pool_geometry *g, const byol__pool *p, size_t src, size_t dst,
                        int live, bool bf16) {
    for (int oy = 0; oy < g->oh; oy++) {
        int y0, y1;
        window(oy, p->kernel, p->stride, p->padding, g->ih, &y0, &y1);
        for (int ox = 0; ox < g->ow; ox++, dst += g->dst.stride_s) {
            int x0, x1;
            window(ox, p->kernel, p->stride, p->padding, g->iw, &x0, &x1);
            vec best = splat(-INFINITY);
            for (int y = y0; y < y1; y++) {
                for (int x = x0; x < x1; x++) {
                    vec v = load(p->x, src + (size_t)(y * g->iw + x) * g->src.stride_s, live, bf16);
                    ivec keep = (best >= v) | (best != best); /* a NaN wins and stays visible */
                    best = (vec)(((ivec)best & keep) | ((ivec)v & ~keep));
                }
            }
            store(p->y, dst, best, live, bf16);
        }
    }
}

static void max_tile(const pool_geometry *g, const byol__pool *p, size_t src, size_t dst,
                     int live) {
    SPECIALISE(max_tile_as, live, g->bf16, g, p, src, dst);
}

/* Is every input pixel in exactly one window? Then its gradient is written once. */
static bool windows_tile(const pool_geometry *g, const byol__pool *p) {
    return p->kernel == p->stride && p->padding == 0 && g->ih == g->oh * p->stride &&
           g->iw == g->ow * p->stride;
}

/* The gradient of an output pixel goes to the first input pixel of its window that equals it. */
INLINE void max_tile_backward_as(const pool_geometry *g, const byol__pool *p, size_t src,
                                 size_t dst, int live, bool bf16) {
    bool once = windows_tile(g, p);
    for (int in = 0; in < g->ih * g->iw && !once; in++)
        store(p->dx, src + (size_t)in * g->src.stride_s, splat(0), live, bf16);
    for (int oy = 0; oy < g->oh; oy++) {
        int y0, y1;
        window(oy, p->kernel, p->stride, p->padding, g->ih, &y0, &y1);
        for (int ox = 0; ox < g->ow; ox++, dst += g->dst.stride_s) {
            int x0, x1;
            window(ox, p->kernel, p->stride, p->padding, g->iw, &x0, &x1);
            vec best = load(p->y, dst, live, bf16), left = load(p->dy, dst, live, bf16);
            for (int y = y0; y < y1; y++) {
                for (int x = x0; x < x1; x++) {
                    size_t at = src + (size_t)(y * g->iw + x) * g->src.stride_s;
                    ivec hit = load(p->x, at, live, bf16) == best;
                    vec given = (vec)((ivec)left & hit),
                        before = once ? splat(0) : load(p->dx, at, live, bf16);
                    left = (vec)((ivec)left & ~hit);
                    store(p->dx, at, before + given, live, bf16);
                }
            }
        }
    }
}

static void max_tile_backward(const pool_geometry *g, const byol__pool *p, size_t src, size_t dst,
                              int live) {
    SPECIALISE(max_tile_backward_as, live, g->bf16, g, p, src, dst);
}

static void avg_tile(const pool_geometry *g, const byol__pool *p, size_t src, size_t dst,
                     int live) {
    vec share = splat(1.0f / (float)(p->kernel ? p->kernel * p->kernel : g->ih * g->iw));
    for (int out = 0; out < g->oh * g->ow; out++) {
        int y0 = 0, y1 = g->ih, x0 = 0, x1 = g->iw;
        if (p->kernel) {
            window(out / g->ow, p->kernel, p->stride, p->padding, g->ih, &y0, &y1);
            window(out % g->ow, p->kernel, p->stride, p->padding, g->iw, &x0, &x1);
        }
        vec sum = {0};
        for (int y = y0; y < y1; y++)
            for (int x = x0; x < x1; x++)
                sum += load(p->x, src + (size_t)(y * g->iw + x) * g->src.stride_s, live, g->bf16);
        store(p->y, dst + (size_t)out * g->dst.stride_s, sum * share, live, g->bf16);
    }
}

/* Each input pixel collects from all output pixels whose windows hold it, so that bf16 rounds
 * once. */
static void avg_tile_backward(const pool_geometry *g, const byol__pool *p, size_t src, size_t dst,
                              int live) {
    vec share = splat(1.0f / (float)(p->kernel ? p->kernel * p->kernel : g->ih * g->iw));
    for (int in = 0; in < g->ih * g->iw; in++) {
        vec sum = {0};
        for (int out = 0; out < g->oh * g->ow; out++) {
            int y0 = 0, y1 = g->ih, x0 = 0, x1 = g->iw, y = in / g->iw, x = in % g->iw;
            if (p->kernel) {
                window(out / g->ow, p->kernel, p->stride, p->padding, g->ih, &y0, &y1);
                window(out % g->ow, p->kernel, p->stride, p->padding, g->iw, &x0, &x1);
            }
            if (y >= y0 && y < y1 && x >= x0 && x < x1)
                sum += load(p->dy, dst + (size_t)out * g->dst.stride_s, live, g->bf16);
        }
        store(p->dx, src + (size_t)in * g->src.stride_s, sum * share, live, g->bf16);
    }
}

static void max_pool_forward(const byol__pool *p) { for_each_tile(p, max_tile); }
static void max_pool_backward(const byol__pool *p) { for_each_tile(p, max_tile_backward); }
static void avg_pool_forward(const byol__pool *p) { for_each_tile(p, avg_tile); }

static void avg_pool_backward(const byol__pool *p) {
    if (byol__layout_padded_channels(&p->src_layout) !=
        byol__layout_padded_channels(&p->dst_layout))
        memset(p->dx, 0,
               byol__layout_bytes(&p->src_layout)); /* the padding, which the tiles leave out */
    for_each_tile(p, avg_tile_backward);
}

/* ---- sums ---- */

static void add(const byol__layout *layout, void *accumulator, const void *other) {
    size_t count = byol__layout_elements(layout), whole = count / LANES * LANES;
    bool bf16 = layout->dtype == BYOL__BF16;
#pragma omp parallel for schedule(static)
    for (size_t i = 0; i < whole; i += LANES)
        store(accumulator, i, load(accumulator, i, LANES, bf16) + load(other, i, LANES, bf16),
              LANES, bf16);
    int rest = (int)(count - whole);
    if (rest > 0)
        store(accumulator, whole,
              load(accumulator, whole, rest, bf16) + load(other, whole, rest, bf16), rest, bf16);
}

const byol__kernel_table JOIN(byol__kernels_, KERNELS_ISA);
const byol__kernel_table JOIN(byol__kernels_, KERNELS_ISA) = {
    .name = STRING(KERNELS_ISA),
    .norm_moments = norm_moments,
    .pointwise_forward = pointwise_forward,
    .norm_sums = norm_sums,
    .pointwise_backward = pointwise_backward,
    .max_pool_forward = max_pool_forward,
    .max_pool_backward = max_pool_backward,
    .avg_pool_forward = avg_pool_forward,
    .avg_pool_backward = avg_pool_backward,
    .add = add,
};
