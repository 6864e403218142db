/* What oneDNN computes for us, behind dnn.h: each pass of convolutions and linear layers against
 * the definition, summed in double. The scratch memory and what is to be written begin as NaN: in a
 * plan they hold what others left there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/bf16.h"
#include "dnn/dnn.h"
#include "floats.h"

typedef struct shape {
    int n, ic, oc, size, kernel, stride, padding, groups; /* kernel 0: a linear layer */
} shape;

static const shape shapes[] = {
    {2, 1, 16, 9, 3, 1, 1, 1},   {2, 3, 16, 8, 3, 1, 1, 1},   {4, 3, 4, 16, 7, 2, 3, 1},
    {3, 16, 16, 6, 3, 1, 1, 1},  {2, 8, 24, 5, 3, 1, 1, 1},   {2, 20, 13, 6, 3, 1, 1, 1},
    {8, 16, 32, 2, 3, 2, 1, 1},  {32, 16, 16, 1, 3, 1, 1, 1}, {32, 16, 16, 1, 3, 2, 1, 1},
    {32, 16, 16, 2, 3, 2, 1, 1}, {4, 32, 16, 3, 3, 2, 1, 1},  {2, 16, 32, 8, 1, 2, 0, 1},
    {2, 64, 16, 4, 1, 1, 0, 1},  {2, 2, 8, 4, 1, 1, 0, 1},    {2, 16, 16, 7, 3, 1, 1, 16},
    {2, 32, 32, 6, 3, 1, 1, 4},  {2, 16, 32, 12, 5, 1, 2, 1}, {2, 8, 8, 6, 4, 2, 1, 1},
    {3, 20, 13, 2, 4, 3, 1, 1},  {7, 128, 16, 1, 0, 1, 0, 1}, {7, 20, 13, 1, 0, 1, 0, 1},
    {2, 16, 32, 12, 3, 2, 1, 1}, {2, 20, 13, 13, 3, 2, 1, 1}, {2, 144, 16, 4, 3, 2, 1, 1},
    {9, 144, 16, 1, 3, 2, 1, 1}, {2, 16, 144, 5, 1, 2, 0, 1},
};

static int out_size(const shape *s) {
    return s->kernel == 0 ? 1 : (s->size + 2 * s->padding - s->kernel) / s->stride + 1;
}

typedef struct problem {
    byol__contraction_desc d;
    size_t src_count, dst_count, weight_count;
    float *src, *dst, *weights, *bias; /* plain: (n, c, h, w), (oc, ic / groups, kernel, kernel) */
} problem;

/* Numbers that dtype has. */
static float *numbers(byol__dtype dtype, size_t count, uint32_t index) {
    float *values = random_floats(count, 7, index);
    if (dtype == BYOL__BF16) byol__bf16_round(values, count);
    return values;
}

static problem problem_of(const shape *s, byol__pass pass, byol__dtype dtype, byol__format format) {
    int out = out_size(s), kernel = s->kernel == 0 ? 1 : s->kernel;
    problem p = {.d = {.pass = pass,
                       .linear = s->kernel == 0,
                       .dtype = dtype,
                       .n = s->n,
                       .ic = s->ic,
                       .ih = s->size,
                       .iw = s->size,
                       .oc = s->oc,
                       .oh = out,
                       .ow = out,
                       .kernel = kernel,
                       .stride = s->stride,
                       .padding = s->padding,
                       .groups = s->groups,
                       .bias = pass != BYOL__BACKWARD_DATA,
                       .src_format = s->kernel == 0 ? BYOL__NCHW : format,
                       .dst_format = s->kernel == 0 ? BYOL__NCHW : format}};
    p.src_count = (size_t)s->n * (size_t)s->ic * (size_t)(s->size * s->size);
    p.dst_count = (size_t)s->n * (size_t)s->oc * (size_t)(out * out);
    p.weight_count = (size_t)s->oc * (size_t)(s->ic / s->groups) * (size_t)(kernel * kernel);
    p.src = numbers(dtype, p.src_count, 1);
    p.dst = numbers(dtype, p.dst_count, 2);
    p.weights = numbers(dtype, p.weight_count, 3);
    p.bias = random_floats((size_t)s->oc, 7, 4);
    return p;
}

