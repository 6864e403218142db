/* Smallest, median and largest of some sizes. */
#ifndef BYOL__SPAN_H
#define BYOL__SPAN_H

#include <stddef.h>

#include "byol/survey.h"

/* Sorts `values`. Of an even number the upper middle one is the median; all 0 where there are
 * none. */
byol_span byol__span_of(int *values, size_t count);

#endif
