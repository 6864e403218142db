/* See winograd_kernels.h. KERNELS_ISA is plain, avx2 or avx512. Here: 3x3 with stride 2 and padding 1.
 *
 * Along one axis y[i] = w0 x[2i-1] + w1 x[2i] + w2 x[2i+1]: a filter of two taps over the odd pixels plus one of a
 * single tap over the even ones, both with stride 1. F(4x4, 2x2) does both, the single tap as (w1, 0): its transform at
 * infinity is 0. So the four phases of a picture (odd or even rows, odd or even columns) meet in 25 frequencies, and of
 * the 100 pairs of frequency and phase 81 are not zero: 81 products where the direct way has 144. The polynomial's
 * points are 0,
 * +-P, Q and infinity.
 *
 * Pairs are slabs: frequency by frequency, and within one the phases that it has. The gradient by the data turns the
 * way round: 25 slabs of the gradient make 81, which make the four phases of a tile of 8x8 pixels. */
#include "dnn/winograd_kernels.h"

#include "dnn/winograd_vectors.h"

#define P 0.375f
#define Q 1.125f
#define P2 (P * P)
#define Q2 (Q * Q)

enum { SIDE = 5, LAST = SIDE - 1, FREQUENCIES = SIDE * SIDE, PAIRS = 81, WINDOW = 9 };

/* Of an axis: which pixels. An even phase lacks the frequency at infinity, LAST. */
enum { ODD, EVEN, AXIS_PHASES };

INLINE int side_of(int phase) { return SIDE - phase; }

/* Slab of the first pair of frequency (i, j), and of its pair with phases (py, px). */
INLINE int first_pair(int i, int j) { return 18 * i + (i < LAST ? 4 : 2) * j; }

INLINE int pair_at(int i, int j, int py, int px) { return first_pair(i, j) + py * (j < LAST ? 2 : 1) + px; }

/* ---- the one-dimensional transforms; phase EVEN: one fewer at the end of either side ---- */

/* B^T: 5 -> 5 or 4 -> 4. Row p holds the coefficients of the product of (x - q) over the other points. */
INLINE void transform_phase(const vec *d, int phase, vec *out) {
    vec even_p = d[2] - Q2 * d[0], odd_p = d[3] - Q2 * d[1];
    vec even_q = d[2] - P2 * d[0], odd_q = d[3] - P2 * d[1];
    out[0] = odd_p + P * even_p;
    out[1] = odd_p - P * even_p;
    out[2] = odd_q + Q * even_q;
    out[3] = odd_q - Q * even_q;
    if (phase == ODD) out[LAST] = (P2 * Q2) * d[0] + (d[4] - (P2 + Q2) * d[2]);
}

INLINE void transform_input(const vec *d, vec *out) { transform_phase(d, ODD, out); }

static const float at_p = 1 / (2 * P * (P2 - Q2)), at_q = 1 / (2 * Q * (Q2 - P2));

/* G: 2 -> 5 or 1 -> 4. Row p is (1, p) over the product of (p - q) over the other points. */
INLINE void transform_weights(const vec g[2], int phase, vec out[SIDE]) {
    vec second = phase == ODD ? g[1] : (vec){0};
    out[0] = at_p * g[0] + (at_p * P) * second;
    out[1] = (at_p * P) * second - at_p * g[0];
    out[2] = at_q * g[0] + (at_q * Q) * second;
    out[3] = (at_q * Q) * second - at_q * g[0];
    if (phase == ODD) out[LAST] = second;
}

/* G^T: 5 -> 2 or 4 -> 1 */
INLINE void collect_weights(const vec u[SIDE], int phase, vec out[2]) {
    out[0] = at_p * (u[0] - u[1]) + at_q * (u[2] - u[3]);
    if (phase == ODD) out[1] = (at_p * P) * (u[0] + u[1]) + ((at_q * Q) * (u[2] + u[3]) + u[LAST]);
}

