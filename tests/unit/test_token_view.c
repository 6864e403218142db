/* Views of rows of tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "augment/token_view.h"

enum { COUNT = 40, LENGTH = 24, FIRST = 100, MASK = 4, TRIES = 200 };

static const byol_special_tokens special = {.pad = 0, .unk = 1, .cls = 2, .sep = 3, .mask = MASK};
static const byol_text_recipe as_it_is = {.crop_min = 1};

typedef struct view {
    int32_t ids[LENGTH];
    int count; /* tokens of the text */
} view;

/* Tokens FIRST, FIRST + 1, ... as view `number`. */
static view view_of(const byol_text_recipe *recipe, size_t count, uint32_t number) {
    int32_t ids[COUNT], scratch[COUNT];
    view v = {{0}, 0};
    for (int i = 0; i < COUNT; i++) ids[i] = FIRST + i;
    byol__random random = byol__random_stream(1, BYOL__PURPOSE_VIEW, 0, number, 0);
    byol__random window = byol__random_stream(2, BYOL__PURPOSE_VIEW, 0, number, 0);
    byol__token_view(recipe, &special, ids, count, &random, &window, scratch, v.ids, LENGTH);
    assert_int_equal(v.ids[0], special.cls);
    while (1 + v.count < LENGTH && v.ids[1 + v.count] != special.sep) v.count++;
    assert_int_equal(v.ids[1 + v.count], special.sep);
    for (int i = v.count + 2; i < LENGTH; i++) assert_int_equal(v.ids[i], 0);
    return v;
}

static bool is_run(const view *v) {
    for (int i = 2; i <= v->count; i++)
        if (v->ids[i] != v->ids[i - 1] + 1) return false;
    return true;
}

static void a_text_that_fits_stays_as_it_is(void **state) {
    (void)state;
    view v = view_of(&as_it_is, 10, 0);
    assert_int_equal(v.count, 10);
    assert_int_equal(v.ids[1], FIRST);
    assert_true(is_run(&v));
}

static void of_a_long_text_a_window_is_taken_anywhere(void **state) {
    (void)state;
    bool first = false, last = false;
    for (uint32_t i = 0; i < TRIES; i++) {
        view v = view_of(&as_it_is, COUNT, i);
        assert_int_equal(v.count, LENGTH - 2);
        assert_true(is_run(&v));
        first |= v.ids[1] == FIRST;
        last |= v.ids[v.count] == FIRST + COUNT - 1;
    }
    assert_true(first && last);
}

static void a_crop_keeps_the_least_share_and_more(void **state) {
    (void)state;
    const byol_text_recipe recipe = {.crop_min = 0.5f};
    int least = COUNT, most = 0;
    for (uint32_t i = 0; i < TRIES; i++) {
        view v = view_of(&recipe, 20, i);
        assert_true(is_run(&v));
        if (v.count < least) least = v.count;
        if (v.count > most) most = v.count;
    }
    assert_int_equal(least, 10);
    assert_int_equal(most, 20);
}

static void a_span_goes_in_one_piece(void **state) {
    (void)state;
    const byol_text_recipe recipe = {.crop_min = 1, .span = 0.5f};
    int breaks_at_most_once = 0;
    for (uint32_t i = 0; i < TRIES; i++) {
        view v = view_of(&recipe, 20, i);
        int breaks = 0;
        for (int t = 2; t <= v.count; t++) breaks += v.ids[t] != v.ids[t - 1] + 1;
        assert_true(v.count >= 10 && breaks <= 1);
        breaks_at_most_once += breaks;
    }
    assert_true(breaks_at_most_once > TRIES / 2);
}

static void tokens_are_dropped_masked_and_swapped_as_often_as_asked(void **state) {
    (void)state;
    const byol_text_recipe dropping = {.crop_min = 1, .drop = 0.25f},
                           masking = {.crop_min = 1, .mask = 0.25f},
                           swapping = {.crop_min = 1, .swap = 0.25f};
    int dropped = 0, masked = 0, swapped = 0;
    for (uint32_t i = 0; i < TRIES; i++) {
        dropped += 20 - view_of(&dropping, 20, i).count;
        view m = view_of(&masking, 20, i), s = view_of(&swapping, 20, i);
        for (int t = 1; t <= 20; t++) masked += m.ids[t] == MASK;
        for (int t = 1; t < 20; t++) swapped += s.ids[t] == s.ids[t + 1] + 1;
        assert_int_equal(s.count, 20);
    }
    assert_true(dropped > 900 && dropped < 1100); /* of 4,000 a quarter, 5 standard deviations */
    assert_true(masked > 860 && masked < 1140);
    assert_true(swapped > 640 && swapped < 880); /* .25 / 1.25 of 3,800 neighbours */
}

