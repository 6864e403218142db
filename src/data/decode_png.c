/* PNG by libspng: every bit depth, palette, transparency and interlacing. */
#include <stdbool.h>
#include <string.h>

#include <spng.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/decode.h"

enum {
    CHUNK_MAX = 64 << 20
}; /* bytes of one chunk, and of all that are kept (a profile, a comment) */

static bool begins(const uint8_t *bytes, size_t length) {
    static const uint8_t MAGIC[8] = {0x89, 'P', 'N', 'G', 0x0d, 0x0a, 0x1a, 0x0a};
    return length >= sizeof MAGIC && memcmp(bytes, MAGIC, sizeof MAGIC) == 0;
}

static byol_status damaged(int code, byol_error *error) {
    return byol__fail(error, BYOL_ERROR_FORMAT, "damaged PNG: %s", spng_strerror(code));
}

static byol_status look(spng_ctx *decoder, const uint8_t *bytes, size_t length,
                        byol__picture_info *info, byol_error *error) {
    struct spng_ihdr ihdr;
    spng_set_chunk_limits(decoder, CHUNK_MAX, CHUNK_MAX);
    int code = spng_set_png_buffer(decoder, bytes, length);
    if (code == 0) code = spng_get_ihdr(decoder, &ihdr);
    if (code != 0) return damaged(code, error);
    BYOL__TRY(byol__check_size("PNG", ihdr.height, ihdr.width, error));
    bool is_gray = ihdr.color_type == SPNG_COLOR_TYPE_GRAYSCALE ||
                   ihdr.color_type == SPNG_COLOR_TYPE_GRAYSCALE_ALPHA;
    *info = (byol__picture_info){"PNG", is_gray ? 1 : 3, (int)ihdr.height, (int)ihdr.width};
    return BYOL_OK;
}

static byol_status decode_with(spng_ctx *decoder, const uint8_t *bytes, size_t length,
                               const byol__decode_request *request, byol_picture *picture,
                               byol_error *error) {
    byol__picture_info info = {0};
    uint8_t *rgba;
    BYOL__TRY(look(decoder, bytes, length, &info, error));
    size_t size = (size_t)info.height * (size_t)info.width * 4;
    BYOL__TRY(byol__alloc(&rgba, size, 1, "a PNG picture", error));
    int code = spng_decode_image(decoder, rgba, size, SPNG_FMT_RGBA8, SPNG_DECODE_TRNS);
    int channels = request->channels > 0 ? request->channels : info.channels;
    byol_status status = code != 0 ? damaged(code, error)
                                   : byol__picture_from_rgba(picture, rgba, channels, info.height,
                                                             info.width, error);
    byol__free(rgba);
    return status;
}

static byol_status header(const uint8_t *bytes, size_t length, byol__picture_info *info,
                          byol_error *error) {
    spng_ctx *decoder = spng_ctx_new(0);
    if (decoder == NULL) return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for a PNG decoder");
    byol_status status = look(decoder, bytes, length, info, error);
    spng_ctx_free(decoder);
    return status;
}

static byol_status decode(const uint8_t *bytes, size_t length, const byol__decode_request *request,
                          byol_picture *picture, byol_error *error) {
    spng_ctx *decoder = spng_ctx_new(0);
    if (decoder == NULL) return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for a PNG decoder");
    byol_status status = decode_with(decoder, bytes, length, request, picture, error);
    spng_ctx_free(decoder);
    return status;
}

const byol__format byol__png = {begins, header, decode};
