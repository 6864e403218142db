/* What the golden tests share: a file of golden/, a method that begins with its weights, and its
 * tensors held against the rows of the same names; after cmocka.h. */
#ifndef GOLDEN_FILE_H
#define GOLDEN_FILE_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "floats.h"
#include "state/safetensors.h"
#include "train/method.h"

static const double loss_tolerance = 1e-5, tensor_tolerance = 1e-4; /* fp32 */
static const double bf16_loss_tolerance = 0.02;                     /* of the loss */

static inline byol__safetensors *golden_open(const char *name) {
    char path[512];
    byol__safetensors *file;
    snprintf(path, sizeof path, TEST_FOLDER "/golden/%s.safetensors", name);
    check(byol__safetensors_open(&file, path, &error));
    return file;
}

/* Online and target network begin with the file's init/..., or with `member`/init/... where that is
 * there. */
static inline void golden_begin(byol__method *method, const byol__safetensors *file,
                                const char *member) {
    const byol__table *table = &method->graph.params;
    for (int i = 0; i < table->count; i++) {
        const byol__param *row = &table->rows[i];
        float *values = method->params + row->offset;
        char name[192];
        snprintf(name, sizeof name, "%s/init/%s", member, row->name);
        if (byol__safetensors_read(file, name, row->dims, row->ndims, values, NULL) != BYOL_OK) {
            snprintf(name, sizeof name, "init/%s", row->name);
            check(byol__safetensors_read(file, name, row->dims, row->ndims, values, &error));
        }
    }
    if (method->kind != BYOL_TARGET_ONLINE)
        memcpy(method->target_params, method->params, method->target_count * sizeof(float));
    check(byol__method_stage(method, &error));
}

/* Every tensor that the file has under member/what, with the row of that name; returns how many. */
static inline int assert_tensors(const byol__safetensors *file, const char *member,
                                 const char *what, const byol__table *table, const float *arena) {
    char front[64];
    int found = 0;
    snprintf(front, sizeof front, "%s/%s/", member, what);
    for (size_t i = 0; i < byol__safetensors_count(file); i++) {
        byol__tensor tensor;
        check(byol__safetensors_tensor(file, i, &tensor, &error));
        if (strncmp(tensor.name, front, strlen(front)) != 0) continue;
        int row = byol__table_find(table, tensor.name + strlen(front));
        if (row == BYOL__NONE) fail_msg("there is no %s", tensor.name);
        const float *values = arena + table->rows[row].offset;
        double largest = 0, worst = 0;
        for (size_t k = 0; k < table->rows[row].count; k++) {
            largest = fmax(largest, fabs((double)tensor.data[k]));
            worst = fmax(worst, fabs((double)values[k] - (double)tensor.data[k]));
        }
        if (!(worst <= tensor_tolerance * largest))
            fail_msg("%s: off by %.2e of %.2e", tensor.name, worst, largest);
        found++;
    }
    return found;
}

#endif
