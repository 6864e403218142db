/* Winograd's convolution in its three passes against the definition of a convolution, summed in
 * double. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include <omp.h>

#include "base/bf16.h"
#include "base/memory.h"
#include "dnn/winograd.h"
#include "floats.h"

typedef struct problem {
    const char *name;
    byol__contraction_desc d;
    byol__layout src_layout, dst_layout;
    size_t weight_count;
    float *src, *dst, *weights, *bias; /* plain: (n, c, h, w), (oc, ic, 3, 3) */
    void *blocked_src, *blocked_dst;   /* as bound */
    float *staged;
    float *scale, *shift; /* (padded channels of src) or NULL */
    bool gather;          /* moments, into `room` */
    float *room;
    byol__moments moments;
    int part_pixels[2048];
    void *scratch;
} problem;

/* name, n, ic, oc, h, w, padding, stride, format */
static const struct {
    const char *name;
    int n, ic, oc, h, w, padding, stride;
    byol__format format;
} shapes[] = {
    {"whole tiles", 2, 16, 16, 8, 8, 1, 1, BYOL__NCHW8},
    {"tiles cut off on both sides", 3, 8, 24, 7, 10, 1, 1, BYOL__NCHW8},
    {"one tile larger than the picture", 5, 16, 8, 3, 3, 1, 1, BYOL__NCHW8},
    {"channels that do not fill a block", 2, 20, 13, 6, 6, 1, 1, BYOL__NCHW8},
    {"wide blocks", 2, 32, 48, 9, 9, 1, 1, BYOL__NCHW16},
    {"channels last", 2, 32, 16, 12, 5, 1, 1, BYOL__NHWC},
    {"no padding", 2, 16, 16, 14, 14, 0, 1, BYOL__NCHW8},
    {"full padding", 2, 16, 16, 10, 10, 2, 1, BYOL__NCHW8},
    {"more tiles in a row than are read together", 1, 8, 8, 6, 70, 1, 1, BYOL__NCHW8},
    {"stride 2", 2, 16, 32, 16, 16, 1, 2, BYOL__NCHW8},
    {"stride 2, odd sides", 3, 16, 8, 15, 9, 1, 2, BYOL__NCHW8},
    {"stride 2, channels that do not fill a block", 2, 20, 13, 14, 16, 1, 2, BYOL__NCHW16},
    {"stride 2, more tiles in a row than are read together", 1, 8, 8, 10, 75, 1, 2, BYOL__NCHW8},
    {"stride 2, channels last", 3, 8, 40, 7, 30, 1, 2, BYOL__NHWC},
    {"stride 2, more panels than one group holds", 1, 208, 224, 8, 8, 1, 2, BYOL__NCHW16},
    {"more panels than one group holds", 1, 304, 320, 4, 4, 1, 1, BYOL__NCHW16},
    {"an output written past the caches", 1, 8, 8, 365, 366, 1, 1, BYOL__NCHW8},
    {"stride 2, an output written past the caches", 1, 8, 8, 363, 365, 1, 2, BYOL__NCHW8},
    {"wide blocks, an output written past the caches", 1, 16, 16, 257, 261, 1, 1, BYOL__NCHW16},
    {"channels last, an output written past the caches", 1, 16, 16, 259, 257, 1, 1, BYOL__NHWC},
};
enum { ALL = sizeof shapes / sizeof *shapes, LARGE = ALL - 4, SHAPES = LARGE };

static byol__layout plain(const byol__layout *layout) {
    byol__layout p = *layout;
    p.dtype = BYOL__F32;
    p.format = BYOL__NCHW;
    return p;
}

/* Numbers that dtype has. */
static float *numbers(byol__dtype dtype, size_t count, uint32_t index) {
    float *values = random_floats(count, 7, index);
    if (dtype == BYOL__BF16) byol__bf16_round(values, count);
    return values;
}

static void *blocked(const byol__layout *layout, const float *values) {
    void *memory;
    byol__layout from = plain(layout);
    check(byol__alloc(&memory, byol__layout_bytes(layout), 1, "test", &error));
    byol__layout_convert(layout, memory, &from, values);
    return memory;
}