static void release(problem *p) {
    byol__free(p->src);
    byol__free(p->dst);
    byol__free(p->weights);
    byol__free(p->bias);
}

/* ---- The definition ---- */

typedef struct sums {
    double *value,
        *size; /* each sum, and that of its terms' absolute values: what rounding is measured by */
    double *bias, *bias_size;
} sums;

static void add(double *value, double *size, size_t at, double term) {
    value[at] += term;
    size[at] += fabs(term);
}

/* Adds every product of the pass where it belongs. */
static void contract(const problem *p, const sums *out) {
    const byol__contraction_desc *d = &p->d;
    int group_ic = d->ic / d->groups, group_oc = d->oc / d->groups, taps = d->kernel * d->kernel;
    for (int n = 0; n < d->n; n++)
        for (int o = 0; o < d->oc; o++)
            for (int pixel = 0; pixel < d->oh * d->ow; pixel++) {
                size_t dst = ((size_t)n * (size_t)d->oc + (size_t)o) * (size_t)(d->oh * d->ow) +
                             (size_t)pixel;
                if (d->pass == BYOL__FORWARD) add(out->value, out->size, dst, (double)p->bias[o]);
                if (d->pass == BYOL__BACKWARD_WEIGHTS)
                    add(out->bias, out->bias_size, (size_t)o, (double)p->dst[dst]);
                for (int i = 0; i < group_ic; i++)
                    for (int tap = 0; tap < taps; tap++) {
                        int y = pixel / d->ow * d->stride - d->padding + tap / d->kernel;
                        int x = pixel % d->ow * d->stride - d->padding + tap % d->kernel;
                        if (y < 0 || y >= d->ih || x < 0 || x >= d->iw) continue;
                        int channel = o / group_oc * group_ic + i;
                        size_t src =
                            (((size_t)n * (size_t)d->ic + (size_t)channel) * (size_t)d->ih +
                             (size_t)y) *
                                (size_t)d->iw +
                            (size_t)x;
                        size_t weight =
                            ((size_t)o * (size_t)group_ic + (size_t)i) * (size_t)taps + (size_t)tap;
                        double s = (double)p->src[src], g = (double)p->dst[dst],
                               w = (double)p->weights[weight];
                        if (d->pass == BYOL__FORWARD) add(out->value, out->size, dst, s * w);
                        if (d->pass == BYOL__BACKWARD_DATA) add(out->value, out->size, src, g * w);
                        if (d->pass == BYOL__BACKWARD_WEIGHTS)
                            add(out->value, out->size, weight, s * g);
                    }
            }
}

/* ---- The same by the contraction ---- */

static void *not_a_number(size_t bytes) {
    void *memory;
    check(byol__alloc(&memory, bytes, 1, "test", &error));
    memset(memory, 0xff, bytes);
    return memory;
}

/* `values` NULL: what is to be written. */
static void *laid_out(const byol__layout *to, const byol__layout *from, const float *values) {
    void *memory = not_a_number(byol__layout_bytes(to));
    if (values != NULL) byol__layout_convert(to, memory, from, values);
    return memory;
}

/* The pass's result replaces the plain src, dst or weights (and bias); `what` is given the
 * implementation's name. */
static void run(problem *p, byol__dnn *dnn, char *what, size_t size) {
    const byol__contraction_desc *d = &p->d;
    byol__contraction *c;
    check(byol__contraction_create(&c, dnn, d, &error));
    snprintf(what, size, "%s", byol__contraction_implementation(c));
    byol__layout plain_src = {BYOL__F32, BYOL__NCHW, d->n, d->ic, d->ih, d->iw};
    byol__layout plain_dst = {BYOL__F32, BYOL__NCHW, d->n, d->oc, d->oh, d->ow};
    byol__layout src_layout = plain_src, dst_layout = plain_dst;
    src_layout.dtype = dst_layout.dtype = d->dtype;
    src_layout.format = byol__contraction_src(c);
    dst_layout.format = byol__contraction_dst(c);
    bool makes_src = d->pass == BYOL__BACKWARD_DATA, makes_dst = d->pass == BYOL__FORWARD;
    void *src = laid_out(&src_layout, &plain_src, makes_src ? NULL : p->src);
    void *dst = laid_out(&dst_layout, &plain_dst, makes_dst ? NULL : p->dst);
    void *weights = not_a_number(byol__contraction_weights_bytes(c));
    void *scratch = not_a_number(byol__contraction_scratch_bytes(c));
    check(byol__contraction_bind(c, src, weights, d->bias ? p->bias : NULL, dst, scratch, &error));
    if (d->pass != BYOL__BACKWARD_WEIGHTS) byol__contraction_stage(c, p->weights, NULL);
    byol__contraction_run(c, NULL);
    if (makes_src) byol__layout_convert(&plain_src, p->src, &src_layout, src);
    if (makes_dst) byol__layout_convert(&plain_dst, p->dst, &dst_layout, dst);
    if (d->pass == BYOL__BACKWARD_WEIGHTS) {
        memset(p->weights, 0, p->weight_count * sizeof *p->weights);
        byol__contraction_collect(c, p->weights, NULL);
    }
    void *owned[] = {src, dst, weights, scratch};
    for (int i = 0; i < 4; i++) byol__free(owned[i]);
    byol__contraction_free(c);
}

