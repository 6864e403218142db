/* What is kept of evaluations. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "byol/report.h"
#include "folder.h"
#include "report/evaluation.h"

static byol_evaluation example(const char *method, double accuracy) {
    static const uint64_t confusion[4] = {5, 1, 2, 4};
    return (byol_evaluation){.method = method,
                             .step = 8,
                             .train = "train",
                             .test = "te\xffst",
                             .train_count = 20,
                             .test_count = 12,
                             .classes = 2,
                             .accuracy = accuracy,
                             .random_init_accuracy = 50,
                             .pixel_accuracy = NAN,
                             .hog_accuracy = NAN,
                             .choice_name = "k",
                             .choice = 5,
                             .confusion = confusion};
}

static double kept(const char *method, const char *key) {
    json_t *all = byol__evaluation_read(folder);
    const json_t *value = json_object_get(json_object_get(all, method), key);
    double number = json_is_number(value) ? json_number_value(value) : (double)NAN;
    json_decref(all);
    return number;
}

static void methods_stand_side_by_side_and_the_latest_result_of_each_counts(void **state) {
    (void)state;
    byol_evaluation knn = example("knn", 70), linear = example("linear", 75),
                    again = example("knn", 71);
    assert_int_equal(byol_evaluation_save(folder, &knn, NULL), BYOL_OK);
    assert_int_equal(byol_evaluation_save(folder, &linear, NULL), BYOL_OK);
    assert_int_equal(byol_evaluation_save(folder, &again, NULL), BYOL_OK);
    assert_true(kept("knn", "accuracy") == 71);
    assert_true(kept("linear", "accuracy") == 75);
}

static void a_quick_look_is_outranked_by_a_result_of_more_images_of_the_same_weights(void **state) {
    (void)state;
    byol_evaluation full = example("knn", 70), quick = full, fewer_learned = full,
                    trained_on = full, other = full;
    quick.test_count--;
    quick.train_count++;
    fewer_learned.train_count--;
    trained_on.test_count = 1;
    trained_on.step++;
    other.test_count = 1;
    other.method = "linear";
    assert_false(byol_evaluation_is_outranked(folder, &quick));
    assert_int_equal(byol_evaluation_save(folder, &full, NULL), BYOL_OK);
    assert_true(byol_evaluation_is_outranked(folder, &quick));
    assert_true(byol_evaluation_is_outranked(folder, &fewer_learned));
    assert_false(byol_evaluation_is_outranked(folder, &full));
    assert_false(byol_evaluation_is_outranked(folder, &trained_on));
    assert_false(byol_evaluation_is_outranked(folder, &other));
}

static void
a_result_on_the_training_images_is_outranked_by_any_other_and_outranks_none(void **state) {
    (void)state;
    byol_evaluation other_images = example("knn", 70), same_images = example("knn", 100);
    same_images.same_images = 1;
    same_images.test_count *= 2;
    assert_int_equal(byol_evaluation_save(folder, &other_images, NULL), BYOL_OK);
    assert_true(byol_evaluation_is_outranked(folder, &same_images));
    assert_int_equal(byol_evaluation_save(folder, &same_images, NULL), BYOL_OK);
    assert_false(byol_evaluation_is_outranked(folder, &other_images));
    assert_false(byol_evaluation_is_outranked(folder, &same_images));
}

static void what_was_not_measured_is_left_out(void **state) {
    (void)state;
    byol_evaluation knn = example("knn", 70);
    assert_int_equal(byol_evaluation_save(folder, &knn, NULL), BYOL_OK);
    assert_true(isnan(kept("knn", "pixel_accuracy")));
    assert_true(kept("knn", "random_init_accuracy") == 50);
}

/* A program from before there were texts leaves their baselines at 0. */
static void baselines_of_texts_are_kept_where_they_were_measured(void **state) {
    (void)state;
    byol_evaluation images = example("knn", 70), texts = example("linear", 75);
    texts.tfidf_accuracy = 72.5;
    texts.majority_accuracy = 51;
    assert_int_equal(byol_evaluation_save(folder, &images, NULL), BYOL_OK);
    assert_int_equal(byol_evaluation_save(folder, &texts, NULL), BYOL_OK);
    assert_true(isnan(kept("knn", "tfidf_accuracy")));
    assert_true(isnan(kept("knn", "majority_accuracy")));
    assert_true(kept("linear", "tfidf_accuracy") == 72.5);
    assert_true(kept("linear", "majority_accuracy") == 51);
}

static void a_result_is_current_for_its_own_weights_alone(void **state) {
    (void)state;
    byol_evaluation knn = example("knn", 70);
    assert_int_equal(byol_evaluation_save(folder, &knn, NULL), BYOL_OK);
    assert_true(byol_evaluation_is_current(folder, "knn", 8));
    assert_false(byol_evaluation_is_current(folder, "knn", 9));
    assert_false(byol_evaluation_is_current(folder, "linear", 8));
    assert_false(byol_evaluation_is_current("/nowhere", "knn", 8));
}

static void a_folder_that_is_not_there_is_an_error_with_words(void **state) {
    (void)state;
    byol_error error = {0};
    byol_evaluation knn = example("knn", 70);
    assert_int_equal(byol_evaluation_save("/nowhere", &knn, &error), BYOL_ERROR_IO);
    assert_non_null(strstr(error.text, "/nowhere/evaluation.json"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            methods_stand_side_by_side_and_the_latest_result_of_each_counts, make_folder,
            remove_folder),
        cmocka_unit_test_setup_teardown(
            a_quick_look_is_outranked_by_a_result_of_more_images_of_the_same_weights, make_folder,
            remove_folder),
        cmocka_unit_test_setup_teardown(
            a_result_on_the_training_images_is_outranked_by_any_other_and_outranks_none,
            make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(what_was_not_measured_is_left_out, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(baselines_of_texts_are_kept_where_they_were_measured,
                                        make_folder, remove_folder),
        cmocka_unit_test_setup_teardown(a_result_is_current_for_its_own_weights_alone, make_folder,
                                        remove_folder),
        cmocka_unit_test(a_folder_that_is_not_there_is_an_error_with_words),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
