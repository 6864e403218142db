#include "augment/taps.h"

#include <math.h>

/* Keys, "Cubic convolution interpolation for digital image processing" (1981), a = -1/2. Zero from distance 2 on. */
static float cubic(float x) {
    x = fabsf(x);
    float near = (1.5f * x - 2.5f) * x * x + 1;
    float far = ((-0.5f * x + 2.5f) * x - 4) * x + 2;
    return x < 1 ? near : x < 2 ? far : 0;
}

static double widening(int in, int out) { return in > out ? (double)in / out : 1; }

int byol__taps_limit(int in, int out) {
    int support = (int)ceil(4 * widening(in, out)); /* the kernel reaches 2 to either side */
    return support < in ? support : in;
}

void byol__taps_fill(byol__taps *taps, int in, int out, int first, int size, int reversed) {
    double scale = (double)in / out, wide = widening(in, out);
    float narrow = (float)(1 / wide);
    taps->count = byol__taps_limit(in, out);
    for (int i = 0; i < size; i++) {
        double centre = (first + (reversed ? size - 1 - i : i) + 0.5) * scale;
        int start = (int)floor(centre - 2 * wide + 0.5);
        if (start > in - taps->count) start = in - taps->count;
        if (start < 0) start = 0;
        float *weights = taps->weights + (size_t)i * taps->count;
        float distance = (float)(start + 0.5 - centre), sum = 0;
        for (int k = 0; k < taps->count; k++) sum += weights[k] = cubic((distance + (float)k) * narrow);
        float normalise = 1 / sum;
        for (int k = 0; k < taps->count; k++) weights[k] *= normalise;
        taps->start[i] = start;
    }
}
