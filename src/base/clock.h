#ifndef BYOL__CLOCK_H
#define BYOL__CLOCK_H

/* Seconds on the monotonic clock; only differences mean anything. */
double byol__now(void);

#endif
