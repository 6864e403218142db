/* Histograms of oriented gradients: what is possible without any training. */
#include <math.h>
#include <string.h>

#include "byol/eval.h"

enum { BINS = 9, BLOCK = 2, BLOCK_SIZE = BLOCK * BLOCK * BINS, CELLS_MAX = 1024 / 8 };

static int cell_side(int side) { return side < 64 ? 4 : 8; }

static int cells_of(int side) { return side / cell_side(side); }

int byol_hog_dimension(int side) {
    int blocks = cells_of(side) - BLOCK + 1;
    return blocks < 1 || side > 1024 ? 0 : blocks * blocks * BLOCK_SIZE;
}

/* The gradient of the channel where it is steepest. Beyond the edge, the edge pixels repeat. */
static void gradient_at(const float *image, int channels, int side, int y, int x, float *dy,
                        float *dx) {
    float steepest = -1;
    int above = y > 0 ? y - 1 : 0, below = y < side - 1 ? y + 1 : y;
    int left = x > 0 ? x - 1 : 0, right = x < side - 1 ? x + 1 : x;
    for (int c = 0; c < channels; c++, image += (size_t)side * (size_t)side) {
        float down = image[below * side + x] - image[above * side + x];
        float across = image[y * side + right] - image[y * side + left];
        float square = down * down + across * across;
        if (square <= steepest) continue;
        steepest = square;
        *dy = down;
        *dx = across;
    }
}

/* Adds the magnitude to the two nearest of nine orientations in half a turn. */
static void vote(float dy, float dx, float histogram[BINS]) {
    float angle = atan2f(dy, dx) * (float)(BINS / M_PI) + BINS; /* in bins, 0 .. 2 BINS */
    float place = fmodf(angle, BINS), magnitude = sqrtf(dy * dy + dx * dx);
    int bin = (int)place % BINS;
    float share = place - floorf(place);
    histogram[bin] += (1 - share) * magnitude;
    histogram[(bin + 1) % BINS] += share * magnitude;
}

/* Length 1, no element above .2, length 1 again ("L2-Hys"). */
static void normalise(float *block) {
    for (int pass = 0; pass < 2; pass++) {
        float square = 1e-10f;
        for (int i = 0; i < BLOCK_SIZE; i++) square += block[i] * block[i];
        float scale = 1 / sqrtf(square);
        for (int i = 0; i < BLOCK_SIZE; i++) {
            block[i] *= scale;
            if (pass == 0 && block[i] > 0.2f) block[i] = 0.2f;
        }
    }
}

void byol_hog(const float *image, int channels, int side, float *features) {
    int cell = cell_side(side), cells = cells_of(side), blocks = cells - BLOCK + 1;
    float rows[BLOCK][CELLS_MAX * 2][BINS]; /* histograms of two rows of cells */
    for (int row = 0; row < cells; row++) {
        float(*histograms)[BINS] = rows[row % BLOCK];
        memset(histograms, 0, (size_t)cells * sizeof *histograms);
        for (int y = row * cell; y < (row + 1) * cell; y++) {
            for (int x = 0; x < cells * cell; x++) {
                float dy = 0, dx = 0;
                gradient_at(image, channels, side, y, x, &dy, &dx);
                vote(dy, dx, histograms[x / cell]);
            }
        }
        for (int column = 0; row > 0 && column < blocks; column++, features += BLOCK_SIZE) {
            memcpy(features, rows[(row - 1) % BLOCK][column], 2 * BINS * sizeof *features);
            memcpy(features + 2 * BINS, histograms[column], 2 * BINS * sizeof *features);
            normalise(features);
        }
    }
}
