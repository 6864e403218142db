/* The classification report against figures computed by hand, and against scikit-learn's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/philox.h"
#include "byol/eval.h"

static int close_to(double a, double b) { return fabs(a - b) < 1e-9; }

static void check_scores(const byol_class_scores *scores, double precision, double recall,
                         double f1, uint64_t support) {
    assert_true(close_to(scores->precision, precision));
    assert_true(close_to(scores->recall, recall));
    assert_true(close_to(scores->f1, f1));
    assert_int_equal(scores->support, support);
}

/* Class 0: 2 of 3 found, 1 wrongly claimed. Class 1: 1 of 4 found, nothing wrongly claimed. Class
 * 2: 1 of 1 found, 3 wrongly claimed. Class 3: no images, never predicted. */
static void figures_are_those_computed_by_hand(void **state) {
    (void)state;
    const int32_t labels[] = {0, 0, 0, 1, 1, 1, 1, 2}, predicted[] = {0, 0, 2, 1, 0, 2, 2, 2};
    byol_classification report;
    assert_int_equal(byol_classification_init(&report, labels, predicted, 8, 4, NULL), BYOL_OK);
    check_scores(&report.of_class[0], 200.0 / 3, 200.0 / 3, 200.0 / 3, 3);
    check_scores(&report.of_class[1], 100, 25, 40, 4);
    check_scores(&report.of_class[2], 25, 100, 40, 1);
    check_scores(&report.of_class[3], 0, 0, 0, 0);
    check_scores(&report.macro, (200.0 / 3 + 125) / 4, (200.0 / 3 + 125) / 4, (200.0 / 3 + 80) / 4,
                 8);
    check_scores(&report.weighted, (200 + 400 + 25) / 8.0, (200 + 100 + 100) / 8.0,
                 (200 + 160 + 40) / 8.0, 8);
    assert_true(close_to(report.accuracy, 50));
    const uint64_t confusion[] = {2, 0, 1, 0, 1, 1, 2, 0, 0, 0, 1, 0, 0, 0, 0, 0};
    assert_memory_equal(report.confusion, confusion, sizeof confusion);
    byol_classification_release(&report);
    byol_classification_release(&report); /* an empty one is fine */
}

static void what_is_no_class_is_refused_with_words(void **state) {
    (void)state;
    int32_t labels[] = {0, 1}, predicted[] = {1, 2};
    byol_classification report;
    byol_error error = {0};
    assert_int_equal(byol_classification_init(&report, labels, predicted, 2, 2, &error),
                     BYOL_ERROR_INVALID);
    assert_non_null(strstr(error.text, "image 1 has label 1 and prediction 2"));
    assert_null(report.confusion);
    labels[0] = -1;
    assert_int_equal(byol_classification_init(&report, labels, predicted, 2, 3, NULL),
                     BYOL_ERROR_INVALID);
    assert_int_equal(byol_classification_init(&report, labels, predicted, 0, 3, NULL),
                     BYOL_ERROR_INVALID);
}

enum { COUNT = 997, CLASSES = 7 };

/* Prints, a line each: per class, macro and weighted "precision recall f1 support"; then the matrix
 * row by row. */
static const char script[] =
    "import sys\n"
    "from sklearn.metrics import classification_report as cr, confusion_matrix as cm\n"
    "rows = [tuple(map(int, line.split())) for line in open(sys.argv[1])]\n"
    "y, p = [r[0] for r in rows], [r[1] for r in rows]\n"
    "labels = list(range(7))\n"
    "r = cr(y, p, labels=labels, output_dict=True, zero_division=0)\n"
    "for key in [str(c) for c in labels] + ['macro avg', 'weighted avg']:\n"
    "    s = r[key]\n"
    "    print('%.12g %.12g %.12g %d' % (s['precision'], s['recall'], s['f1-score'], "
    "s['support']))\n"
    "for row in cm(y, p, labels=labels): print(*row)\n";

static void read_scores(FILE *stream, const byol_class_scores *ours) {
    double precision, recall, f1;
    unsigned long long support;
    assert_int_equal(fscanf(stream, "%lf %lf %lf %llu", &precision, &recall, &f1, &support), 4);
    check_scores(ours, 100 * precision, 100 * recall, 100 * f1, support);
}

/* Class 5 is never predicted, class 6 has no images. */
static void figures_are_those_of_scikit_learn(void **state) {
    (void)state;
    const char *python = getenv("BYOL_TEST_SKLEARN_PYTHON");
    if (python == NULL) {
        print_message("skipped: BYOL_TEST_SKLEARN_PYTHON names no python3 that has scikit-learn\n");
        skip();
    }
    static int32_t labels[COUNT], predicted[COUNT];
    byol__random random = byol__random_stream(7, BYOL__PURPOSE_BENCH, 0, 0, 0);
    char data[] = "/tmp/byol-report-XXXXXX", code[] = "/tmp/byol-report-XXXXXX", command[512];
    FILE *pairs = fdopen(mkstemp(data), "w"), *program = fdopen(mkstemp(code), "w");
    assert_true(pairs != NULL && program != NULL);
    for (int i = 0; i < COUNT; i++) {
        labels[i] = (int32_t)byol__random_below(&random, CLASSES - 1);
        predicted[i] = byol__random_below(&random, 2) != 0
                           ? labels[i]
                           : (int32_t)byol__random_below(&random, CLASSES);
        if (predicted[i] == 5) predicted[i] = 4;
        fprintf(pairs, "%d %d\n", (int)labels[i], (int)predicted[i]);
    }
    fputs(script, program);
    fclose(pairs);
    fclose(program);

    byol_classification report;
    assert_int_equal(byol_classification_init(&report, labels, predicted, COUNT, CLASSES, NULL),
                     BYOL_OK);
    snprintf(command, sizeof command, "%s %s %s", python, code, data);
    FILE *theirs = popen(command, "r");
    assert_non_null(theirs);
    for (int c = 0; c < CLASSES; c++) read_scores(theirs, &report.of_class[c]);
    read_scores(theirs, &report.macro);
    read_scores(theirs, &report.weighted);
    for (int i = 0; i < CLASSES * CLASSES; i++) {
        unsigned long long images;
        assert_int_equal(fscanf(theirs, "%llu", &images), 1);
        assert_int_equal(images, report.confusion[i]);
    }
    assert_int_equal(pclose(theirs), 0);
    remove(data);
    remove(code);
    byol_classification_release(&report);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(figures_are_those_computed_by_hand),
        cmocka_unit_test(what_is_no_class_is_refused_with_words),
        cmocka_unit_test(figures_are_those_of_scikit_learn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
