#ifndef BYOL__PEAK_H
#define BYOL__PEAK_H

/* fp32 multiply-adds from registers on `threads` threads at once for about `seconds`: GFLOP/s in sum, 2 per
 * multiply-add. `*instructions` is what was used, static. */
double byol__fma_gflops(int threads, double seconds, const char **instructions);

#endif