static void open_problem_in(problem *p, int shape, byol__pass pass, byol__dtype dtype) {
    *p = (problem){.name = shapes[shape].name};
    int stride = shapes[shape].stride, padding = shapes[shape].padding;
    int oh = (shapes[shape].h + 2 * padding - 3) / stride + 1,
        ow = (shapes[shape].w + 2 * padding - 3) / stride + 1;
    p->d = (byol__contraction_desc){.pass = pass,
                                    .dtype = dtype,
                                    .n = shapes[shape].n,
                                    .ic = shapes[shape].ic,
                                    .ih = shapes[shape].h,
                                    .iw = shapes[shape].w,
                                    .oc = shapes[shape].oc,
                                    .oh = oh,
                                    .ow = ow,
                                    .kernel = 3,
                                    .stride = stride,
                                    .padding = padding,
                                    .groups = 1,
                                    .src_format = shapes[shape].format,
                                    .dst_format = shapes[shape].format};
    p->src_layout = (byol__layout){dtype, p->d.src_format, p->d.n, p->d.ic, p->d.ih, p->d.iw};
    p->dst_layout = (byol__layout){dtype, p->d.dst_format, p->d.n, p->d.oc, oh, ow};
    p->weight_count = (size_t)p->d.oc * (size_t)p->d.ic * 9;
    byol__layout src = plain(&p->src_layout), dst = plain(&p->dst_layout);
    p->src = numbers(dtype, byol__layout_elements(&src), 1);
    p->dst = numbers(dtype, byol__layout_elements(&dst), 2);
    p->weights = numbers(dtype, p->weight_count, 3);
    p->bias = random_floats((size_t)p->d.oc, 7, 4);
    p->blocked_src = blocked(&p->src_layout, p->src);
    p->blocked_dst = blocked(&p->dst_layout, p->dst);
}

static void open_problem(problem *p, int shape, byol__pass pass) {
    open_problem_in(p, shape, pass, BYOL__F32);
}

static void close_problem(problem *p) {
    void *owned[] = {p->src,         p->dst,    p->weights, p->bias,  p->blocked_src,
                     p->blocked_dst, p->staged, p->scale,   p->shift, p->room};
    for (size_t i = 0; i < sizeof owned / sizeof *owned; i++) byol__free(owned[i]);
    byol__free(p->scratch);
}

static void gather(problem *p, byol__winograd *w) {
    p->room = floats(byol__winograd_moments_bytes(w) / sizeof(float));
    memset(p->room, 0xff, byol__winograd_moments_bytes(w)); /* NaN */
    p->moments = *byol__winograd_gather_moments(w, p->room);
    assert_in_range(p->moments.parts, 1, sizeof p->part_pixels / sizeof *p->part_pixels);
    memcpy(p->part_pixels, p->moments.pixels, (size_t)p->moments.parts * sizeof *p->part_pixels);
}

/* Runs the pass; its result replaces the plain src, dst or weights (there: is added to). */
static void run(problem *p) {
    byol__winograd *w;
    if (!byol__winograd_fits(&p->d)) fail_msg("%s: refused", p->name);
    check(byol__winograd_create(&w, &p->d, &error));
    byol__free(p->staged);
    byol__free(p->scratch);
    p->staged = floats(byol__winograd_weights_bytes(w) / sizeof(float));
    check(byol__alloc(&p->scratch, byol__winograd_scratch_bytes(w), 1, "scratch", &error));
    memset(p->scratch, 0xff,
           byol__winograd_scratch_bytes(w)); /* NaN: it must not read what it has not written */
    byol__winograd_bind(w, p->blocked_src, p->staged, p->bias, p->blocked_dst, p->scratch);
    byol__winograd_norm_input(w, p->scale, p->shift);
    if (p->gather) gather(p, w);
    if (p->d.pass != BYOL__BACKWARD_WEIGHTS) byol__winograd_stage(w, p->weights);
    byol__winograd_run(w);
    if (p->d.pass == BYOL__BACKWARD_WEIGHTS) byol__winograd_collect(w, p->weights);
    byol__layout src = plain(&p->src_layout), dst = plain(&p->dst_layout);
    if (p->d.pass == BYOL__FORWARD)
        byol__layout_convert(&dst, p->dst, &p->dst_layout, p->blocked_dst);
    if (p->d.pass == BYOL__BACKWARD_DATA)
        byol__layout_convert(&src, p->src, &p->src_layout, p->blocked_src);
    byol__winograd_free(w);
}

