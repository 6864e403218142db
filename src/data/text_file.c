#include "data/text_file.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "data/unpack.h"

/* ---- names ---- */

/* Cuts one of the extensions off the first `*length` bytes of `name`. Returns its number, from 1
 * on; 0: it has none of them. */
static int cut_extension(const char *name, size_t *length, const char *const *extensions) {
    for (int i = 0; extensions[i] != NULL; i++) {
        size_t own = strlen(extensions[i]);
        if (*length <= own || strncasecmp(name + *length - own, extensions[i], own) != 0) continue;
        *length -= own;
        return i + 1;
    }
    return 0;
}

byol__text_format byol__text_format_of(const char *name, size_t *stem) {
    static const char *const packed[] = {".gz", ".zst", ".xz", ".bz2", NULL};
    static const char *const extensions[] = {".txt", ".tsv", ".csv", ".jsonl", ".ndjson", NULL};
    static const byol__text_format formats[] = {BYOL__NO_TEXT, BYOL__TXT,   BYOL__TSV,
                                                BYOL__CSV,     BYOL__JSONL, BYOL__JSONL};
    size_t length = strlen(name);
    cut_extension(name, &length, packed);
    int extension = cut_extension(name, &length, extensions);
    if (stem != NULL) *stem = length;
    return formats[extension];
}

/* ---- UTF-8 ---- */

/* Length of the character that `s` begins with; 0: it is none (Unicode 15, table 3-7). */
static size_t character(const unsigned char *s, size_t left) {
    unsigned char least = 0x80, most = 0xbf;
    if (s[0] < 0x80) return s[0] != 0;
    size_t length = s[0] >= 0xf0 ? 4 : s[0] >= 0xe0 ? 3 : 2;
    if (s[0] < 0xc2 || s[0] > 0xf4 || left < length) return 0;
    if (s[0] == 0xe0) least = 0xa0; /* shorter forms exist */
    if (s[0] == 0xed) most = 0x9f;  /* surrogates */
    if (s[0] == 0xf0) least = 0x90;
    if (s[0] == 0xf4) most = 0x8f; /* beyond U+10FFFF */
    if (s[1] < least || s[1] > most) return 0;
    for (size_t i = 2; i < length; i++)
        if ((s[i] & 0xc0) != 0x80) return 0;
    return length;
}

/* Are these eight bytes ASCII without a NUL? Most bytes of most texts are. */
static bool are_ascii(const unsigned char *s) {
    uint64_t eight, ones = UINT64_C(0x0101010101010101), highest = ones << 7;
    memcpy(&eight, s, sizeof eight);
    return ((eight | (eight - ones)) & highest) == 0;
}

size_t byol__text_valid(const char *text, size_t length) {
    const unsigned char *s = (const unsigned char *)text;
    size_t i = 0;
    while (i < length) {
        size_t step = length - i >= 8 && are_ascii(s + i) ? 8 : character(s + i, length - i);
        if (step == 0) break;
        i += step;
    }
    return i;
}

size_t byol__text_characters(const char *text, size_t length) {
    size_t count = 0;
    for (size_t i = 0; i < length; i++) count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

/* Says what stands at `bad`, and where that is. */
static byol_status wrong_byte(const byol__text_file *file, size_t bad, byol_error *error) {
    const unsigned char *bytes = (const unsigned char *)file->bytes;
    size_t line = 1, begin = 0;
    for (size_t i = 0; i < bad; i++) {
        if (bytes[i] != '\n') continue;
        line++;
        begin = i + 1;
    }
    size_t column = 1 + byol__text_characters(file->bytes + begin, bad - begin);
    bool is_utf16 = file->length >= 2 &&
                    (memcmp(bytes, "\xff\xfe", 2) == 0 || memcmp(bytes, "\xfe\xff", 2) == 0);
    if (is_utf16)
        return byol__fail(
            error, BYOL_ERROR_FORMAT,
            "%.500s:1:1: it is UTF-16, not UTF-8: convert it, as with iconv -f UTF-16 "
            "-t UTF-8",
            file->path);
    if (bytes[bad] == 0)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "%.500s:%zu:%zu: a NUL byte: it is no text, or damaged", file->path, line,
                          column);
    return byol__fail(
        error, BYOL_ERROR_FORMAT,
        "%.500s:%zu:%zu: byte 0x%02x is not UTF-8: convert the file (as with iconv -f "
        "WINDOWS-1252 -t UTF-8), or it is damaged",
        file->path, line, column, bytes[bad]);
}

/* ---- reading ---- */

static byol_status no_memory(const char *path, byol_error *error) {
    return byol__fail(error, BYOL_ERROR_MEMORY, "no memory for the texts of %s", path);
}

