/* Verification by pairs: files of pairs, scores, ROC curves beside scikit-learn's, and thresholds
 * on other persons. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "byol/verify.h"
#include "folder.h"
#include "state/safetensors.h"

static byol_error error;

static void check(byol_status status) {
    if (status != BYOL_OK) fail_msg("%s", error.text);
}

/* ---- files of pairs ---- */

static const char *write_text(const char *name, const char *text) {
    const char *path = in_folder(name);
    FILE *stream = fopen(path, "wb");
    assert_non_null(stream);
    fputs(text, stream);
    fclose(stream);
    return path;
}

/* Empty files: pairs are read without looking into the pictures. */
static void make_pictures(void) {
    static const char *const folders[] = {"a", "b", "c"};
    char name[32];
    for (int f = 0; f < 3; f++) {
        mkdir(in_folder(folders[f]), 0777);
        for (int i = 1; i <= 3; i++) {
            snprintf(name, sizeof name, "%s/%d x.pgm", folders[f], i);
            write_text(name, "");
            snprintf(name, sizeof name, "%s/%d.pgm", folders[f], i);
            write_text(name, "");
        }
    }
}

static const char *path_of(const byol_pairs *pairs, uint32_t file) {
    return pairs->path[file] + strlen(folder) + 1;
}

static void pairs_are_read_with_tabs_and_with_blanks(void **state) {
    (void)state;
    make_pictures();
    byol_pairs pairs;
    const char *file = write_text("pairs.txt", "# label path path\n\n1\ta/1 x.pgm\ta/2.pgm\r\n"
                                               "0 a/1.pgm   b/1.pgm\n1 b/1.pgm b/1.pgm\n"
                                               "0\tb/1.pgm\tc/3.pgm");
    check(byol_pairs_read(&pairs, file, NULL, &error));
    assert_int_equal(pairs.count, 3);
    assert_int_equal(pairs.same, 1);
    assert_int_equal(pairs.files, 5);
    assert_string_equal(path_of(&pairs, pairs.pair[0].a), "a/1 x.pgm");
    assert_string_equal(path_of(&pairs, pairs.pair[0].b), "a/2.pgm");
    assert_true(pairs.pair[0].same);
    assert_string_equal(path_of(&pairs, pairs.pair[1].b), "b/1.pgm");
    assert_int_equal(pairs.pair[1].line, 4);
    assert_false(pairs.pair[2].same);
    assert_int_equal(pairs.self_count, 1);
    assert_int_equal(pairs.self[0].line, 5);
    byol_pairs_release(&pairs);
    file = write_text("elsewhere.txt", "1 1.pgm 2.pgm\n0 1.pgm ../b/1.pgm\n");
    check(byol_pairs_read(&pairs, file, in_folder("a"), &error));
    assert_int_equal(pairs.count, 2);
    byol_pairs_release(&pairs);
}