/* The definition: every product of a convolution, added where the pass wants it. */
static void direct(const problem *p, const float *src, const float *dst, const float *weights,
                   double *out) {
    const byol__contraction_desc *d = &p->d;
    for (int n = 0; n < d->n; n++)
        for (int oc = 0; oc < d->oc; oc++)
            for (int y = 0; y < d->oh; y++)
                for (int x = 0; x < d->ow; x++)
                    for (int ic = 0; ic < d->ic; ic++)
                        for (int tap = 0; tap < 9; tap++) {
                            int sy = y * d->stride + tap / 3 - d->padding,
                                sx = x * d->stride + tap % 3 - d->padding;
                            if (sy < 0 || sy >= d->ih || sx < 0 || sx >= d->iw) continue;
                            size_t s = (size_t)(((n * d->ic + ic) * d->ih + sy) * d->iw + sx);
                            size_t t = (size_t)(((n * d->oc + oc) * d->oh + y) * d->ow + x);
                            size_t w = ((size_t)oc * (size_t)d->ic + (size_t)ic) * 9 + (size_t)tap;
                            if (d->pass == BYOL__FORWARD)
                                out[t] += (double)src[s] * (double)weights[w];
                            if (d->pass == BYOL__BACKWARD_DATA)
                                out[s] += (double)dst[t] * (double)weights[w];
                            if (d->pass == BYOL__BACKWARD_WEIGHTS)
                                out[w] += (double)src[s] * (double)dst[t];
                        }
}

/* Root of the mean square error against that of the result itself; what bf16 must round is not an
 * error. */
static void assert_near(const problem *p, const float *values, const double *truth, size_t count) {
    double off = 0, size = 0;
    bool rounds = p->d.dtype == BYOL__BF16 && p->d.pass != BYOL__BACKWARD_WEIGHTS;
    for (size_t i = 0; i < count; i++) {
        double excess = fabs((double)values[i] - truth[i]) - (rounds ? 0x1p-8 * fabs(truth[i]) : 0);
        off += excess > 0 ? excess * excess : 0;
        size += truth[i] * truth[i];
    }
    if (!(sqrt(off / size) < 2e-6)) fail_msg("%s: error %.1e", p->name, sqrt(off / size));
}

/* Asks for relu(scale src + shift) to be read, and does that to the plain src for the definition.
 */
static void norm_input(problem *p) {
    size_t channels = (size_t)p->d.ic, spatial = (size_t)(p->d.ih * p->d.iw),
           count = (size_t)p->d.n * channels * spatial;
    float *numbers = random_floats(2 * channels, 7, 5);
    p->scale = floats((channels + 15) / 16 * 16);
    p->shift = floats((channels + 15) / 16 * 16);
    memcpy(p->scale, numbers, channels * sizeof(float));
    memcpy(p->shift, numbers + channels, channels * sizeof(float));
    byol__free(numbers);
    for (size_t i = 0; i < count; i++) {
        float value =
            p->src[i] * p->scale[i / spatial % channels] + p->shift[i / spatial % channels];
        p->src[i] = value > 0 ? value : 0;
    }
}

/* What the pass writes, as plain numbers. */
static float *result_of(const problem *p, size_t *count) {
    byol__layout src = plain(&p->src_layout), dst = plain(&p->dst_layout);
    *count = p->d.pass == BYOL__FORWARD         ? byol__layout_elements(&dst)
             : p->d.pass == BYOL__BACKWARD_DATA ? byol__layout_elements(&src)
                                                : p->weight_count;
    return p->d.pass == BYOL__FORWARD         ? p->dst
           : p->d.pass == BYOL__BACKWARD_DATA ? p->src
                                              : p->weights;
}

static void assert_shape_is_the_definition(int shape, byol__pass pass, byol__dtype dtype,
                                           bool normed) {
    problem p;
    size_t count;
    double *truth;
    open_problem_in(&p, shape, pass, dtype);
    if (normed) norm_input(&p);
    const float *result = result_of(&p, &count);
    check(byol__alloc(&truth, count, sizeof *truth, "test", &error));
    for (size_t w = 0; w < count && pass == BYOL__BACKWARD_WEIGHTS; w++)
        truth[w] = (double)result[w];
    direct(&p, p.src, p.dst, p.weights, truth);
    run(&p);
    assert_near(&p, result, truth, count);
    byol__free(truth);
    close_problem(&p);
}

