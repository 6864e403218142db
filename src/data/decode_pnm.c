/* PGM and PPM, the formats of Netpbm: P5 and P6 (binary), P2 and P3 (text); up to 16 bits. */
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "data/decode.h"

static bool begins(const uint8_t *bytes, size_t length) {
    return length >= 3 && bytes[0] == 'P' && strchr("2356", bytes[1]) != NULL && bytes[1] != '\0' &&
           isspace(bytes[2]);
}

typedef struct reader {
    const uint8_t *at, *end;
} reader;

/* The next decimal number after blanks and comments; -1 if there is none below 2^31. */
static int64_t read_number(reader *r) {
    while (r->at < r->end && (isspace(*r->at) || *r->at == '#'))
        if (*r->at++ == '#')
            while (r->at < r->end && *r->at != '\n') r->at++;
    int64_t value = 0;
    const uint8_t *first = r->at;
    for (; r->at < r->end && isdigit(*r->at); r->at++)
        if ((value = value * 10 + (*r->at - '0')) > INT32_MAX) return -1;
    return r->at > first ? value : -1;
}

typedef struct pnm {
    byol__picture_info info;
    int is_text;
    int64_t maximum; /* value of white */
    reader samples;
} pnm;

static byol_status look(const uint8_t *bytes, size_t length, pnm *file, byol_error *error) {
    bool is_gray = bytes[1] == '2' || bytes[1] == '5';
    const char *format = is_gray ? "PGM" : "PPM";
    reader r = {bytes + 2, bytes + length};
    int64_t width = read_number(&r), height = read_number(&r), maximum = read_number(&r);
    if (width < 1 || height < 1 || maximum < 1 || maximum > 65535 || r.at == r.end ||
        !isspace(*r.at))
        return byol__fail(error, BYOL_ERROR_FORMAT, "damaged %s: its header cannot be read",
                          format);
    BYOL__TRY(byol__check_size(format, (uint64_t)height, (uint64_t)width, error));
    r.at++; /* exactly one blank before the samples */
    *file = (pnm){{format, is_gray ? 1 : 3, (int)height, (int)width}, bytes[1] < '5', maximum, r};
    return BYOL_OK;
}

static byol_status header(const uint8_t *bytes, size_t length, byol__picture_info *info,
                          byol_error *error) {
    pnm file = {0};
    BYOL__TRY(look(bytes, length, &file, error));
    *info = file.info;
    return BYOL_OK;
}

/* The next sample, which must be there; -1 if text holds none. */
static int64_t read_sample(pnm *file) {
    if (file->is_text) return read_number(&file->samples);
    int64_t value = *file->samples.at++;
    return file->maximum < 256 ? value : value << 8 | *file->samples.at++;
}

static byol_status decode(const uint8_t *bytes, size_t length, const byol__decode_request *request,
                          byol_picture *picture, byol_error *error) {
    pnm file = {0};
    BYOL__TRY(look(bytes, length, &file, error));
    byol__picture_info info = file.info;
    size_t pixels = (size_t)info.height * (size_t)info.width,
           samples = pixels * (size_t)info.channels;
    size_t least =
        file.is_text ? 2 * samples - 1 : samples * (file.maximum < 256 ? 1 : 2); /* bytes */
    if ((size_t)(file.samples.end - file.samples.at) < least)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "truncated %s: %zu bytes of samples expected, %zu found", info.format,
                          least, (size_t)(file.samples.end - file.samples.at));
    int channels = request->channels > 0 ? request->channels : info.channels;
    BYOL__TRY(byol__picture_lay(picture, channels, info.height, info.width, error));
    uint8_t *dst = picture->bytes[1];
    for (size_t i = 0; i < pixels; i++, dst += channels) {
        uint8_t pixel[3];
        for (int c = 0; c < info.channels; c++) {
            int64_t value = read_sample(&file);
            if (value < 0)
                return byol__fail(error, BYOL_ERROR_FORMAT, "truncated or damaged %s", info.format);
            value = value < file.maximum ? value : file.maximum;
            pixel[c] = (uint8_t)((value * 255 + file.maximum / 2) / file.maximum);
        }
        if (info.channels == 1) pixel[1] = pixel[2] = pixel[0];
        if (channels == 1 && info.channels == 3)
            pixel[0] = byol__luma(pixel[0], pixel[1], pixel[2]);
        memcpy(dst, pixel, (size_t)channels);
    }
    return BYOL_OK;
}

const byol__format byol__pnm = {begins, header, decode};
