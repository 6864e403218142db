#include "report/near.h"

#include <stdbool.h>

int byol__find_near(const byol__exhibit *exhibit, byol__eye eye, size_t asked, int wanted,
                    byol__near *best) {
    const byol__shown *bank = &exhibit->bank, *from = &exhibit->asked;
    int found = 0;
    for (size_t i = 0; i < bank->count; i++) {
        if (bank->of == from->of && bank->indices[i] == from->indices[asked]) continue;
        byol__near candidate = {i, byol__exhibit_likeness(exhibit, eye, asked, i)};
        if (found == wanted && !(candidate.cosine > best[wanted - 1].cosine)) continue;
        int at = found < wanted ? found++ : wanted - 1;
        for (; at > 0 && candidate.cosine > best[at - 1].cosine; at--) best[at] = best[at - 1];
        best[at] = candidate;
    }
    return found;
}

/* The first sample of each class. */
static int choose_classes(const byol__shown *asked, int wanted, size_t *chosen) {
    int found = 0;
    for (size_t i = 0; i < asked->count && found < wanted; i++) {
        int32_t label = byol_source_label(asked->source, i);
        bool known = label < 0;
        for (int k = 0; k < found; k++)
            known = known || byol_source_label(asked->source, chosen[k]) == label;
        if (!known) chosen[found++] = i;
    }
    return found;
}

int byol__choose_asked(const byol__shown *asked, int wanted, size_t *chosen) {
    int found = choose_classes(asked, wanted, chosen);
    for (size_t i = 0; i < asked->count && found < wanted; i++) {
        /* A prime step visits all of them before one comes again. */
        size_t candidate = i * 7919 % asked->count;
        bool known = false;
        for (int k = 0; k < found; k++) known = known || chosen[k] == candidate;
        if (!known) chosen[found++] = candidate;
    }
    return found;
}
