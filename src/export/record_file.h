/* TFRecord, the frame around each message of an event file: length (8 bytes, little-endian), its
 * masked CRC32C, the bytes, their masked CRC32C.
 * https://www.tensorflow.org/tutorials/load_data/tfrecord */
#ifndef BYOL__RECORD_FILE_H
#define BYOL__RECORD_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* CRC32C (Castagnoli) as TFRecord needs it: rotated right by 15 bits, plus a constant. */
uint32_t byol__masked_crc32c(const void *bytes, size_t length);

/* Writes one record. Returns whether it could; errno says why not. */
bool byol__record_write(FILE *stream, const void *bytes, size_t length);

/* Reads the next record into `*bytes` (grown by realloc, `*capacity`). Returns whether there was a
 * whole one. */
bool byol__record_read(FILE *stream, uint8_t **bytes, size_t *capacity, size_t *length);

#endif
