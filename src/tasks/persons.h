/* Which pictures of a file of pairs are of one person: thresholds are checked on persons that they
 * were not chosen on. */
#ifndef BYOL__PERSONS_H
#define BYOL__PERSONS_H

#include "byol/verify.h"

/* Fills in `person` and `persons`. */
byol_status byol__persons_find(byol_pairs *pairs, byol_error *error);

#endif