/* A^T: 5 or 4 -> 4. Row i holds the points' i-th powers. */
INLINE void transform_output(const vec m[SIDE], int phase, vec out[BYOL__TILE]) {
    vec even_p = m[0] + m[1], odd_p = m[0] - m[1], even_q = m[2] + m[3], odd_q = m[2] - m[3];
    out[0] = even_p + even_q;
    out[1] = P * odd_p + Q * odd_q;
    out[2] = P2 * even_p + Q2 * even_q;
    out[3] = (P2 * P) * odd_p + (Q2 * Q) * odd_q;
    if (phase == ODD) out[3] += m[LAST];
}

/* A: 4 -> 5 */
INLINE void transform_gradient(const vec *y, vec *out) {
    vec even_p = y[0] + P2 * y[2], odd_p = y[1] + P2 * y[3];
    vec even_q = y[0] + Q2 * y[2], odd_q = y[1] + Q2 * y[3];
    out[0] = even_p + P * odd_p;
    out[1] = even_p - P * odd_p;
    out[2] = even_q + Q * odd_q;
    out[3] = even_q - Q * odd_q;
    out[LAST] = y[3];
}

/* ---- forward ---- */

INLINE void input_phase(const vec window[WINDOW * WINDOW], int py, int px, size_t slab, float *out) {
    vec half[SIDE][SIDE];
    for (int j = 0; j < side_of(px); j++) {
        vec column[SIDE], done[SIDE];
        for (int i = 0; i < side_of(py); i++) column[i] = window[(2 * i + py) * WINDOW + 2 * j + px];
        transform_phase(column, py, done);
        for (int i = 0; i < side_of(py); i++) half[i][j] = done[i];
    }
    for (int i = 0; i < side_of(py); i++) {
        vec done[SIDE];
        transform_phase(half[i], px, done);
        for (int j = 0; j < side_of(px); j++) store(out + (size_t)pair_at(i, j, py, px) * slab, done[j]);
    }
}

INLINE void transform_window(const vec *window, size_t slab, float *out) {
    input_phase(window, ODD, ODD, slab, out);
    input_phase(window, ODD, EVEN, slab, out);
    input_phase(window, EVEN, ODD, slab, out);
    input_phase(window, EVEN, EVEN, slab, out);
}

static void input(const byol__winograd_shape *s, const float *src, int first, int count, float *out) {
    read_tiles(s, transform_window, WINDOW, 2, src, first, count, out);
}

/* m (5 or 4, 5 or 4) -> 4x4 */
INLINE void inverse(const vec m[SIDE][SIDE], int py, int px, vec out[BYOL__TILE * BYOL__TILE]) {
    vec half[BYOL__TILE][SIDE];
    for (int j = 0; j < side_of(px); j++) {
        vec column[SIDE], done[BYOL__TILE];
        for (int i = 0; i < side_of(py); i++) column[i] = m[i][j];
        transform_output(column, py, done);
        for (int i = 0; i < BYOL__TILE; i++) half[i][j] = done[i];
    }
    for (int i = 0; i < BYOL__TILE; i++) transform_output(half[i], px, out + i * BYOL__TILE);
}

INLINE void output_tile(const float *products, size_t slab, vec *pixels) {
    vec m[SIDE][SIDE];
    for (int f = 0; f < FREQUENCIES; f++) m[f / SIDE][f % SIDE] = load(products + (size_t)f * slab);
    inverse(m, ODD, ODD, pixels);
}

static void output(const byol__winograd_shape *s, const float *products, int panel, int panels, int first, int count,
                   const float *bias, bool relu, float *moments, float *dst) {
    write_tiles(s, output_tile, products, panel, panels, first, count, bias, relu, moments, dst);
}

/* ---- backward ---- */

