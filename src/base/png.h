/* Pictures as PNG, for people: contact sheets and pages. */
#ifndef BYOL__PNG_H
#define BYOL__PNG_H

#include <stddef.h>
#include <stdint.h>

#include "byol/status.h"

/* Encodes interleaved bytes (height, width, channels), channels 1 (grey) or 3 (RGB), as PNG. `*out`
 * (`*length` bytes) is owned: free(). BYOL_ERROR_INVALID for a shape that PNG cannot hold. */
byol_status byol__png_encode(const uint8_t *pixels, int channels, int height, int width,
                             uint8_t **out, size_t *length, byol_error *error);

/* The byte of a channel's value in 0 .. 1; values beyond are clipped. */
uint8_t byol__png_byte(float value);

#endif
