/* What the Winograd kernels of one instruction set share: vectors, and the places of the tiles. */
#ifndef BYOL__WINOGRAD_VECTORS_H
#define BYOL__WINOGRAD_VECTORS_H

#include <stdbool.h>
#include <string.h>

#if defined(__AVX__)
#include <immintrin.h>
#endif

#include "base/vectors.h"
#include "dnn/winograd_kernels.h"

/* ROWS: tiles of one block of the products' rows. LINE_MOST: most values of a line before or after
 * a transform. RUN: tiles that are transformed together. STEP_MOST: most pixels between two of
 * them. */
enum { ROWS = LANES == 16 ? 12 : 6, LINE_MOST = 9, RUN = 8, STEP_MOST = 8 };

INLINE vec load(const float *src) {
    vec out;
    memcpy(&out, src, sizeof out);
    return out;
}

INLINE void store(float *dst, vec value) { memcpy(dst, &value, sizeof value); }

/* ---- one block of channels of one pixel, fp32 or bf16 ---- */

INLINE size_t bytes_of(size_t elements, bool bf16) {
    return elements * (bf16 ? sizeof(uint16_t) : sizeof(float));
}

INLINE vec load_pixel(const char *src, bool bf16) {
    vec out;
    hvec half;
    if (bf16) {
        memcpy(&half, src, sizeof half);
        return widen_bf16(half);
    }
    memcpy(&out, src, sizeof out);
    return out;
}

/* `value` is rounded already. */
INLINE void store_pixel(char *dst, vec value, bool bf16) {
    hvec half = narrow_to_bf16(value);
    if (bf16)
        memcpy(dst, &half, sizeof half);
    else
        memcpy(dst, &value, sizeof value);
}

/* Writes past the caches, with AVX and up. `dst` is aligned to the size of the write. */
INLINE void stream_pixel(char *dst, vec value, bool bf16) {
#if defined(__AVX512F__)
    if (bf16)
        _mm256_stream_si256((__m256i *)(void *)dst, (__m256i)narrow_to_bf16(value));
    else
        _mm512_stream_ps((float *)(void *)dst, (__m512)value);
#elif defined(__AVX__)
    if (bf16)
        _mm_stream_si128((__m128i *)(void *)dst, (__m128i)narrow_to_bf16(value));
    else
        _mm256_stream_ps((float *)(void *)dst, (__m256)value);
#else
    store_pixel(dst, value, bf16);
#endif
}

/* Call it after the streaming writes, before other threads read. */
INLINE void end_streams(void) {
#if defined(__AVX__)
    _mm_sfence();
#endif
}

typedef struct tile_place {
    int n, y, x; /* of its first pixel of dst */
} tile_place;

INLINE tile_place place_of(const byol__winograd_shape *s, int tile) {
    int per_sample = s->tiles_y * s->tiles_x, within = tile % per_sample;
    return (tile_place){tile / per_sample, within / s->tiles_x * s->tile,
                        within % s->tiles_x * s->tile};
}

/* Where a block of channels of a sample begins. */
INLINE size_t block_offset(const byol__activation *p, int n, int channel) {
    return (size_t)n * p->stride_n + (size_t)(channel / p->block) * p->stride_block +
           (size_t)(channel % p->block);
}

INLINE size_t pixel_offset(const byol__activation *p, int y, int x) {
    return ((size_t)y * (size_t)p->w + (size_t)x) * p->stride_pixel;
}

/* Floats of a slab. The extra line keeps slabs from falling into the same cache sets. */
INLINE size_t slab_of(const byol__winograd_shape *s, int channels) {
    return (size_t)channels * (size_t)s->chunk + 16;
}

/* Where block `channel` of tile `t` begins in a slab. */
INLINE size_t place_in_slab(const byol__winograd_shape *s, int channel, int t) {
    return (size_t)channel * (size_t)s->chunk + (size_t)t * LANES;
}

/* The batch norm and ReLU that a convolution applies as it reads one block of channels. NULL: it
 * reads the values unchanged. */
typedef struct input_norm {
    vec scale, shift;
} input_norm;

