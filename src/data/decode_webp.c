/* WebP by libwebp: lossy and lossless, with and without transparency; no animations. */
#include <stdbool.h>
#include <string.h>

#include <webp/decode.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/decode.h"

static bool begins(const uint8_t *bytes, size_t length) {
    return length >= 12 && memcmp(bytes, "RIFF", 4) == 0 && memcmp(bytes + 8, "WEBP", 4) == 0;
}

static byol_status header(const uint8_t *bytes, size_t length, byol__picture_info *info,
                          byol_error *error) {
    WebPBitstreamFeatures features;
    if (WebPGetFeatures(bytes, length, &features) != VP8_STATUS_OK)
        return byol__fail(error, BYOL_ERROR_FORMAT, "damaged WebP: its header cannot be read");
    if (features.has_animation)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "an animated WebP; only stills are read");
    BYOL__TRY(byol__check_size("WebP", (uint64_t)features.height, (uint64_t)features.width, error));
    *info = (byol__picture_info){"WebP", 3, features.height, features.width};
    return BYOL_OK;
}

static byol_status decode(const uint8_t *bytes, size_t length, const byol__decode_request *request,
                          byol_picture *picture, byol_error *error) {
    byol__picture_info info = {0};
    uint8_t *rgba;
    BYOL__TRY(header(bytes, length, &info, error));
    size_t size = (size_t)info.height * (size_t)info.width * 4;
    BYOL__TRY(byol__alloc(&rgba, size, 1, "a WebP picture", error));
    int channels = request->channels > 0 ? request->channels : info.channels;
    byol_status status =
        WebPDecodeRGBAInto(bytes, length, rgba, size, 4 * info.width) == NULL
            ? byol__fail(error, BYOL_ERROR_FORMAT, "damaged or truncated WebP")
            : byol__picture_from_rgba(picture, rgba, channels, info.height, info.width, error);
    byol__free(rgba);
    return status;
}

const byol__format byol__webp = {begins, header, decode};
