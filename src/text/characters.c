#include "text/characters.h"

#include <string.h>

#include <utf8proc.h>

/* ---- UTF-8 ---- */

/* How many bytes a character has that begins with `first`, and the range of its second byte, which
 * excludes surrogates, overlong forms and what is above U+10FFFF. 0: none begins so. */
static size_t expected(unsigned char first, unsigned char *low, unsigned char *high) {
    *low = 0x80;
    *high = 0xBF;
    if (first < 0x80) return 1;
    if (first < 0xC2 || first > 0xF4) return 0;
    if (first < 0xE0) return 2;
    if (first == 0xE0) *low = 0xA0;
    if (first == 0xED) *high = 0x9F;
    if (first < 0xF0) return 3;
    if (first == 0xF0) *low = 0x90;
    if (first == 0xF4) *high = 0x8F;
    return 4;
}

/* Bytes from `text` on that are as they should be, up to a whole character; `*wanted` is the
 * length that the first byte announces. */
static size_t read_carefully(const unsigned char *text, size_t length, size_t *wanted) {
    unsigned char low, high;
    *wanted = expected(text[0], &low, &high);
    size_t n = *wanted > 0 ? 1 : 0;
    for (; n < *wanted && n < length; n++) {
        if (text[n] < low || text[n] > high) break;
        low = 0x80;
        high = 0xBF;
    }
    return n;
}

size_t byol__utf8_valid(const char *text, size_t length) {
    const unsigned char *bytes = (const unsigned char *)text;
    size_t at = 0;
    while (at < length) {
        uint64_t eight;
        if (length - at >= sizeof eight) {
            memcpy(&eight, bytes + at, sizeof eight);
            if ((eight & 0x8080808080808080u) == 0) {
                at += sizeof eight;
                continue;
            }
        }
        size_t wanted, good = read_carefully(bytes + at, length - at, &wanted);
        if (wanted == 0 || good < wanted) return at;
        at += wanted;
    }
    return length;
}

size_t byol__utf8_broken(const char *text, size_t length) {
    size_t wanted, good = read_carefully((const unsigned char *)text, length, &wanted);
    return good > 0 ? good : 1;
}

size_t byol__utf8_write(char *text, int32_t character) {
    return (size_t)utf8proc_encode_char(character, (utf8proc_uint8_t *)text);
}

bool byol__is_ascii(const char *text, size_t length) {
    unsigned char all = 0;
    for (size_t i = 0; i < length; i++) all |= (unsigned char)text[i];
    return all < 0x80;
}

/* ---- Kinds ---- */

/* Hugging Face's normalizers and BertPreTokenizer ask tables of Unicode 7 to 9,
 * and what came later is nothing in particular to them. These are the stretches between two
 * characters of the old tables in which Unicode 17 has some that the old one lacks. So the same
 * characters count here whatever Unicode utf8proc has. */
typedef struct stretch {
    int32_t first, last;
} stretch;

static const stretch later_punctuation[] = {
    {0x061C, 0x061D},   {0x0971, 0x0AEF},   {0x0AF1, 0x0DF3},   {0x1AAE, 0x1B59},
    {0x1B61, 0x1BFB},   {0x2E43, 0x3000},   {0x10B9D, 0x11046}, {0x112AA, 0x114C5},
    {0x11644, 0x1173B}, {0x1173F, 0x1246F}, {0x12475, 0x16A6D}, {0x16B45, 0x1BC9E},
    {0x1DA8C, 0x10FFFF}};

static const stretch later_accents[] = {
    {0x05C8, 0x060F},   {0x07F4, 0x0815},   {0x085C, 0x08E2},   {0x09E4, 0x0A00},
    {0x0AE4, 0x0B00},   {0x0B4E, 0x0B55},   {0x0C01, 0x0C3D},   {0x0CE4, 0x0D00},
    {0x0D02, 0x0D40},   {0x0D64, 0x0DC9},   {0x0EBA, 0x0EBA},   {0x0ECE, 0x0F17},
    {0x180E, 0x18A8},   {0x1ABE, 0x1AFF},   {0x1DF6, 0x1DFB},   {0xA827, 0xA8C3},
    {0xA8C5, 0xA8DF},   {0xA8F2, 0xA925},   {0xA9BD, 0xA9E4},   {0x10AE7, 0x11000},
    {0x11047, 0x1107E}, {0x110BB, 0x110FF}, {0x111BF, 0x111C9}, {0x111CD, 0x1122E},
    {0x11238, 0x112DE}, {0x11302, 0x1133B}, {0x11375, 0x114B2}, {0x1172C, 0x16AEF},
    {0x16B37, 0x16F8E}, {0x16F93, 0x1BC9C}, {0x1BC9F, 0x1D166}, {0x1D245, 0x1D9FF},
    {0x1DAB0, 0x1E8CF}, {0x1E8D7, 0xE00FF}};

