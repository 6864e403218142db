/* Masks: PNG files with one number for each pixel, grey or of a palette. */
#ifndef BYOL__MASK_FILE_H
#define BYOL__MASK_FILE_H

#include <stdint.h>

#include "byol/status.h"

/* Reads the numbers as they are: a grey value, or the index into the palette. `*mask` is (height,
 * width), owned: byol__free. BYOL_ERROR_UNSUPPORTED: it has colours, transparency or 16 bits.
 * BYOL_ERROR_FORMAT: no PNG, or a damaged one; BYOL_ERROR_NOT_FOUND, BYOL_ERROR_IO. Each names the
 * file. */
byol_status byol__mask_read(const char *path, uint8_t **mask, int *height, int *width,
                            byol_error *error);

#endif
