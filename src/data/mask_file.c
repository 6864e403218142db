#include "data/mask_file.h"

#include <stdbool.h>

#include <spng.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "data/decode.h"

static byol_status damaged(const char *path, int code, byol_error *error) {
    return byol__fail(error, BYOL_ERROR_FORMAT, "%.600s is no whole PNG: %s", path,
                      spng_strerror(code));
}

static byol_status check(const char *path, const struct spng_ihdr *ihdr, byol_error *error) {
    bool has_numbers = ihdr->color_type == SPNG_COLOR_TYPE_GRAYSCALE ||
                       ihdr->color_type == SPNG_COLOR_TYPE_INDEXED;
    BYOL__TRY(byol__check_size("PNG", ihdr->height, ihdr->width, error));
    if (has_numbers && ihdr->bit_depth <= 8) return BYOL_OK;
    return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                      "%.600s is no mask: a mask is a PNG with one number of up to 8 bits for each "
                      "pixel (grey, or a palette), and this one has %s",
                      path, has_numbers ? "16 bits" : "colours or transparency");
}

/* Several pixels may share a byte, the first in its highest bits. */
static void unpack(const uint8_t *line, int bits, int width, uint8_t *dst) {
    int in_byte = 8 / bits;
    for (int x = 0; x < width; x++) {
        int shift = 8 - bits * (x % in_byte + 1);
        dst[x] = (uint8_t)(line[x / in_byte] >> shift & ((1 << bits) - 1));
    }
}

static byol_status decode(spng_ctx *decoder, const char *path, uint8_t **mask, int *height,
                          int *width, byol_error *error) {
    struct spng_ihdr ihdr;
    size_t bytes = 0;
    uint8_t *packed;
    int code = spng_get_ihdr(decoder, &ihdr);
    if (code != 0) return damaged(path, code, error);
    BYOL__TRY(check(path, &ihdr, error));
    code = spng_decoded_image_size(decoder, SPNG_FMT_RAW, &bytes);
    if (code != 0) return damaged(path, code, error);
    *height = (int)ihdr.height;
    *width = (int)ihdr.width;
    BYOL__TRY(byol__alloc(&packed, bytes, 1, "a mask", error));
    byol_status status = byol__alloc(mask, (size_t)ihdr.height * ihdr.width, 1, "a mask", error);
    if (status == BYOL_OK) {
        code = spng_decode_image(decoder, packed, bytes, SPNG_FMT_RAW, 0);
        for (int y = 0; y < *height && code == 0; y++)
            unpack(packed + bytes / ihdr.height * (size_t)y, ihdr.bit_depth, *width,
                   *mask + (size_t)y * (size_t)*width);
        if (code != 0) {
            status = damaged(path, code, error);
            byol__free(*mask);
        }
    }
    byol__free(packed);
    return status;
}

byol_status byol__mask_read(const char *path, uint8_t **mask, int *height, int *width,
                            byol_error *error) {
    const unsigned char *bytes;
    size_t length;
    BYOL__TRY(byol__map_file(path, &bytes, &length, error));
    spng_ctx *decoder = spng_ctx_new(0);
    byol_status status = decoder == NULL
                             ? byol__fail(error, BYOL_ERROR_MEMORY, "no memory for a PNG decoder")
                             : BYOL_OK;
    int code = status == BYOL_OK ? spng_set_png_buffer(decoder, bytes, length) : 0;
    if (status == BYOL_OK)
        status = code != 0 ? damaged(path, code, error)
                           : decode(decoder, path, mask, height, width, error);
    spng_ctx_free(decoder);
    byol__unmap_file(bytes, length);
    return status;
}
