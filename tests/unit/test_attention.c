/* Attention's kernels against the definition, summed in double: several blocks of queries and keys,
 * heads that fill no vector, padding, three sources or one, both precisions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <omp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/bf16.h"
#include "base/philox.h"
#include "floats.h"
#include "ops/attention_kernels.h"

typedef struct shape {
    int n, queries, keys, heads, width;
    bool padded;
    double noise;
} shape;

static const shape shapes[] = {{2, 5, 5, 1, 4, false, 0},     {1, 70, 70, 2, 16, false, 0},
                               {2, 33, 300, 1, 20, false, 0}, {1, 9, 3, 3, 64, false, 0},
                               {3, 40, 40, 2, 8, true, 0},    {1, 1, 1, 1, 1, false, 0},
                               {2, 33, 300, 1, 20, false, 1}, {3, 40, 40, 2, 8, true, 0.1}};
static const uint32_t noise_key[] = {11, 12}, noise_stream[] = {13, 14, 15};

/* q, k, v, dy as plain floats (n, position, channel), and what should come of them in double. */
typedef struct problem {
    shape s;
    int channels, lengths[4];
    float *in[3], *dy;
    double *y, *diff[3];
} problem;

static int positions_of(const shape *s, int which) { return which == 0 ? s->queries : s->keys; }

static double *doubles(size_t count) {
    double *values = calloc(count, sizeof *values);
    assert_non_null(values);
    return values;
}

static problem problem_of(const shape *s, bool bf16) {
    problem p = {.s = *s, .channels = s->heads * s->width, .lengths = {13, 0, 40, 1}};
    for (int i = 0; i < 3; i++) {
        size_t count = (size_t)(s->n * positions_of(s, i) * p.channels);
        p.in[i] = random_floats(count, 7, (uint32_t)i);
        if (bf16) byol__bf16_round(p.in[i], count);
        p.diff[i] = doubles(count);
    }
    size_t count = (size_t)(s->n * s->queries * p.channels);
    p.dy = random_floats(count, 7, 9);
    if (bf16) byol__bf16_round(p.dy, count);
    p.y = doubles(count);
    return p;
}

static void release(problem *p) {
    for (int i = 0; i < 3; i++) {
        byol__free(p->in[i]);
        free(p->diff[i]);
    }
    byol__free(p->dy);
    free(p->y);
}

/* ---- The definition ---- */

/* The normal quantile of (bits / 512 + .5) / 2^23 by Newton's method. */
static double normal(uint32_t bits) {
    double p = ((double)(bits >> 9) + 0.5) / 0x1p23, x = 0;
    for (int i = 0; i < 60; i++) {
        double density = exp(-x * x / 2) / sqrt(2 * acos(-1)),
               step = (erfc(-x / sqrt(2)) / 2 - p) / density;
        x -= fmax(-0.5, fmin(0.5, step));
    }
    return x;
}

/* What is added to the weight of key j: word j / 16 % 4 of counter j / 64 * 16 + j % 16. */
static double noise_at(const shape *s, int n, int head, int query, int key) {
    uint32_t row = (uint32_t)((n * s->heads + head) * s->queries + query), words[4];
    const uint32_t counter[] = {
        (row * (uint32_t)((s->keys + 63) / 64) + (uint32_t)(key / 64)) * 16 + (uint32_t)(key % 16),
        noise_stream[0], noise_stream[1], noise_stream[2]};
    if (s->noise == 0) return 0;
    byol__philox(counter, noise_key, words);
    return s->noise * normal(words[key / 16 % 4]);
}

/* One query: its weights, its y, and what its dy gives to the gradients. */
static void define_query(problem *p, int n, int head, int query, int keys) {
    double weights[512], diffs[512], most = -INFINITY, sum = 0, along = 0;
    double scale = 1 / sqrt((double)p->s.width);
    size_t channels = (size_t)p->channels, first = (size_t)(head * p->s.width);
    size_t q = ((size_t)n * (size_t)p->s.queries + (size_t)query) * channels + first;
    size_t k = (size_t)n * (size_t)p->s.keys * channels + first;
    for (int j = 0; j < keys; j++) {
        weights[j] = 0;
        for (size_t c = 0; c < (size_t)p->s.width; c++)
            weights[j] +=
                scale * (double)p->in[0][q + c] * (double)p->in[1][k + (size_t)j * channels + c];
        most = fmax(most, weights[j]);
    }
    for (int j = 0; j < keys; j++) sum += weights[j] = exp(weights[j] - most);
    for (int j = 0; j < keys; j++) {
        weights[j] /= sum;
        double noisy = weights[j] + noise_at(&p->s, n, head, query, j);
        diffs[j] = 0;
        for (size_t c = 0; c < (size_t)p->s.width; c++) {
            size_t v = k + (size_t)j * channels + c;
            p->y[q + c] += noisy * (double)p->in[2][v];
            p->diff[2][v] += noisy * (double)p->dy[q + c];
            diffs[j] += (double)p->dy[q + c] * (double)p->in[2][v];
        }
        along += weights[j] * diffs[j];
    }
    for (int j = 0; j < keys; j++)
        for (size_t c = 0; c < (size_t)p->s.width; c++) {
            size_t key = k + (size_t)j * channels + c;
            double d = scale * weights[j] * (diffs[j] - along);
            p->diff[0][q + c] += d * (double)p->in[1][key];
            p->diff[1][key] += d * (double)p->in[0][q + c];
        }
}

