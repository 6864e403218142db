#include "dnn/unfold.h"

#include <string.h>

size_t byol__unfolded_elements(const byol__layout *picture, const byol__patches *patches) {
    return (size_t)picture->n * (size_t)(patches->height * patches->width) *
           (size_t)(patches->kernel * patches->kernel * picture->c);
}

/* Copies row r of the taps of position (y, x). Returns the end of what it wrote. */
static char *copy_taps(const byol__layout *picture, const char *pixels,
                       const byol__patches *patches, size_t pixel_bytes, int y, int x, int r,
                       char *to) {
    int row = y * patches->step + patches->start + r * patches->direction;
    for (int s = 0; s < patches->kernel; s++, to += pixel_bytes) {
        int column = x * patches->step + patches->start + s * patches->direction;
        if (row < 0 || row >= picture->h || column < 0 || column >= picture->w)
            memset(to, 0, pixel_bytes);
        else
            memcpy(to, pixels + (size_t)(row * picture->w + column) * pixel_bytes, pixel_bytes);
    }
    return to;
}

void byol__unfold(const byol__layout *picture, const void *pictures, const byol__patches *patches,
                  void *rows) {
    size_t pixel_bytes = (size_t)picture->c * byol__dtype_bytes(picture->dtype),
           picture_bytes = (size_t)(picture->h * picture->w) * pixel_bytes,
           row_bytes = (size_t)(patches->kernel * patches->kernel) * pixel_bytes;
#pragma omp parallel for collapse(2) schedule(static)
    for (int n = 0; n < picture->n; n++)
        for (int y = 0; y < patches->height; y++)
            for (int x = 0; x < patches->width; x++) {
                size_t row =
                    ((size_t)n * (size_t)patches->height + (size_t)y) * (size_t)patches->width +
                    (size_t)x;
                char *to = (char *)rows + row * row_bytes;
                for (int r = 0; r < patches->kernel; r++)
                    to = copy_taps(picture, (const char *)pictures + (size_t)n * picture_bytes,
                                   patches, pixel_bytes, y, x, r, to);
            }
}
