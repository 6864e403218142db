#include "data/span.h"

#include <stdlib.h>

static int by_value(const void *a, const void *b) { return *(const int *)a - *(const int *)b; }

byol_span byol__span_of(int *values, size_t count) {
    if (count == 0) return (byol_span){0, 0, 0};
    qsort(values, count, sizeof *values, by_value);
    return (byol_span){values[0], values[count / 2], values[count - 1]};
}