INLINE input_norm norm_of(const byol__winograd_shape *s, int channel) {
    return (input_norm){load(s->scale + channel), load(s->shift + channel)};
}

INLINE vec normed(vec value, const input_norm *norm) {
    return norm == NULL ? value : relu_of(value * norm->scale + norm->shift);
}

typedef void line_transform(const vec *in, vec *out);

/* The slab of value (i, j) of a transformed window. */
typedef int slab_index(int i, int j);

/* How windows of (from, from) pixels, `step` apart, become (to, to) values in slabs, or how (from,
 * from) values of slabs become (to, to) pixels. After inlining, these are constants and known
 * functions, so that lines unroll and stay in registers. */
typedef struct window_kind {
    line_transform *transform;
    slab_index *index;
    int from, to, step;
} window_kind;

/* The rows that a run of windows reads from one block of channels. Rows beyond the picture read
 * another row and are masked. */
typedef struct window_rows {
    const char *row[LINE_MOST]; /* at x = 0 */
    ivec there[LINE_MOST];
    bool inside; /* all are there */
} window_rows;

INLINE window_rows rows_of(const byol__activation *p, const char *block, int y, int count,
                           bool bf16) {
    window_rows rows;
    rows.inside = y >= 0 && y + count <= p->h;
    for (int i = 0; i < count; i++) {
        bool there = y + i >= 0 && y + i < p->h;
        rows.row[i] = block + bytes_of(pixel_offset(p, there ? y + i : 0, 0), bf16);
        rows.there[i] = (ivec){0} - (int32_t)there;
    }
    return rows;
}

/* The first of a run of windows, in one block of channels. */
typedef struct window_place {
    const char *block;
    int y, x;
} window_place;

/* Transforms `count` columns from x on. Values beyond the picture are zero: it is normed first and
 * padded then. Also prefetches as many columns of the chunk's next run, `shift` further: a load at
 * the time of use would come too late. */
INLINE void read_columns(const byol__activation *p, const window_rows *rows,
                         const window_rows *next, int shift, bool inside, bool bf16, int x,
                         int count, const window_kind *kind, const input_norm *norm, vec *columns) {
    size_t pixel = bytes_of(p->stride_pixel, bf16);
    for (int end = x + count; x < end; x++, columns += kind->to) {
        vec column[LINE_MOST] = {{0}}, done[LINE_MOST] = {{0}};
        if (x + shift >= 0 && x + shift < p->w)
            for (int i = 0; i < kind->from; i++)
                __builtin_prefetch(next->row[i] + (size_t)(x + shift) * pixel);
        if (x >= 0 && x < p->w) {
            for (int i = 0; i < kind->from; i++) {
                column[i] = normed(load_pixel(rows->row[i] + (size_t)x * pixel, bf16), norm);
                if (!inside) column[i] = (vec)((ivec)column[i] & rows->there[i]);
            }
            kind->transform(column, done);
        }
        for (int i = 0; i < kind->to; i++) columns[i] = done[i];
    }
}

/* Reads a run of tiles in a row. Transforms along the columns first, which neighbouring windows
 * share, then along the rows. Each value goes into its own slab. */
INLINE void read_run(const byol__activation *p, window_place at, window_place next, int tiles,
                     const window_kind *kind, const input_norm *norm, bool bf16, size_t slab,
                     float *out) {
    vec columns[(RUN * STEP_MOST + 1) * LINE_MOST];
    int count = (tiles - 1) * kind->step + kind->from, shift = next.x - at.x;
    window_rows rows = rows_of(p, at.block, at.y, kind->from, bf16);
    window_rows ahead = rows_of(p, next.block, next.y, kind->from, bf16);
    if (rows.inside)
        read_columns(p, &rows, &ahead, shift, true, bf16, at.x, count, kind, norm, columns);
    else
        read_columns(p, &rows, &ahead, shift, false, bf16, at.x, count, kind, norm, columns);
    for (int i = 0; i < kind->to; i++)
        for (int t = 0; t < tiles; t++) {
            vec row[LINE_MOST], done[LINE_MOST];
            for (int j = 0; j < kind->from; j++)
                row[j] = columns[(t * kind->step + j) * kind->to + i];
            kind->transform(row, done);
            for (int j = 0; j < kind->to; j++)
                store(out + (size_t)kind->index(i, j) * slab + (size_t)t * LANES, done[j]);
        }
}