static void assert_is_the_definition(byol__pass pass, byol__dtype dtype, bool normed) {
    for (int shape = 0; shape < SHAPES; shape++)
        assert_shape_is_the_definition(shape, pass, dtype, normed);
}

static void forward_is_a_convolution(void **state) {
    (void)state;
    assert_is_the_definition(BYOL__FORWARD, BYOL__F32, false);
}

static void backward_by_data_is_its_transpose(void **state) {
    (void)state;
    assert_is_the_definition(BYOL__BACKWARD_DATA, BYOL__F32, false);
}

static void backward_by_weights_adds_the_gradient(void **state) {
    (void)state;
    assert_is_the_definition(BYOL__BACKWARD_WEIGHTS, BYOL__F32, false);
}

static void a_batch_norm_is_applied_on_reading(void **state) {
    (void)state;
    assert_is_the_definition(BYOL__FORWARD, BYOL__F32, true);
    assert_is_the_definition(BYOL__BACKWARD_WEIGHTS, BYOL__F32, true);
}

/* These are not sums over the pixels, whose error would grow with the picture. */
static void what_is_written_past_the_caches_arrives(void **state) {
    (void)state;
    for (int shape = LARGE; shape < ALL; shape++)
        for (int dtype = BYOL__F32; dtype <= BYOL__BF16; dtype++) {
            assert_shape_is_the_definition(shape, BYOL__FORWARD, (byol__dtype)dtype, true);
            assert_shape_is_the_definition(shape, BYOL__BACKWARD_DATA, (byol__dtype)dtype, false);
        }
}

/* Widened as it is read, rounded once as it is written. */
static void bf16_is_rounded_where_it_is_kept(void **state) {
    (void)state;
    assert_is_the_definition(BYOL__FORWARD, BYOL__BF16, false);
    assert_is_the_definition(BYOL__FORWARD, BYOL__BF16, true);
    assert_is_the_definition(BYOL__BACKWARD_DATA, BYOL__BF16, false);
    assert_is_the_definition(BYOL__BACKWARD_WEIGHTS, BYOL__BF16, true);
}

static void bias_and_relu_come_with_it(void **state) {
    (void)state;
    problem p, with;
    open_problem(&p, 1, BYOL__FORWARD);
    open_problem(&with, 1, BYOL__FORWARD);
    with.d.bias = with.d.relu = true;
    run(&p);
    run(&with);
    int spatial = p.d.oh * p.d.ow;
    for (int i = 0; i < p.d.n * p.d.oc * spatial; i++) {
        float sum = p.dst[i] + p.bias[i / spatial % p.d.oc];
        assert_float_equal(with.dst[i], sum > 0 ? sum : 0, 1e-5);
    }
    close_problem(&p);
    close_problem(&with);
}

/* Mean and variance of a channel from the parts, each about its own value near the mean. */
static void from_parts(const problem *p, int channel, double *mean, double *variance) {
    const byol__moments *m = &p->moments;
    double pixels = 0, sum = 0, squares = 0;
    for (int part = 0; part < m->parts; part++) {
        const float *at = p->room + (size_t)part * 3 * (size_t)m->channels + channel;
        double near = (double)at[0], off = (double)at[m->channels],
               square = (double)at[2 * m->channels];
        pixels += p->part_pixels[part];
        sum += p->part_pixels[part] * near + off;
        squares += square + 2 * near * off + p->part_pixels[part] * near * near;
    }
    assert_true(pixels == (double)p->d.n * p->d.oh * p->d.ow);
    *mean = sum / pixels;
    *variance = squares / pixels - *mean * *mean;
}

