#ifndef BYOL__SOFTMAX_H
#define BYOL__SOFTMAX_H

#include <stdint.h>

/* Replaces the logits by softmax(logits). */
void byol__softmax(float *logits, int classes);

/* Replaces the logits by the gradient of the cross-entropy -log softmax(logits)[label] with respect
 * to them. */
void byol__softmax_gradient(float *logits, int classes, int32_t label);

/* Mean of -log softmax(logits)[label] over the batch; `logits` (batch, classes). `diff` (batch,
 * classes), or NULL: its gradient by the logits. */
double byol__cross_entropy(const float *logits, const int32_t *labels, int batch, int classes,
                           float *diff);

/* The class with the highest logit; of equals, the first. */
int32_t byol__highest_logit(const float *logits, int classes);

#endif
