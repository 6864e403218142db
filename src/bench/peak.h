#ifndef BYOL__PEAK_H
#define BYOL__PEAK_H

#include "byol/status.h"

/* Multiply-adds from registers on `threads` threads at once for about `seconds`. Returns their
 * total GFLOP/s, 2 per multiply-add. With `bf16`, uses dot products of bf16 pairs if the CPU has
 * them; else fp32's. `*instructions` names the instructions used; static. */
double byol__fma_gflops(int threads, int bf16, double seconds, const char **instructions);

/* The bandwidth of main memory: a[i] = b[i] + s c[i] over arrays far larger than the caches
 * (McCalpin's STREAM triad, 1995), 12 bytes an element, on `threads` threads for about `seconds`.
 * The best pass, in GB/s (10^9). */
byol_status byol__triad_gbytes(int threads, double seconds, double *gbytes, byol_error *error);

#endif
