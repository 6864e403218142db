/* Every operation of a plan against finite differences: the loss is a fixed random combination of
 * the output, and the derivative along a random direction of each parameter row is compared with
 * the gradient. What an operation hands back to its source is seen in the gradients of the layers
 * before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "floats.h"
#include "nets/nets.h"
#include "ops/ops.h"
#include "plan/unit.h"

typedef struct bench {
    byol__graph graph;
    byol__plan *plan;
    int batch, outputs;
    float *params, *grads, *statistics, *images, *combination, *result;
    void *workspace;
} bench;

/* Plans that are opened make the input's gradient too. */
static bool wants_input_diff;

static void bench_open(bench *b, int batch, byol__dtype dtype, byol__format format) {
    check(byol__graph_finish(&b->graph, &error));
    byol__plan_options options = {.batch = batch,
                                  .dtype = dtype,
                                  .mode = BYOL__TRAIN,
                                  .output = BYOL__PREDICTION,
                                  .input_diff = wants_input_diff,
                                  .format = format};
    check(byol__plan_create(&b->plan, &b->graph, &options, &error));
    byol__plan_info info;
    byol__plan_describe(b->plan, &info);
    byol__shape in = b->graph.values[0].shape,
                out = b->graph.values[b->graph.output[BYOL__PREDICTION]].shape;
    b->batch = batch;
    b->outputs = batch * out.c * out.h * out.w;
    b->params = random_floats(b->graph.params.total, 3, 1);
    byol__params_init(&b->graph.params, 5, b->params);
    b->images = random_floats((size_t)(batch * in.c * in.h * in.w), 3, 2);
    b->combination = random_floats((size_t)b->outputs, 3, 3);
    b->result = random_floats((size_t)b->outputs, 3, 4);
    b->grads = random_floats(b->graph.params.total, 3, 5);
    b->statistics = random_floats(b->graph.statistics.total, 3, 6);
    byol__params_init(&b->graph.statistics, 0, b->statistics);
    check(byol__alloc(&b->workspace, info.workspace_bytes, 1, "workspace", &error));
    memset(b->workspace, 0xff, info.workspace_bytes); /* NaN: what is read must have been written */
    byol__binding binding = {b->params, b->grads, b->statistics, b->workspace};
    check(byol__plan_bind(b->plan, &binding, &error));
    byol__plan_draw(b->plan, &(byol__draw){7, 3, 1});
    /* Biases, scales and shifts that are not 0 and 1. */
    for (int i = 0; i < b->graph.params.count; i++) {
        const byol__param *row = &b->graph.params.rows[i];
        float *noise = random_floats(row->count, 3, (uint32_t)(100 + i));
        if (row->ndims == 1)
            for (size_t j = 0; j < row->count; j++) b->params[row->offset + j] += 0.3f * noise[j];
        byol__free(noise);
    }
}

static void bench_close(bench *b) {
    byol__plan_free(b->plan);
    byol__graph_release(&b->graph);
    byol__free(b->params);
    byol__free(b->grads);
    byol__free(b->statistics);
    byol__free(b->images);
    byol__free(b->combination);
    byol__free(b->result);
    byol__free(b->workspace);
}

static double loss(bench *b) {
    byol__plan_stage(b->plan, NULL);
    byol__plan_forward(b->plan, b->images, NULL);
    byol__plan_read(b->plan, BYOL__PREDICTION, b->result);
    double sum = 0;
    for (int i = 0; i < b->outputs; i++) sum += (double)b->result[i] * (double)b->combination[i];
    return sum;
}

static double along(bench *b, const byol__param *row, const float *direction, double step) {
    float *kept = random_floats(row->count, 3, 0), *values = b->params + row->offset;
    memcpy(kept, values, row->count * sizeof *kept);
    for (size_t i = 0; i < row->count; i++)
        values[i] = kept[i] + (float)(step * (double)direction[i]);
    double result = loss(b);
    memcpy(values, kept, row->count * sizeof *kept);
    byol__free(kept);
    return result;
}

/* Fourth-order central difference: errors of step^4, so that the step can be large against fp32's
 * rounding. */
static double difference(bench *b, const byol__param *row, const float *direction, double step) {
    double one = along(b, row, direction, step) - along(b, row, direction, -step);
    double two = along(b, row, direction, 2 * step) - along(b, row, direction, -2 * step);
    return (8 * one - two) / (12 * step);
}

/* The measured derivative carries fp32's rounding of the outputs, divided by the step. */
static double rounding(const bench *b, double step) {
    double square = 0;
    for (int i = 0; i < b->outputs; i++)
        square += pow((double)b->result[i] * (double)b->combination[i], 2);
    return 4 * 0x1p-24 * sqrt(square) / step;
}

enum { DIRECTIONS = 12 };

/* Along a random direction: 1 right, 0 wrong, -1 where a kink (ReLU, max) lies within the step,
 * seen by two steps that disagree. */
