/* Pictures from the bytes of a file. JPEG, PNG, WebP, PGM and PPM are recognised by their first
 * bytes, not by names.
 *
 * A decoded picture has 8 bits per channel and 1 or 3 channels, interleaved (h, w, c). It is
 * upright: a JPEG's EXIF orientation is applied. 16 bits are reduced to 8: PNG keeps the high byte,
 * PGM and PPM are scaled. Transparent pixels are composited on white, as a page shows them; colours
 * that a file keeps under full transparency are not part of the picture. CMYK is taken as
 * Adobe's. */
#ifndef BYOL__DECODE_H
#define BYOL__DECODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "data/source_kind.h"

/* A picture with more pixels is refused: each loader thread holds one, and a header can claim
 * anything. */
enum { BYOL__PIXELS_MAX = 100 * 1000 * 1000 };

typedef struct byol__picture_info {
    const char *format;          /* "JPEG", "PNG", "WebP", "PGM", "PPM" */
    int channels, height, width; /* the file's channels, 1 or 3; upright, in full size */
} byol__picture_info;

/* Reads only the header. */
byol_status byol__decode_header(const uint8_t *bytes, size_t length, byol__picture_info *info,
                                byol_error *error);

/* Decodes into picture->bytes[1], as `request` says; only JPEG is decoded smaller. The worst
 * result, for any bytes, is BYOL_ERROR_FORMAT (damaged, truncated, no picture) or
 * BYOL_ERROR_UNSUPPORTED (too large, a rare variant). A truncated JPEG counts as damaged: half of
 * its picture is grey. */
byol_status byol__decode(const uint8_t *bytes, size_t length, const byol__decode_request *request,
                         byol_picture *picture, byol_error *error);

/* Do the first bytes of a file look like a picture's? */
bool byol__begins_as_picture(const uint8_t *bytes, size_t length);

/* Does the extension of `name`, in upper or lower case, belong to a picture that can be decoded? */
int byol__is_picture_name(const char *name);

/* ---- what the formats share ---- */

/* One format. Its other functions may rely on bytes that `begins` has accepted. */
typedef struct byol__format {
    bool (*begins)(const uint8_t *bytes, size_t length);
    byol_status (*header)(const uint8_t *bytes, size_t length, byol__picture_info *info,
                          byol_error *error);
    byol_status (*decode)(const uint8_t *bytes, size_t length, const byol__decode_request *request,
                          byol_picture *picture, byol_error *error);
} byol__format;

extern const byol__format byol__jpeg, byol__png, byol__webp, byol__pnm;

/* BYOL_ERROR_FORMAT or BYOL_ERROR_UNSUPPORTED if a side is not positive or too long, or if there
 * are too many pixels. */
byol_status byol__check_size(const char *format, uint64_t height, uint64_t width,
                             byol_error *error);

/* Describes picture->image as channels x height x width in bytes[1], which grows as needed. */
byol_status byol__picture_lay(byol_picture *picture, int channels, int height, int width,
                              byol_error *error);

/* The luma of a colour: ITU-R 601, as JPEG's and PIL's. */
static inline uint8_t byol__luma(unsigned r, unsigned g, unsigned b) {
    return (uint8_t)((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16);
}

/* Composites (height, width, 4) on white into a picture of `channels`. */
byol_status byol__picture_from_rgba(byol_picture *picture, const uint8_t *rgba, int channels,
                                    int height, int width, byol_error *error);

#endif
