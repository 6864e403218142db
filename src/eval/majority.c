/* What is possible without looking at the samples. */
#include "base/error.h"
#include "base/memory.h"
#include "byol/eval.h"
#include "eval/joint_labels.h"

static byol_status most_frequent(const byol__joint_labels *labels, int32_t *most,
                                 byol_error *error) {
    size_t *counts;
    BYOL__TRY(byol__alloc(&counts, (size_t)labels->classes, sizeof *counts, "classes", error));
    for (size_t i = 0; i < labels->train_count; i++) counts[labels->train[i]]++;
    *most = 0;
    for (int32_t c = 1; c < labels->classes; c++)
        if (counts[c] > counts[*most]) *most = c;
    byol__free(counts);
    return BYOL_OK;
}

byol_status byol_majority(const byol_source *train, const byol_source *test, double *accuracy,
                          int32_t *label, byol_error *error) {
    byol__joint_labels labels;
    int32_t most;
    size_t right = 0;
    BYOL__TRY(byol__joint_labels_create(&labels, train, test, error));
    byol_status status = most_frequent(&labels, &most, error);
    for (size_t i = 0; status == BYOL_OK && i < labels.test_count; i++)
        right += labels.test[i] == most;
    if (status == BYOL_OK) {
        *accuracy = 100 * (double)right / (double)labels.test_count;
        if (label != NULL) *label = most;
    }
    byol__joint_labels_release(&labels);
    return status;
}
