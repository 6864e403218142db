/* What the Winograd kernels of one instruction set share: vectors, and where the tiles are. */
#ifndef BYOL__WINOGRAD_VECTORS_H
#define BYOL__WINOGRAD_VECTORS_H

#include <stdint.h>
#include <string.h>

#include "dnn/winograd_kernels.h"

#if defined(__AVX512F__)
enum { LANES = 16, ROWS = 12 };
#else
enum { LANES = 8, ROWS = 6 };
#endif

enum { MOST = 6, WINDOW_MOST = 9 }; /* values of a line before or after a transform; pixels of a window's side */

typedef float vec __attribute__((vector_size(LANES * 4)));
typedef int32_t ivec __attribute__((vector_size(LANES * 4)));

#define INLINE static inline __attribute__((always_inline))
#define JOIN_(a, b) a##b
#define JOIN(a, b) JOIN_(a, b)
#define STRING_(a) #a
#define STRING(a) STRING_(a)

INLINE vec load(const float *src) {
    vec out;
    memcpy(&out, src, sizeof out);
    return out;
}

INLINE void store(float *dst, vec value) { memcpy(dst, &value, sizeof value); }

INLINE vec relu_of(vec v) { return (vec)((ivec)v & (v > (vec){0})); }

typedef struct tile_place {
    int n, y, x; /* of its first pixel of dst */
} tile_place;

INLINE tile_place place_of(const byol__winograd_shape *s, int tile) {
    int per_sample = s->tiles_y * s->tiles_x, within = tile % per_sample;
    return (tile_place){tile / per_sample, within / s->tiles_x * s->tile, within % s->tiles_x * s->tile};
}

/* A block of channels of a sample. */
INLINE size_t block_offset(const byol__picture *p, int n, int channel) {
    return (size_t)n * p->stride_n + (size_t)(channel / p->block) * p->stride_block + (size_t)(channel % p->block);
}

INLINE size_t pixel_offset(const byol__picture *p, int y, int x) {
    return ((size_t)y * (size_t)p->w + (size_t)x) * p->stride_pixel;
}

/* Floats of a slab. The extra line keeps slabs from falling into the same sets of the cache. */
INLINE size_t slab_of(const byol__winograd_shape *s, int channels) { return (size_t)channels * (size_t)s->chunk + 16; }

/* Where block `channel` of tile `t` begins in a slab. */
INLINE size_t place_in_slab(const byol__winograd_shape *s, int channel, int t) {
    return (size_t)channel * (size_t)s->chunk + (size_t)t * LANES;
}

/* The batch norm and ReLU that a convolution does on reading, of one block of channels; NULL: it reads what is there.
 */
typedef struct input_norm {
    vec scale, shift;
} input_norm;

INLINE input_norm norm_of(const byol__winograd_shape *s, int channel) {
    return (input_norm){load(s->scale + channel), load(s->shift + channel)};
}

/* Rows y0 ... y0 + side, columns x0 ... x0 + side; zero beyond the picture, which is normed first and padded then. */
INLINE void load_window(const byol__picture *p, const float *block, int y0, int x0, int side, bool inside,
                        const input_norm *norm, vec *out) {
    for (int i = 0; i < side; i++)
        for (int j = 0; j < side; j++) {
            int y = y0 + i, x = x0 + j;
            bool there = inside || (y >= 0 && y < p->h && x >= 0 && x < p->w);
            vec value = there ? load(block + pixel_offset(p, y, x)) : (vec){0};
            out[i * side + j] = there && norm != NULL ? relu_of(value * norm->scale + norm->shift) : value;
        }
}

INLINE bool lies_inside(const byol__picture *p, int y, int x, int side) {
    return y >= 0 && x >= 0 && y + side <= p->h && x + side <= p->w;
}

typedef void line_transform(const vec *in, vec *out);

/* A transform along the columns of `in` (from, from): half (to, from). Constants and a known function where it is
 * inlined, so that all of it unrolls. */
INLINE void along_columns(line_transform *transform, int from, int to, const vec *in, vec *half) {
    for (int j = 0; j < from; j++) {
        vec column[MOST], done[MOST];
        for (int i = 0; i < from; i++) column[i] = in[i * from + j];
        transform(column, done);
        for (int i = 0; i < to; i++) half[i * from + j] = done[i];
    }
}

/* And then the same along the rows: (to, to), each value into a slab of its own. Stored row by row: held back until all
 * are there, they would cost a pass through memory. */
INLINE void into_slabs(line_transform *transform, int from, int to, const vec *in, size_t slab, float *out) {
    vec half[MOST * MOST];
    along_columns(transform, from, to, in, half);
    for (int i = 0; i < to; i++) {
        vec done[MOST];
        transform(half + i * from, done);
        for (int j = 0; j < to; j++) store(out + (size_t)(i * to + j) * slab, done[j]);
    }
}

/* A y A^T of tiles of a gradient: the whole of byol__winograd_transform's `spread`. */
INLINE void spread_tiles(const byol__winograd_shape *s, line_transform *transform, int side, const float *diff_dst,
                         int panel, int panels, int first, int count, float *out) {
    int channels = panels * s->width;
    size_t slab = slab_of(s, channels);
    for (int t = 0; t < count; t++) {
        tile_place at = place_of(s, first + t);
        bool inside = lies_inside(&s->dst, at.y, at.x, BYOL__TILE);
        for (int c = 0; c < channels; c += LANES) {
            int channel = panel * s->width + c;
            float *to = out + place_in_slab(s, c, t);
            if (channel >= s->dst.channels) { /* the last panel may reach beyond */
                for (int f = 0; f < side * side; f++) store(to + (size_t)f * slab, (vec){0});
                continue;
            }
            const float *block = diff_dst + block_offset(&s->dst, at.n, channel);
            vec window[BYOL__TILE * BYOL__TILE];
            if (inside)
                load_window(&s->dst, block, at.y, at.x, BYOL__TILE, true, NULL, window);
            else
                load_window(&s->dst, block, at.y, at.x, BYOL__TILE, false, NULL, window);
            into_slabs(transform, BYOL__TILE, side, window, slab, to);
        }
    }
}

