#include "data/prepare.h"

#include <string.h>

#include "base/error.h"

/* (channels, side, side), left for right. */
static void mirror(float *image, int channels, int side) {
    for (float *row = image; row < image + (size_t)channels * side * side; row += side) {
        for (int x = 0; x < side / 2; x++) {
            float kept = row[x];
            row[x] = row[side - 1 - x];
            row[side - 1 - x] = kept;
        }
    }
}

byol_status byol__prepare_image(const byol__preparation *how, const byol_source *source,
                                size_t index, byol__view_buffers *buffers, float *dst,
                                byol_error *error) {
    const byol_image *image = &buffers->picture.image;
    int side = how->side;
    const byol_image_request wanted = {.channels = how->channels,
                                       .short_side = how->augmented ? 0 : side};
    byol_status status = byol_source_image(source, index, &wanted, &buffers->picture, error);
    if (status != BYOL_OK && byol_source_unreadable(source, index)) {
        memset(dst, 0, (size_t)how->channels * side * side * sizeof *dst);
        return BYOL_OK;
    }
    if (status != BYOL_OK) return status;
    BYOL__TRY(
        byol__view_buffers_fit(buffers, image->channels, image->height, image->width, side, error));
    if (how->augmented)
        byol_view_make(&how->recipe, image, side, how->seed, how->pass, (uint32_t)index, 0, dst,
                       buffers->scratch);
    else
        byol_view_center(how->recipe.mean, how->recipe.std, image, side, dst, buffers->scratch);
    if (how->mirrored) mirror(dst, how->channels, side);
    return BYOL_OK;
}
