/* The smaller of two numbers. */
#ifndef BYOL__SMALLER_H
#define BYOL__SMALLER_H

#include <stddef.h>

static inline int byol__smaller(int a, int b) { return a < b ? a : b; }
static inline size_t byol__smaller_size(size_t a, size_t b) { return a < b ? a : b; }

#endif
