#ifndef BYOL__SOFTMAX_H
#define BYOL__SOFTMAX_H

#include <stdint.h>

/* Gradient of the cross-entropy -log softmax(logits)[label] with respect to the logits, in their place. */
void byol__softmax_gradient(float *logits, int classes, int32_t label);

#endif