static int direction_agrees(bench *b, const byol__param *row, uint32_t number, double tolerance,
                            char *text, size_t size) {
    const double step = 0.001;
    float *direction = random_floats(row->count, 3, number);
    double length = 0, product = 0, norm = 0;
    for (size_t i = 0; i < row->count; i++) length += (double)direction[i] * (double)direction[i];
    for (size_t i = 0; i < row->count; i++) {
        direction[i] /= (float)sqrt(length);
        product += (double)direction[i] * (double)b->grads[row->offset + i];
        norm += (double)b->grads[row->offset + i] * (double)b->grads[row->offset + i];
    }
    double measured = difference(b, row, direction, step),
           half = difference(b, row, direction, step / 2);
    byol__free(direction);
    double allowed = tolerance * sqrt(norm) + rounding(b, step / 2);
    snprintf(text, size,
             "%s: gradient along a direction is %g, measured %g and %g (norm %g, allowed %g)",
             row->name, product, measured, half, sqrt(norm), allowed);
    /* Many small kinks act as an error in proportion to the step: what halving it changes is what
     * is left of it. */
    if (fabs(measured - half) > allowed / 2) return -1;
    return fabs(half - product) <= allowed;
}

static void gradients_match(bench *b, double tolerance) {
    char text[256];
    loss(b);
    memset(b->grads, 0, b->graph.params.total * sizeof *b->grads);
    byol__plan_backward(b->plan, b->combination, NULL);
    for (int r = 0; r < b->graph.params.count; r++) {
        int smooth = 0;
        for (uint32_t d = 0; d < DIRECTIONS && smooth < 3; d++) {
            uint32_t number = 1000 + (uint32_t)r * DIRECTIONS + d;
            int agrees =
                direction_agrees(b, &b->graph.params.rows[r], number, tolerance, text, sizeof text);
            if (agrees == 0) fail_msg("%s", text);
            smooth += agrees > 0;
        }
        if (smooth == 0) fail_msg("kinks in all directions; the last: %s", text);
    }
}

typedef byol__value_id network(byol__graph *graph, byol__value_id input);

/* An operation of the list that is being tested reads integers. */
static bool given_integers;
enum { LENGTH = 12, VOCABULARY = 80 };

static void open_network(bench *b, network *build, int c, int size, int batch, byol__dtype dtype,
                         byol__format format) {
    byol__graph_init(&b->graph);
    byol__value_id x = given_integers ? byol__graph_tokens(&b->graph, LENGTH)
                                      : byol__graph_input(&b->graph, c, size, size);
    byol__graph_mark(&b->graph, BYOL__PREDICTION, "prediction", build(&b->graph, x));
    bench_open(b, batch, dtype, format);
    int32_t *tokens = (int32_t *)(void *)b->images; /* of the same size */
    for (int i = 0; given_integers && i < batch * LENGTH; i++) {
        bool is_padding = i % LENGTH >= LENGTH - i / LENGTH % 4;
        tokens[i] = is_padding ? 0 : 1 + i * 7 % (VOCABULARY - 1);
    }
}

static void run_network_as(byol__format format, network *build, int c, int size, int batch,
                           double tolerance) {
    bench b = {0};
    open_network(&b, build, c, size, batch, BYOL__F32, format);
    gradients_match(&b, tolerance);
    bench_close(&b);
}

static void run_network(network *build, int c, int size, int batch, double tolerance) {
    run_network_as(BYOL__FORMAT_ANY, build, c, size, batch, tolerance);
}

static byol__value_id conv_kinds(byol__graph *g, byol__value_id x) {
    x = byol__graph_conv(g, "a", x, 16, 3, 1, 1, 1, 1);
    x = byol__graph_conv(g, "b", x, 24, 5, 2, 2, 1, 0);
    x = byol__graph_conv(g, "c", x, 16, 1, 1, 0, 1, 1);
    return byol__graph_conv(g, "d", x, 8, 2, 2, 0, 1, 0);
}

static byol__value_id grouped_convs(byol__graph *g, byol__value_id x) {
    x = byol__graph_conv(g, "a", x, 16, 3, 1, 1, 1, 0);
    x = byol__graph_conv(g, "groups", x, 16, 3, 1, 1, 2, 1);
    return byol__graph_conv(g, "depthwise", x, 16, 3, 2, 1, 16, 0);
}

static byol__value_id batch_norm(byol__graph *g, byol__value_id x) {
    x = byol__graph_conv(g, "conv", x, 16, 3, 1, 1, 1, 0);
    x = byol__graph_batch_norm(g, "bn", x);
    return byol__graph_conv(g, "behind", x, 8, 1, 1, 0, 1, 0);
}

static byol__value_id odd_channels(byol__graph *g, byol__value_id x) {
    x = byol__graph_conv(g, "conv", x, 5, 3, 1, 1, 1, 0);
    x = byol__graph_relu(g, byol__graph_batch_norm(g, "bn", x));
    x = byol__graph_conv(g, "behind", x, 11, 3, 1, 1, 1, 0);
    x = byol__graph_batch_norm(g, "bn2", x);
    return byol__graph_linear(g, "fc", byol__graph_global_avg_pool(g, x), 7, 1);
}

