/* What operations that go position by position share: values as rows, how many rows of a text
 * count, and what the profile is told. */
#ifndef BYOL__UNIT_ROWS_H
#define BYOL__UNIT_ROWS_H

#include "ops/channel_rows.h"
#include "plan/unit.h"

/* `buffer` holds what lies as `value` does. */
byol__rows byol__rows_at(const byol__plan *plan, int value, int buffer);
/* The value itself. */
byol__rows byol__value_rows(const byol__plan *plan, int value);

/* A row lies on the stack: a mistake of the graph where it has more channels than fit. */
void byol__check_row_width(byol__graph *graph, const char *name, int channels);

/* Images become rows of tokens: the first lines of an operation that takes both. Returns the name
 * of the rows. */
const char *byol__rows_in_onnx(byol__shape src, char *lines);

/* Tells the profile of sources and result, since `begin`. */
void byol__note_rows(byol__plan *plan, const byol__unit *unit, double begin);

/* ---- Padding: of an operation whose second source, if it has one, are tokens ---- */

/* While compiling: BYOL_ERROR_MISMATCH unless the tokens are as many as the positions. */
byol_status byol__check_padding(const byol__compiler *c, const byol__unit *unit);
/* Room in `buffer` for the number of tokens of each sample; BYOL__NO_BUFFER: all count. */
byol_status byol__place_padding(byol__compiler *c, const byol__unit *unit, int slot, int *buffer);
/* Fills it in: before the others are asked. */
void byol__measure_padding(const byol__plan *plan, const byol__unit *unit, int buffer);
/* How many rows of sample `n` of `x` count: at least one. */
int byol__rows_that_count(const byol__plan *plan, int buffer, const byol__rows *x, int n);

#endif
