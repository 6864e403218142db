/* The labels of two sources as numbers that mean the same. Sources number their classes each by
 * themselves: a test file in which a class is missing has other numbers than the training file. */
#ifndef BYOL__JOINT_LABELS_H
#define BYOL__JOINT_LABELS_H

#include <stddef.h>
#include <stdint.h>

#include "byol/source.h"

typedef struct byol__joint_labels {
    int32_t *train, *test; /* owned */
    size_t train_count, test_count;
    /* Training's classes keep their numbers; the test source's other classes come after them. */
    int train_classes, classes;
} byol__joint_labels;

/* Classes are the same if their names are or, where a source has no names, if their numbers are.
 * BYOL_ERROR_INVALID if one of the sources has no labels. Owned: byol__joint_labels_release. */
byol_status byol__joint_labels_create(byol__joint_labels *joint, const byol_source *train,
                                      const byol_source *test, byol_error *error);
void byol__joint_labels_release(byol__joint_labels *joint);

#endif