static byol__value_id residual_block(byol__graph *g, byol__value_id x) {
    x = byol__graph_conv(g, "stem", x, 16, 3, 1, 1, 1, 0);
    x = byol__graph_relu(g, byol__graph_batch_norm(g, "bn0", x));
    byol__value_id y =
        byol__graph_batch_norm(g, "bn1", byol__graph_conv(g, "conv1", x, 16, 3, 1, 1, 1, 0));
    x = byol__graph_relu(g, byol__graph_add(g, y, x));
    y = byol__graph_batch_norm(g, "bn2", byol__graph_conv(g, "conv2", x, 32, 3, 2, 1, 1, 0));
    byol__value_id shortcut =
        byol__graph_batch_norm(g, "bn3", byol__graph_conv(g, "conv3", x, 32, 1, 2, 0, 1, 0));
    return byol__graph_relu(g, byol__graph_add(g, y, shortcut));
}

static byol__value_id bare_additions(byol__graph *g, byol__value_id x) {
    x = byol__graph_conv(g, "conv", x, 16, 3, 1, 1, 1, 1);
    byol__value_id y = byol__graph_relu(g, x);
    y = byol__graph_add(g, y, x);
    y = byol__graph_add(g, y, y);
    y = byol__graph_add(g, x, byol__graph_add(g, y, x));
    return byol__graph_conv(g, "behind", y, 8, 1, 1, 0, 1, 0);
}

static byol__value_id max_pool(byol__graph *g, byol__value_id x) {
    x = byol__graph_conv(g, "conv", x, 16, 3, 1, 1, 1, 1);
    x = byol__graph_max_pool(g, x, 3, 2, 1);
    return byol__graph_conv(g, "behind", byol__graph_max_pool(g, x, 2, 2, 0), 8, 1, 1, 0, 1, 0);
}

/* Six channels: in blocks of 16 most of a block is padding, whole vectors of it. */
static byol__value_id pools_of_few_channels(byol__graph *g, byol__value_id x) {
    x = byol__graph_conv(g, "conv", x, 6, 3, 1, 1, 1, 1);
    x = byol__graph_avg_pool(g, byol__graph_max_pool(g, x, 3, 2, 1), 3, 1, 1);
    return byol__graph_conv(g, "behind", x, 8, 3, 1, 1, 1, 0);
}

static byol__value_id average_pools(byol__graph *g, byol__value_id x) {
    x = byol__graph_conv(g, "conv", x, 12, 3, 1, 1, 1, 1);
    x = byol__graph_avg_pool(g, x, 3, 2, 1);
    return byol__graph_linear(g, "fc", byol__graph_global_avg_pool(g, x), 6, 0);
}

static byol__value_id flatten_and_head(byol__graph *g, byol__value_id x) {
    x = byol__graph_relu(g, byol__graph_conv(g, "conv", x, 12, 3, 2, 1, 1, 1));
    x = byol__graph_linear(g, "fc1", byol__graph_flatten(g, x), 20, 1);
    x = byol__graph_relu(g, byol__graph_batch_norm(g, "bn", x));
    return byol__graph_linear(g, "fc2", x, 9, 0);
}

/* Nothing before the convolution is trained: the pool and the ReLU do not run backward. */
static byol__value_id nothing_to_train_at_first(byol__graph *g, byol__value_id x) {
    x = byol__graph_relu(g, byol__graph_avg_pool(g, x, 2, 2, 0));
    return byol__graph_conv(g, "conv", x, 8, 3, 1, 1, 1, 1);
}

/* The norm joins the addition, and its own source is the input. */
static byol__value_id norm_of_the_input(byol__graph *g, byol__value_id x) {
    byol__value_id y = byol__graph_conv(g, "conv", x, 3, 3, 1, 1, 1, 1);
    y = byol__graph_relu(g, byol__graph_add(g, byol__graph_batch_norm(g, "bn", x), y));
    return byol__graph_conv(g, "behind", y, 8, 1, 1, 0, 1, 0);
}

static void a_norm_of_the_input_gives_its_gradient_to_the_shortcut_alone(void **state) {
    (void)state;
    run_network_as(BYOL__NHWC, norm_of_the_input, 3, 6, 6, 5e-3);
}

static byol__value_id gelus(byol__graph *g, byol__value_id x) {
    x = byol__graph_gelu(g, byol__graph_conv(g, "conv", x, 5, 3, 1, 1, 1, 1), true);
    return byol__graph_gelu(g, byol__graph_conv(g, "behind", x, 3, 1, 1, 0, 1, 1), false);
}

static void gelus_exact_and_by_tanh(void **state) {
    (void)state;
    run_network(gelus, 3, 5, 3, 2e-3);
}