/* How many of `count` tiles are in one row of a picture and are transformed together. */
INLINE int run_of(const byol__winograd_shape *s, tile_place at, int count) {
    int row = s->tiles_x - at.x / s->tile, run = count < RUN ? count : RUN;
    return row < run ? row : run;
}

/* What is read for tiles: `channels` of a picture from `channel` on. Windows begin `padding` pixels
 * before their tiles. */
typedef struct reading {
    const byol__activation *picture;
    const void *pixels;
    int padding, channel, channels;
} reading;

INLINE window_place window_of(const byol__winograd_shape *s, const window_kind *kind,
                              const reading *r, tile_place at, int c) {
    return (window_place){
        (const char *)r->pixels + bytes_of(block_offset(r->picture, at.n, r->channel + c), s->bf16),
        at.y / s->tile * kind->step - r->padding, at.x / s->tile * kind->step - r->padding};
}

/* `norms` and `bf16` are constants after inlining. */
INLINE void read_windows_as(const byol__winograd_shape *s, const window_kind *kind,
                            const reading *r, bool norms, bool bf16, int first, int count,
                            float *out) {
    size_t slab = slab_of(s, r->channels);
    int there = r->picture->channels - r->channel; /* the last panel may reach beyond */
    if (there > r->channels) there = r->channels;
    for (int t = 0, run; t < count; t += run) {
        tile_place at = place_of(s, first + t), then = at;
        run = run_of(s, at, count - t);
        if (t + run < count) then = place_of(s, first + t + run);
        for (int c = 0; c < there; c += LANES) {
            input_norm norm = norms ? norm_of(s, c) : (input_norm){0};
            bool last = c + LANES >= there;
            read_run(r->picture, window_of(s, kind, r, at, c),
                     window_of(s, kind, r, last ? then : at, last ? 0 : c + LANES), run, kind,
                     norms ? &norm : NULL, bf16, slab, out + place_in_slab(s, c, t));
        }
        for (int c = there; c < r->channels; c += LANES)
            for (int f = 0; f < kind->to * kind->to; f++)
                memset(out + place_in_slab(s, c, t) + (size_t)f * slab, 0,
                       (size_t)run * LANES * sizeof *out);
    }
}

INLINE void read_windows(const byol__winograd_shape *s, const window_kind *kind, const reading *r,
                         bool norms, int first, int count, float *out) {
    if (s->bf16)
        read_windows_as(s, kind, r, norms, true, first, count, out);
    else
        read_windows_as(s, kind, r, norms, false, first, count, out);
}

/* All of byol__winograd_transform's `input`. */
INLINE void read_tiles(const byol__winograd_shape *s, const window_kind *kind, const void *src,
                       int first, int count, float *out) {
    const reading r = {&s->src, src, s->padding, 0, s->src.channels};
    if (s->scale != NULL)
        read_windows(s, kind, &r, true, first, count, out);
    else
        read_windows(s, kind, &r, false, first, count, out);
}

/* All of `spread`. */
INLINE void spread_tiles(const byol__winograd_shape *s, const window_kind *kind,
                         const void *diff_dst, int panel, int panels, int first, int count,
                         float *out) {
    const reading r = {&s->dst, diff_dst, 0, panel * s->width, panels * s->width};
    read_windows(s, kind, &r, false, first, count, out);
}

/* The values of byol__moments for one block of channels of ROWS tiles. */
typedef struct gathered {
    vec near, sum, square;
} gathered;

