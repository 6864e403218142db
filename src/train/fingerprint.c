#include "train/fingerprint.h"

#include <stdint.h>
#include <stdio.h>

#include <xxhash.h>

#include "base/error.h"
#include "base/memory.h"

enum { SAMPLES = 64 };

/* The bytes of an image in the order (c, y, x), whatever its strides. */
static size_t gather(const byol_image *image, uint8_t *dst) {
    size_t count = 0;
    for (int c = 0; c < image->channels; c++)
        for (int y = 0; y < image->height; y++)
            for (int x = 0; x < image->width; x++)
                dst[count++] = image->pixels[(size_t)c * image->channel_stride + (size_t)y * image->row_stride +
                                             (size_t)x * image->pixel_stride];
    return count;
}

byol_status byol__fingerprint(const byol_source *source, char *text, size_t size, byol_error *error) {
    byol_source_info info;
    byol_source_describe(source, &info);
    uint8_t *pixels;
    BYOL__TRY(byol__alloc(&pixels, (size_t)info.channels * (size_t)info.height, (size_t)info.width, "an image", error));
    byol_status status = BYOL_OK;
    XXH64_hash_t digest = 0;
    size_t samples = info.count < SAMPLES ? info.count : SAMPLES;
    for (size_t i = 0; i < samples && status == BYOL_OK; i++) {
        byol_image image;
        status = byol_source_image(source, i * info.count / samples, &image, error);
        if (status == BYOL_OK) digest = XXH3_64bits_withSeed(pixels, gather(&image, pixels), digest);
    }
    byol__free(pixels);
    snprintf(text, size, "%zu x %d x %d x %d, %016llx", info.count, info.channels, info.height, info.width,
             (unsigned long long)digest);
    return status;
}