static byol__value_id largest_of_sentences(byol__graph *g, byol__value_id tokens) {
    byol__value_id x = byol__graph_embedding(g, "words", tokens, VOCABULARY, 16);
    byol__graph_spread(g, x, 1);
    x = byol__graph_token_linear(g, "first", x, 24, 1);
    return byol__graph_linear(g, "head", byol__graph_max_token(g, x, &tokens), 5, 1);
}

/* A small transformer on rows of tokens, some of which are padding. */
static byol__value_id sentences(byol__graph *g, byol__value_id tokens) {
    byol__value_id x = byol__graph_embedding(g, "words", tokens, VOCABULARY, 16);
    x = byol__graph_places(g, "places", x, LENGTH + 3);
    byol__value_id y = byol__graph_layer_norm(g, "norm1", x, 1e-5f);
    byol__value_id q = byol__graph_token_linear(g, "q", y, 16, 1),
                   k = byol__graph_token_linear(g, "k", y, 16, 1),
                   v = byol__graph_token_linear(g, "v", y, 16, 1);
    x = byol__graph_add(g, x, byol__graph_attention(g, "attention", q, k, v, 4, 0, &tokens));
    y = byol__graph_layer_norm(g, "norm2", x, 1e-5f);
    y = byol__graph_gelu(g, byol__graph_token_linear(g, "fc1", y, 24, 1), false);
    x = byol__graph_add(g, x, byol__graph_token_linear(g, "fc2", y, 16, 1));
    return byol__graph_linear(g, "head", byol__graph_mean_token(g, x, &tokens), 5, 1);
}

/* Attention of low rank with noise on its weights: one matrix for keys and values, or one for each
 * head. A bare layer norm and dropout of whole samples are on the way. */
static byol__value_id low_rank_sentences(byol__graph *g, byol__value_id tokens) {
    byol__value_id x = byol__graph_embedding(g, "words", tokens, VOCABULARY, 16);
    for (int heads = 1; heads <= 4; heads += 3) {
        byol__value_id q = byol__graph_token_linear(g, heads == 1 ? "q1" : "q4", x, 16, 1),
                       k = byol__graph_token_linear(g, heads == 1 ? "k1" : "k4", x, 16, 1);
        const char *name = heads == 1 ? "shared" : "own";
        byol__value_id v = byol__graph_low_rank(g, name, x, 5, heads, &tokens);
        k = byol__graph_low_rank(g, name, k, 5, heads, &tokens);
        byol__value_id y = byol__graph_attention(g, "attention", q, k, v, 4, 0.3f, NULL);
        x = byol__graph_add(g, x, byol__graph_drop_path(g, y, 0.3f));
        x = byol__graph_bare_layer_norm(g, x, 1e-5f);
    }
    return byol__graph_linear(g, "head", byol__graph_mean_token(g, x, &tokens), 5, 1);
}

/* The same on a picture's patches, with a class token, by packed attention. */
static byol__value_id patches(byol__graph *g, byol__value_id images) {
    byol__value_id x = byol__graph_conv(g, "patches", images, 16, 2, 2, 0, 1, 1);
    x = byol__graph_class_token(g, "class", x);
    x = byol__graph_places(g, "places", x, 17);
    byol__value_id y =
        byol__graph_token_linear(g, "qkv", byol__graph_layer_norm(g, "norm1", x, 1e-6f), 48, 1);
    y = byol__graph_packed_attention(g, "attention", y, 2, NULL);
    x = byol__graph_add(g, x, byol__graph_token_linear(g, "proj", y, 16, 1));
    return byol__graph_linear(g, "head", byol__graph_first_token(g, x), 5, 1);
}

/* Columns of a picture as frames, their mean + maximum; and of a picture's positions. */
static byol__value_id spectrogram(byol__graph *g, byol__value_id x) {
    x = byol__graph_relu(g, byol__graph_conv(g, "conv", x, 6, 3, 1, 1, 1, 1));
    byol__value_id y = byol__graph_mean_max(g, byol__graph_conv(g, "side", x, 5, 1, 1, 0, 1, 1));
    x = byol__graph_frames(g, byol__graph_max_pool(g, x, 2, 2, 0));
    x = byol__graph_relu(g, byol__graph_token_linear(g, "fc", x, 10, 1));
    x = byol__graph_mean_max(g, byol__graph_token_linear(g, "fc2", x, 5, 1));
    return byol__graph_linear(g, "head", byol__graph_add(g, x, y), 4, 1);
}

static void frames_of_a_picture_and_their_mean_and_maximum(void **state) {
    (void)state;
    run_network(spectrogram, 1, 8, 4, 5e-3);
    run_network_as(BYOL__NCHW16, spectrogram, 1, 8, 4, 5e-3);
}

static void transformers_of_tokens_and_of_patches(void **state) {
    (void)state;
    given_integers = true;
    run_network(sentences, 0, 0, 6, 5e-3);
    run_network(low_rank_sentences, 0, 0, 6, 5e-3);
    run_network(largest_of_sentences, 0, 0, 6, 5e-3);
    given_integers = false;
    run_network(patches, 3, 8, 4, 5e-3);
}

