/* UTF-8, and what kind a character is. The kinds are those of the tables that Hugging Face's
 * tokenizers ask, which differ from step to step and are of different ages. */
#ifndef BYOL__CHARACTERS_H
#define BYOL__CHARACTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Length of the longest prefix that is valid UTF-8: `length` if all is, else the offset of the
 * first byte that cannot stand where it stands. */
size_t byol__utf8_valid(const char *text, size_t length);

/* How many bytes of an invalid sequence at `text` one replacement character stands for: those that
 * could have begun a character, at least 1 (Unicode's "maximal subpart"). */
size_t byol__utf8_broken(const char *text, size_t length);

/* The character at `text`, which is valid UTF-8, and its length in bytes. */
static inline size_t byol__utf8_read(const char *text, int32_t *character) {
    const unsigned char *b = (const unsigned char *)text;
    if (b[0] < 0x80) {
        *character = b[0];
        return 1;
    }
    if (b[0] < 0xE0) {
        *character = (b[0] & 0x1F) << 6 | (b[1] & 0x3F);
        return 2;
    }
    if (b[0] < 0xF0) {
        *character = (b[0] & 0x0F) << 12 | (b[1] & 0x3F) << 6 | (b[2] & 0x3F);
        return 3;
    }
    *character = (b[0] & 0x07) << 18 | (b[1] & 0x3F) << 12 | (b[2] & 0x3F) << 6 | (b[3] & 0x3F);
    return 4;
}

/* The character that ends at `end`; the text is valid and has one. */
static inline size_t byol__utf8_read_back(const char *text, size_t end, int32_t *character) {
    size_t at = end - 1;
    while (((unsigned char)text[at] & 0xC0) == 0x80) at--;
    return byol__utf8_read(text + at, character);
}

/* True for the bytes that do not begin a character. */
static inline bool byol__utf8_continues(char byte) { return ((unsigned char)byte & 0xC0) == 0x80; }

/* Writes up to 4 bytes, returns how many. */
size_t byol__utf8_write(char *text, int32_t character);

bool byol__is_ascii(const char *text, size_t length);
bool byol__is_space(int32_t character);       /* White_Space */
bool byol__is_unclean(int32_t character);     /* what BertNormalizer removes */
bool byol__is_chinese(int32_t character);     /* what BertNormalizer puts spaces around */
bool byol__is_punctuation(int32_t character); /* what BertPreTokenizer cuts out */
bool byol__is_accent(int32_t character);      /* what BertNormalizer strips: marks without width */
bool byol__is_mark(int32_t character);        /* what StripAccents strips: all marks */
bool byol__is_composite(int32_t character);   /* what a normal form may decompose */
bool byol__is_word(int32_t character);        /* \w of a regular expression */
bool byol__is_letter(int32_t character);      /* \p{L} */
bool byol__is_number(int32_t character);      /* \p{N} */

#endif
