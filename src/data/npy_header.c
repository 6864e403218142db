#include "data/npy_header.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/error.h"
#include "data/source_kind.h"

static const char MAGIC[] = "\x93NUMPY";
enum { MAGIC_BYTES = 6, HEADER_MAX = 1 << 16 };

bool byol__npy_begins(const unsigned char *bytes, size_t length) {
    return length >= MAGIC_BYTES && memcmp(bytes, MAGIC, MAGIC_BYTES) == 0;
}

byol_status byol__npy_wrong(const char *path, const char *what, const char *wanted,
                            byol_error *error) {
    return byol__fail(error, BYOL_ERROR_FORMAT, "%s: %s; what is read are C-ordered arrays of %s",
                      path, what, wanted);
}

/* "(60000, 28, 28)" */
static int read_shape(const char *text, byol__npy_header *h) {
    const char *at = strstr(text, "'shape':");
    if (at == NULL || (at = strchr(at, '(')) == NULL) return 0;
    for (at++; h->ndims < 4; at += strspn(at, ", ")) {
        char *end;
        if (*at == ')') break;
        unsigned long long value = strtoull(at, &end, 10);
        if (end == at || value == 0) return 0;
        h->dims[h->ndims++] = (size_t)value;
        at = end;
    }
    return *at == ')';
}

/* "'<f4'", and for bytes "'|u1'" and "'u1'" too. */
static bool is_of_type(const char *text, const char *type) {
    static const char orders[] = {'<', '|', '='};
    char word[16];
    for (size_t i = 0; i < sizeof orders; i++) {
        snprintf(word, sizeof word, "'%c%.4s'", orders[i], type);
        if (strstr(text, word) != NULL) return true;
    }
    snprintf(word, sizeof word, "'%.4s'", type);
    return strstr(text, word) != NULL;
}

byol_status byol__npy_header_read(byol__npy_header *header, const unsigned char *bytes,
                                  size_t length, const char *type, const char *wanted,
                                  const char *path, byol_error *error) {
    char text[HEADER_MAX];
    *header = (byol__npy_header){0};
    if (!byol__npy_begins(bytes, length))
        return byol__npy_wrong(path, "it is no .npy file", wanted, error);
    size_t lead = bytes[MAGIC_BYTES] == 1
                      ? 10
                      : 12; /* the header length has two bytes in version 1, four in later ones */
    if (length < lead) return byol__npy_wrong(path, "the file is truncated", wanted, error);
    size_t size = bytes[8] | (size_t)bytes[9] << 8;
    if (lead == 12) size |= (size_t)bytes[10] << 16 | (size_t)bytes[11] << 24;
    if (size >= sizeof text || size > length - lead)
        return byol__npy_wrong(path, "its header is truncated or damaged", wanted, error);
    memcpy(text, bytes + lead, size);
    text[size] = '\0';
    if (!is_of_type(text, type))
        return byol__npy_wrong(path,
                               strcmp(type, "u1") == 0 ? "its values are not of type uint8"
                                                       : "its values are not of type float32",
                               wanted, error);
    if (strstr(text, "'fortran_order': False") == NULL)
        return byol__npy_wrong(path, "it is in Fortran order", wanted, error);
    header->data = lead + size;
    return read_shape(text, header) ? BYOL_OK
                                    : byol__npy_wrong(path, "its shape is another", wanted, error);
}