/* The first tile of a part starts new sums, with its first pixel as the value near the mean. */
INLINE gathered take_up(const float *moments, int channels, bool first, vec pixel) {
    if (first) return (gathered){pixel, {0}, {0}};
    return (gathered){load(moments), load(moments + channels),
                      load(moments + 2 * (size_t)channels)};
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

/* What is done to a pixel before it is stored. */
typedef struct finish {
    vec bias;
    bool relu, streams, bf16;
    bool first;     /* the tile is the first of its part of the moments */
    float *moments; /* NULL: not requested */
} finish;

INLINE vec finished(vec pixel, const finish *f) {
    pixel += f->bias;
    if (f->relu) pixel = relu_of(pixel);
    return f->bf16 ? round_to_bf16(pixel) : pixel;
}

/* A tile of one block of channels of dst: (from, from) products become (to, to) pixels. */
INLINE void write_tile(const byol__activation *p, const window_kind *kind, const float *products,
                       size_t slab, char *block, int y, int x, bool inside, const finish *f) {
    vec half[LINE_MOST * LINE_MOST];
    for (int j = 0; j < kind->from; j++) {
        vec column[LINE_MOST], done[LINE_MOST];
        for (int i = 0; i < kind->from; i++)
            column[i] = load(products + (size_t)kind->index(i, j) * slab);
        kind->transform(column, done);
        for (int i = 0; i < kind->to; i++) half[i * kind->from + j] = done[i];
    }
    gathered g;
    for (int i = 0; i < kind->to; i++) {
        vec row[LINE_MOST];
        kind->transform(half + i * kind->from, row);
        if (f->moments != NULL && i == 0) {
            g = take_up(f->moments, p->channels, f->first, finished(row[0], f));
        }
        if (!inside && y + i >= p->h) continue;
        for (int j = 0; j < kind->to; j++) {
            if (!inside && x + j >= p->w) continue;
            vec pixel = finished(row[j], f);
            char *to = block + bytes_of(pixel_offset(p, y + i, x + j), f->bf16);
            if (f->streams)
                stream_pixel(to, pixel, f->bf16);
            else
                store_pixel(to, pixel, f->bf16);
            if (f->moments != NULL) gather(&g, pixel);
        }
    }
    if (f->moments != NULL) put_down(f->moments, p->channels, &g);
}

INLINE bool lies_inside(const byol__activation *p, int y, int x, int side) {
    return y + side <= p->h && x + side <= p->w;
}

/* `moments` (if NULL) and `bf16` are constants after inlining. */
INLINE void write_tiles_as(const byol__winograd_shape *s, const window_kind *kind,
                           const float *products, int panel, int panels, int first, int count,
                           const float *bias, bool relu, float *moments, bool bf16, void *dst) {
    int channels = panels * s->width;
    size_t slab = slab_of(s, channels);
    for (int t = 0; t < count; t++) {
        tile_place at = place_of(s, first + t);
        bool inside = lies_inside(&s->dst, at.y, at.x, kind->to);
        float *part =
            moments != NULL ? moments + (size_t)(t / ROWS) * 3 * (size_t)s->dst.channels : NULL;
        for (int c = 0; c < channels && panel * s->width + c < s->dst.channels; c += LANES) {
            int channel = panel * s->width + c;
            char *block = (char *)dst + bytes_of(block_offset(&s->dst, at.n, channel), bf16);
            const float *from = products + place_in_slab(s, c, t);
            finish f = {bias != NULL ? load(bias + channel) : (vec){0},
                        relu,
                        s->streams,
                        bf16,
                        t % ROWS == 0,
                        moments != NULL ? part + channel : NULL};
            if (inside)
                write_tile(&s->dst, kind, from, slab, block, at.y, at.x, true, &f);
            else
                write_tile(&s->dst, kind, from, slab, block, at.y, at.x, false, &f);
        }
    }
    if (s->streams) end_streams();
}

/* All of `output`. */
INLINE void write_tiles(const byol__winograd_shape *s, const window_kind *kind,
                        const float *products, int panel, int panels, int first, int count,
                        const float *bias, bool relu, float *moments, void *dst) {
    if (moments != NULL && s->bf16)
        write_tiles_as(s, kind, products, panel, panels, first, count, bias, relu, moments, true,
                       dst);
    else if (moments != NULL)
        write_tiles_as(s, kind, products, panel, panels, first, count, bias, relu, moments, false,
                       dst);
    else if (s->bf16)
        write_tiles_as(s, kind, products, panel, panels, first, count, bias, relu, NULL, true, dst);
    else
        write_tiles_as(s, kind, products, panel, panels, first, count, bias, relu, NULL, false,
                       dst);
}

#endif
