/* Padding: tokens of number 0 at the end of a row are none. */
#ifndef BYOL__TOKEN_LENGTHS_H
#define BYOL__TOKEN_LENGTHS_H

#include "plan/unit.h"

/* Tokens of each sample of the i32 value `value`: (batch) numbers. */
void byol__token_lengths(const byol__plan *plan, int value, int *lengths);

/* BYOL_ERROR_MISMATCH unless `tokens` are as many as the positions that they tell of. */
byol_status byol__check_token_length(const byol__compiler *c, const byol__unit *unit, int tokens,
                                     int positions);

#endif
