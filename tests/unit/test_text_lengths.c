/* Texts of like length share a batch, and a batch takes plans of its own length: the same numbers
 * with less padding. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "byol/config.h"
#include "floats.h"
#include "input/like_lengths.h"
#include "input/loader.h"
#include "train/method.h"

enum { COUNT = 1000, BATCH = 16, WINDOW = 32, TEXTS = 6, LONGEST = 11, VOCABULARY = 50 };

static void order_of(uint32_t epoch, const uint32_t *lengths, uint32_t *order) {
    uint32_t scratch[COUNT];
    byol__random random = byol__random_stream(1, BYOL__PURPOSE_SHUFFLE, epoch, 1, 0);
    byol__epoch_order(1, epoch, order, COUNT);
    byol__order_like_lengths(order, COUNT, BATCH, lengths, &random, scratch);
}

static void like_lengths_meet_in_a_batch(void **state) {
    (void)state;
    uint32_t lengths[COUNT], order[COUNT], before[COUNT];
    int times[COUNT] = {0}, short_first = 0;
    byol__random random = byol__random_stream(2, BYOL__PURPOSE_BENCH, 0, 0, 0);
    for (int i = 0; i < COUNT; i++) lengths[i] = byol__random_below(&random, 1000);
    order_of(0, lengths, order);
    byol__epoch_order(1, 0, before, COUNT);
    for (int i = 0; i < COUNT; i++) times[order[i]]++;
    for (int i = 0; i < COUNT; i++) assert_int_equal(times[i], 1);
    /* what is behind the last whole batch is not used, and is the same that it was */
    int used = COUNT / BATCH * BATCH;
    assert_memory_equal(order + used, before + used, (COUNT - used) * sizeof *order);
    for (int b = 0; b < used / BATCH; b++) {
        uint32_t least = UINT32_MAX, most = 0;
        for (int i = b * BATCH; i < (b + 1) * BATCH; i++) {
            least = lengths[order[i]] < least ? lengths[order[i]] : least;
            most = lengths[order[i]] > most ? lengths[order[i]] : most;
        }
        assert_true(most - least < 4 * 1000 / WINDOW);
        short_first += b > 0 && most < lengths[order[(b - 1) * BATCH]];
    }
    assert_true(short_first > 10 && short_first < used / BATCH - 10); /* not one after the other */
}

static void every_epoch_has_an_order_of_its_own_and_the_same_one_again(void **state) {
    (void)state;
    uint32_t lengths[COUNT], first[COUNT], again[COUNT], other[COUNT];
    for (uint32_t i = 0; i < COUNT; i++) lengths[i] = i % 37;
    order_of(3, lengths, first);
    order_of(3, lengths, again);
    order_of(4, lengths, other);
    assert_memory_equal(first, again, sizeof first);
    assert_true(memcmp(first, other, sizeof first) != 0);
}

/* ---- Plans of several lengths ---- */

static byol__method *method_of(int length, const char *const *settings) {
    byol_config config;
    byol__method *method;
    byol_config_init(&config);
    for (; *settings != NULL; settings += 2)
        check(byol_config_set(&config, settings[0], settings[1], &error));
    config.data.length = length;
    config.data.vocabulary = VOCABULARY;
    check(byol_config_check(&config, &error));
    check(byol__method_create(&method, &config, 3, &byol__comm_alone, &error));
    return method;
}

/* Texts of 2 to LONGEST tokens; view 0 hides every third. */
static void fill(int32_t *tokens, int length, bool hides) {
    memset(tokens, 0, (size_t)(TEXTS * length) * sizeof *tokens);
    for (int n = 0; n < TEXTS; n++)
        for (int i = 0; i < LONGEST - (n * 3) % 10; i++)
            tokens[n * length + i] = hides && i % 3 == 1 ? 4 : 5 + (n * 7 + i * 11) % 45;
}

static double run(byol__method *method, int length) {
    int32_t *views[2];
    for (int v = 0; v < 2; v++) {
        check(byol__alloc(&views[v], (size_t)(TEXTS * length), sizeof(int32_t), "test", &error));
        fill(views[v], length, v == 0);
    }
    double loss = byol__method_forward_backward(method, (const void *const[2]){views[0], views[1]});
    assert_int_equal(method->failed, BYOL_OK);
    byol__free(views[0]);
    byol__free(views[1]);
    return loss;
}