static void what_is_wrong_with_pairs_is_said_with_its_line(void **state) {
    (void)state;
    make_pictures();
    static const struct {
        const char *text;
        byol_status status;
        const char *words[2];
    } cases[] = {
        {"1 a/1.pgm a/2.pgm\n2 a/1.pgm b/1.pgm\n", BYOL_ERROR_FORMAT, {"line 2", "'2'"}},
        {"same a/1.pgm a/2.pgm\n", BYOL_ERROR_FORMAT, {"line 1", "'same'"}},
        {"\n1 a/1.pgm\n", BYOL_ERROR_FORMAT, {"line 2", "LABEL PATH PATH"}},
        {"1 a/1.pgm a/2.pgm a/3.pgm\n", BYOL_ERROR_FORMAT, {"line 1", "LABEL PATH PATH"}},
        {"0 a/1.pgm b/1.pgm\n1 a/1.pgm a/9.pgm\n", BYOL_ERROR_NOT_FOUND, {"line 2", "a/9.pgm"}},
        {"1 a/1.pgm a/2.pgm\n1 a/1.pgm a/3.pgm\n", BYOL_ERROR_INVALID, {"2 pairs", "both kinds"}},
        {"0 a/1.pgm b/2.pgm\n", BYOL_ERROR_INVALID, {"1 pairs", "both kinds"}},
        {"1 a/1.pgm a/1.pgm\n0 a/1.pgm b/1.pgm\n", BYOL_ERROR_INVALID, {"1 pairs", "both kinds"}},
        {"", BYOL_ERROR_INVALID, {"0 pairs", "both kinds"}},
    };
    byol_pairs pairs;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *file = write_text("pairs.txt", cases[i].text);
        assert_int_equal(byol_pairs_read(&pairs, file, NULL, &error), cases[i].status);
        for (int w = 0; w < 2; w++)
            if (strstr(error.text, cases[i].words[w]) == NULL)
                fail_msg("'%s' does not say '%s'", error.text, cases[i].words[w]);
    }
    assert_int_equal(byol_pairs_read(&pairs, in_folder("none"), NULL, &error),
                     BYOL_ERROR_NOT_FOUND);
    assert_int_equal(byol_pairs_read(&pairs, in_folder("a"), NULL, &error), BYOL_ERROR_IO);
}

static uint32_t person_of(const byol_pairs *pairs, const char *name) {
    for (uint32_t i = 0; i < pairs->files; i++)
        if (strcmp(path_of(pairs, i), name) == 0) return pairs->person[i];
    fail_msg("there is no %s", name);
    return 0;
}

static void persons_are_chains_of_pairs_and_folders(void **state) {
    (void)state;
    make_pictures();
    byol_pairs pairs;
    const char *file = write_text("pairs.txt", "1 a/1.pgm a/2.pgm\n0 a/3.pgm b/1.pgm\n"
                                               "0 b/2.pgm c/1.pgm\n");
    check(byol_pairs_read(&pairs, file, NULL, &error));
    assert_int_equal(pairs.persons, 3);
    assert_int_equal(person_of(&pairs, "a/1.pgm"), person_of(&pairs, "a/3.pgm"));
    assert_int_equal(person_of(&pairs, "b/1.pgm"), person_of(&pairs, "b/2.pgm"));
    assert_int_not_equal(person_of(&pairs, "b/1.pgm"), person_of(&pairs, "c/1.pgm"));
    byol_pairs_release(&pairs);
    /* two persons in a folder: then folders are no persons, and chains alone count */
    file = write_text("pairs.txt", "1 a/1.pgm b/2.pgm\n1 b/2.pgm c/3.pgm\n0 a/1.pgm a/2.pgm\n"
                                   "0 b/2.pgm c/1.pgm\n");
    check(byol_pairs_read(&pairs, file, NULL, &error));
    assert_int_equal(pairs.persons, 3);
    assert_int_equal(person_of(&pairs, "a/1.pgm"), person_of(&pairs, "c/3.pgm"));
    assert_int_not_equal(person_of(&pairs, "a/2.pgm"), person_of(&pairs, "a/1.pgm"));
    byol_pairs_release(&pairs);
}

/* ---- scores ---- */

static void scores_are_cosines_and_distances(void **state) {
    (void)state;
    const float vectors[] = {3, 4, 0, 4, 3, 0, 0, 0, 0, 6, 8, 0};
    byol_pair list[] = {{0, 1, true, 1}, {0, 3, true, 2}, {0, 2, false, 3}};
    const byol_pairs pairs = {.pair = list, .count = 3};
    double scores[3];
    byol_pairs_cosines(&pairs, vectors, 3, scores);
    assert_true(fabs(scores[0] - 24.0 / 25) < 1e-12);
    assert_true(fabs(scores[1] - 1) < 1e-12);
    assert_true(scores[2] == 0);
    byol_pairs_distances(&pairs, vectors, 3, scores);
    assert_true(fabs(scores[0] + sqrt(2)) < 1e-12);
    assert_true(fabs(scores[1] + 5) < 1e-12);
}

/* ---- curves ---- */

enum { POINTS_MAX = 512 };