/* 25 slabs of a 5x5 window. */
static void input_backward(const byol__winograd_shape *s, const float *src, int first, int count, float *out) {
    size_t slab = slab_of(s, s->src.channels);
    for (int t = 0; t < count; t++) {
        tile_place at = place_of(s, first + t);
        bool inside = lies_inside(&s->src, at.y / 2, at.x / 2, SIDE);
        for (int c = 0; c < s->src.channels; c += LANES) {
            vec window[FREQUENCIES];
            load_window(&s->src, src + block_offset(&s->src, at.n, c), at.y / 2, at.x / 2, SIDE, inside, NULL, window);
            into_slabs(transform_input, SIDE, SIDE, window, slab, out + place_in_slab(s, c, t));
        }
    }
}

INLINE void store_pixel(const byol__picture *p, float *block, int y, int x, bool inside, vec value) {
    if (inside || (y < p->h && x < p->w)) store(block + pixel_offset(p, y, x), value);
}

/* In a tile of dst, which begins at an even pixel, the odd pixels are those at 1, 3, 5, 7. */
INLINE void output_phase(const byol__picture *p, const float *products, size_t slab, int y, int x, bool inside, int py,
                         int px, float *block) {
    vec m[SIDE][SIDE], pixels[BYOL__TILE * BYOL__TILE];
    for (int i = 0; i < side_of(py); i++)
        for (int j = 0; j < side_of(px); j++) m[i][j] = load(products + (size_t)pair_at(i, j, py, px) * slab);
    inverse(m, py, px, pixels);
    for (int i = 0; i < BYOL__TILE; i++)
        for (int j = 0; j < BYOL__TILE; j++)
            store_pixel(p, block, y + 2 * i + (py == ODD), x + 2 * j + (px == ODD), inside, pixels[i * BYOL__TILE + j]);
}

static void output_backward(const byol__winograd_shape *s, const float *products, int panel, int panels, int first,
                            int count, const float *bias, bool relu, float *moments, float *dst) {
    (void)bias; /* a gradient has none of these */
    (void)relu;
    (void)moments;
    int channels = panels * s->width;
    size_t slab = slab_of(s, channels);
    for (int t = 0; t < count; t++) {
        tile_place at = place_of(s, first + t);
        bool inside = lies_inside(&s->dst, at.y, at.x, s->tile);
        for (int c = 0; c < channels && panel * s->width + c < s->dst.channels; c += LANES) {
            const float *from = products + place_in_slab(s, c, t);
            float *block = dst + block_offset(&s->dst, at.n, panel * s->width + c);
            output_phase(&s->dst, from, slab, at.y, at.x, inside, ODD, ODD, block);
            output_phase(&s->dst, from, slab, at.y, at.x, inside, ODD, EVEN, block);
            output_phase(&s->dst, from, slab, at.y, at.x, inside, EVEN, ODD, block);
            output_phase(&s->dst, from, slab, at.y, at.x, inside, EVEN, EVEN, block);
        }
    }
}

static void spread(const byol__winograd_shape *s, const float *diff_dst, int panel, int panels, int first, int count,
                   float *out) {
    spread_tiles(s, transform_gradient, SIDE, diff_dst, panel, panels, first, count, out);
}

/* ---- weights ---- */

/* Taps 0 and 2 of an axis go with the odd pixels, tap 1 with the even ones. */
INLINE int tap_of(int phase, int which) { return phase == ODD ? 2 * which : 1; }

INLINE int taps_of(int phase) { return phase == ODD ? 2 : 1; }

INLINE void weights_phase(const float *taps, size_t width, int py, int px, size_t slab, float *out) {
    vec half[SIDE][2];
    for (int j = 0; j < taps_of(px); j++) {
        vec column[2] = {{0}}, done[SIDE];
        for (int i = 0; i < taps_of(py); i++)
            column[i] = load(taps + (size_t)(tap_of(py, i) * 3 + tap_of(px, j)) * width);
        transform_weights(column, py, done);
        for (int i = 0; i < side_of(py); i++) half[i][j] = done[i];
    }
    for (int i = 0; i < side_of(py); i++) {
        vec done[SIDE];
        transform_weights(half[i], px, done);
        for (int j = 0; j < side_of(px); j++) store(out + (size_t)pair_at(i, j, py, px) * slab, done[j]);
    }
}