/* With room for 16 tokens and with room for 128 the parameters begin alike, row by row, but for
 * places and mixtures that are not there. */
static void compare(const char *const *settings, bool low_rank) {
    byol__method *small = method_of(16, settings), *large = method_of(128, settings);
    const byol__table *a = &small->graph.params, *b = &large->graph.params;
    assert_int_equal(small->length_count, 2);
    assert_int_equal(large->length_count, 8);
    for (int r = 0; r < b->count && low_rank; r++) /* the first columns of each row */
        for (size_t i = 0; i < a->rows[r].count && strstr(a->rows[r].name, "compress"); i++)
            large->params[b->rows[r].offset + i / 16 * 128 + i % 16] =
                small->params[a->rows[r].offset + i];
    check(byol__method_stage(large, &error));
    if (large->target_params != NULL) {
        memcpy(large->target_params, large->params, large->target_count * sizeof(float));
        check(byol__method_stage(large, &error));
    }
    double here = run(small, 16), there = run(large, 128);
    assert_true(large->online[0] == large->lengths[0].online[0]); /* 16 tokens of 128 */
    assert_true(fabs(here - there) <= 1e-6 * fabs(here));
    for (int r = 0; r < a->count; r++) {
        if (a->rows[r].count != b->rows[r].count) continue;
        double norm = 0, off = 0;
        for (size_t i = 0; i < a->rows[r].count; i++) {
            double g = (double)small->grads[a->rows[r].offset + i];
            norm += g * g;
            off += pow(g - (double)large->grads[b->rows[r].offset + i], 2);
        }
        if (!(sqrt(off) <= 1e-4 * sqrt(norm) + 1e-9)) fail_msg("%s differs", a->rows[r].name);
    }
    byol__method_free(small);
    byol__method_free(large);
}

static const char *const common[] = {
    "encoder.name",    "transformer", "encoder.width",    "16",   "encoder.depth",    "2",
    "encoder.heads",   "2",           "encoder.pool",     "mean", "train.batch_size", "6",
    "train.precision", "fp32",        "projector.hidden", "16",   "projector.out",    "8"};
enum { COMMON = sizeof common / sizeof common[0], MOST = 40 };

static void compare_with(const char *const *own, bool low_rank) {
    const char *settings[COMMON + MOST] = {NULL};
    int used = 0;
    /* a recipe comes first, for it resets the others */
    for (; own[used] != NULL && strcmp(own[used], "recipe") == 0; used += 2) {
        settings[used] = own[used];
        settings[used + 1] = own[used + 1];
    }
    memcpy(settings + used, common, sizeof common);
    for (int i = used; own[i] != NULL; i++) settings[COMMON + i] = own[i];
    compare(settings, low_rank);
}

static void shorter_plans_give_the_same_numbers(void **state) {
    (void)state;
    const char *const contrast[] = {NULL};
    const char *const tokens[] = {"recipe",
                                  "byol",
                                  "predictor.kind",
                                  "mlp",
                                  "target.layers",
                                  "2",
                                  "loss.distance",
                                  "mse",
                                  "loss.symmetric",
                                  "false",
                                  "views.crop_min",
                                  "1",
                                  "views.drop",
                                  "0",
                                  "views.view1.mask",
                                  "0.3",
                                  "views.view2.mask",
                                  "0",
                                  "predictor.hidden",
                                  "16",
                                  NULL};
    const char *const low[] = {"recipe",
                               "byol",
                               "encoder.attention",
                               "lowrank",
                               "encoder.rank",
                               "4",
                               "target.attention",
                               "full",
                               "predictor.hidden",
                               "16",
                               NULL};
    compare_with(contrast, false);
    compare_with(tokens, false);
    compare_with(low, true);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(like_lengths_meet_in_a_batch),
        cmocka_unit_test(every_epoch_has_an_order_of_its_own_and_the_same_one_again),
        cmocka_unit_test(shorter_plans_give_the_same_numbers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