static byol_status read_all(byol__text_file *file, byol__unpack *unpack, byol_error *error) {
    size_t capacity = 1 << 16, got;
    do {
        capacity *= file->memory == NULL ? 1 : 2;
        char *grown = realloc(file->memory, capacity);
        if (grown == NULL) return no_memory(file->path, error);
        file->memory = grown;
        BYOL__TRY(
            byol__unpack_read(unpack, grown + file->length, capacity - file->length, &got, error));
        file->length += got;
    } while (file->length == capacity);
    return BYOL_OK;
}

static byol_status unpack(byol__text_file *file, byol_error *error) {
    byol__unpack unpack;
    BYOL__TRY(byol__unpack_open(&unpack, file->path, error));
    byol_status status =
        unpack.is_tar
            ? byol__fail(error, BYOL_ERROR_FORMAT,
                         "%s is a tar, not a text: unpack it and name the folder", file->path)
            : read_all(file, &unpack, error);
    byol__unpack_close(&unpack);
    return status;
}

static byol_status check(byol__text_file *file, byol_error *error) {
    bool is_marked = file->length >= 3 && memcmp(file->memory, "\xef\xbb\xbf", 3) == 0;
    file->bytes = file->memory + (is_marked ? 3 : 0);
    file->length -= is_marked ? 3 : 0;
    if (file->length == 0)
        return byol__fail(error, BYOL_ERROR_FORMAT, "%s is empty: there is no text in it",
                          file->path);
    size_t valid = byol__text_valid(file->bytes, file->length);
    return valid == file->length ? BYOL_OK : wrong_byte(file, valid, error);
}

byol_status byol__text_file_read(byol__text_file *file, const char *path, byol_error *error) {
    *file = (byol__text_file){.path = path};
    byol_status status = unpack(file, error);
    if (status == BYOL_OK) status = check(file, error);
    if (status != BYOL_OK) byol__text_file_release(file);
    return status;
}

void byol__text_file_release(byol__text_file *file) {
    free(file->memory);
    file->memory = file->bytes = NULL;
}

/* ---- words for messages ---- */

bool byol__is_blank(const char *text, size_t length) {
    for (size_t i = 0; i < length; i++)
        if (text[i] != ' ' && (text[i] < '\t' || text[i] > '\r')) return false;
    return true;
}

static size_t character_bytes(const char *text) {
    unsigned char first = (unsigned char)*text;
    return first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}

/* A blank, or what would move a terminal's cursor or change its colours: C0, DEL and C1. */
static bool is_unseen(const char *text) {
    unsigned char first = (unsigned char)*text;
    return first <= ' ' || first == 0x7f || (first == 0xc2 && (unsigned char)text[1] <= 0xa0);
}

void byol__text_line(char *out, size_t size, const char *text, size_t length) {
    size_t used = 0, most = size - sizeof "...", bytes;
    bool blank = false;
    for (size_t at = 0; at < length; at += bytes) {
        bytes = character_bytes(text + at);
        if (is_unseen(text + at)) {
            blank = used > 0;
            continue;
        }
        if (used + blank + bytes > most) {
            memcpy(out + used, "...", 3);
            used += 3;
            break;
        }
        if (blank) out[used++] = ' ';
        memcpy(out + used, text + at, bytes);
        used += bytes;
        blank = false;
    }
    out[used] = '\0';
}

const char *byol__text_excerpt(char out[BYOL__EXCERPT], const char *text, size_t length) {
    byol__text_line(out, BYOL__EXCERPT, text, length);
    return out;
}

const char *const byol__text_names[] = {"text", "sentence", "content", "review", NULL};
const char *const byol__label_names[] = {"label", "class", "category", "target", NULL};

byol_status byol__no_column(const char *path, size_t line, const char *wanted, const char *seen,
                            byol_error *error) {
    const char *slash = strrchr(path, '/'), *name = slash != NULL ? slash + 1 : path;
    if (*wanted != '\0')
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%.300s:%zu: there is no column '%.100s'; there are: %s", path, line,
                          wanted, seen);
    return byol__fail(error, BYOL_ERROR_INVALID,
                      "%.300s:%zu: no column is called text, sentence, content or review; there "
                      "are: %s. Say which holds the texts: %.100s:text=NAME",
                      path, line, seen, name);
}

void byol__list_name(char list[BYOL__NAMES_SHOWN], const char *name, size_t length) {
    size_t used = strlen(list);
    if (used + length + sizeof ", '', ..." > BYOL__NAMES_SHOWN) {
        if (used < 4 || strcmp(list + used - 3, "...") != 0)
            snprintf(list + used, BYOL__NAMES_SHOWN - used, "%s...", used > 0 ? ", " : "");
        return;
    }
    snprintf(list + used, BYOL__NAMES_SHOWN - used, "%s'%.*s'", used > 0 ? ", " : "", (int)length,
             name);
}