static void define(problem *p) {
    for (int n = 0; n < p->s.n; n++)
        for (int head = 0; head < p->s.heads; head++) {
            int queries = p->s.padded ? p->lengths[n] : p->s.queries;
            int keys = p->s.padded ? p->lengths[n] : p->s.keys;
            for (int query = 0; query < queries; query++) define_query(p, n, head, query, keys);
        }
}

/* ---- The kernels ---- */

static void *laid_out(const byol__layout *layout) {
    void *memory;
    check(byol__alloc(&memory, byol__layout_bytes(layout), 1, "test", &error));
    memset(memory, 0xff, byol__layout_bytes(layout));
    return memory;
}

/* As plain rows (n, position, channel). */
static byol__layout plain(const problem *p, int positions) {
    return (byol__layout){BYOL__F32, BYOL__NHWC, p->s.n, p->channels, positions, 1};
}

static void assert_near(const byol__layout *layout, const void *values, const byol__layout *rows,
                        const double *expected, double tolerance, const char *what) {
    size_t count = byol__layout_elements(rows);
    float *found = floats(count);
    double largest = 0;
    byol__layout_convert(rows, found, layout, values);
    for (size_t i = 0; i < count; i++) largest = fmax(largest, fabs(expected[i]));
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)found[i] - expected[i]) <= tolerance * (largest + 1e-3)))
            fail_msg("%s: number %zu is %g, should be %g", what, i, (double)found[i], expected[i]);
    byol__free(found);
}

/* Lanes beyond the channels of a blocked layout. */
static void assert_padding_is_zero(const byol__layout *layout, const void *values) {
    byol__strides s = byol__layout_strides(layout);
    size_t bytes = layout->dtype == BYOL__BF16 ? 2 : 4;
    const char *memory = values;
    for (int c = layout->c; c < s.blocks * s.lanes; c++)
        for (int n = 0; n < s.n; n++)
            for (int i = 0; i < s.spatial; i++) {
                size_t at = (size_t)n * s.stride_n + (size_t)(c / s.lanes) * s.stride_block +
                            (size_t)i * s.stride_s + (size_t)(c % s.lanes);
                for (size_t b = 0; b < bytes; b++) assert_int_equal(memory[at * bytes + b], 0);
            }
}