/* What padding holds makes no difference: a token of number 0 is none. */
static void padding_is_not_looked_at(void **state) {
    (void)state;
    network *const networks[] = {sentences, low_rank_sentences, largest_of_sentences};
    double found[6];
    given_integers = true;
    for (int i = 0; i < 6; i++) {
        bench b = {0};
        open_network(&b, networks[i / 2], 0, 0, 6, BYOL__F32, BYOL__FORMAT_ANY);
        const byol__param *words = &b.graph.params.rows[0];
        for (size_t c = 0; c < 16; c++) b.params[words->offset + c] = i % 2 == 0 ? 0.0f : 100.0f;
        found[i] = loss(&b);
        bench_close(&b);
    }
    given_integers = false;
    for (int i = 0; i < 6; i += 2) assert_true(found[i] == found[i + 1]);
}

static void what_comes_before_all_parameters_does_not_run_backward(void **state) {
    (void)state;
    run_network(nothing_to_train_at_first, 3, 8, 4, 2e-3);
}

static void convolutions_of_all_kinds(void **state) {
    (void)state;
    run_network(conv_kinds, 3, 12, 4, 2e-3);
    run_network(conv_kinds, 1, 12, 4, 2e-3);
}
static void grouped_and_depthwise_convolutions(void **state) {
    (void)state;
    run_network(grouped_convs, 3, 8, 4, 2e-3);
}
static void batch_norm_with_batch_statistics(void **state) {
    (void)state;
    run_network(batch_norm, 3, 6, 6, 5e-3);
}
static void channels_that_fill_no_block(void **state) {
    (void)state;
    run_network(odd_channels, 3, 6, 8, 5e-3);
}
static void residual_blocks(void **state) {
    (void)state;
    run_network(residual_block, 3, 8, 8, 5e-3);
}
static void additions_without_batch_norm(void **state) {
    (void)state;
    run_network(bare_additions, 3, 6, 4, 5e-3);
}
static void max_pools_that_overlap_and_do_not(void **state) {
    (void)state;
    run_network(max_pool, 3, 12, 4, 5e-3);
}
static void average_pools_with_padding_and_global(void **state) {
    (void)state;
    run_network(average_pools, 3, 9, 4, 2e-3);
}
static void flatten_linear_and_batch_norm_of_vectors(void **state) {
    (void)state;
    run_network(flatten_and_head, 3, 8, 16, 5e-3);
}

/* ---- Whatever is registered ---- */

static const byol__op *tested;

static void test_op(const byol__op *op) {
    tested = op;
    given_integers = op->takes_integers;
}

static const byol__op *packed_attention(void) {
    extern const byol__op byol__op_packed_attention;
    return &byol__op_packed_attention;
}

/* A network around an operation as it stands in the list: the layers before it tell what it hands
 * back to its sources, and the one behind it gives it a gradient. */
static byol__value_id around_the_tested(byol__graph *g, byol__value_id x) {
    const byol__attributes attributes = {.out = 16,
                                         .kernel = 3,
                                         .stride = 1,
                                         .padding = 1,
                                         .groups = 1,
                                         .bias = true,
                                         .heads = 2,
                                         .vocabulary = VOCABULARY,
                                         .epsilon = 1e-5f,
                                         .rate = 0.25f,
                                         .noise = 0.2f,
                                         .rows = 5,
                                         .columns = 11};
    const char *const names[] = {"before", "other", "third"};
    byol__value_id src[3] = {x};
    int channels = tested == packed_attention() ? 48 : 16;
    for (int i = 0; i < tested->sources && !tested->takes_integers; i++) {
        src[i] = byol__graph_conv(g, names[i], x, channels, 3, 1, 1, 1, 1);
        if (tested->takes_vectors) src[i] = byol__graph_global_avg_pool(g, src[i]);
    }
    byol__value_id y = byol__graph_apply(g, tested, "tested", attributes, tested->sources, src);
    byol__shape shape = byol__graph_shape(g, y);
    if (shape.h == 1 && shape.w == 1) return byol__graph_linear(g, "behind", y, 7, 1);
    return byol__graph_conv(g, "behind", y, 8, 1, 1, 0, 1, 1);
}

static void every_registered_operation_has_its_gradient(void **state) {
    (void)state;
    for (int i = 0; byol__all_ops[i] != NULL; i++) {
        test_op(byol__all_ops[i]);
        print_message("%s\n", tested->kind);
        run_network(around_the_tested, 3, 8, 8, 5e-3);
        for (int format = BYOL__NCHW; format < BYOL__FORMATS; format++)
            run_network_as((byol__format)format, around_the_tested, 3, 8, 8, 5e-3);
    }
    given_integers = false;
}

