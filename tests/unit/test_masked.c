/* Which tokens of a batch are compared, and their vectors as rows and back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <string.h>

#include "floats.h"
#include "tiny_texts.h"
#include "train/masked.h"
#include "train/method.h"

enum { BATCH = 3, CHANNELS = 5, LENGTH = 4, TOKENS = BATCH * LENGTH, VALUES = TOKENS * CHANNELS };

/* Tokens 4 are hidden, 0 is padding. */
static const int32_t whole[TOKENS] = {2, 7, 8, 9, 2, 7, 0, 0, 2, 5, 6, 0};
static const int32_t seen[TOKENS] = {2, 4, 8, 4, 2, 7, 0, 0, 2, 4, 4, 0};
static const int hidden[] = {1, 3, 9, 10};
enum { HIDDEN = 4 };

static byol__masked masked_of(int *token) {
    return (byol__masked){.batch = BATCH, .channels = CHANNELS, .length = LENGTH, .token = token};
}

/* Of a token: where channel `c` of it lies in (batch, channels, length). */
static int place_of(int token, int c) {
    return (token / LENGTH * CHANNELS + c) * LENGTH + token % LENGTH;
}

static void tokens_that_differ_are_found_in_order(void **state) {
    (void)state;
    int token[TOKENS];
    byol__masked masked = masked_of(token);
    byol__masked_find(&masked, seen, whole);
    assert_int_equal(masked.count, HIDDEN);
    assert_memory_equal(token, hidden, sizeof hidden);
    byol__masked_find(&masked, whole, whole); /* what was found before is forgotten */
    assert_int_equal(masked.count, 0);
    int32_t other[TOKENS];
    for (int i = 0; i < TOKENS; i++) other[i] = whole[i] + 1;
    byol__masked_find(&masked, other, whole);
    assert_int_equal(masked.count, TOKENS);
    for (int i = 0; i < TOKENS; i++) assert_int_equal(token[i], i);
}

static void rows_are_the_vectors_of_these_tokens(void **state) {
    (void)state;
    int token[TOKENS];
    byol__masked masked = masked_of(token);
    float values[VALUES], rows[VALUES + 1];
    for (int i = 0; i < VALUES; i++) values[i] = (float)i;
    for (int i = 0; i <= VALUES; i++) rows[i] = -1;
    byol__masked_find(&masked, seen, whole);
    byol__masked_gather(&masked, values, 0.5f, rows);
    for (int r = 0; r < HIDDEN; r++)
        for (int c = 0; c < CHANNELS; c++)
            assert_true(rows[r * CHANNELS + c] == 0.5f * (float)place_of(hidden[r], c));
    for (int i = HIDDEN * CHANNELS; i <= VALUES; i++) assert_true(rows[i] == -1);
}

static void rows_go_back_to_their_tokens_and_all_others_are_zero(void **state) {
    (void)state;
    int token[TOKENS];
    byol__masked masked = masked_of(token);
    float values[VALUES + 1], rows[HIDDEN * CHANNELS], again[HIDDEN * CHANNELS];
    for (int i = 0; i < HIDDEN * CHANNELS; i++) rows[i] = (float)(i + 1);
    for (int i = 0; i <= VALUES; i++) values[i] = NAN;
    byol__masked_find(&masked, seen, whole);
    byol__masked_scatter(&masked, rows, values);
    byol__masked_gather(&masked, values, 1, again);
    assert_memory_equal(again, rows, sizeof rows);
    int others = 0;
    for (int i = 0; i < VALUES; i++) others += values[i] == 0;
    assert_int_equal(others, VALUES - HIDDEN * CHANNELS);
    assert_true(isnan(values[VALUES])); /* and nothing behind them is written */
}

/* ---- In a step ---- */

static double step(byol__method *method, const int32_t *first, const int32_t *second) {
    double loss = byol__method_forward_backward(method, (const void *const[2]){first, second});
    assert_int_equal(method->failed, BYOL_OK);
    return loss;
}

/* A text that nobody hides a word of may come; it teaches one token at most. */
static void a_batch_that_hides_nothing_has_a_loss(void **state) {
    (void)state;
    byol_config config = tiny_data2vec();
    byol__method *method;
    int32_t texts[TINY_TEXT_BATCH * 16] = {0}, views[TINY_TEXT_BATCH * 16];
    for (int n = 0; n < TINY_TEXT_BATCH; n++)
        for (int i = 0; i < 5; i++) texts[n * 16 + i] = 5 + (n * 3 + i) % 30;
    check(byol_config_check(&config, &error));
    check(byol__method_create(&method, &config, 0, &byol__comm_alone, &error));
    double loss = step(method, texts, texts);
    assert_int_equal(method->rows, 1);
    assert_true(isfinite(loss) && loss > 0);
    memcpy(views, texts, sizeof views);
    for (int n = 0; n < TINY_TEXT_BATCH; n += 2) views[n * 16 + 3] = 4;
    assert_true(isfinite(step(method, views, texts)));
    assert_int_equal(method->rows, TINY_TEXT_BATCH / 2);
    byol__method_free(method);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_that_differ_are_found_in_order),
        cmocka_unit_test(rows_are_the_vectors_of_these_tokens),
        cmocka_unit_test(rows_go_back_to_their_tokens_and_all_others_are_zero),
        cmocka_unit_test(a_batch_that_hides_nothing_has_a_loss),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
