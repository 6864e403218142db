/* Cross-entropy at every pixel, and what the answers are worth. */
#ifndef BYOL__PIXEL_LOSS_H
#define BYOL__PIXEL_LOSS_H

#include <stddef.h>
#include <stdint.h>

/* Mean of -log softmax(maps)[label] over the pixels of the batch whose label is not `ignore`; 0 if
 * there are none. `maps` (batch, classes, pixels), `labels` (batch, pixels). `diff`, as `maps`:
 * its gradient. */
double byol__pixel_cross_entropy(const float *maps, const uint8_t *labels, int batch, int classes,
                                 size_t pixels, int ignore, float *diff);

/* The class with the highest of (classes, height, width) at each place of the upper left part
 * shown_height x shown_width, brought to rows x columns (bilinear, as the resize of a network):
 * `mask` (rows, columns). */
void byol__pixel_answer(const float *maps, int classes, int height, int width, int shown_height,
                        int shown_width, int rows, int columns, uint8_t *mask);

/* Counts true by predicted class over the pixels that are not ignored, into (classes, classes). */
void byol__confusion_add(uint64_t *confusion, int classes, const uint8_t *truth,
                         const uint8_t *predicted, size_t pixels, int ignore);

#endif
