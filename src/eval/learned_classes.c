#include "eval/learned_classes.h"

#include "base/error.h"
#include "base/memory.h"

byol_status byol__learned_classes_number(byol__learned_classes *learned, const int32_t *labels,
                                         size_t samples, int classes, byol_error *error) {
    size_t *counts, most = 0;
    *learned = (byol__learned_classes){0};
    BYOL__TRY(
        byol__alloc(&learned->known, (size_t)classes, sizeof *learned->known, "classes", error));
    BYOL__TRY(byol__alloc(&learned->targets, samples, sizeof *learned->targets, "labels", error));
    BYOL__TRY(byol__alloc(&counts, (size_t)classes, sizeof *counts, "classes", error));
    for (size_t i = 0; i < samples; i++) counts[labels[i]]++;
    for (int32_t c = 0; c < classes; c++) {
        if (counts[c] > most) most = counts[c];
        if (counts[c] == 0) continue;
        counts[c] = (size_t)learned->count; /* from here on: its number */
        learned->known[learned->count++] = c;
    }
    for (size_t i = 0; i < samples; i++) learned->targets[i] = (int32_t)counts[labels[i]];
    byol__free(counts);
    if (most >= 2) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_INVALID,
                      "no class has two training samples, one to learn from and one to hold out");
}

void byol__learned_classes_release(byol__learned_classes *learned) {
    byol__free(learned->known);
    byol__free(learned->targets);
    *learned = (byol__learned_classes){0};
}
