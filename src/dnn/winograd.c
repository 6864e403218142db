/* Drives the kernels of winograd_kernels.h over all threads.
 *
 * Output channels are processed in groups of panels. A group's transformed weights are made in the
 * last-level cache, stay there, and are never written to memory; stored, they would be four times
 * the weights. Within a group, each thread takes chunks of tiles through the transform, small
 * matrix products (36 of them with stride 1) and the inverse transform, in its own cache. */
#include "dnn/winograd.h"

#include <stdbool.h>
#include <string.h>

#include <omp.h>

#include "base/bf16.h"
#include "base/error.h"
#include "base/isa.h"
#include "base/memory.h"
#include "base/smaller.h"
#include "dnn/winograd_kernels.h"

/* GROUP_BYTES: most bytes of a group's transformed weights. CHUNK_NARROW, CHUNK_WIDE: tiles of a
 * chunk with few and with many channels. STREAM_BYTES: from this size on, an activation is written
 * past the caches. Otherwise it would evict what is still to be read, and each line would be
 * fetched before it is overwritten. Only where pixels follow each other: half a line at a time
 * would be slower than both. */
enum {
    GROUP_BYTES = 10 << 20,
    CHUNK_NARROW = 24,
    CHUNK_WIDE = 48,
    WIDE = 128,
    STREAM_BYTES = 4 << 20,
    LINE_BYTES = 64
};

struct byol__winograd {
    const byol__winograd_kernels *kernels;
    const byol__winograd_transform *transform;
    byol__products products;
    byol__pass pass;
    byol__winograd_shape shape; /* BACKWARD_DATA: src is the gradient of dst */
    int ic, oc;                 /* of the convolution, without padding */
    int inputs;                 /* channels that are summed over, padded to vectors */
    int panels, group;          /* of the other channels; panels at a time */
    int threads;
    bool has_bias, relu;
    size_t group_floats, input_floats,
        product_floats; /* scratch: one group's weights; one thread's chunks */

    const void *src;
    void *dst;
    float *weights, *bias, *scratch;
    float *moments;         /* NULL: not requested */
    byol__moments gathered; /* their description */
    int *part_pixels;       /* owned */
};

extern const byol__winograd_kernels byol__winograd_plain, byol__winograd_avx2,
    byol__winograd_avx512;

static int round_up(int value, int step) { return (value + step - 1) / step * step; }

static byol__activation picture_of(byol__dtype dtype, byol__format format, int n, int c, int h,
                                   int w) {
    byol__layout layout = {dtype, format, n, c, h, w};
    byol__strides s = byol__layout_strides(&layout);
    return (byol__activation){.h = h,
                              .w = w,
                              .channels = byol__layout_padded_channels(&layout),
                              .stride_n = s.stride_n,
                              .stride_block = s.stride_block,
                              .stride_pixel = s.stride_s,
                              .block = s.lanes};
}

static bool whole_vectors(byol__format format, int channels, int lanes) {
    if (format == BYOL__NHWC) return channels % lanes == 0;
    return (format == BYOL__NCHW8 || format == BYOL__NCHW16) &&
           byol__layout_block(format) % lanes == 0;
}

/* Products for a pair of channels; the direct method has 9 for each pixel of dst. */
static int count_products(const byol__contraction_desc *d,
                          const byol__winograd_transform *transform) {
    byol__products list;
    transform->list_products(BYOL__BACKWARD_WEIGHTS, &list); /* lists each product separately */
    bool back = d->pass == BYOL__BACKWARD_DATA;
    int tile = transform->tile[d->pass], h = back ? d->ih : d->oh, w = back ? d->iw : d->ow;
    return (round_up(h, tile) / tile) * (round_up(w, tile) / tile) * list.count;
}

/* Are all channels in whole vectors, those of the bias too, which has no padding? */
static bool reads_whole_vectors(const byol__contraction_desc *d, int lanes) {
    return d->ic >= lanes && whole_vectors(d->src_format, d->ic, lanes) &&
           whole_vectors(d->dst_format, d->oc, lanes) && (!d->bias || d->oc % lanes == 0);
}

/* The best kernels whose vectors suit the formats (blocks of 8 channels are too narrow for
 * AVX-512's), or NULL. */
static const byol__winograd_kernels *kernels_for(const byol__contraction_desc *d) {
    static const byol__winograd_kernels *const tables[BYOL__ISAS] =
        BYOL__ISA_TABLES(byol__winograd_);
    for (int isa = (int)byol__isa_best(); isa >= 0; isa--)
        if (reads_whole_vectors(d, tables[isa]->lanes)) return tables[isa];
    return NULL;
}