/* What byol__moments wants of one block of channels of ROWS tiles. */
typedef struct gathered {
    vec near, sum, square;
} gathered;

/* The first tile of a part begins anew, with its first pixel for a value near the mean. */
INLINE gathered take_up(const float *moments, int channels, bool first, vec pixel) {
    if (first) return (gathered){pixel, {0}, {0}};
    return (gathered){load(moments), load(moments + channels), load(moments + 2 * (size_t)channels)};
}

INLINE void gather(gathered *g, vec pixel) {
    vec off = pixel - g->near;
    g->sum += off;
    g->square += off * off;
}

INLINE void put_down(float *moments, int channels, const gathered *g) {
    store(moments, g->near);
    store(moments + channels, g->sum);
    store(moments + 2 * (size_t)channels, g->square);
}

/* Writes a tile of dst, rows one after the other, and gathers its moments where `moments` is not NULL. */
INLINE void store_tile(const byol__picture *p, float *block, int y, int x, bool inside, const vec *pixels, bool first,
                       float *moments) {
    gathered g;
    if (moments != NULL) g = take_up(moments, p->channels, first, pixels[0]);
    for (int i = 0; i < BYOL__TILE; i++)
        for (int j = 0; j < BYOL__TILE; j++) {
            if (!inside && (y + i >= p->h || x + j >= p->w)) continue;
            store(block + pixel_offset(p, y + i, x + j), pixels[i * BYOL__TILE + j]);
            if (moments != NULL) gather(&g, pixels[i * BYOL__TILE + j]);
        }
    if (moments != NULL) put_down(moments, p->channels, &g);
}

typedef void window_transform(const vec *window, size_t slab, float *out);

INLINE void read_tiles_as(const byol__winograd_shape *s, window_transform *transform, int side, int stride, bool normed,
                          const float *src, int first, int count, float *out) {
    size_t slab = slab_of(s, s->src.channels);
    for (int t = 0; t < count; t++) {
        tile_place at = place_of(s, first + t);
        int y = stride * at.y - s->padding, x = stride * at.x - s->padding;
        bool inside = lies_inside(&s->src, y, x, side);
        for (int c = 0; c < s->src.channels; c += LANES) {
            const float *block = src + block_offset(&s->src, at.n, c);
            input_norm of_block = normed ? norm_of(s, c) : (input_norm){0};
            const input_norm *norm = normed ? &of_block : NULL;
            vec window[WINDOW_MOST * WINDOW_MOST];
            if (inside)
                load_window(&s->src, block, y, x, side, true, norm, window);
            else
                load_window(&s->src, block, y, x, side, false, norm, window);
            transform(window, slab, out + place_in_slab(s, c, t));
        }
    }
}

/* The whole of byol__winograd_transform's `input` for a window of src, (side, side), to each tile of dst. */
INLINE void read_tiles(const byol__winograd_shape *s, window_transform *transform, int side, int stride,
                       const float *src, int first, int count, float *out) {
    if (s->scale != NULL)
        read_tiles_as(s, transform, side, stride, true, src, first, count, out);
    else
        read_tiles_as(s, transform, side, stride, false, src, first, count, out);
}

typedef void tile_inverse(const float *products, size_t slab, vec *pixels);

INLINE void write_tiles_as(const byol__winograd_shape *s, tile_inverse *inverse, const float *products, int panel,
                           int panels, int first, int count, const float *bias, bool relu, float *moments, float *dst) {
    int channels = panels * s->width;
    size_t slab = slab_of(s, channels);
    for (int t = 0; t < count; t++) {
        tile_place at = place_of(s, first + t);
        bool inside = lies_inside(&s->dst, at.y, at.x, BYOL__TILE);
        for (int c = 0; c < channels && panel * s->width + c < s->dst.channels; c += LANES) {
            int channel = panel * s->width + c;
            float *block = dst + block_offset(&s->dst, at.n, channel);
            float *own = moments != NULL ? moments + (size_t)(t / ROWS) * 3 * (size_t)s->dst.channels + channel : NULL;
            vec pixels[BYOL__TILE * BYOL__TILE], b = bias != NULL ? load(bias + channel) : (vec){0};
            inverse(products + place_in_slab(s, c, t), slab, pixels);
            for (int i = 0; i < BYOL__TILE * BYOL__TILE; i++) pixels[i] = relu ? relu_of(pixels[i] + b) : pixels[i] + b;
            if (inside)
                store_tile(&s->dst, block, at.y, at.x, true, pixels, t % ROWS == 0, own);
            else
                store_tile(&s->dst, block, at.y, at.x, false, pixels, t % ROWS == 0, own);
        }
    }
}

/* The whole of `output` for a tile of 4x4 pixels of dst. */
INLINE void write_tiles(const byol__winograd_shape *s, tile_inverse *inverse, const float *products, int panel,
                        int panels, int first, int count, const float *bias, bool relu, float *moments, float *dst) {
    if (moments != NULL)
        write_tiles_as(s, inverse, products, panel, panels, first, count, bias, relu, moments, dst);
    else
        write_tiles_as(s, inverse, products, panel, panels, first, count, bias, relu, NULL, dst);
}

#endif