static void weights(const byol__winograd_shape *s, const float *staged, int panels, int inputs, int first, int count,
                    float *transformed) {
    size_t width = (size_t)s->width, slab = (size_t)panels * (size_t)inputs * width;
    for (int panel = 0; panel < panels; panel++)
        for (int k = first; k < first + count; k++)
            for (int l = 0; l < s->width; l += LANES) {
                size_t at = (size_t)panel * (size_t)inputs + (size_t)k;
                const float *taps = staged + at * BYOL__TAPS * width + l;
                for (int phase = 0; phase < 4; phase++)
                    weights_phase(taps, width, phase / 2, phase % 2, slab, transformed + at * width + l);
            }
}

INLINE void collect_phase(const float *gradient, size_t slab, int parts, size_t part, int py, int px, size_t width,
                          float *taps) {
    vec half[2][SIDE];
    for (int j = 0; j < side_of(px); j++) {
        vec column[SIDE], done[2];
        for (int i = 0; i < side_of(py); i++) {
            const float *u = gradient + (size_t)pair_at(i, j, py, px) * slab;
            column[i] = load(u);
            for (int q = 1; q < parts; q++) column[i] += load(u + (size_t)q * part);
        }
        collect_weights(column, py, done);
        for (int i = 0; i < taps_of(py); i++) half[i][j] = done[i];
    }
    for (int i = 0; i < taps_of(py); i++) {
        vec done[2];
        collect_weights(half[i], px, done);
        for (int j = 0; j < taps_of(px); j++)
            store(taps + (size_t)(tap_of(py, i) * 3 + tap_of(px, j)) * width, done[j]);
    }
}

static void collect(const byol__winograd_shape *s, const float *gradient, int parts, size_t part, int panels,
                    int inputs, int first, int count, float *staged) {
    size_t width = (size_t)s->width, slab = (size_t)panels * (size_t)inputs * width;
    for (int panel = 0; panel < panels; panel++)
        for (int k = first; k < first + count; k++)
            for (int l = 0; l < s->width; l += LANES) {
                size_t at = (size_t)panel * (size_t)inputs + (size_t)k;
                float *taps = staged + at * BYOL__TAPS * width + l;
                for (int phase = 0; phase < 4; phase++)
                    collect_phase(gradient + at * width + l, slab, parts, part, phase / 2, phase % 2, width, taps);
            }
}

/* ---- the products ---- */

static void list_products(byol__pass pass, byol__products *out) {
    *out = (byol__products){.input_slabs = pass == BYOL__BACKWARD_DATA ? FREQUENCIES : PAIRS,
                            .other_slabs = pass == BYOL__BACKWARD_WEIGHTS ? FREQUENCIES : PAIRS,
                            .result_slabs = pass == BYOL__FORWARD ? FREQUENCIES : PAIRS};
    for (int f = 0; f < FREQUENCIES; f++) {
        int first = first_pair(f / SIDE, f % SIDE);
        int phases = (f / SIDE < LAST ? 2 : 1) * (f % SIDE < LAST ? 2 : 1);
        if (pass == BYOL__FORWARD)
            out->list[out->count++] = (byol__product){first, first, f, phases};
        else
            for (int pair = first; pair < first + phases; pair++)
                out->list[out->count++] =
                    pass == BYOL__BACKWARD_DATA ? (byol__product){f, pair, pair, 1} : (byol__product){pair, f, pair, 1};
    }
}

const byol__winograd_transform JOIN(byol__winograd_strided_, KERNELS_ISA);
const byol__winograd_transform JOIN(byol__winograd_strided_, KERNELS_ISA) = {
    .tile = {BYOL__TILE, 2 * BYOL__TILE, BYOL__TILE},
    .list_products = list_products,
    .weights = weights,
    .input = {input, input_backward, input},
    .output = {output, output_backward},
    .spread = spread,
    .collect = collect,
};