bool byol__winograd_fits(const byol__contraction_desc *d) {
    bool shape = !d->linear && d->kernel == 3 && d->groups == 1 &&
                 ((d->stride == 1 && d->padding <= 2) || (d->stride == 2 && d->padding == 1));
    if (!shape || (d->pass == BYOL__BACKWARD_WEIGHTS && d->bias)) return false;
    const byol__winograd_kernels *kernels = kernels_for(d);
    return kernels != NULL &&
           count_products(d, kernels->by_stride[d->stride]) < d->oh * d->ow * BYOL__TAPS;
}

/* Sets src and dst of the pass, and the tiles of dst. With stride 2 a tile of diff_src begins at an
 * even pixel, and its part of diff_dst at half of that. */
static void set_shape(byol__winograd *w, const byol__contraction_desc *d) {
    byol__winograd_shape *s = &w->shape;
    bool back = d->pass == BYOL__BACKWARD_DATA;
    int lanes = w->kernels->lanes;
    byol__activation src = picture_of(d->dtype, d->src_format, d->n, d->ic, d->ih, d->iw);
    byol__activation dst = picture_of(d->dtype, d->dst_format, d->n, d->oc, d->oh, d->ow);
    s->src = back ? dst : src;
    s->dst = back ? src : dst;
    s->padding = !back ? d->padding : d->stride == 1 ? 2 - d->padding : 0;
    s->bf16 = d->dtype == BYOL__BF16;
    size_t bytes = byol__dtype_bytes(d->dtype);
    s->streams = (size_t)d->n * s->dst.stride_n * bytes >= STREAM_BYTES &&
                 (s->dst.stride_pixel == (size_t)lanes || (size_t)lanes * bytes >= LINE_BYTES);
    s->tile = w->transform->tile[d->pass];
    s->tiles_y = round_up(s->dst.h, s->tile) / s->tile;
    s->tiles_x = round_up(s->dst.w, s->tile) / s->tile;
    s->tiles = d->n * s->tiles_y * s->tiles_x;
    /* At least two chunks per thread, if there are that many tiles. */
    int share = round_up(s->tiles, 2 * w->threads) / (2 * w->threads);
    s->chunk = round_up(byol__smaller(s->src.channels < WIDE ? CHUNK_NARROW : CHUNK_WIDE, share),
                        w->kernels->rows);
    s->width = s->dst.channels > lanes ? 2 * lanes : lanes;
}

/* One part per `rows` tiles. Every chunk is a multiple of `rows`, so the parts do not depend on the
 * number of threads, as chunks do. Tiles reach beyond the picture; their pixels there do not
 * count. */
static byol_status describe_moments(byol__winograd *w, byol_error *error) {
    const byol__winograd_shape *s = &w->shape;
    int tiles = w->kernels->rows, parts = round_up(s->tiles, tiles) / tiles;
    BYOL__TRY(
        byol__alloc(&w->part_pixels, (size_t)parts, sizeof *w->part_pixels, "convolution", error));
    for (int tile = 0; tile < s->tiles; tile++) {
        int y = tile / s->tiles_x % s->tiles_y * s->tile, x = tile % s->tiles_x * s->tile;
        w->part_pixels[tile / tiles] +=
            byol__smaller(s->tile, s->dst.h - y) * byol__smaller(s->tile, s->dst.w - x);
    }
    w->gathered =
        (byol__moments){.parts = parts, .channels = s->dst.channels, .pixels = w->part_pixels};
    return BYOL_OK;
}

byol_status byol__winograd_create(byol__winograd **out, const byol__contraction_desc *d,
                                  byol_error *error) {
    byol__winograd *w;
    BYOL__TRY(byol__alloc(&w, 1, sizeof *w, "convolution", error));
    w->kernels = kernels_for(d);
    w->transform = w->kernels->by_stride[d->stride];
    w->transform->list_products(d->pass, &w->products);
    w->pass = d->pass;
    w->has_bias = d->bias;
    w->relu = d->relu;
    w->ic = d->ic;
    w->oc = d->oc;
    w->threads = omp_get_max_threads();
    set_shape(w, d);

    const byol__products *list = &w->products;
    int weight_slabs = d->pass == BYOL__BACKWARD_WEIGHTS ? list->result_slabs : list->other_slabs;
    int moved_slabs = d->pass == BYOL__BACKWARD_WEIGHTS ? list->other_slabs : list->result_slabs;
    w->inputs = w->shape.src.channels;
    w->panels = round_up(w->shape.dst.channels, w->shape.width) / w->shape.width;
    size_t panel_floats = (size_t)weight_slabs * (size_t)w->inputs * (size_t)w->shape.width;
    int groups = byol__smaller(
        (int)((size_t)w->panels * panel_floats * sizeof(float) / GROUP_BYTES) + 1, w->panels);
    w->group = round_up(w->panels, groups) / groups;
    w->group_floats = (size_t)w->group * panel_floats;
    w->input_floats = w->kernels->slab_floats(&w->shape, w->inputs) * (size_t)list->input_slabs;
    w->product_floats =
        w->kernels->slab_floats(&w->shape, w->group * w->shape.width) * (size_t)moved_slabs;
    byol_status status = describe_moments(w, error);
    if (status != BYOL_OK) {
        byol__winograd_free(w);
        return status;
    }
    *out = w;
    return BYOL_OK;
}

