/* Targets for tokens (data2vec, arXiv 2202.03555): of all tokens of a batch those count that the
 * predicting view hides. Outputs of a plan are (batch, channels, length) there; what is compared
 * are rows (tokens that count, channels). */
#ifndef BYOL__MASKED_H
#define BYOL__MASKED_H

#include <stdint.h>

typedef struct byol__masked {
    int batch, channels, length;
    int count;  /* tokens that count */
    int *token; /* (batch length): which, ascending */
} byol__masked;

/* Finds the tokens in which two views of the same texts differ: `seen` hides what `whole` shows.
 * Both are (batch, length). */
void byol__masked_find(byol__masked *masked, const int32_t *seen, const int32_t *whole);

/* values (batch, channels, length) -> rows (count, channels), times `scale`. */
void byol__masked_gather(const byol__masked *masked, const float *values, float scale, float *rows);

/* And back; all other tokens become 0. */
void byol__masked_scatter(const byol__masked *masked, const float *rows, float *values);

#endif
