#include "train/fingerprint.h"

#include <stdint.h>
#include <stdio.h>

#include <xxhash.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/source_kind.h"

enum { SAMPLES = 64 };

/* The bytes of an image in the order (c, y, x), whatever its strides. */
static size_t gather(const byol_image *image, uint8_t *dst) {
    size_t count = 0;
    for (int c = 0; c < image->channels; c++)
        for (int y = 0; y < image->height; y++)
            for (int x = 0; x < image->width; x++)
                dst[count++] =
                    image->pixels[(size_t)c * image->channel_stride +
                                  (size_t)y * image->row_stride + (size_t)x * image->pixel_stride];
    return count;
}

/* Of the pixels of some images. */
static byol_status digest_of_pixels(const byol_source *source, const byol_source_info *info,
                                    uint64_t *digest, byol_error *error) {
    uint8_t *pixels;
    BYOL__TRY(byol__alloc(&pixels, (size_t)info->channels * (size_t)info->height,
                          (size_t)info->width, "an image", error));
    byol_status status = BYOL_OK;
    byol_picture picture = {0};
    size_t samples = info->count < SAMPLES ? info->count : SAMPLES;
    for (size_t i = 0; i < samples && status == BYOL_OK; i++) {
        status = byol_source_image(source, i * info->count / samples, NULL, &picture, error);
        if (status == BYOL_OK)
            *digest = XXH3_64bits_withSeed(pixels, gather(&picture.image, pixels), *digest);
    }
    byol_picture_release(&picture);
    byol__free(pixels);
    return status;
}

byol_status byol__fingerprint(const byol_source *source, char *text, size_t size,
                              byol_error *error) {
    byol_source_info info;
    uint64_t digest = 0;
    byol_source_describe(source, &info);
    if (source->methods->digest != NULL)
        BYOL__TRY(source->methods->digest(source, &digest, error));
    else
        BYOL__TRY(digest_of_pixels(source, &info, &digest, error));
    if (info.decoded)
        snprintf(text, size, "%zu pictures, %016llx", info.count, (unsigned long long)digest);
    else
        snprintf(text, size, "%zu x %d x %d x %d, %016llx", info.count, info.channels, info.height,
                 info.width, (unsigned long long)digest);
    return BYOL_OK;
}
