#include "augment/taps.h"

#include <math.h>

int byol__taps_limit(int in, int out) {
    int support =
        (int)ceil(4 * (in > out ? (double)in / out : 1)); /* the kernel reaches 2 to either side */
    return support < in ? support : in;
}