typedef struct golden {
    byol_pair pair[POINTS_MAX];
    double score[POINTS_MAX], far[POINTS_MAX], tar[POINTS_MAX], measures[POINTS_MAX];
    size_t count, points;
} golden;

static size_t read_numbers(const byol__safetensors *file, const char *name, const char *what,
                           double numbers[POINTS_MAX]) {
    char wanted[64];
    snprintf(wanted, sizeof wanted, "%s/%s", name, what);
    for (size_t i = 0; i < byol__safetensors_count(file); i++) {
        byol__tensor tensor;
        if (strcmp(byol__safetensors_name(file, i), wanted) != 0) continue;
        check(byol__safetensors_tensor(file, i, &tensor, &error));
        for (int k = 0; k < tensor.dims[0]; k++) numbers[k] = (double)tensor.data[k];
        return (size_t)tensor.dims[0];
    }
    fail_msg("the golden file has no %s", wanted);
    return 0;
}

static void read_golden(const byol__safetensors *file, const char *name, golden *g) {
    double same[POINTS_MAX];
    g->count = read_numbers(file, name, "score", g->score);
    assert_int_equal(read_numbers(file, name, "same", same), g->count);
    for (size_t i = 0; i < g->count; i++) g->pair[i] = (byol_pair){.same = same[i] > 0};
    g->points = read_numbers(file, name, "far", g->far);
    assert_int_equal(read_numbers(file, name, "tar", g->tar), g->points);
    assert_int_equal(read_numbers(file, name, "measures", g->measures), 4);
}

static void assert_near(double found, double wanted) { assert_true(fabs(found - wanted) < 1e-6); }

static void curves_are_those_of_scikit_learn(void **state) {
    (void)state;
    static const char *const names[] = {"different", "equal",   "good",
                                        "perfect",   "useless", "upside_down"};
    static golden g;
    byol__safetensors *file;
    check(byol__safetensors_open(&file, TEST_FOLDER "/golden/roc.safetensors", &error));
    for (size_t n = 0; n < sizeof names / sizeof *names; n++) {
        byol_roc roc;
        read_golden(file, names[n], &g);
        check(byol_roc_init(&roc, g.pair, g.score, g.count, &error));
        assert_int_equal(roc.count, g.points);
        for (size_t i = 0; i < roc.count; i++) {
            assert_near(roc.far[i], g.far[i]);
            assert_near(roc.tar[i], g.tar[i]);
        }
        assert_near(roc.auc, g.measures[0]);
        assert_near(roc.eer, g.measures[1]);
        assert_near(roc.tar[byol_roc_at(&roc, 0.01)], g.measures[2]);
        assert_near(roc.tar[byol_roc_at(&roc, 0.1)], g.measures[3]);
        byol_roc_release(&roc);
    }
    byol__safetensors_close(file);
}

static void a_far_needs_different_pairs_enough(void **state) {
    (void)state;
    const byol_roc some = {.different = 675}, few = {.different = 499};
    assert_true(byol_roc_supports(&some, 0.01));
    assert_false(byol_roc_supports(&some, 0.001));
    assert_false(byol_roc_supports(&few, 0.01));
}

static void a_curve_needs_both_kinds_and_finite_scores(void **state) {
    (void)state;
    const byol_pair pair[] = {{.same = true}, {.same = false}};
    const double scores[] = {1, NAN};
    byol_roc roc;
    assert_int_equal(byol_roc_init(&roc, pair, scores, 1, &error), BYOL_ERROR_INVALID);
    assert_int_equal(byol_roc_init(&roc, pair, scores, 2, &error), BYOL_ERROR_NUMERIC);
}

/* ---- thresholds ---- */

enum { PERSONS = 5, PICTURES = 2 * PERSONS };

/* Two pictures of each person, all pairs. Scores: the same 0.5 to 0.9 by person, different 0.1, but
 * `high` where one of them is the last person. */
