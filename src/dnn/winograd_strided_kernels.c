/* See winograd_kernels.h. KERNELS_ISA is plain, avx2 or avx512. Here: 3x3 with stride 2, padding 1.
 *
 * Along one axis y[i] = w0 x[2i-1] + w1 x[2i] + w2 x[2i+1]. This is a filter of two taps over the
 * odd pixels plus a filter of one tap over the even ones, both with stride 1. F(4x4, 2x2) does
 * both. The single tap is (w1, 0), and its transform at infinity is 0. So the four phases of a
 * picture (odd or even rows, odd or even columns) share 25 frequencies. Of the 100 pairs of
 * frequency and phase, 81 are not zero: 81 products where the direct method has 144. The
 * polynomial's points are 0, +-P, +-Q and infinity.
 *
 * Pairs are slabs, ordered by frequency and then by the phases that the frequency has. The gradient
 * by the data goes the other way: 25 slabs of the gradient make 81, which make the four phases of a
 * tile of 8x8 pixels. */
#include "dnn/winograd_kernels.h"

#include <stdbool.h>

#include "dnn/winograd_vectors.h"

#define P 0.375f
#define Q 1.125f
#define P2 (P * P)
#define Q2 (Q * Q)

enum { SIDE = 5, LAST = SIDE - 1, FREQUENCIES = SIDE * SIDE, PAIRS = 81 };

/* The phase of an axis: which pixels. The even phase lacks the frequency at infinity, LAST. */
enum { ODD, EVEN, AXIS_PHASES };

INLINE int side_of(int phase) { return SIDE - phase; }

/* Slab of the first pair of frequency (i, j), and of its pair with phases (py, px). */
INLINE int first_pair(int i, int j) { return 18 * i + (i < LAST ? 4 : 2) * j; }

INLINE int pair_at(int i, int j, int py, int px) {
    return first_pair(i, j) + py * (j < LAST ? 2 : 1) + px;
}

/* The frequencies of an axis with both phases: those of the odd one, then those of the even one. */
enum { BOTH = SIDE + LAST };

INLINE int pair(int i, int j) { return pair_at(i % SIDE, j % SIDE, i / SIDE, j / SIDE); }

INLINE int frequency(int i, int j) { return i * SIDE + j; }

/* ---- the one-dimensional transforms; phase EVEN: one value fewer at the end, in and out ---- */

/* B^T: 5 -> 5 or 4 -> 4. Row p holds the coefficients of the product of (x - q) over the other
 * points. */
INLINE void transform_phase(const vec *d, int phase, vec *out) {
    vec even_p = d[2] - Q2 * d[0], odd_p = d[3] - Q2 * d[1];
    vec even_q = d[2] - P2 * d[0], odd_q = d[3] - P2 * d[1];
    out[0] = odd_p + P * even_p;
    out[1] = odd_p - P * even_p;
    out[2] = odd_q + Q * even_q;
    out[3] = odd_q - Q * even_q;
    if (phase == ODD) out[LAST] = (P2 * Q2) * d[0] + (d[4] - (P2 + Q2) * d[2]);
}

INLINE void transform_one(const vec *d, vec *out) { transform_phase(d, ODD, out); }

/* Pixels -1 ... 7 -> BOTH. */
INLINE void transform_both(const vec *d, vec *out) {
    vec odd[SIDE], even[SIDE];
    for (int i = 0; i < SIDE; i++) odd[i] = d[2 * i];
    for (int i = 0; i < LAST; i++) even[i] = d[2 * i + 1];
    transform_phase(odd, ODD, out);
    transform_phase(even, EVEN, out + SIDE);
}

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

INLINE void invert_one(const vec *m, vec *out) { transform_output(m, ODD, out); }

