/* Fine-tuning: its loss, its drawing of labels, what it learns, what it leaves alone, and that the
 * test set decides nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "byol/eval.h"
#include "encoder/encoder_internal.h"
#include "eval/softmax.h"
#include "eval/split.h"
#include "nets/nets.h"
#include "pictures.h"
#include "state/safetensors.h"
#include "tiny.h"

static byol_error error;

static void check(byol_status status) {
    if (status != BYOL_OK) fail_msg("%s", error.text);
}

/* ---- the loss ---- */

static void the_gradient_of_the_loss_is_that_of_finite_differences(void **state) {
    (void)state;
    enum { BATCH = 5, CLASSES = 4 };
    float logits[BATCH * CLASSES], diff[BATCH * CLASSES];
    const int32_t labels[BATCH] = {0, 3, 1, 1, 2};
    byol__random random = byol__random_stream(2, BYOL__PURPOSE_BENCH, 0, 0, 0);
    for (int i = 0; i < BATCH * CLASSES; i++) logits[i] = 2 * byol__random_normal(&random);
    byol__cross_entropy(logits, labels, BATCH, CLASSES, diff);
    for (int i = 0; i < BATCH * CLASSES; i++) {
        float middle = logits[i],
              step = 0x1p-8f; /* exact in fp32, so only the curve's third derivative errs */
        logits[i] = middle + step;
        double above = byol__cross_entropy(logits, labels, BATCH, CLASSES, NULL),
               up = (double)logits[i];
        logits[i] = middle - step;
        double below = byol__cross_entropy(logits, labels, BATCH, CLASSES, NULL),
               down = (double)logits[i];
        logits[i] = middle;
        assert_true(fabs((above - below) / (up - down) - (double)diff[i]) < 1e-6);
    }
}

static void the_loss_of_equal_logits_is_the_logarithm_of_the_classes(void **state) {
    (void)state;
    const float logits[] = {5, 5, 5, -1e30f, -1e30f, -1e30f};
    const int32_t labels[] = {2, 0};
    assert_true(fabs(byol__cross_entropy(logits, labels, 2, 3, NULL) - log(3)) < 1e-12);
}

/* ---- the drawing ---- */

enum { IMAGES = 1000, CLASSES = 4 };

/* 500, 300, 198 and 2 images. */
static const int32_t *uneven_labels(void) {
    static int32_t labels[IMAGES];
    for (int i = 0; i < IMAGES; i++) labels[i] = i < 500 ? 0 : i < 800 ? 1 : i < 998 ? 2 : 3;
    return labels;
}

/* How many of each class are in a list, each image once. */
static void count_classes(const uint32_t *indices, size_t count, int counts[CLASSES],
                          int seen[IMAGES]) {
    for (size_t i = 0; i < count; i++) {
        counts[uneven_labels()[indices[i]]]++;
        assert_int_equal(seen[indices[i]]++, 0);
    }
}

static void a_fraction_is_drawn_of_each_class(void **state) {
    (void)state;
    byol__split split;
    int train[CLASSES] = {0}, held_out[CLASSES] = {0}, seen[IMAGES] = {0};
    check(byol__split_draw(&split, uneven_labels(), IMAGES, CLASSES, 0.1, 0.2, 1, &error));
    count_classes(split.train, split.train_count, train, seen);
    count_classes(split.held_out, split.held_out_count, held_out, seen);
    const int learned[] = {40, 24, 16, 1}, kept[] = {10, 6, 4, 1};
    assert_memory_equal(train, learned, sizeof train);
    assert_memory_equal(held_out, kept, sizeof kept);
    byol__split_release(&split);
}

static void a_smaller_fraction_is_part_of_a_larger_one(void **state) {
    (void)state;
    const double fractions[] = {0.01, 0.1, 1};
    int before[IMAGES] = {0};
    for (int f = 0; f < 3; f++) {
        byol__split split;
        int counts[CLASSES] = {0}, seen[IMAGES] = {0};
        check(byol__split_draw(&split, uneven_labels(), IMAGES, CLASSES, fractions[f], 0.1, 5,
                               &error));
        count_classes(split.train, split.train_count, counts, seen);
        count_classes(split.held_out, split.held_out_count, counts, seen);
        for (int i = 0; i < IMAGES; i++) assert_true(seen[i] >= before[i]);
        memcpy(before, seen, sizeof seen);
        if (f == 2) assert_int_equal(split.train_count + split.held_out_count, IMAGES);
        byol__split_release(&split);
    }
}