static size_t all_pairs(byol_pair *pair, double *scores, double high) {
    size_t count = 0;
    for (uint32_t a = 0; a < PICTURES; a++)
        for (uint32_t b = a + 1; b < PICTURES; b++) {
            bool same = a / 2 == b / 2;
            pair[count] = (byol_pair){a, b, same, 0};
            scores[count++] = same ? 0.5 + a / 2 * 0.1 : b / 2 == PERSONS - 1 ? high : 0.1;
        }
    return count;
}

static void a_threshold_is_judged_on_persons_that_did_not_choose_it(void **state) {
    (void)state;
    static byol_pair pair[PICTURES * PICTURES];
    static double scores[PICTURES * PICTURES];
    uint32_t person[PICTURES];
    for (uint32_t i = 0; i < PICTURES; i++) person[i] = i / 2;
    byol_pairs pairs = {.pair = pair, .files = PICTURES, .person = person, .persons = PERSONS};
    byol_threshold t;
    pairs.count = all_pairs(pair, scores, 0.1);
    pairs.same = PERSONS;
    check(byol_threshold_cross_check(&t, &pairs, scores, 0.01, 1, &error));
    /* The threshold is the lowest score of the same among the choosing: .5, or .6 without person 0,
     * who is then refused. */
    assert_int_equal(t.folds, PERSONS);
    assert_near(t.far, 0);
    assert_near(t.tar, 0.8);
    assert_near(t.threshold, (4 * 0.5 + 0.6) / 5);
    /* The last person looks like all others, at .55. While she is held out the others choose .5,
     * and her 16 pairs are accepted. Else they choose .6, or .7 without person 1 (.6): person 0
     * (.5) is refused always, person 1 once she is held out. 4 pictures with 4 others are each held
     * out. */
    all_pairs(pair, scores, 0.55);
    check(byol_threshold_cross_check(&t, &pairs, scores, 0.01, 1, &error));
    assert_near(t.far, 16.0 / 80);
    assert_near(t.tar, 3.0 / 5);
    assert_near(t.threshold, (0.5 + 3 * 0.6 + 0.7) / 5);
}

static void a_given_threshold_accepts_what_is_at_or_above_it(void **state) {
    (void)state;
    const byol_pair pair[] = {
        {.same = true}, {.same = true}, {.same = false}, {.same = false}, {.same = false}};
    const double scores[] = {0.5, 0.4, 0.5, 0.6, 0.1};
    byol_threshold t;
    byol_threshold_apply(&t, 0.5, pair, scores, 5);
    assert_near(t.tar, 0.5);
    assert_near(t.far, 2.0 / 3);
    assert_int_equal(t.folds, 1);
}

static void too_few_persons_have_no_threshold(void **state) {
    (void)state;
    byol_pair pair[] = {{0, 1, true, 1}, {0, 2, false, 2}};
    uint32_t person[] = {0, 0, 1};
    const double scores[] = {1, 0};
    const byol_pairs pairs = {
        .pair = pair, .count = 2, .same = 1, .files = 3, .person = person, .persons = 2};
    byol_threshold t;
    check(byol_threshold_cross_check(&t, &pairs, scores, 0.01, 1, &error));
    assert_int_equal(t.folds, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(pairs_are_read_with_tabs_and_with_blanks, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(what_is_wrong_with_pairs_is_said_with_its_line, make_folder,
                                        remove_folder),
        cmocka_unit_test_setup_teardown(persons_are_chains_of_pairs_and_folders, make_folder,
                                        remove_folder),
        cmocka_unit_test(scores_are_cosines_and_distances),
        cmocka_unit_test(curves_are_those_of_scikit_learn),
        cmocka_unit_test(a_far_needs_different_pairs_enough),
        cmocka_unit_test(a_curve_needs_both_kinds_and_finite_scores),
        cmocka_unit_test(a_threshold_is_judged_on_persons_that_did_not_choose_it),
        cmocka_unit_test(a_given_threshold_accepts_what_is_at_or_above_it),
        cmocka_unit_test(too_few_persons_have_no_threshold),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