static void every_registered_operation_says_what_it_must(void **state) {
    (void)state;
    for (int i = 0; byol__all_ops[i] != NULL; i++) {
        const byol__op *op = byol__all_ops[i];
        assert_non_null(op->kind);
        if (op->infer == NULL || op->compile == NULL || op->runs->forward == NULL ||
            op->runs->backward == NULL)
            fail_msg("%s lacks a function", op->kind);
        if (op->runs->reads == 0 && op->runs->reads_of == NULL)
            fail_msg("%s does not say what backward reads", op->kind);
        if (op->sources < 1 || op->sources > 3 || op->runs->diffs < 1)
            fail_msg("%s: sources or diffs", op->kind);
    }
}

/* ---- Integers ---- */

/* An op of the test's own: each number as a real one, a channel each. */
static byol__shape as_it_is(byol__graph *graph, const char *name, const byol__attributes *a,
                            byol__shape src) {
    (void)graph, (void)name, (void)a;
    return src;
}

static byol_status compile_reals(byol__compiler *c, byol__unit *unit) {
    c->plan->slots[unit->stage.dst].layout = byol__layout_for(c, unit->stage.dst, BYOL__NCHW);
    return BYOL_OK;
}

static byol_status make_reals(byol__plan *plan, byol__unit *unit, byol_error *why) {
    (void)why;
    const byol__layout *from = &plan->slots[unit->stage.src[0]].layout;
    assert_int_equal(from->dtype, BYOL__I32);
    const int32_t *src = byol__value_at(plan, unit->stage.src[0]);
    float *dst = byol__value_at(plan, unit->stage.dst);
    for (int i = 0; i < from->n * from->c; i++) dst[i] = (float)src[i];
    return BYOL_OK;
}

static byol_status no_gradient(byol__plan *plan, byol__unit *unit, byol_error *why) {
    (void)plan, (void)unit, (void)why;
    fail_msg("integers have no gradient");
    return BYOL_OK;
}

static const byol__runs real_runs = {
    .reads = BYOL__READS_NOTHING, .diffs = 1, .forward = make_reals, .backward = no_gradient};

static const byol__op as_reals = {.kind = "reals",
                                  .sources = 1,
                                  .takes_integers = true,
                                  .infer = as_it_is,
                                  .compile = compile_reals,
                                  .runs = &real_runs};

enum { TOKENS = 5, SENTENCES = 4 };

static byol__value_id classify(byol__graph *g, byol__value_id tokens) {
    byol__value_id x = byol__graph_apply(g, &as_reals, "reals", (byol__attributes){0}, 1, &tokens);
    return byol__graph_linear(g, "fc", x, 3, 1);
}

/* A network of integers learns as that of the same real numbers does. */
static void a_network_may_be_given_integers(void **state) {
    (void)state;
    bench b = {0};
    byol__graph_init(&b.graph);
    byol__value_id tokens = byol__graph_tokens(&b.graph, TOKENS);
    byol__graph_mark(&b.graph, BYOL__PREDICTION, "prediction", classify(&b.graph, tokens));
    bench_open(&b, SENTENCES, BYOL__F32, BYOL__FORMAT_ANY);
    int32_t *given = (int32_t *)(void *)b.images; /* of the same size */
    for (int i = 0; i < SENTENCES * TOKENS; i++) given[i] = i * 7 % 11 - 3;
    loss(&b);
    const byol__param *weight = &b.graph.params.rows[0], *bias = &b.graph.params.rows[1];
    for (int n = 0; n < SENTENCES; n++)
        for (int o = 0; o < 3; o++) {
            double sum = (double)b.params[bias->offset + (size_t)o];
            for (int i = 0; i < TOKENS; i++)
                sum += (double)given[n * TOKENS + i] *
                       (double)b.params[weight->offset + (size_t)(o * TOKENS + i)];
            assert_true(fabs((double)b.result[n * 3 + o] - sum) < 1e-4);
        }
    gradients_match(&b, 2e-3);
    bench_close(&b);
}

static void numbers_of_the_wrong_kind_are_refused(void **state) {
    (void)state;
    for (int wrong = 0; wrong < 2; wrong++) {
        byol__graph g;
        byol_error words = {0};
        byol__graph_init(&g);
        if (wrong == 0)
            byol__graph_linear(&g, "fc", byol__graph_tokens(&g, TOKENS), 3, 1);
        else
            classify(&g, byol__graph_input(&g, TOKENS, 1, 1));
        assert_int_equal(byol__graph_finish(&g, &words), BYOL_ERROR_MISMATCH);
        assert_non_null(strstr(words.text, "integers"));
        byol__graph_release(&g);
    }
}

/* Else its memory would be used again, and its gradients be wrong. */
static void an_operation_that_does_not_say_what_backward_reads_is_refused(void **state) {
    (void)state;
    byol__op silent = *byol__all_ops[0];
    byol__runs runs = *silent.runs;
    bench b = {0};
    runs.reads = 0;
    silent.runs = &runs;
    tested = &silent;
    byol__graph_init(&b.graph);
    byol__value_id x = byol__graph_input(&b.graph, 3, 8, 8);
    byol__graph_mark(&b.graph, BYOL__PREDICTION, "prediction", around_the_tested(&b.graph, x));
    check(byol__graph_finish(&b.graph, &error));
    const byol__plan_options options = {
        .batch = 2, .mode = BYOL__TRAIN, .output = BYOL__PREDICTION};
    assert_int_equal(byol__plan_create(&b.plan, &b.graph, &options, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "backward"));
    byol__graph_release(&b.graph);
}

