#include "data/decode.h"

#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"

static const byol__format *const formats[] = {&byol__jpeg, &byol__png, &byol__webp, &byol__pnm};
static const char *const extensions[] = {"jpg",  "jpeg", "jpe", "jfif", "png",
                                         "webp", "ppm",  "pgm", "pnm"};

int byol__is_picture_name(const char *name) {
    const char *dot = strrchr(name, '.');
    for (size_t i = 0; dot != NULL && i < sizeof extensions / sizeof *extensions; i++)
        if (strcasecmp(dot + 1, extensions[i]) == 0) return 1;
    return 0;
}

static byol_status find_format(const byol__format **format, const uint8_t *bytes, size_t length,
                               byol_error *error) {
    for (size_t i = 0; i < sizeof formats / sizeof *formats; i++) {
        if (!formats[i]->begins(bytes, length)) continue;
        *format = formats[i];
        return BYOL_OK;
    }
    if (length == 0) return byol__fail(error, BYOL_ERROR_FORMAT, "the file is empty");
    return byol__fail(
        error, BYOL_ERROR_FORMAT,
        "not a JPEG, PNG, WebP, PGM or PPM picture: it begins with the bytes %02x %02x", bytes[0],
        length > 1 ? bytes[1] : 0);
}

bool byol__begins_as_picture(const uint8_t *bytes, size_t length) {
    const byol__format *format;
    return find_format(&format, bytes, length, NULL) == BYOL_OK;
}

byol_status byol__decode_header(const uint8_t *bytes, size_t length, byol__picture_info *info,
                                byol_error *error) {
    const byol__format *format = NULL;
    BYOL__TRY(find_format(&format, bytes, length, error));
    return format->header(bytes, length, info, error);
}

byol_status byol__decode(const uint8_t *bytes, size_t length, const byol__decode_request *request,
                         byol_picture *picture, byol_error *error) {
    const byol__format *format = NULL;
    BYOL__TRY(find_format(&format, bytes, length, error));
    return format->decode(bytes, length, request, picture, error);
}

byol_status byol__check_size(const char *format, uint64_t height, uint64_t width,
                             byol_error *error) {
    if (height == 0 || width == 0 || height > UINT32_MAX || width > UINT32_MAX)
        return byol__fail(error, BYOL_ERROR_FORMAT, "damaged %s: its size would be %llu x %llu",
                          format, (unsigned long long)width, (unsigned long long)height);
    if (height > BYOL__SIDE_MAX || width > BYOL__SIDE_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                          "too long: %llu x %llu pixels, a side has at most %d",
                          (unsigned long long)width, (unsigned long long)height, BYOL__SIDE_MAX);
    if (height * width > BYOL__PIXELS_MAX)
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED,
                          "too large: %llu x %llu pixels, at most %d million are decoded",
                          (unsigned long long)width, (unsigned long long)height,
                          BYOL__PIXELS_MAX / 1000000);
    return BYOL_OK;
}

byol_status byol__picture_lay(byol_picture *picture, int channels, int height, int width,
                              byol_error *error) {
    BYOL__TRY(byol__picture_reserve(picture, 1, (size_t)channels * (size_t)height * (size_t)width,
                                    error));
    picture->image = (byol_image){
        .pixels = picture->bytes[1],
        .channels = channels,
        .height = height,
        .width = width,
        .channel_stride = 1,
        .row_stride = (size_t)channels * (size_t)width,
        .pixel_stride = (size_t)channels,
    };
    return BYOL_OK;
}

/* (a x + (255 - a) 255) / 255, rounded. */
static unsigned on_white(unsigned x, unsigned alpha) {
    return (alpha * x + (255 - alpha) * 255 + 127) / 255;
}

byol_status byol__picture_from_rgba(byol_picture *picture, const uint8_t *rgba, int channels,
                                    int height, int width, byol_error *error) {
    BYOL__TRY(byol__picture_lay(picture, channels, height, width, error));
    uint8_t *dst = picture->bytes[1];
    size_t pixels = (size_t)height * (size_t)width;
    for (size_t i = 0; i < pixels; i++, rgba += 4, dst += channels) {
        unsigned r = on_white(rgba[0], rgba[3]), g = on_white(rgba[1], rgba[3]),
                 b = on_white(rgba[2], rgba[3]);
        if (channels == 1) {
            dst[0] = byol__luma(r, g, b);
            continue;
        }
        dst[0] = (uint8_t)r;
        dst[1] = (uint8_t)g;
        dst[2] = (uint8_t)b;
    }
    return BYOL_OK;
}
