#include "eval/joint_labels.h"

#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"

static byol_status read_labels(int32_t **labels, size_t *count, int *classes,
                               const byol_source *source, byol_error *error) {
    byol_source_info info;
    byol_source_describe(source, &info);
    if (info.classes == 0 || info.count == 0)
        return byol__fail(error, BYOL_ERROR_INVALID, "%s has no labels", info.description);
    BYOL__TRY(byol__alloc(labels, info.count, sizeof **labels, "labels", error));
    *count = info.count;
    *classes = info.classes;
    for (size_t i = 0; i < info.count; i++) {
        int32_t label = (*labels)[i] = byol_source_label(source, i);
        if (label < 0 || label >= info.classes)
            return byol__fail(error, BYOL_ERROR_INVALID,
                              "sample %zu of %s has label %d; labels are 0 .. %d", i,
                              info.description, (int)label, info.classes - 1);
    }
    return BYOL_OK;
}

static bool has_names(const byol_source *source, int classes) {
    for (int c = 0; c < classes; c++)
        if (byol_source_class_name(source, c) == NULL) return false;
    return true;
}

static int find_class(const byol_source *source, int classes, const char *name) {
    for (int c = 0; c < classes; c++)
        if (strcmp(byol_source_class_name(source, c), name) == 0) return c;
    return -1;
}

/* Renumbers the labels of the test source. */
static byol_status join(byol__joint_labels *joint, int test_classes, const byol_source *train,
                        const byol_source *test, byol_error *error) {
    int32_t *number;
    joint->classes = joint->train_classes;
    if (!has_names(train, joint->train_classes) || !has_names(test, test_classes)) {
        if (test_classes > joint->classes) joint->classes = test_classes;
        return BYOL_OK;
    }
    BYOL__TRY(byol__alloc(&number, (size_t)test_classes, sizeof *number, "classes", error));
    for (int c = 0; c < test_classes; c++) {
        number[c] = find_class(train, joint->train_classes, byol_source_class_name(test, c));
        if (number[c] < 0) number[c] = joint->classes++;
    }
    for (size_t i = 0; i < joint->test_count; i++) joint->test[i] = number[joint->test[i]];
    byol__free(number);
    return BYOL_OK;
}

byol_status byol__joint_labels_create(byol__joint_labels *joint, const byol_source *train,
                                      const byol_source *test, byol_error *error) {
    int test_classes = 0;
    *joint = (byol__joint_labels){0};
    byol_status status =
        read_labels(&joint->train, &joint->train_count, &joint->train_classes, train, error);
    if (status == BYOL_OK)
        status = read_labels(&joint->test, &joint->test_count, &test_classes, test, error);
    if (status == BYOL_OK) status = join(joint, test_classes, train, test, error);
    if (status != BYOL_OK) byol__joint_labels_release(joint);
    return status;
}

void byol__joint_labels_release(byol__joint_labels *joint) {
    byol__free(joint->train);
    byol__free(joint->test);
    *joint = (byol__joint_labels){0};
}