/* Other machines choose other formats: AVX-512 blocks of 16, others channels-last. */
/* ---- the gradient of the input ---- */

static double input_along(bench *b, const float *middle, const float *direction, size_t count,
                          double step) {
    for (size_t i = 0; i < count; i++)
        b->images[i] = middle[i] + (float)(step * (double)direction[i]);
    return loss(b);
}

/* As direction_agrees, for the input: 1 right, 0 wrong, -1 a kink within the step. */
static int input_direction_agrees(bench *b, const float *middle, const float *gradient,
                                  size_t count, uint32_t number) {
    const double steps[2] = {0.001, 0.0005};
    float *direction = random_floats(count, 4, number);
    double length = 0, product = 0, norm = 0, measured[2];
    for (size_t i = 0; i < count; i++) length += (double)direction[i] * (double)direction[i];
    for (size_t i = 0; i < count; i++) {
        direction[i] /= (float)sqrt(length);
        product += (double)direction[i] * (double)gradient[i];
        norm += (double)gradient[i] * (double)gradient[i];
    }
    for (int s = 0; s < 2; s++) {
        double one = input_along(b, middle, direction, count, steps[s]) -
                     input_along(b, middle, direction, count, -steps[s]),
               two = input_along(b, middle, direction, count, 2 * steps[s]) -
                     input_along(b, middle, direction, count, -2 * steps[s]);
        measured[s] = (8 * one - two) / (12 * steps[s]);
    }
    byol__free(direction);
    double allowed = 5e-3 * sqrt(norm) + rounding(b, steps[1]);
    if (fabs(measured[0] - measured[1]) > allowed / 2) return -1;
    return fabs(measured[1] - product) <= allowed;
}

static void input_gradient_matches(byol__format format, network *build, int c, int size,
                                   int batch) {
    bench b = {0};
    int smooth = 0;
    wants_input_diff = true;
    open_network(&b, build, c, size, batch, BYOL__F32, format);
    wants_input_diff = false;
    size_t count = (size_t)(batch * c * size * size);
    float *middle = random_floats(count, 3, 0), *gradient = random_floats(count, 3, 0);
    memcpy(middle, b.images, count * sizeof *middle);
    loss(&b);
    byol__plan_backward(b.plan, b.combination, NULL);
    byol__plan_read_input_diff(b.plan, gradient);
    for (uint32_t d = 0; d < DIRECTIONS && smooth < 3; d++) {
        int agrees = input_direction_agrees(&b, middle, gradient, count, d);
        assert_int_not_equal(agrees, 0);
        smooth += agrees > 0;
    }
    assert_true(smooth > 0);
    byol__free(middle);
    byol__free(gradient);
    bench_close(&b);
}

static void the_input_has_a_gradient_where_it_is_asked_for(void **state) {
    (void)state;
    input_gradient_matches(BYOL__FORMAT_ANY, conv_kinds, 3, 12, 4);
    input_gradient_matches(BYOL__FORMAT_ANY, conv_kinds, 1, 12, 4);
    input_gradient_matches(BYOL__FORMAT_ANY, residual_block, 3, 8, 8);
    input_gradient_matches(BYOL__FORMAT_ANY, bare_additions, 3, 6, 4);
    input_gradient_matches(BYOL__NHWC, norm_of_the_input, 3, 6, 6); /* read twice */
    input_gradient_matches(BYOL__FORMAT_ANY, max_pool, 3, 12, 4);
    input_gradient_matches(BYOL__FORMAT_ANY, patches, 3, 8, 4);
}

static void every_memory_format(void **state) {
    (void)state;
    for (int format = BYOL__NCHW; format < BYOL__FORMATS; format++) {
        run_network_as((byol__format)format, residual_block, 3, 8, 8, 5e-3);
        run_network_as((byol__format)format, odd_channels, 3, 6, 8, 5e-3);
        run_network_as((byol__format)format, max_pool, 1, 12, 4, 5e-3);
        run_network_as((byol__format)format, pools_of_few_channels, 3, 12, 4, 5e-3);
    }
}

/* One bad pixel, the first that a window sees, must not be swallowed on its way: it is how
 * divergence is noticed. */
