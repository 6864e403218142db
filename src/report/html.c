#include "report/html.h"

#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/png.h"

/* ---- Escaping ---- */

/* Bytes of the well-formed UTF-8 character at `c`, or 0. */
static int utf8_length(const unsigned char *c) {
    static const struct {
        unsigned char first_low, first_high, second_low, second_high;
        int length;
    } forms[] = {{0xc2, 0xdf, 0x80, 0xbf, 2}, {0xe0, 0xe0, 0xa0, 0xbf, 3},
                 {0xe1, 0xec, 0x80, 0xbf, 3}, {0xed, 0xed, 0x80, 0x9f, 3},
                 {0xee, 0xef, 0x80, 0xbf, 3}, {0xf0, 0xf0, 0x90, 0xbf, 4},
                 {0xf1, 0xf3, 0x80, 0xbf, 4}, {0xf4, 0xf4, 0x80, 0x8f, 4}};
    if (*c < 0x80) return *c >= 0x20 && *c != 0x7f;
    for (size_t f = 0; f < sizeof forms / sizeof *forms; f++) {
        if (*c < forms[f].first_low || *c > forms[f].first_high) continue;
        if (c[1] < forms[f].second_low || c[1] > forms[f].second_high) return 0;
        for (int i = 2; i < forms[f].length; i++)
            if ((c[i] & 0xc0) != 0x80) return 0;
        return forms[f].length;
    }
    return 0;
}

static void write_text(FILE *page, const char *text) {
    const unsigned char *c = (const unsigned char *)text;
    while (*c != '\0') {
        int length = utf8_length(c);
        switch (*c) {
        case '&': fputs("&amp;", page); break;
        case '<': fputs("&lt;", page); break;
        case '>': fputs("&gt;", page); break;
        case '"': fputs("&quot;", page); break;
        case '\'': fputs("&#39;", page); break;
        default:
            if (length > 0)
                fwrite(c, 1, (size_t)length, page);
            else
                fputs("\xef\xbf\xbd", page);
        }
        c += length > 0 ? length : 1;
    }
}

/* ---- Formatting ---- */

/* Writes one directive: "%5.1f" in `directive`, its argument next in `args`. */
static void write_directive(FILE *page, const char *directive, va_list *args) {
    size_t length = strlen(directive);
    char kind = directive[length - 1], size = directive[length - 2];
    if (kind == 's') write_text(page, va_arg(*args, const char *));
    if (kind == '%') fputc('%', page);
    if (strchr("efg", kind) != NULL) fprintf(page, directive, va_arg(*args, double));
    if (strchr("diu", kind) == NULL) return;
    if (size == 'z' || size == 'l')
        fprintf(page, directive, va_arg(*args, size_t)); /* long is as large as size_t here */
    else
        fprintf(page, directive, va_arg(*args, int));
}

void byol__html(FILE *page, const char *format, ...) {
    _Static_assert(sizeof(size_t) == sizeof(long), "both are fetched as size_t");
    va_list args;
    va_start(args, format);
    while (*format != '\0') {
        size_t plain = strcspn(format, "%");
        fwrite(format, 1, plain, page);
        format += plain;
        if (*format == '\0') break;
        char directive[16];
        size_t length = 2 + strspn(format + 1, "0123456789.-+zl");
        snprintf(directive, sizeof directive, "%.*s", (int)length, format);
        write_directive(page, directive, &args);
        format += length;
    }
    va_end(args);
}

/* ---- Pictures ---- */

static void write_base64(FILE *page, const uint8_t *bytes, size_t length) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    for (size_t i = 0; i < length; i += 3) {
        size_t left = length - i;
        uint32_t three = (uint32_t)bytes[i] << 16 | (left > 1 ? (uint32_t)bytes[i + 1] << 8 : 0) |
                         (left > 2 ? (uint32_t)bytes[i + 2] : 0);
        const char four[4] = {digits[three >> 18], digits[three >> 12 & 63],
                              left > 1 ? digits[three >> 6 & 63] : '=',
                              left > 2 ? digits[three & 63] : '='};
        fwrite(four, 1, sizeof four, page);
    }
}

void byol__html_bytes_of(FILE *page, const char *type, const uint8_t *bytes, size_t length) {
    fprintf(page, "data:%s;base64,", type);
    write_base64(page, bytes, length);
}

void byol__html_picture(FILE *page, const uint8_t *pixels, int channels, int height, int width) {
    uint8_t *png;
    size_t length;
    if (byol__png_encode(pixels, channels, height, width, &png, &length, NULL) != BYOL_OK) return;
    byol__html_bytes_of(page, "image/png", png, length);
    free(png);
}

/* ---- Figures ---- */

const char *byol__html_series(char text[16], int number) {
    snprintf(text, 16, "s%d%s", number % BYOL__HTML_COLOURS,
             number >= BYOL__HTML_COLOURS ? " dashed" : "");
    return text;
}

const char *byol__html_count(char text[48], uint64_t count) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count), used = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return text;
}

const char *byol__html_duration(char text[48], double seconds) {
    long whole = isfinite(seconds) && seconds > 0 && seconds < 1e12 ? lround(seconds) : 0;
    if (whole >= 86400)
        snprintf(text, 48, "%ld d %ld h", whole / 86400, whole / 3600 % 24);
    else if (whole >= 3600)
        snprintf(text, 48, "%ld h %ld min", whole / 3600, whole / 60 % 60);
    else if (whole >= 60)
        snprintf(text, 48, "%ld min %ld s", whole / 60, whole % 60);
    else
        snprintf(text, 48, "%ld s", whole);
    return text;
}

const char *byol__html_bytes(char text[48], uint64_t bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    int unit = 0;
    for (; value >= 1024 && unit < 4; unit++) value /= 1024;
    snprintf(text, 48, unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}

const char *byol__html_scaled(char text[48], double value) {
    static const char *const units[] = {"", " thousand", " million", " billion", " trillion"};
    int unit = 0;
    for (; value >= 1000 && unit < 4; unit++) value /= 1000;
    snprintf(text, 48, "%.3g%s", value, units[unit]);
    return text;
}