static void something_is_always_left_and_an_empty_text_has_its_marks(void **state) {
    (void)state;
    const byol_text_recipe hard = {.crop_min = 0, .span = 1, .drop = 1};
    for (uint32_t i = 0; i < TRIES; i++) assert_int_equal(view_of(&hard, 20, i).count, 1);
    assert_int_equal(view_of(&hard, 1, 0).count, 1);
    assert_int_equal(view_of(&hard, 0, 0).count, 0);
}

/* Runs of three: a token is masked unless none of the three places up to it begins a run. */
static void tokens_are_masked_in_runs(void **state) {
    (void)state;
    const byol_text_recipe recipe = {.crop_min = 1, .mask = 0.3f, .mask_span = 3};
    int masked = 0, all = 0, runs = 0;
    for (uint32_t i = 0; i < 10 * TRIES; i++) {
        view v = view_of(&recipe, 20, i);
        assert_int_equal(v.count, 20);
        for (int t = 1; t <= v.count; t++) {
            bool is = v.ids[t] == MASK, was = t > 1 && v.ids[t - 1] == MASK;
            masked += is;
            all++;
            runs += is && !was;
            if (is && !was && t + 2 <= v.count)
                assert_true(v.ids[t + 1] == MASK && v.ids[t + 2] == MASK);
        }
    }
    double start = 0.1, share = (double)masked / all, expected = 0;
    for (int t = 0; t < 20; t++) expected += (1 - pow(1 - start, t < 2 ? t + 1 : 3)) / 20;
    assert_true(fabs(share - expected) < 0.02);
    assert_true(runs > 0);
}

/* Where all that fits is kept, views show the same window; else each its own. */
static void views_share_the_window_where_nothing_is_cropped(void **state) {
    (void)state;
    int32_t ids[COUNT], scratch[COUNT], views[2][LENGTH];
    for (int i = 0; i < COUNT; i++) ids[i] = FIRST + i;
    for (int whole = 0; whole < 2; whole++) {
        const byol_text_recipe recipe = {.crop_min = whole ? 1 : 0.5f};
        int same = 0;
        for (uint32_t i = 0; i < TRIES; i++) {
            for (uint32_t v = 0; v < 2; v++) {
                byol__random random = byol__random_stream(1, BYOL__PURPOSE_VIEW, 0, i, v),
                             window = byol__random_stream(1, BYOL__PURPOSE_VIEW, 0, i, 16);
                byol__token_view(&recipe, &special, ids, COUNT, &random, &window, scratch, views[v],
                                 LENGTH);
            }
            same += memcmp(views[0], views[1], sizeof views[0]) == 0;
        }
        assert_true(whole ? same == TRIES : same < TRIES / 2);
    }
}

static void the_same_stream_makes_the_same_view(void **state) {
    (void)state;
    const byol_text_recipe recipe = {0.5f, 0.2f, 0.2f, 0.2f, 0.2f, 2};
    view a = view_of(&recipe, COUNT, 7), b = view_of(&recipe, COUNT, 7),
         c = view_of(&recipe, COUNT, 8);
    assert_memory_equal(a.ids, b.ids, sizeof a.ids);
    assert_true(memcmp(a.ids, c.ids, sizeof a.ids) != 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_that_fits_stays_as_it_is),
        cmocka_unit_test(of_a_long_text_a_window_is_taken_anywhere),
        cmocka_unit_test(a_crop_keeps_the_least_share_and_more),
        cmocka_unit_test(a_span_goes_in_one_piece),
        cmocka_unit_test(tokens_are_dropped_masked_and_swapped_as_often_as_asked),
        cmocka_unit_test(something_is_always_left_and_an_empty_text_has_its_marks),
        cmocka_unit_test(tokens_are_masked_in_runs),
        cmocka_unit_test(views_share_the_window_where_nothing_is_cropped),
        cmocka_unit_test(the_same_stream_makes_the_same_view),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