static void a_nan_is_seen_at_the_other_end(void **state) {
    (void)state;
    network *const networks[] = {odd_channels, residual_block, bare_additions, max_pool,
                                 flatten_and_head};
    for (size_t i = 0; i < sizeof networks / sizeof *networks; i++) {
        for (int dtype = 0; dtype < 2; dtype++) {
            bench b = {0};
            byol__graph_init(&b.graph);
            byol__value_id x = byol__graph_input(&b.graph, 3, 8, 8);
            byol__graph_mark(&b.graph, BYOL__PREDICTION, "prediction", networks[i](&b.graph, x));
            bench_open(&b, 2, dtype == 0 ? BYOL__F32 : BYOL__BF16, BYOL__FORMAT_ANY);
            assert_true(isfinite(loss(&b)));
            b.images[0] = NAN;
            if (!isnan(loss(&b))) fail_msg("network %zu, type %d: the NaN is lost", i, dtype);
            bench_close(&b);
        }
    }
}

/* Cosine between the gradients of a network in fp32 and in bf16. */
static double bf16_cosine(network *build) {
    bench b[2] = {0};
    for (int i = 0; i < 2; i++) {
        open_network(&b[i], build, 3, 8, 16, i == 0 ? BYOL__F32 : BYOL__BF16, BYOL__FORMAT_ANY);
        loss(&b[i]);
        memset(b[i].grads, 0, b[i].graph.params.total * sizeof(float));
        byol__plan_backward(b[i].plan, b[i].combination, NULL);
    }
    double dot = 0, n0 = 0, n1 = 0;
    for (size_t i = 0; i < b[0].graph.params.total; i++) {
        double g0 = (double)b[0].grads[i], g1 = (double)b[1].grads[i];
        dot += g0 * g1;
        n0 += g0 * g0;
        n1 += g1 * g1;
    }
    bench_close(&b[0]);
    bench_close(&b[1]);
    return dot / sqrt(n0 * n1);
}

/* A rounding error of 2^-9 an element turns a vector by about that much: cosine 1 - 2^-19 for each
 * of a handful of roundings. With ReLU or a maximum, one element in some hundreds lies so near the
 * kink that rounding sends its gradient another way, and that is an error of the whole element:
 * three of them one after the other are allowed 1 %.
 */
static void bf16_gradients_are_fp32_gradients_rounded(void **state) {
    (void)state;
    network *const smooth[] = {conv_kinds, grouped_convs, batch_norm, average_pools};
    network *const kinked[] = {odd_channels, residual_block, bare_additions, max_pool,
                               flatten_and_head};
    for (size_t i = 0; i < sizeof smooth / sizeof *smooth; i++) {
        double cosine = bf16_cosine(smooth[i]);
        if (!(cosine > 0.9999 && cosine < 0.99999999))
            fail_msg("cosine %.9f of smooth network %zu", cosine, i);
    }
    for (size_t i = 0; i < sizeof kinked / sizeof *kinked; i++) {
        double cosine = bf16_cosine(kinked[i]);
        if (!(cosine > 0.99 && cosine < 0.99999999))
            fail_msg("cosine %.9f of network %zu with kinks", cosine, i);
    }
}

static void every_registered_operation_works_in_bf16(void **state) {
    (void)state;
    for (int i = 0; byol__all_ops[i] != NULL; i++) {
        test_op(byol__all_ops[i]);
        double cosine = bf16_cosine(around_the_tested);
        if (!(cosine > 0.99 && cosine < 0.99999999))
            fail_msg("cosine %.9f of %s", cosine, tested->kind);
    }
    given_integers = false;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_registered_operation_says_what_it_must),
        cmocka_unit_test(every_registered_operation_has_its_gradient),
        cmocka_unit_test(every_registered_operation_works_in_bf16),
        cmocka_unit_test(a_network_may_be_given_integers),
        cmocka_unit_test(numbers_of_the_wrong_kind_are_refused),
        cmocka_unit_test(an_operation_that_does_not_say_what_backward_reads_is_refused),
        cmocka_unit_test(what_comes_before_all_parameters_does_not_run_backward),
        cmocka_unit_test(a_norm_of_the_input_gives_its_gradient_to_the_shortcut_alone),
        cmocka_unit_test(gelus_exact_and_by_tanh),
        cmocka_unit_test(transformers_of_tokens_and_of_patches),
        cmocka_unit_test(frames_of_a_picture_and_their_mean_and_maximum),
        cmocka_unit_test(padding_is_not_looked_at),
        cmocka_unit_test(convolutions_of_all_kinds),
        cmocka_unit_test(grouped_and_depthwise_convolutions),
        cmocka_unit_test(batch_norm_with_batch_statistics),
        cmocka_unit_test(channels_that_fill_no_block),
        cmocka_unit_test(residual_blocks),
        cmocka_unit_test(additions_without_batch_norm),
        cmocka_unit_test(max_pools_that_overlap_and_do_not),
        cmocka_unit_test(average_pools_with_padding_and_global),
        cmocka_unit_test(flatten_linear_and_batch_norm_of_vectors),
        cmocka_unit_test(the_input_has_a_gradient_where_it_is_asked_for),
        cmocka_unit_test(every_memory_format),
        cmocka_unit_test(a_nan_is_seen_at_the_other_end),
        cmocka_unit_test(bf16_gradients_are_fp32_gradients_rounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
