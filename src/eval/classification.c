#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "byol/eval.h"

static double percent(uint64_t part, uint64_t whole) {
    return whole > 0 ? 100 * (double)part / (double)whole : 0;
}

static byol_status count_confusion(byol_classification *report, const int32_t *labels,
                                   const int32_t *predicted, size_t count, byol_error *error) {
    int32_t classes = report->classes;
    for (size_t i = 0; i < count; i++) {
        if (labels[i] < 0 || labels[i] >= classes || predicted[i] < 0 || predicted[i] >= classes)
            return byol__fail(error, BYOL_ERROR_INVALID,
                              "image %zu has label %d and prediction %d; both must be 0 .. %d", i,
                              (int)labels[i], (int)predicted[i], (int)classes - 1);
        report->confusion[(size_t)labels[i] * (size_t)classes + (size_t)predicted[i]]++;
    }
    return BYOL_OK;
}

/* A row of the matrix holds all images of a class, a column all images predicted as it. */
static void score_class(byol_classification *report, size_t class) {
    size_t classes = (size_t)report->classes;
    uint64_t of_class = 0, taken_for_it = 0, right = report->confusion[class * classes + class];
    for (size_t other = 0; other < classes; other++) {
        of_class += report->confusion[class * classes + other];
        taken_for_it += report->confusion[other * classes + class];
    }
    report->of_class[class] = (byol_class_scores){.precision = percent(right, taken_for_it),
                                                  .recall = percent(right, of_class),
                                                  .f1 = percent(2 * right, of_class + taken_for_it),
                                                  .support = of_class};
}

static void add_scores(byol_class_scores *mean, const byol_class_scores *scores, double weight) {
    mean->precision += weight * scores->precision;
    mean->recall += weight * scores->recall;
    mean->f1 += weight * scores->f1;
}

static void take_means(byol_classification *report) {
    uint64_t right = 0;
    for (size_t class = 0; class < (size_t)report->classes; class ++) {
        const byol_class_scores *scores = &report->of_class[class];
        add_scores(&report->macro, scores, 1.0 / report->classes);
        add_scores(&report->weighted, scores, percent(scores->support, report->count) / 100);
        right += report->confusion[class * (size_t)report->classes + class];
    }
    report->macro.support = report->weighted.support = report->count;
    report->accuracy = percent(right, report->count);
}

byol_status byol_classification_init(byol_classification *report, const int32_t *labels,
                                     const int32_t *predicted, size_t count, int classes,
                                     byol_error *error) {
    *report = (byol_classification){.classes = classes, .count = count};
    if (count == 0 || classes < 1)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "there is nothing to report on: %zu images of %d classes", count,
                          classes);
    size_t side = (size_t)classes;
    byol_status status = byol__alloc(&report->of_class, side, sizeof *report->of_class,
                                     "classification report", error);
    if (status == BYOL_OK)
        status = byol__alloc(&report->confusion, side * side, sizeof *report->confusion,
                             "confusion matrix", error);
    if (status == BYOL_OK) status = count_confusion(report, labels, predicted, count, error);
    if (status != BYOL_OK) {
        byol_classification_release(report);
        return status;
    }
    for (size_t class = 0; class < side; class ++) score_class(report, class);
    take_means(report);
    return BYOL_OK;
}

void byol_classification_release(byol_classification *report) {
    byol__free(report->of_class);
    byol__free(report->confusion);
    memset(report, 0, sizeof *report);
}
