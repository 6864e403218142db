/* Masks as pictures: as they are, and in colours for people. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "base/png.h"
#include "tasks/mask_set.h"
#include "tasks/task_png.h"

byol_status byol__task_png_write(const char *path, const uint8_t *pixels, int channels, int height,
                                 int width, byol_error *error) {
    byol__atomic_file file;
    uint8_t *bytes;
    size_t length;
    BYOL__TRY(byol__png_encode(pixels, channels, height, width, &bytes, &length, error));
    byol_status status = byol__atomic_open(&file, path, error);
    if (status == BYOL_OK)
        status = fwrite(bytes, 1, length, file.stream) == length
                     ? byol__atomic_commit(&file, error)
                     : byol__atomic_fail(&file, errno, error);
    free(bytes);
    return status;
}

byol_status byol_mask_write(const char *path, const uint8_t *mask, int height, int width,
                            byol_error *error) {
    return byol__task_png_write(path, mask, 1, height, width, error);
}

/* Colours that the bits of the number tell apart (Pascal VOC's): 0 is black. */
void byol__task_colour(int number, uint8_t rgb[3]) {
    memset(rgb, 0, 3);
    for (int bit = 7; number > 0; bit--, number >>= 3)
        for (int c = 0; c < 3; c++) rgb[c] = (uint8_t)(rgb[c] | (number >> c & 1) << bit);
}

void byol__task_copy(const byol_image *image, uint8_t *rgb, int stride) {
    for (int y = 0; y < image->height; y++)
        for (int x = 0; x < image->width; x++)
            for (int c = 0; c < 3; c++) {
                size_t channel = image->channels == 3 ? (size_t)c : 0;
                rgb[((size_t)y * (size_t)stride + (size_t)x) * 3 + (size_t)c] =
                    image->pixels[channel * image->channel_stride + (size_t)y * image->row_stride +
                                  (size_t)x * image->pixel_stride];
            }
}

/* Class k has colour k + 1; what is ignored is black. */
static void paint(const uint8_t *mask, int ignore, int height, int width, uint8_t *rgb,
                  int stride) {
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++) {
            int number = mask[y * width + x];
            byol__task_colour(number == ignore ? 0 : number + 1,
                              rgb + ((size_t)y * (size_t)stride + (size_t)x) * 3);
        }
}

static byol_status show(const byol_masks *masked, size_t index, const uint8_t *predicted,
                        const uint8_t *mask, int height, int width, const char *path,
                        byol_error *error) {
    byol_picture picture = {0};
    uint8_t *rgb;
    int stride = 3 * width;
    size_t panel = (size_t)width * 3;
    BYOL__TRY(byol__alloc(&rgb, (size_t)height * 3 * panel, 1, "a picture", error));
    byol_status status = byol_source_image(masked->pictures, index, NULL, &picture, error);
    if (status == BYOL_OK) {
        byol__task_copy(&picture.image, rgb, stride);
        paint(mask, masked->info.ignore, height, width, rgb + panel, stride);
        paint(predicted, -1, height, width, rgb + 2 * panel, stride);
        status = byol__task_png_write(path, rgb, 3, height, stride, error);
    }
    byol_picture_release(&picture);
    byol__free(rgb);
    return status;
}

byol_status byol_masks_show(const byol_masks *masked, size_t index, const uint8_t *predicted,
                            const char *path, byol_error *error) {
    uint8_t *mask;
    int height, width;
    BYOL__TRY(byol_masks_mask(masked, index, &mask, &height, &width, error));
    byol_status status = show(masked, index, predicted, mask, height, width, path, error);
    byol_mask_free(mask);
    return status;
}
