/* Writing HTML. Text from outside is always escaped. */
#ifndef BYOL__HTML_H
#define BYOL__HTML_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* As fprintf, for %s, %d, %zu, %g and the like (flags, width and precision written out, no '*').
 * Each %s is escaped, so that it is text within elements and within quoted attributes. What is not
 * UTF-8 or cannot be seen becomes U+FFFD. So markup can come only from `format`. */
void byol__html(FILE *page, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Series and classes have one of so many colours (report.css); then they begin again, dashed or in
 * another shape. */
enum { BYOL__HTML_COLOURS = 7 };

/* The class of series `number`: "s3", "s0 dashed". `text` is 16 bytes, and returned. */
const char *byol__html_series(char text[16], int number);

/* A picture as a data: address. Pixels are interleaved bytes (height, width, channels). If there is
 * no memory, nothing is written: the address is then empty. */
void byol__html_picture(FILE *page, const uint8_t *pixels, int channels, int height, int width);

/* Bytes of any type ("audio/wav") as a data: address. */
void byol__html_bytes_of(FILE *page, const char *type, const uint8_t *bytes, size_t length);

/* "1,234,567"; "3 min 20 s"; "1.5 GiB"; "12.3 M". `text` is 48 bytes, and returned. */
const char *byol__html_count(char text[48], uint64_t count);
const char *byol__html_duration(char text[48], double seconds);
const char *byol__html_bytes(char text[48], uint64_t bytes);
const char *byol__html_scaled(char text[48], double value);

#endif
