#include "base/png.h"

#include <math.h>

#include <spng.h>

#include "base/error.h"

static int encode(spng_ctx *context, const uint8_t *pixels, int channels, int height, int width,
                  uint8_t **out, size_t *length) {
    struct spng_ihdr header = {
        .width = (uint32_t)width,
        .height = (uint32_t)height,
        .bit_depth = 8,
        .color_type = channels == 1 ? SPNG_COLOR_TYPE_GRAYSCALE : SPNG_COLOR_TYPE_TRUECOLOR,
    };
    size_t bytes = (size_t)channels * (size_t)height * (size_t)width;
    int result = spng_set_option(context, SPNG_ENCODE_TO_BUFFER, 1);
    if (result == 0) result = spng_set_ihdr(context, &header);
    if (result == 0)
        result = spng_encode_image(context, pixels, bytes, SPNG_FMT_PNG, SPNG_ENCODE_FINALIZE);
    if (result == 0) *out = spng_get_png_buffer(context, length, &result);
    return result;
}

byol_status byol__png_encode(const uint8_t *pixels, int channels, int height, int width,
                             uint8_t **out, size_t *length, byol_error *error) {
    if ((channels != 1 && channels != 3) || height < 1 || width < 1)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "a picture of %d x %d pixels and %d channels cannot be a PNG", width,
                          height, channels);
    spng_ctx *context = spng_ctx_new(SPNG_CTX_ENCODER);
    if (context == NULL)
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for encoding a PNG");
    int result = encode(context, pixels, channels, height, width, out, length);
    spng_ctx_free(context);
    if (result == 0) return BYOL_OK;
    return byol__fail(error, result == SPNG_EMEM ? BYOL_ERROR_MEMORY : BYOL_ERROR_INVALID,
                      "cannot encode a PNG of %d x %d pixels: %s", width, height,
                      spng_strerror(result));
}

uint8_t byol__png_byte(float value) { return (uint8_t)lrintf(255 * fminf(fmaxf(value, 0), 1)); }
