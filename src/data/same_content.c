#include "data/same_content.h"

#include <stdlib.h>

#include "base/error.h"
#include "base/memory.h"

static int by_content(const void *a, const void *b) {
    const byol__content *x = a, *y = b;
    int order = XXH128_cmp(&x->hash, &y->hash);
    return order != 0 ? order : (x->index > y->index) - (x->index < y->index);
}

static int by_index(const void *a, const void *b) {
    const byol_duplicate *x = a, *y = b;
    return (x->index > y->index) - (x->index < y->index);
}

/* After sorting by content, equal samples are adjacent, in source order. */
byol_status byol__find_same_content(byol__content *contents, size_t count, byol_duplicate **out,
                                    size_t *found, byol_error *error) {
    size_t total = 0, kept = 0, first = 0;
    qsort(contents, count, sizeof *contents, by_content);
    for (size_t i = 1; i < count; i++)
        total += XXH128_isEqual(contents[i].hash, contents[i - 1].hash) != 0;
    BYOL__TRY(byol__alloc(out, total, sizeof **out, "duplicates", error));
    for (size_t i = 1; i < count; i++) {
        if (XXH128_isEqual(contents[i].hash, contents[first].hash))
            (*out)[kept++] = (byol_duplicate){contents[i].index, contents[first].index};
        else
            first = i;
    }
    qsort(*out, total, sizeof **out, by_index);
    *found = total;
    return BYOL_OK;
}
