/* Which samples of a report are asked about, and what lies nearest to them. */
#ifndef BYOL__NEAR_H
#define BYOL__NEAR_H

#include <stddef.h>

#include "report/exhibit.h"

/* Chooses up to `wanted` samples: one of each class, as far as there are enough classes; the rest
 * is spread over all. Writes their numbers and returns how many they are. */
int byol__choose_asked(const byol__shown *asked, int wanted, size_t *chosen);

typedef struct byol__near {
    size_t index; /* in the bank */
    float cosine;
} byol__near;

/* Finds the `wanted` nearest of the bank, best first. The asked sample itself does not count.
 * Returns their number. */
int byol__find_near(const byol__exhibit *exhibit, byol__eye eye, size_t asked, int wanted,
                    byol__near *best);

#endif