static void the_same_seed_draws_the_same_images_and_another_others(void **state) {
    (void)state;
    byol__split a, b, c;
    check(byol__split_draw(&a, uneven_labels(), IMAGES, CLASSES, 0.1, 0.2, 1, &error));
    check(byol__split_draw(&b, uneven_labels(), IMAGES, CLASSES, 0.1, 0.2, 1, &error));
    check(byol__split_draw(&c, uneven_labels(), IMAGES, CLASSES, 0.1, 0.2, 2, &error));
    size_t bytes = a.train_count * sizeof *a.train;
    assert_int_equal(a.train_count, c.train_count);
    assert_memory_equal(a.train, b.train, bytes);
    assert_memory_equal(a.held_out, b.held_out, a.held_out_count * sizeof *a.held_out);
    assert_true(memcmp(a.train, c.train, bytes) != 0);
    byol__split_release(&a);
    byol__split_release(&b);
    byol__split_release(&c);
}

static void what_cannot_be_drawn_is_refused(void **state) {
    (void)state;
    const int32_t single[] = {0, 1, 2}, wrong[] = {0, 0, 3};
    byol__split split;
    assert_int_equal(byol__split_draw(&split, single, 3, 3, 1, 0.1, 1, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "two training samples"));
    assert_int_equal(byol__split_draw(&split, wrong, 3, 3, 1, 0.1, 1, &error), BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "training sample 2 has label 3"));
}

/* ---- the whole ---- */

/* `scale`: of the first convolution's weights. */
static byol_encoder *scaled_encoder(float scale) {
    byol_config config = tiny_config();
    byol__graph graph;
    float *params, *statistics;
    byol_encoder *encoder;
    byol__graph_init(&graph);
    check(byol__online_network(&graph, &config, PICTURE_CHANNELS, PICTURE_SIDE, &error));
    check(byol__alloc(&params, graph.params.total, sizeof *params, "test", &error));
    check(byol__alloc(&statistics, graph.statistics.total, sizeof *statistics, "test", &error));
    byol__params_init(&graph.params, 1, params);
    byol__params_init(&graph.statistics, 1, statistics);
    for (size_t i = 0; i < graph.params.rows[0].count; i++)
        params[graph.params.rows[0].offset + i] *= scale;
    const byol__origin origin = {.channels = PICTURE_CHANNELS, .config = config};
    check(byol__encoder_create(&encoder, &origin, params, statistics, &error));
    byol__graph_release(&graph);
    byol__free(params);
    byol__free(statistics);
    return encoder;
}

static byol_encoder *new_encoder(void) { return scaled_encoder(1); }

static byol_finetune_options quick(void) {
    byol_finetune_options options;
    byol_finetune_options_init(&options);
    options.epochs = 2;
    options.batch_size = 16;
    options.precision = BYOL_PRECISION_FP32;
    options.threads = 1; /* under a loaded machine two wait for each other */
    return options;
}

enum { TEST = 30 };

typedef struct outcome {
    byol_finetune_result result;
    int32_t predicted[TEST];
} outcome;

static outcome tune(const byol_encoder *encoder, pictures train, pictures test,
                    const byol_finetune_options *options) {
    outcome o;
    check(byol_finetune(encoder, train.source, test.source, options, &o.result, o.predicted, NULL,
                        NULL, &error));
    o.result.seconds = 0; /* the only figure that may differ from call to call */
    return o;
}

static void pictures_that_differ_are_told_apart(void **state) {
    (void)state;
    byol_encoder *encoder = new_encoder();
    pictures train = pictures_create(90, 60, 1), test = pictures_create(TEST, 60, 2);
    byol_finetune_options options = quick();
    options.epochs = 6;
    for (int sgd = 0; sgd < 2; sgd++) {
        options.optimizer = sgd ? BYOL_SGD : BYOL_ADAMW;
        outcome o = tune(encoder, train, test, &options);
        int right = 0;
        for (int i = 0; i < TEST; i++) right += o.predicted[i] == test.labels[i];
        assert_true(o.result.accuracy > 90);
        assert_true(o.result.accuracy == 100.0 * right / TEST);
        assert_int_equal(o.result.label_count, 90);
        assert_int_equal(o.result.held_out_count, 9);
        assert_int_equal(o.result.steps, 6 * (81 / 16));
    }
    byol_encoder_free(encoder);
    pictures_free(train);
    pictures_free(test);
}

