#ifndef BYOL__PEAK_H
#define BYOL__PEAK_H

#include "byol/status.h"

/* Multiply-adds from registers on `threads` threads at once for about `seconds`: GFLOP/s in sum, 2
 * per multiply-add. With `bf16` and where the CPU has them, its dot products of bf16 pairs; else
 * fp32's. `*instructions` is what was used, static. */
double byol__fma_gflops(int threads, int bf16, double seconds, const char **instructions);

/* What main memory gives and takes: a[i] = b[i] + s c[i] over arrays far larger than the caches
 * (McCalpin's STREAM triad, 1995), 12 bytes an element, on `threads` threads for about `seconds`;
 * the best pass, in GB/s (10^9). */
byol_status byol__triad_gbytes(int threads, double seconds, double *gbytes, byol_error *error);

#endif
