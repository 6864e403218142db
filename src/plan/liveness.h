/* Where buffers lie in one workspace. Two that are never alive together may share memory. */
#ifndef BYOL__LIVENESS_H
#define BYOL__LIVENESS_H

#include <stddef.h>

typedef struct byol__buffer {
    size_t bytes;
    int first, last; /* time slots, both included, in which it is alive */
    size_t offset;   /* where it was put: a multiple of 64 */
} byol__buffer;

/* Gives every buffer its offset: the largest first, each at the lowest place that is free during
 * its life. Returns the size of the workspace. `order` is scratch for `count` numbers. */
size_t byol__place_buffers(byol__buffer *buffers, int count, int *order);

#endif