static void bf16_learns_too(void **state) {
    (void)state;
    byol_encoder *encoder = new_encoder();
    pictures train = pictures_create(36, 100, 1), test = pictures_create(TEST, 100, 2);
    byol_finetune_options options = quick();
    options.train_stages = 1;
    options.epochs = 3;
    options.batch_size = 8;
    options.precision = BYOL_PRECISION_BF16;
    assert_true(tune(encoder, train, test, &options).result.accuracy > 60);
    byol_encoder_free(encoder);
    pictures_free(train);
    pictures_free(test);
}

/* Chance is 33 % with a standard error of 9 %. */
static void labels_without_meaning_are_guessed_at_chance(void **state) {
    (void)state;
    byol_encoder *encoder = new_encoder();
    pictures train = pictures_create(60, 0, 1), test = pictures_create(TEST, 0, 2);
    byol_finetune_options options = quick();
    outcome o = tune(encoder, train, test, &options);
    assert_true(o.result.accuracy > 5 && o.result.accuracy < 62);
    byol_encoder_free(encoder);
    pictures_free(train);
    pictures_free(test);
}

static void the_test_set_decides_nothing(void **state) {
    (void)state;
    byol_encoder *encoder = new_encoder();
    pictures train = pictures_create(48, 25, 1), test = pictures_create(TEST, 25, 2);
    byol_finetune_options options = quick();
    outcome fair = tune(encoder, train, test, &options);
    for (int i = 0; i < TEST; i++) test.labels[i] = (test.labels[i] + 1) % 3;
    outcome spoilt = tune(encoder, train, test, &options);
    assert_memory_equal(fair.predicted, spoilt.predicted, sizeof fair.predicted);
    assert_int_equal(fair.result.best_epoch, spoilt.result.best_epoch);
    assert_true(fair.result.held_out_accuracy == spoilt.result.held_out_accuracy);
    assert_true(fair.result.accuracy != spoilt.result.accuracy);
    byol_encoder_free(encoder);
    pictures_free(train);
    pictures_free(test);
}

static void the_same_seed_gives_the_same_result(void **state) {
    (void)state;
    byol_encoder *encoder = new_encoder();
    pictures train = pictures_create(48, 25, 1), test = pictures_create(TEST, 25, 2);
    byol_finetune_options options = quick();
    options.label_fraction = 0.5f;
    outcome first = tune(encoder, train, test, &options),
            second = tune(encoder, train, test, &options);
    assert_memory_equal(&first, &second, sizeof first);
    assert_int_equal(first.result.label_count, 24);
    byol_encoder_free(encoder);
    pictures_free(train);
    pictures_free(test);
}

/* ---- which stages ---- */

static byol__safetensors *tuned_file(int train_stages, float lr_decay) {
    char path[] = "/tmp/byol-finetune-XXXXXX";
    close(mkstemp(path));
    byol_encoder *encoder = new_encoder();
    pictures train = pictures_create(20, 60, 1), test = pictures_create(6, 60, 2);
    byol_finetune_options options = quick();
    options.epochs = 1;
    options.train_stages = train_stages;
    options.lr_decay = lr_decay;
    options.save = path;
    byol_finetune_result result;
    check(byol_finetune(encoder, train.source, test.source, &options, &result, NULL, NULL, NULL,
                        &error));
    byol__safetensors *file;
    check(byol__safetensors_open(&file, path, &error));
    byol_encoder *tuned;
    check(byol_encoder_load(&tuned, path, 1, &error)); /* its backbone is an encoder again */
    assert_int_equal(byol_encoder_dimension(tuned, BYOL_LAYER_BACKBONE), 64);
    assert_int_equal(byol_encoder_dimension(tuned, BYOL_LAYER_PROJECTION), 0);
    byol_encoder_free(tuned);
    unlink(path);
    byol_encoder_free(encoder);
    pictures_free(train);
    pictures_free(test);
    return file;
}

