/* Pictures that tasks leave, for people. */
#ifndef BYOL__TASK_PNG_H
#define BYOL__TASK_PNG_H

#include <stdint.h>

#include "byol/status.h"
#include "byol/views.h"

/* Writes interleaved bytes (height, width, channels) as a PNG, atomically. */
byol_status byol__task_png_write(const char *path, const uint8_t *pixels, int channels, int height,
                                 int width, byol_error *error);

/* The colour of a class, by number from 1; 0 is black. */
void byol__task_colour(int number, uint8_t rgb[3]);

/* Copies an image to interleaved RGB whose rows are `stride` pixels apart. */
void byol__task_copy(const byol_image *image, uint8_t *rgb, int stride);

#endif