static const stretch later_marks[] = {
    {0x05C8, 0x060F},   {0x07F4, 0x0815},   {0x085C, 0x08D3},   {0x09E4, 0x0A00},
    {0x0AE4, 0x0B00},   {0x0B4E, 0x0B55},   {0x0C04, 0x0C3D},   {0x0CE4, 0x0D00},
    {0x0D04, 0x0D3D},   {0x0D64, 0x0D81},   {0x0EBA, 0x0EBA},   {0x0ECE, 0x0F17},
    {0x1715, 0x1731},   {0x180E, 0x1884},   {0x1ABF, 0x1AFF},   {0x1CF5, 0x1CF7},
    {0x1DF6, 0x1DFA},   {0xA828, 0xA87F},   {0xA8F2, 0xA925},   {0x10AE7, 0x10FFF},
    {0x11047, 0x1107E}, {0x110BB, 0x110FF}, {0x11135, 0x11172}, {0x111C1, 0x111C9},
    {0x111CD, 0x1122B}, {0x1123F, 0x112DE}, {0x11304, 0x1133B}, {0x11375, 0x11434},
    {0x11447, 0x114AF}, {0x1172C, 0x11C2E}, {0x11CB7, 0x16AEF}, {0x16B37, 0x16F50},
    {0x16F7F, 0x16F8E}, {0x16F93, 0x1BC9C}, {0x1BC9F, 0x1D164}, {0x1D245, 0x1D9FF},
    {0x1E02B, 0x1E8CF}};

static const stretch later_format[] = {{0x0710, 0x180D}, {0x110BE, 0x1BC9F}};

static const stretch later_composites[] = {
    {0x32FF, 0x32FF},   {0xA771, 0xA7F7},   {0xAB60, 0xABFF},  {0xFFEF, 0x11099},
    {0x115BC, 0x1D15D}, {0x1F16C, 0x1F18F}, {0x1F252, 0x2F7FF}};

#define WITHIN(table, character) within(table, sizeof table / sizeof *table, character)

static bool within(const stretch *table, size_t count, int32_t c) {
    size_t low = 0, end = count;
    while (count > 0) { // the first stretch that does not end before c
        size_t half = count / 2;
        if (table[low + half].last < c) {
            low += half + 1;
            count -= half + 1;
        } else {
            count = half;
        }
    }
    return low < end && table[low].first <= c;
}

static bool in_category(int32_t c, utf8proc_category_t first, utf8proc_category_t last) {
    utf8proc_category_t category = utf8proc_category(c);
    return category >= first && category <= last;
}

bool byol__is_space(int32_t c) {
    if (c < 0x80) return c == ' ' || (c >= '\t' && c <= '\r');
    return c == 0x85 || in_category(c, UTF8PROC_CATEGORY_ZS, UTF8PROC_CATEGORY_ZP);
}

bool byol__is_unclean(int32_t c) {
    if (c < 0x7F) return c < ' ' && c != '\t' && c != '\n' && c != '\r';
    if (c == 0xFFFD) return true;
    utf8proc_category_t category = utf8proc_category(c);
    if (category == UTF8PROC_CATEGORY_CF) return !WITHIN(later_format, c);
    return category == UTF8PROC_CATEGORY_CC || category == UTF8PROC_CATEGORY_CO;
}

bool byol__is_chinese(int32_t c) {
    if (c < 0x3400) return false;
    return (c >= 0x4E00 && c <= 0x9FFF) || (c >= 0x3400 && c <= 0x4DBF) ||
           (c >= 0x20000 && c <= 0x2A6DF) || (c >= 0x2A700 && c <= 0x2B73F) ||
           (c >= 0x2B740 && c <= 0x2B81F) || (c >= 0x2B920 && c <= 0x2CEAF) ||
           (c >= 0xF900 && c <= 0xFAFF) || (c >= 0x2F800 && c <= 0x2FA1F);
}

bool byol__is_punctuation(int32_t c) {
    if (c < 0x80)
        return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') ||
               (c >= '{' && c <= '~');
    if (c == 0x166D || c == 0x111C9) return true; // it was, in the old table
    return in_category(c, UTF8PROC_CATEGORY_PC, UTF8PROC_CATEGORY_PO) &&
           !WITHIN(later_punctuation, c);
}

bool byol__is_accent(int32_t c) {
    if (c < 0x300) return false;
    if (c == 0x1734 || c == 0x1171E) return true; // it was, in the old table
    return utf8proc_category(c) == UTF8PROC_CATEGORY_MN && !WITHIN(later_accents, c);
}

bool byol__is_mark(int32_t c) {
    if (c < 0x300) return false;
    if (c == 0x1CF2 || c == 0x1CF3) return true; // it was, in the old table
    return in_category(c, UTF8PROC_CATEGORY_MN, UTF8PROC_CATEGORY_ME) && !WITHIN(later_marks, c);
}

bool byol__is_composite(int32_t c) { return c >= 0x80 && !WITHIN(later_composites, c); }

bool byol__is_letter(int32_t c) {
    if (c < 0x80) return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return in_category(c, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_LO);
}

bool byol__is_number(int32_t c) {
    if (c < 0x80) return c >= '0' && c <= '9';
    return in_category(c, UTF8PROC_CATEGORY_ND, UTF8PROC_CATEGORY_NO);
}

bool byol__is_word(int32_t c) {
    if (c < 0x80) return byol__is_letter(c) || byol__is_number(c) || c == '_';
    if (c == 0x200C || c == 0x200D) return true; // the joiners
    // circled and squared letters are alphabetic, though symbols
    if ((c >= 0x24B6 && c <= 0x24E9) || (c >= 0x1F130 && c <= 0x1F149) ||
        (c >= 0x1F150 && c <= 0x1F169) || (c >= 0x1F170 && c <= 0x1F189))
        return true;
    return in_category(c, UTF8PROC_CATEGORY_LU, UTF8PROC_CATEGORY_NL) ||
           utf8proc_category(c) == UTF8PROC_CATEGORY_PC;
}