/* How many rows of the backbone have another value than in the encoder, by stage. */
static void count_changes(const byol__safetensors *file, const byol__table *table,
                          const float *values, int changed[6], int same[6]) {
    static float read[1 << 20];
    for (int r = 0; r < table->count && table->rows[r].section == BYOL__BACKBONE; r++) {
        const byol__param *row = &table->rows[r];
        check(byol__safetensors_read(file, row->name, row->dims, row->ndims, read, &error));
        int differs = memcmp(read, values + row->offset, row->count * sizeof *read) != 0;
        ++*(differs ? &changed[row->stage] : &same[row->stage]);
    }
}

/* What is not trained stays bit for bit, and everything that is trained moves; with a decay of 0
 * only the head learns, but batch norm sees the new images. */
static void only_the_last_stages_learn(void **state) {
    (void)state;
    static const struct {
        int train_stages, learning,
            normalising; /* the first stage whose parameters, whose statistics move */
        float lr_decay;
    } cases[] = {{-1, 0, 0, 0.8f}, {5, 0, 0, 1}, {4, 1, 1, 1},
                 {2, 3, 3, 0.5f},  {0, 5, 5, 1}, {-1, 5, 0, 0}};
    byol_config config = tiny_config();
    byol__graph graph;
    byol__graph_init(&graph);
    check(byol__classifier_network(&graph, &config, PICTURE_CHANNELS, PICTURE_SIDE, 3, &error));
    byol_encoder *encoder = new_encoder();
    byol__weights weights;
    byol__encoder_weights(encoder, &weights);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        byol__safetensors *file = tuned_file(cases[i].train_stages, cases[i].lr_decay);
        int changed[6] = {0}, same[6] = {0}, moved[6] = {0}, kept[6] = {0};
        count_changes(file, &graph.params, weights.params, changed, same);
        count_changes(file, &graph.statistics, weights.statistics, moved, kept);
        for (int stage = 0; stage < 5; stage++) {
            assert_int_equal(stage < cases[i].learning ? changed[stage] : same[stage], 0);
            assert_int_equal(stage < cases[i].normalising ? moved[stage] : kept[stage], 0);
        }
        float weight[3 * 64], bias[3];
        check(byol__safetensors_read(file, "fc.weight", (const int[]){3, 64}, 2, weight, &error));
        check(byol__safetensors_read(file, "fc.bias", (const int[]){3}, 1, bias, &error));
        assert_true(bias[0] != 0 && bias[1] != 0 && bias[2] != 0);
        byol__safetensors_close(file);
    }
    byol__graph_release(&graph);
    byol_encoder_free(encoder);
}

/* ---- refusals ---- */

