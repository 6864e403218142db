/* See winograd_kernels.h. KERNELS_ISA is plain, avx2 or avx512. Here: the matrix products, and 3x3
 * with stride 1.
 *
 * Lavin & Gray 2015 (arXiv 1509.09308), F(4x4, 3x3): Y = A^T [(G g G^T) * (B^T d B)] A. The product
 * * is element by element: 36 products where the direct method has 144. The polynomial's points are
 * 0, +-P, +-Q and infinity. The usual 1 and 2 lose a factor of 2.4 in accuracy (64 channels)
 * against 5/8 and 3/2. These are just as exact to write down and keep the powers small. */
#include "dnn/winograd_kernels.h"

#include <stdbool.h>

#include "dnn/winograd_vectors.h"

#define P 0.625f
#define Q 1.5f
#define P2 (P * P)
#define Q2 (Q * Q)

enum { SIDE = 6, FREQUENCIES = SIDE * SIDE }; /* of a tile of src: 4 + 3 - 1 */

/* ---- the one-dimensional transforms ---- */

/* B^T: 6 -> 6. Row p holds the coefficients of the product of (x - q) over the other points. */
INLINE void transform_input(const vec *d, vec *out) {
    vec even_p = d[4] - Q2 * d[2], odd_p = d[3] - Q2 * d[1];
    vec even_q = d[4] - P2 * d[2], odd_q = d[3] - P2 * d[1];
    out[0] = (P2 * Q2) * d[0] + (d[4] - (P2 + Q2) * d[2]);
    out[1] = even_p + P * odd_p;
    out[2] = even_p - P * odd_p;
    out[3] = even_q + Q * odd_q;
    out[4] = even_q - Q * odd_q;
    out[5] = (P2 * Q2) * d[1] + (d[5] - (P2 + Q2) * d[3]);
}

/* G: 3 -> 6. Row p is (1, p, p^2) over the product of (p - q) over the other points. */
INLINE void transform_weights(const vec *g, vec *out) {
    const float at_zero = 1 / (P2 * Q2), at_p = 1 / (2 * P2 * (P2 - Q2)),
                at_q = 1 / (2 * Q2 * (Q2 - P2));
    vec even_p = at_p * g[0] + (at_p * P2) * g[2], odd_p = (at_p * P) * g[1];
    vec even_q = at_q * g[0] + (at_q * Q2) * g[2], odd_q = (at_q * Q) * g[1];
    out[0] = at_zero * g[0];
    out[1] = even_p + odd_p;
    out[2] = even_p - odd_p;
    out[3] = even_q + odd_q;
    out[4] = even_q - odd_q;
    out[5] = g[2];
}

/* G^T: 6 -> 3 */
INLINE void collect_weights(const vec *u, vec *out) {
    const float at_zero = 1 / (P2 * Q2), at_p = 1 / (2 * P2 * (P2 - Q2)),
                at_q = 1 / (2 * Q2 * (Q2 - P2));
    vec even_p = at_p * (u[1] + u[2]), even_q = at_q * (u[3] + u[4]);
    out[0] = at_zero * u[0] + (even_p + even_q);
    out[1] = (at_p * P) * (u[1] - u[2]) + (at_q * Q) * (u[3] - u[4]);
    out[2] = P2 * even_p + (Q2 * even_q + u[5]);
}

/* A^T: 6 -> 4. Row i holds the points' i-th powers. */
INLINE void transform_output(const vec *m, vec *out) {
    vec even_p = m[1] + m[2], odd_p = m[1] - m[2], even_q = m[3] + m[4], odd_q = m[3] - m[4];
    out[0] = m[0] + (even_p + even_q);
    out[1] = P * odd_p + Q * odd_q;
    out[2] = P2 * even_p + Q2 * even_q;
    out[3] = (P2 * P) * odd_p + ((Q2 * Q) * odd_q + m[5]);
}

/* A: 4 -> 6 */
INLINE void transform_gradient(const vec *y, vec *out) {
    vec even_p = y[0] + P2 * y[2], odd_p = y[1] + P2 * y[3];
    vec even_q = y[0] + Q2 * y[2], odd_q = y[1] + Q2 * y[3];
    out[0] = y[0];
    out[1] = even_p + P * odd_p;
    out[2] = even_p - P * odd_p;
    out[3] = even_q + Q * odd_q;
    out[4] = even_q - Q * odd_q;
    out[5] = y[3];
}

/* ---- tiles ---- */

INLINE int frequency(int i, int j) { return i * SIDE + j; }