static void moments_are_those_of_what_is_written(void **state) {
    (void)state;
    for (int which = 0; which < 2 * ALL; which++) {
        problem p;
        open_problem_in(&p, which / 2, BYOL__FORWARD, which % 2 == 0 ? BYOL__F32 : BYOL__BF16);
        p.gather = true;
        run(&p);
        int spatial = p.d.oh * p.d.ow;
        for (int c = 0; c < p.d.oc; c++) {
            double sum = 0, square = 0, count = (double)p.d.n * spatial, mean, variance;
            for (int i = 0; i < p.d.n * spatial; i++) {
                double value = (double)p.dst[(i / spatial * p.d.oc + c) * spatial + i % spatial];
                sum += value;
                square += value * value;
            }
            from_parts(&p, c, &mean, &variance);
            double truth = square / count - sum / count * sum / count;
            assert_true(fabs(mean - sum / count) < 1e-5 * sqrt(truth));
            assert_true(fabs(variance - truth) < 1e-5 * truth);
        }
        close_problem(&p);
    }
}

/* The padding of the last block is read by whatever comes next. */
static void padding_channels_stay_zero(void **state) {
    (void)state;
    problem p;
    open_problem(&p, 3, BYOL__FORWARD);
    memset(p.blocked_dst, 0xff, byol__layout_bytes(&p.dst_layout));
    run(&p);
    byol__strides s = byol__layout_strides(&p.dst_layout);
    const float *written = p.blocked_dst;
    for (int n = 0; n < s.n; n++)
        for (int i = 0; i < s.spatial; i++)
            for (int c = p.d.oc; c < s.blocks * s.lanes; c++)
                assert_true(
                    written[(size_t)n * s.stride_n + (size_t)(c / s.lanes) * s.stride_block +
                            (size_t)i * s.stride_s + (size_t)(c % s.lanes)] == 0);
    close_problem(&p);
}

static void data_do_not_depend_on_the_number_of_threads(void **state) {
    (void)state;
    int before = omp_get_max_threads();
    problem one, three;
    open_problem(&one, 1, BYOL__FORWARD);
    open_problem(&three, 1, BYOL__FORWARD);
    one.gather = three.gather = true;
    omp_set_num_threads(1);
    run(&one);
    omp_set_num_threads(3);
    run(&three);
    omp_set_num_threads(before);
    assert_memory_equal(one.blocked_dst, three.blocked_dst, byol__layout_bytes(&one.dst_layout));
    assert_int_equal(one.moments.parts, three.moments.parts);
    for (int c = 0; c < one.d.oc; c++) {
        double mean[2], variance[2];
        from_parts(&one, c, &mean[0], &variance[0]);
        from_parts(&three, c, &mean[1], &variance[1]);
        assert_true(mean[0] == mean[1] && variance[0] == variance[1]);
    }
    close_problem(&one);
    close_problem(&three);
}

static void what_it_cannot_do_is_left_to_onednn(void **state) {
    (void)state;
    problem p;
    open_problem(&p, 0, BYOL__FORWARD);
    assert_true(byol__winograd_fits(&p.d));
    byol__contraction_desc d = p.d;
    d.stride = 3;
    assert_false(byol__winograd_fits(&d));
    d = p.d;
    d.kernel = 5;
    assert_false(byol__winograd_fits(&d));
    d = p.d;
    d.groups = 2;
    assert_false(byol__winograd_fits(&d));
    d = p.d;
    d.src_format = BYOL__NCHW;
    assert_false(byol__winograd_fits(&d));
    d = p.d; /* a tile of 36 products for four pixels of 9 saves nothing */
    d.ih = d.iw = d.oh = d.ow = 2;
    assert_false(byol__winograd_fits(&d));
    close_problem(&p);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(forward_is_a_convolution),
        cmocka_unit_test(backward_by_data_is_its_transpose),
        cmocka_unit_test(backward_by_weights_adds_the_gradient),
        cmocka_unit_test(bf16_is_rounded_where_it_is_kept),
        cmocka_unit_test(bias_and_relu_come_with_it),
        cmocka_unit_test(a_batch_norm_is_applied_on_reading),
        cmocka_unit_test(what_is_written_past_the_caches_arrives),
        cmocka_unit_test(moments_are_those_of_what_is_written),
        cmocka_unit_test(padding_channels_stay_zero),
        cmocka_unit_test(data_do_not_depend_on_the_number_of_threads),
        cmocka_unit_test(what_it_cannot_do_is_left_to_onednn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