static void check_refused(byol_encoder *encoder, pictures train, pictures test,
                          byol_finetune_options options, byol_status status, const char *words) {
    byol_finetune_result result = {.accuracy = -1};
    error.text[0] = '\0';
    assert_int_equal(byol_finetune(encoder, train.source, test.source, &options, &result, NULL,
                                   NULL, NULL, &error),
                     status);
    if (strstr(error.text, words) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", error.text, words);
    assert_true(result.accuracy == -1);
}

static void what_cannot_be_is_refused_with_words(void **state) {
    (void)state;
    byol_encoder *encoder = new_encoder();
    pictures train = pictures_create(30, 60, 1), test = pictures_create(9, 60, 2), other = test;
    byol_finetune_options good = quick(), bad = good;
    bad.label_fraction = 0;
    check_refused(encoder, train, test, bad, BYOL_ERROR_INVALID, "label fraction");
    bad.label_fraction = NAN;
    check_refused(encoder, train, test, bad, BYOL_ERROR_INVALID, "label fraction");
    bad = good;
    bad.train_stages = 6;
    check_refused(encoder, train, test, bad, BYOL_ERROR_INVALID,
                  "6 stages are to be trained, but this encoder has 5");
    bad = good;
    bad.optimizer = BYOL_LARS;
    check_refused(encoder, train, test, bad, BYOL_ERROR_INVALID, "adamw and sgd");
    bad = good;
    bad.batch_size = 1;
    check_refused(encoder, train, test, bad, BYOL_ERROR_INVALID, "batch size");
    bad = good;
    bad.optimizer = BYOL_SGD;
    bad.lr = 1000;
    bad.weight_decay = 1; /* weights are multiplied by -999 each step */
    bad.epochs = 20;
    check_refused(encoder, train, test, bad, BYOL_ERROR_NUMERIC, "lower learning rate");
    byol_encoder *huge =
        scaled_encoder(1e30f); /* its first batch norm's variance overflows, the loss does not */
    check_refused(huge, train, test, good, BYOL_ERROR_NUMERIC, "infinity among the weights");
    byol_encoder_free(huge);
    bad = good;
    bad.save = "/nowhere/at/all.safetensors";
    check_refused(encoder, train, test, bad, BYOL_ERROR_IO, "/nowhere/at/all.safetensors");

    check(byol_source_from_memory(&other.source, test.pixels, NULL, 9, 3, PICTURE_SIDE,
                                  PICTURE_SIDE, &error));
    check_refused(encoder, train, other, good, BYOL_ERROR_INVALID, "no labels");
    byol_source_free(other.source);
    check(byol_source_from_memory(&other.source, test.pixels, test.labels, 9, 1, PICTURE_SIDE,
                                  PICTURE_SIDE, &error));
    check_refused(encoder, train, other, good, BYOL_ERROR_MISMATCH, "3 channels");
    byol_source_free(other.source);
    int32_t of_one_class[2] = {0, 0};
    check(byol_source_from_memory(&other.source, test.pixels, of_one_class, 2, 3, PICTURE_SIDE,
                                  PICTURE_SIDE, &error));
    check_refused(encoder, other, other, good, BYOL_ERROR_INVALID, "one sample to learn from");
    byol_source_free(other.source);
    test.labels[0] = 4;
    check(byol_source_from_memory(&other.source, test.pixels, test.labels, 9, 3, PICTURE_SIDE,
                                  PICTURE_SIDE, &error));
    check_refused(encoder, train, other, good, BYOL_ERROR_MISMATCH, "5 classes");
    byol_source_free(other.source);
    byol_encoder_free(encoder);
    pictures_free(train);
    pictures_free(test);
}

static int stop_in_the_second_epoch(void *context, uint64_t done, uint64_t total) {
    uint64_t *seen = context;
    assert_true(done > seen[0] && done <= total);
    seen[0] = done;
    seen[1] = total;
    return done > 60;
}

static void progress_counts_images_and_can_stop_it(void **state) {
    (void)state;
    byol_encoder *encoder = new_encoder();
    pictures train = pictures_create(60, 60, 1), test = pictures_create(9, 60, 2);
    byol_finetune_options options = quick();
    byol_finetune_result result;
    uint64_t seen[2] = {0};
    assert_int_equal(byol_finetune(encoder, train.source, test.source, &options, &result, NULL,
                                   stop_in_the_second_epoch, seen, &error),
                     BYOL_ERROR_CANCELLED);
    assert_int_equal(seen[1], 2 * (48 + 6) + 9);
    assert_non_null(strstr(error.text, "after 1 of 2 epochs"));
    byol_encoder_free(encoder);
    pictures_free(train);
    pictures_free(test);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_gradient_of_the_loss_is_that_of_finite_differences),
        cmocka_unit_test(the_loss_of_equal_logits_is_the_logarithm_of_the_classes),
        cmocka_unit_test(a_fraction_is_drawn_of_each_class),
        cmocka_unit_test(a_smaller_fraction_is_part_of_a_larger_one),
        cmocka_unit_test(the_same_seed_draws_the_same_images_and_another_others),
        cmocka_unit_test(what_cannot_be_drawn_is_refused),
        cmocka_unit_test(pictures_that_differ_are_told_apart),
        cmocka_unit_test(bf16_learns_too),
        cmocka_unit_test(labels_without_meaning_are_guessed_at_chance),
        cmocka_unit_test(the_test_set_decides_nothing),
        cmocka_unit_test(the_same_seed_gives_the_same_result),
        cmocka_unit_test(only_the_last_stages_learn),
        cmocka_unit_test(what_cannot_be_is_refused_with_words),
        cmocka_unit_test(progress_counts_images_and_can_stop_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