/* Each within `tolerance` of the sum of its terms' absolute values. */
static void assert_near(const float *values, const double *should_be, const double *size,
                        size_t count, double tolerance, const char *what) {
    for (size_t i = 0; i < count; i++)
        if (!(fabs((double)values[i] - should_be[i]) <= tolerance * size[i]))
            fail_msg("%s: number %zu is %g, should be %g", what, i, (double)values[i],
                     should_be[i]);
}

static void check_pass(byol__dnn *dnn, const shape *s, byol__pass pass, byol__dtype dtype,
                       byol__format format) {
    static const char *const passes[] = {"forward", "data gradient", "weight gradient"};
    problem p = problem_of(s, pass, dtype, format);
    size_t counts[] = {p.dst_count, p.src_count, p.weight_count}, count = counts[pass],
           channels = (size_t)s->oc;
    double *room = calloc(2 * (count + channels), sizeof *room);
    assert_non_null(room);
    sums out = {room, room + count, room + 2 * count, room + 2 * count + channels};
    contract(&p, &out);
    char implementation[64], what[256];
    run(&p, dnn, implementation, sizeof implementation);
    snprintf(what, sizeof what,
             "%s by %s, %s, format %d: %d x %d -> %d, %d pixels, kernel %d, stride %d, groups %d",
             passes[pass], implementation, dtype == BYOL__BF16 ? "bf16" : "fp32", (int)format, s->n,
             s->ic, s->oc, s->size, s->kernel, s->stride, s->groups);
    /* Weight gradients are fp32; what is written as bf16 is rounded to eight bits. Winograd's
     * transforms round too. */
    double tolerance = dtype == BYOL__BF16 && pass != BYOL__BACKWARD_WEIGHTS ? 1.0 / 256 : 1e-5;
    const float *values[] = {p.dst, p.src, p.weights};
    assert_near(values[pass], out.value, out.size, count, tolerance, what);
    if (pass == BYOL__BACKWARD_WEIGHTS)
        assert_near(p.bias, out.bias, out.bias_size, channels, tolerance, what);
    free(room);
    release(&p);
}

static void check_all(byol__pass pass, byol__dtype dtype) {
    byol__dnn *dnn;
    check(byol__dnn_create(&dnn, &error));
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++)
        for (int format = 0; format < BYOL__FORMATS; format++)
            check_pass(dnn, &shapes[s], pass, dtype, (byol__format)format);
    byol__dnn_free(dnn);
}

static void forward_is_the_definition(void **state) {
    (void)state;
    check_all(BYOL__FORWARD, BYOL__F32);
    check_all(BYOL__FORWARD, BYOL__BF16);
}

static void data_gradient_is_the_definition(void **state) {
    (void)state;
    check_all(BYOL__BACKWARD_DATA, BYOL__F32);
    check_all(BYOL__BACKWARD_DATA, BYOL__BF16);
}

static void weight_gradient_is_the_definition(void **state) {
    (void)state;
    check_all(BYOL__BACKWARD_WEIGHTS, BYOL__F32);
    check_all(BYOL__BACKWARD_WEIGHTS, BYOL__BF16);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_is_the_definition),
        cmocka_unit_test(data_gradient_is_the_definition),
        cmocka_unit_test(weight_gradient_is_the_definition),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
