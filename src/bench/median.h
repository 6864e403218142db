#ifndef BYOL__MEDIAN_H
#define BYOL__MEDIAN_H

/* Sorts `values` and returns the middle one (for an even number, the upper). */
double byol__median(double *values, int count);

#endif
