#include "tasks/gradient_map.h"

#include <math.h>
#include <string.h>

#include "base/smaller.h"

void byol__gradient_map(const float *features, const float *diff, int channels, int positions,
                        int skipped, float *map) {
    memset(map, 0, (size_t)(positions - skipped) * sizeof *map);
    for (int k = 0; k < channels; k++) {
        const float *a = features + (size_t)k * (size_t)positions,
                    *da = diff + (size_t)k * (size_t)positions;
        double alpha = 0;
        for (int i = 0; i < positions; i++) alpha += (double)da[i];
        alpha /= positions;
        for (int i = skipped; i < positions; i++) map[i - skipped] += (float)alpha * a[i];
    }
    for (int i = 0; i < positions - skipped; i++) map[i] = fmaxf(map[i], 0);
}

double byol__cosine_gradient(const float *x, const float *y, int dimension, float *diff) {
    double xx = 0, yy = 0, xy = 0;
    for (int d = 0; d < dimension; d++) {
        xx += (double)x[d] * (double)x[d];
        yy += (double)y[d] * (double)y[d];
        xy += (double)x[d] * (double)y[d];
    }
    memset(diff, 0, (size_t)dimension * sizeof *diff);
    if (!(xx > 0 && yy > 0)) return 0;
    double lengths = sqrt(xx * yy), cosine = xy / lengths;
    for (int d = 0; d < dimension; d++)
        diff[d] = (float)((double)y[d] / lengths - cosine * (double)x[d] / xx);
    return cosine;
}

float byol__map_at(const float *map, int side, int size, int y, int x) {
    float at[2] = {((float)y + 0.5f) * (float)side / (float)size - 0.5f,
                   ((float)x + 0.5f) * (float)side / (float)size - 0.5f};
    int low[2], high[2];
    float part[2];
    for (int k = 0; k < 2; k++) {
        at[k] = fminf(fmaxf(at[k], 0), (float)(side - 1));
        low[k] = (int)at[k];
        high[k] = byol__smaller(low[k] + 1, side - 1);
        part[k] = at[k] - (float)low[k];
    }
    const float *upper = map + (size_t)low[0] * (size_t)side,
                *lower = map + (size_t)high[0] * (size_t)side;
    float above = upper[low[1]] + part[1] * (upper[high[1]] - upper[low[1]]),
          below = lower[low[1]] + part[1] * (lower[high[1]] - lower[low[1]]);
    return above + part[0] * (below - above);
}