void byol__winograd_free(byol__winograd *w) {
    if (w == NULL) return;
    byol__free(w->part_pixels);
    byol__free(w);
}

const char *byol__winograd_implementation(const byol__winograd *w) { return w->kernels->name; }

size_t byol__winograd_weights_bytes(const byol__winograd *w) {
    return (size_t)w->panels * (size_t)w->inputs * BYOL__TAPS * (size_t)w->shape.width *
           sizeof(float);
}

/* Each thread's part of the scratch memory: its chunks, and its part of the weights' gradient. */
static size_t thread_floats(const byol__winograd *w) {
    size_t gradient = w->pass == BYOL__BACKWARD_WEIGHTS ? w->group_floats : 0;
    return w->input_floats + w->product_floats + gradient;
}

size_t byol__winograd_scratch_bytes(const byol__winograd *w) {
    size_t shared = w->pass == BYOL__BACKWARD_WEIGHTS ? 0 : w->group_floats;
    return (shared + (size_t)w->threads * thread_floats(w)) * sizeof(float);
}

void byol__winograd_norm_input(byol__winograd *w, const float *scale, const float *shift) {
    w->shape.scale = scale;
    w->shape.shift = shift;
}

void byol__winograd_bind(byol__winograd *w, void *src, void *weights, float *bias, void *dst,
                         void *scratch) {
    w->src = w->pass == BYOL__BACKWARD_DATA ? dst : src;
    w->dst = w->pass == BYOL__BACKWARD_DATA ? src : dst;
    w->weights = weights;
    w->bias = w->has_bias ? bias : NULL;
    w->scratch = scratch;
}

/* ---- run ---- */

typedef struct panel_group {
    int first, count;
} panel_group;

static panel_group group_at(const byol__winograd *w, int first) {
    return (panel_group){first, byol__smaller(w->group, w->panels - first)};
}

/* Staged weights of a group; one call's scratch begins with their transforms. */
static float *group_weights(const byol__winograd *w, panel_group g) {
    return w->weights + (size_t)g.first * (size_t)w->inputs * BYOL__TAPS * (size_t)w->shape.width;
}

static size_t part_floats(const byol__winograd *w) { return 3 * (size_t)w->gathered.channels; }

size_t byol__winograd_moments_bytes(const byol__winograd *w) {
    return (size_t)w->gathered.parts * part_floats(w) * sizeof(float);
}

const byol__moments *byol__winograd_gather_moments(byol__winograd *w, float *sums) {
    w->gathered.sums = w->moments = sums;
    return &w->gathered;
}

static int chunk_tiles(const byol__winograd *w, int first) {
    return byol__smaller(w->shape.chunk, w->shape.tiles - first);
}

/* FORWARD and BACKWARD_DATA. The result does not depend on which thread takes which chunk, so a
 * delayed thread takes fewer. */
static void convolve_group(const byol__winograd *w, panel_group g, float *transformed,
                           float *mine) {
    const byol__winograd_kernels *k = w->kernels;
    const byol__winograd_transform *t = w->transform;
    const byol__winograd_shape *s = &w->shape;
    float *input = mine, *products = mine + w->input_floats;
#pragma omp for schedule(static)
    for (int i = 0; i < w->inputs; i += k->lanes)
        t->weights(s, group_weights(w, g), g.count, w->inputs, i, k->lanes, transformed);
#pragma omp for schedule(dynamic)
    for (int first = 0; first < s->tiles; first += s->chunk) {
        int count = chunk_tiles(w, first);
        t->input[w->pass](s, w->src, first, count, input);
        k->multiply(s, &w->products, input, transformed, w->inputs, g.count, count, products);
        float *moments =
            w->moments == NULL ? NULL : w->moments + (size_t)(first / k->rows) * part_floats(w);
        t->output[w->pass](s, products, g.first, g.count, first, count, w->bias, w->relu, moments,
                           w->dst);
    }
}