static const window_kind reads = {transform_input, frequency, SIDE, SIDE, BYOL__TILE};
static const window_kind spreads = {transform_gradient, frequency, BYOL__TILE, SIDE, BYOL__TILE};
static const window_kind writes = {transform_output, frequency, SIDE, BYOL__TILE, 0};

static void input(const byol__winograd_shape *s, const void *src, int first, int count,
                  float *out) {
    read_tiles(s, &reads, src, first, count, out);
}

static void spread(const byol__winograd_shape *s, const void *diff_dst, int panel, int panels,
                   int first, int count, float *out) {
    spread_tiles(s, &spreads, diff_dst, panel, panels, first, count, out);
}

static void output(const byol__winograd_shape *s, const float *products, int panel, int panels,
                   int first, int count, const float *bias, bool relu, float *moments, void *dst) {
    write_tiles(s, &writes, products, panel, panels, first, count, bias, relu, moments, dst);
}

/* ---- weights ---- */

/* Transforms (from, from) values along the columns, then along the rows, to (to, to) values, each
 * into its own slab. Stores row by row: holding all back would cost a pass through memory. */
INLINE void into_slabs(line_transform *transform, int from, int to, const vec *in, size_t slab,
                       float *out) {
    vec half[FREQUENCIES];
    for (int j = 0; j < from; j++) {
        vec column[SIDE], done[SIDE];
        for (int i = 0; i < from; i++) column[i] = in[i * from + j];
        transform(column, done);
        for (int i = 0; i < to; i++) half[i * from + j] = done[i];
    }
    for (int i = 0; i < to; i++) {
        vec done[SIDE];
        transform(half + i * from, done);
        for (int j = 0; j < to; j++) store(out + (size_t)(i * to + j) * slab, done[j]);
    }
}

static void weights(const byol__winograd_shape *s, const float *staged, int panels, int inputs,
                    int first, int count, float *transformed) {
    size_t width = (size_t)s->width, stride = (size_t)panels * (size_t)inputs * width;
    for (int panel = 0; panel < panels; panel++)
        for (int k = first; k < first + count; k++)
            for (int l = 0; l < s->width; l += LANES) {
                size_t at = (size_t)panel * (size_t)inputs + (size_t)k;
                const float *g = staged + at * BYOL__TAPS * width + l;
                float *to = transformed + at * width + l;
                vec taps[BYOL__TAPS];
                for (int tap = 0; tap < BYOL__TAPS; tap++)
                    taps[tap] = load(g + (size_t)tap * width);
                into_slabs(transform_weights, 3, SIDE, taps, stride, to);
            }
}

static void collect(const byol__winograd_shape *s, const float *gradient, int parts, size_t part,
                    int panels, int inputs, int first, int count, float *staged) {
    size_t width = (size_t)s->width, stride = (size_t)panels * (size_t)inputs * width;
    for (int panel = 0; panel < panels; panel++)
        for (int k = first; k < first + count; k++)
            for (int l = 0; l < s->width; l += LANES) {
                size_t at = (size_t)panel * (size_t)inputs + (size_t)k;
                const float *from = gradient + at * width + l;
                float *to = staged + at * BYOL__TAPS * width + l;
                vec sums[FREQUENCIES];
                for (int f = 0; f < FREQUENCIES; f++) {
                    sums[f] = load(from + (size_t)f * stride);
                    for (int q = 1; q < parts; q++)
                        sums[f] += load(from + (size_t)f * stride + (size_t)q * part);
                }
                into_slabs(collect_weights, SIDE, 3, sums, width, to);
            }
}

/* ---- matrix products ---- */

/* `rows` tiles by one panel of `vectors` vectors, over all inputs of all segments. After inlining,
 * `rows` and `vectors` are constants, so the sums stay in registers. */
INLINE void multiply_block(const float *input, size_t block_stride, size_t slab,
                           const float *weights, size_t weight_slab, int inputs, int segments,
                           int rows, int vectors, float *products) {
    vec sum[ROWS][2] = {{{0}}};
    for (int segment = 0; segment < segments; segment++) {
        const float *in = input + (size_t)segment * slab,
                    *w_at = weights + (size_t)segment * weight_slab;
        for (int k = 0; k < inputs; k += LANES, in += block_stride)
            for (int l = 0; l < LANES; l++, w_at += vectors * LANES) {
                vec w[2];
                for (int v = 0; v < vectors; v++) w[v] = load(w_at + v * LANES);
                for (int r = 0; r < rows; r++)
                    for (int v = 0; v < vectors; v++) sum[r][v] += in[r * LANES + l] * w[v];
            }
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++)
            store(products + (size_t)v * block_stride + r * LANES, sum[r][v]);
}