static void check_shape(const shape *s, byol__format format, byol__dtype dtype) {
    problem p = problem_of(s, dtype == BYOL__BF16);
    byol__attention a = {.heads = s->heads,
                         .width = s->width,
                         .scale = 1 / sqrtf((float)s->width),
                         .lengths = s->padded ? p.lengths : NULL,
                         .noise = {.strength = (float)s->noise}};
    memcpy(a.noise.key, noise_key, sizeof noise_key);
    memcpy(a.noise.stream, noise_stream, sizeof noise_stream);
    byol__head_source *const sources[] = {&a.q, &a.k, &a.v};
    define(&p);
    for (int i = 0; i < 3; i++) {
        byol__layout rows = plain(&p, positions_of(s, i)), *layout = &sources[i]->layout;
        *layout = (byol__layout){dtype, format, s->n, p.channels, positions_of(s, i), 1};
        void *values = laid_out(layout);
        byol__layout_convert(layout, values, &rows, p.in[i]);
        sources[i]->values = values;
        sources[i]->diff = laid_out(layout);
    }
    a.layout = a.q.layout;
    const byol__attention_kernels *kernels = byol__attention_kernels_for(&a);
    byol__layout rows = plain(&p, s->queries);
    void *dy = laid_out(&a.layout);
    byol__layout_convert(&a.layout, dy, &rows, p.dy);
    a.dy = dy;
    a.y = laid_out(&a.layout);
    a.log_sums = floats((size_t)(s->n * s->heads * s->queries));
    a.scratch_floats = kernels->scratch(&a);
    a.threads = omp_get_max_threads();
    a.scratch = floats((size_t)a.threads * a.scratch_floats);
    memset(a.scratch, 0xff, (size_t)a.threads * a.scratch_floats * sizeof(float));
    kernels->forward(&a);
    kernels->backward(&a);
    double tolerance = dtype == BYOL__BF16 ? 1.0 / 100 : 1e-5;
    assert_near(&a.layout, a.y, &rows, p.y, tolerance, "y");
    assert_padding_is_zero(&a.layout, a.y);
    static const char *const names[] = {"dq", "dk", "dv"};
    for (int i = 0; i < 3; i++) {
        byol__layout own = plain(&p, positions_of(s, i));
        assert_near(&sources[i]->layout, sources[i]->diff, &own, p.diff[i], tolerance, names[i]);
        assert_padding_is_zero(&sources[i]->layout, sources[i]->diff);
        byol__free((void *)(uintptr_t)sources[i]->values);
        byol__free(sources[i]->diff);
    }
    void *owned[] = {dy, a.y, a.log_sums, a.scratch};
    for (int i = 0; i < 4; i++) byol__free(owned[i]);
    release(&p);
}

static void attention_is_the_definition(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        for (int dtype = 0; dtype < 2; dtype++) {
            check_shape(&shapes[i], BYOL__NHWC, (byol__dtype)dtype);
            check_shape(&shapes[i], BYOL__NCHW16, (byol__dtype)dtype);
            check_shape(&shapes[i], BYOL__NCHW8, (byol__dtype)dtype);
            check_shape(&shapes[i], BYOL__NCHW, (byol__dtype)dtype);
        }
}

static void the_same_bits_for_any_number_of_threads(void **state) {
    (void)state;
    enum { N = 3, TOKENS = 45, CHANNELS = 24, COUNT = N * TOKENS * CHANNELS };
    const byol__layout layout = {BYOL__F32, BYOL__NHWC, N, CHANNELS, TOKENS, 1};
    const byol__attention kind = {.layout = layout, .width = 8};
    const byol__attention_kernels *kernels = byol__attention_kernels_for(&kind);
    float *results[2], *sources[4];
    for (uint32_t i = 0; i < 4; i++) sources[i] = random_floats(COUNT, 7, i);
    for (int i = 0; i < 2; i++) {
        results[i] = floats(4 * COUNT);
        byol__attention a = {.heads = 3, .width = 8, .scale = 0.35f, .layout = layout};
        a.q = (byol__head_source){layout, 0, sources[0], results[i]};
        a.k = (byol__head_source){layout, 0, sources[1], results[i] + COUNT};
        a.v = (byol__head_source){layout, 0, sources[2], results[i] + 2 * COUNT};
        a.dy = sources[3];
        a.y = results[i] + 3 * COUNT;
        a.threads = i == 0 ? 1 : 3;
        a.log_sums = floats(N * 3 * TOKENS);
        a.scratch_floats = kernels->scratch(&a);
        a.scratch = floats((size_t)a.threads * a.scratch_floats);
        kernels->forward(&a);
        kernels->backward(&a);
        byol__free(a.log_sums);
        byol__free(a.scratch);
    }
    assert_memory_equal(results[0], results[1], 4 * COUNT * sizeof(float));
    for (int i = 0; i < 4; i++) byol__free(sources[i]);
    for (int i = 0; i < 2; i++) byol__free(results[i]);
}

/* Twice as many tokens need twice the memory. */
static void memory_grows_with_the_number_of_tokens(void **state) {
    (void)state;
    size_t floats_of[2];
    for (int i = 0; i < 2; i++) {
        int tokens = 2048 << i;
        byol__layout layout = {BYOL__F32, BYOL__NHWC, 1, 64, tokens, 1};
        byol__attention a = {.heads = 1, .width = 64, .layout = layout};
        a.q.layout = a.k.layout = a.v.layout = layout;
        floats_of[i] = byol__attention_kernels_for(&a)->scratch(&a);
    }
    assert_true(floats_of[1] < 2 * floats_of[0]);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(attention_is_the_definition),
        cmocka_unit_test(the_same_bits_for_any_number_of_threads),
        cmocka_unit_test(memory_grows_with_the_number_of_tokens),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