/* BOTH -> pixels 0 ... 7; a tile begins at an even one. */
INLINE void invert_both(const vec *m, vec *out) {
    vec odd[BYOL__TILE], even[BYOL__TILE];
    transform_output(m, ODD, odd);
    transform_output(m + SIDE, EVEN, even);
    for (int i = 0; i < BYOL__TILE; i++) {
        out[2 * i] = even[i];
        out[2 * i + 1] = odd[i];
    }
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

/* ---- tiles ---- */

static const window_kind reads = {transform_both, pair, BOTH, BOTH, 2 * BYOL__TILE};
static const window_kind reads_gradient = {transform_one, frequency, SIDE, SIDE, BYOL__TILE};
static const window_kind spreads = {transform_gradient, frequency, BYOL__TILE, SIDE, BYOL__TILE};
static const window_kind writes = {invert_one, frequency, SIDE, BYOL__TILE, 0};
static const window_kind writes_gradient = {invert_both, pair, BOTH, 2 * BYOL__TILE, 0};

static void input(const byol__winograd_shape *s, const void *src, int first, int count,
                  float *out) {
    read_tiles(s, &reads, src, first, count, out);
}

static void input_backward(const byol__winograd_shape *s, const void *src, int first, int count,
                           float *out) {
    const reading r = {&s->src, src, s->padding, 0, s->src.channels};
    read_windows(s, &reads_gradient, &r, false, first, count, out);
}

static void output(const byol__winograd_shape *s, const float *products, int panel, int panels,
                   int first, int count, const float *bias, bool relu, float *moments, void *dst) {
    write_tiles(s, &writes, products, panel, panels, first, count, bias, relu, moments, dst);
}

static void output_backward(const byol__winograd_shape *s, const float *products, int panel,
                            int panels, int first, int count, const float *bias, bool relu,
                            float *moments, void *dst) {
    write_tiles(s, &writes_gradient, products, panel, panels, first, count, bias, relu, moments,
                dst);
}

static void spread(const byol__winograd_shape *s, const void *diff_dst, int panel, int panels,
                   int first, int count, float *out) {
    spread_tiles(s, &spreads, diff_dst, panel, panels, first, count, out);
}

/* ---- weights ---- */

/* Taps 0 and 2 of an axis go with the odd pixels, tap 1 with the even ones. */
INLINE int tap_of(int phase, int which) { return phase == ODD ? 2 * which : 1; }

INLINE int taps_of(int phase) { return phase == ODD ? 2 : 1; }

INLINE void weights_phase(const float *taps, size_t width, int py, int px, size_t slab,
                          float *out) {
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
        for (int j = 0; j < side_of(px); j++)
            store(out + (size_t)pair_at(i, j, py, px) * slab, done[j]);
    }
}

static void weights(const byol__winograd_shape *s, const float *staged, int panels, int inputs,
                    int first, int count, float *transformed) {
    size_t width = (size_t)s->width, slab = (size_t)panels * (size_t)inputs * width;
    for (int panel = 0; panel < panels; panel++)
        for (int k = first; k < first + count; k++)
            for (int l = 0; l < s->width; l += LANES) {
                size_t at = (size_t)panel * (size_t)inputs + (size_t)k;
                const float *taps = staged + at * BYOL__TAPS * width + l;
                for (int phase = 0; phase < 4; phase++)
                    weights_phase(taps, width, phase / 2, phase % 2, slab,
                                  transformed + at * width + l);
            }
}

INLINE void collect_phase(const float *gradient, size_t slab, int parts, size_t part, int py,
                          int px, size_t width, float *taps) {
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

static void collect(const byol__winograd_shape *s, const float *gradient, int parts, size_t part,
                    int panels, int inputs, int first, int count, float *staged) {
    size_t width = (size_t)s->width, slab = (size_t)panels * (size_t)inputs * width;
    for (int panel = 0; panel < panels; panel++)
        for (int k = first; k < first + count; k++)
            for (int l = 0; l < s->width; l += LANES) {
                size_t at = (size_t)panel * (size_t)inputs + (size_t)k;
                float *taps = staged + at * BYOL__TAPS * width + l;
                for (int phase = 0; phase < 4; phase++)
                    collect_phase(gradient + at * width + l, slab, parts, part, phase / 2,
                                  phase % 2, width, taps);
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
                out->list[out->count++] = pass == BYOL__BACKWARD_DATA
                                              ? (byol__product){f, pair, pair, 1}
                                              : (byol__product){pair, f, pair, 1};
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