static void multiply(const byol__winograd_shape *s, const byol__products *list, const float *input,
                     const float *weights, int inputs, int panels, int count, float *products) {
    size_t block_stride = (size_t)s->chunk * LANES, slab = slab_of(s, inputs);
    size_t out_slab = slab_of(s, panels * s->width),
           panel_floats = (size_t)inputs * (size_t)s->width;
    size_t weight_slab = (size_t)panels * panel_floats;
    for (int i = 0; i < list->count; i++)
        for (int panel = 0; panel < panels; panel++) {
            byol__product p = list->list[i];
            const float *in = input + (size_t)p.input * slab;
            const float *w = weights + (size_t)p.other * weight_slab + (size_t)panel * panel_floats;
            float *out =
                products + (size_t)p.result * out_slab + place_in_slab(s, panel * s->width, 0);
            if (s->width == LANES)
                for (int t = 0; t < count; t += ROWS)
                    multiply_block(in + t * LANES, block_stride, slab, w, weight_slab, inputs,
                                   p.segments, ROWS, 1, out + t * LANES);
            else
                for (int t = 0; t < count; t += ROWS)
                    multiply_block(in + t * LANES, block_stride, slab, w, weight_slab, inputs,
                                   p.segments, ROWS, 2, out + t * LANES);
        }
}

/* `rows` inputs by one panel, over the tiles. */
INLINE void accumulate_block(const float *input, const float *spread, size_t block_stride, int rows,
                             int vectors, int count, float *gradient) {
    vec sum[LANES][2];
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++) sum[r][v] = load(gradient + (r * vectors + v) * LANES);
    for (int t = 0; t < count; t++) {
        vec w[2];
        for (int v = 0; v < vectors; v++)
            w[v] = load(spread + (size_t)v * block_stride + t * LANES);
        for (int r = 0; r < rows; r++)
            for (int v = 0; v < vectors; v++) sum[r][v] += input[t * LANES + r] * w[v];
    }
    for (int r = 0; r < rows; r++)
        for (int v = 0; v < vectors; v++) store(gradient + (r * vectors + v) * LANES, sum[r][v]);
}

static void accumulate(const byol__winograd_shape *s, const byol__products *list,
                       const float *input, const float *spread, int inputs, int panels, int count,
                       float *gradient) {
    size_t block_stride = (size_t)s->chunk * LANES,
           panel_floats = (size_t)inputs * (size_t)s->width;
    for (int i = 0; i < list->count; i++)
        for (int panel = 0; panel < panels; panel++) {
            byol__product p = list->list[i];
            const float *in = input + (size_t)p.input * slab_of(s, inputs);
            const float *w = spread + (size_t)p.other * slab_of(s, panels * s->width) +
                             place_in_slab(s, panel * s->width, 0);
            float *out = gradient +
                         ((size_t)(size_t)p.result * (size_t)panels + (size_t)panel) * panel_floats;
            for (int k = 0; k < inputs; k += LANES, in += block_stride, out += LANES * s->width) {
                if (s->width == LANES) {
                    accumulate_block(in, w, block_stride, LANES, 1, count, out);
                    continue;
                }
                for (int half = 0; half < LANES; half += LANES / 2)
                    accumulate_block(in + half, w, block_stride, LANES / 2, 2, count,
                                     out + half * 2 * LANES);
            }
        }
}

static size_t slab_floats(const byol__winograd_shape *s, int channels) {
    return slab_of(s, channels);
}

/* ---- the tables ---- */

/* Each frequency by itself, in every pass. */
static void list_products(byol__pass pass, byol__products *out) {
    (void)pass;
    *out = (byol__products){FREQUENCIES, FREQUENCIES, FREQUENCIES, FREQUENCIES, {{0}}};
    for (int f = 0; f < FREQUENCIES; f++) out->list[f] = (byol__product){f, f, f, 1};
}

static const byol__winograd_transform stride_one = {
    .tile = {BYOL__TILE, BYOL__TILE, BYOL__TILE},
    .list_products = list_products,
    .weights = weights,
    .input = {input, input, input},
    .output = {output, output},
    .spread = spread,
    .collect = collect,
};

extern const byol__winograd_transform JOIN(byol__winograd_strided_, KERNELS_ISA);
const byol__winograd_kernels JOIN(byol__winograd_, KERNELS_ISA);
const byol__winograd_kernels JOIN(byol__winograd_, KERNELS_ISA) = {
    .name = "winograd:" STRING(KERNELS_ISA),
    .lanes = LANES,
    .rows = ROWS,
    .by_stride = {NULL, &stride_one, &JOIN(byol__winograd_strided_, KERNELS_ISA)},
    .slab_floats = slab_floats,
    .multiply = multiply,
    .accumulate = accumulate,
};