/* BACKWARD_WEIGHTS: each thread sums over its own tiles, then the sums are added up. */
static void differentiate_group(const byol__winograd *w, panel_group g, float *mine) {
    const byol__winograd_kernels *k = w->kernels;
    const byol__winograd_transform *t = w->transform;
    const byol__winograd_shape *s = &w->shape;
    float *input = mine, *spread = mine + w->input_floats, *gradient = spread + w->product_floats;
    memset(gradient, 0, w->group_floats * sizeof(float));
#pragma omp for schedule(static)
    for (int first = 0; first < s->tiles; first += s->chunk) {
        int count = chunk_tiles(w, first);
        t->input[w->pass](s, w->src, first, count, input);
        t->spread(s, w->dst, g.first, g.count, first, count, spread);
        k->accumulate(s, &w->products, input, spread, w->inputs, g.count, count, gradient);
    }
    const float *first_gradient = w->scratch + w->input_floats + w->product_floats;
#pragma omp for schedule(static)
    for (int i = 0; i < w->inputs; i += k->lanes)
        t->collect(s, first_gradient, omp_get_num_threads(), thread_floats(w), g.count, w->inputs,
                   i, k->lanes, group_weights(w, g));
}

void byol__winograd_run(byol__winograd *w) {
    bool gradient = w->pass == BYOL__BACKWARD_WEIGHTS;
#pragma omp parallel num_threads(w->threads)
    {
        size_t own = (size_t)omp_get_thread_num() * thread_floats(w);
        for (int first = 0; first < w->panels; first += w->group) {
            if (gradient)
                differentiate_group(w, group_at(w, first), w->scratch + own);
            else
                convolve_group(w, group_at(w, first), w->scratch,
                               w->scratch + w->group_floats + own);
        }
    }
}

/* ---- weights between their plain layout and [panel][other channel][tap][lane] ---- */

/* Where tap 0 of (panel channel, other channel) is in plain weights (oc, ic, 3, 3). */
static size_t plain_offset(const byol__winograd *w, int panel_channel, int other) {
    bool back = w->pass == BYOL__BACKWARD_DATA;
    int oc = back ? other : panel_channel, ic = back ? panel_channel : other;
    return ((size_t)oc * (size_t)w->ic + (size_t)ic) * BYOL__TAPS;
}

static bool is_padding(const byol__winograd *w, int panel_channel, int other) {
    bool back = w->pass == BYOL__BACKWARD_DATA;
    return panel_channel >= (back ? w->ic : w->oc) || other >= (back ? w->oc : w->ic);
}

static float *staged_at(const byol__winograd *w, int panel, int other) {
    size_t width = (size_t)w->shape.width;
    return w->weights + ((size_t)panel * (size_t)w->inputs + (size_t)other) * BYOL__TAPS * width;
}

/* The gradient with respect to the input is a convolution with the kernel rotated by 180
 * degrees. */
static void stage_row(const byol__winograd *w, const float *plain, int panel, int other) {
    bool back = w->pass == BYOL__BACKWARD_DATA;
    int width = w->shape.width;
    float *to = staged_at(w, panel, other);
    for (int l = 0; l < width; l++) {
        bool padding = is_padding(w, panel * width + l, other);
        const float *from = padding ? NULL : plain + plain_offset(w, panel * width + l, other);
        for (int tap = 0; tap < BYOL__TAPS; tap++)
            to[tap * width + l] = padding ? 0 : from[back ? BYOL__TAPS - 1 - tap : tap];
    }
}

void byol__winograd_stage(byol__winograd *w, const float *plain) {
#pragma omp parallel for collapse(2) schedule(static)
    for (int panel = 0; panel < w->panels; panel++)
        for (int other = 0; other < w->inputs; other++) stage_row(w, plain, panel, other);
    if (w->shape.bf16)
        byol__bf16_round(w->weights, byol__winograd_weights_bytes(w) / sizeof(float));
}

static void collect_row(const byol__winograd *w, float *plain, int panel, int other) {
    int width = w->shape.width;
    const float *from = staged_at(w, panel, other);
    for (int l = 0; l < width; l++) {
        if (is_padding(w, panel * width + l, other)) return;
        float *to = plain + plain_offset(w, panel * width + l, other);
        for (int tap = 0; tap < BYOL__TAPS; tap++) to[tap] += from[tap * width + l];
    }
}

void byol__winograd_collect(byol__winograd *w, float *plain) {
#pragma omp parallel for collapse(2) schedule(static)
    for (int panel = 0; panel < w->panels; panel++)
        for (int other = 0; other < w->inputs; other++) collect_row(w, plain, panel, other);
}
