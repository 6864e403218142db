#include "text/normalize.h"

#include <string.h>

#include <utf8proc.h>

#include "base/error.h"
#include "text/characters.h"

/* ---- Steps that look at one character ---- */

/* What a step makes of a character that is not ASCII: up to three. */
static int mapped(byol__normal_step step, int32_t c, int32_t out[3]) {
    out[0] = c;
    switch (step) {
    case BYOL__CLEAN:
        if (byol__is_unclean(c)) return 0;
        if (byol__is_space(c)) out[0] = ' ';
        return 1;
    case BYOL__SPACE_CHINESE:
        if (!byol__is_chinese(c)) return 1;
        out[0] = out[2] = ' ';
        out[1] = c;
        return 3;
    case BYOL__STRIP_ACCENTS: return !byol__is_accent(c);
    case BYOL__STRIP_MARKS: return !byol__is_mark(c);
    case BYOL__LOWERCASE:
        out[0] = utf8proc_tolower(c);
        if (c != 0x130) return 1; // capital I with a dot: the only one that becomes two characters
        out[0] = 'i';
        out[1] = 0x307;
        return 2;
    default: return 1;
    }
}

/* The same for ASCII, of which there is most. False: the character goes. */
static inline bool mapped_ascii(byol__normal_step step, char *c) {
    if (step == BYOL__LOWERCASE && *c >= 'A' && *c <= 'Z') *c += 'a' - 'A';
    if (step != BYOL__CLEAN || (*c >= ' ' && *c < 0x7F)) return true;
    if (*c != '\t' && *c != '\n' && *c != '\r') return false;
    *c = ' ';
    return true;
}

static byol_status map_all(byol__normal_step step, const char *text, size_t length,
                           byol_text_buffer *out, byol_error *error) {
    // three bytes and two spaces, or a capital letter of two bytes whose small one has three
    BYOL__TRY(byol__text_reserve(out, 2 * length, 1, error));
    char *to = out->bytes;
    for (size_t at = 0; at < length;) {
        char c = text[at];
        if ((unsigned char)c < 0x80) {
            if (mapped_ascii(step, &c)) *to++ = c;
            at++;
            continue;
        }
        int32_t character, becomes[3];
        at += byol__utf8_read(text + at, &character);
        int count = mapped(step, character, becomes);
        for (int i = 0; i < count; i++) to += byol__utf8_write(to, becomes[i]);
    }
    out->length = (size_t)(to - (char *)out->bytes);
    return BYOL_OK;
}

/* ---- Normal forms ---- */

static unsigned combining_class(int32_t character) {
    return (unsigned)utf8proc_get_property(character)->combining_class;
}

/* Sorts characters by their combining class and keeps the order of equal ones. `spare` has room
 * for as many. Texts may come with very long runs of marks, so the time must not be quadratic. */
static void order_run(int32_t *characters, int32_t *spare, size_t count) {
    size_t place[257] = {0};
    for (size_t i = 0; i < count; i++) place[combining_class(characters[i]) + 1]++;
    for (int i = 1; i < 257; i++) place[i] += place[i - 1];
    for (size_t i = 0; i < count; i++)
        spare[place[combining_class(characters[i])]++] = characters[i];
    memcpy(characters, spare, count * sizeof *characters);
}

/* Unicode's canonical order. `characters` has room for twice `count`. */
static void order_marks(int32_t *characters, size_t count) {
    for (size_t start = 0, end; start < count; start = end + 1) {
        bool sorted = true;
        unsigned last = 0;
        for (end = start; end < count; end++) {
            unsigned class = combining_class(characters[end]);
            if (class == 0) break;
            sorted = sorted && class >= last;
            last = class;
        }
        if (!sorted) order_run(characters + start, characters + count, end - start);
    }
}

/* Brings one stretch of text into a normal form and appends it. */
static byol_status normalize_stretch(byol__normal_step form, const char *text, size_t length,
                                     byol_text_buffer *characters, byol_text_buffer *out,
                                     byol_error *error) {
    enum { LONGEST = 32 }; /* the longest decomposition has 18 */
    bool compatible = form == BYOL__NFKC || form == BYOL__NFKD;
    utf8proc_option_t options =
        UTF8PROC_STABLE | UTF8PROC_DECOMPOSE | (compatible ? UTF8PROC_COMPAT : 0);
    size_t count = 0;
    for (size_t at = 0; at < length;) {
        int32_t c;
        int boundary = 0;
        at += byol__utf8_read(text + at, &c);
        BYOL__TRY(byol__text_reserve(characters, count + LONGEST, sizeof c, error));
        if (!byol__is_composite(c)) {
            ((int32_t *)characters->bytes)[count++] = c;
            continue;
        }
        utf8proc_ssize_t made = utf8proc_decompose_char(c, (int32_t *)characters->bytes + count,
                                                        LONGEST, options, &boundary);
        if (made < 0 || made > LONGEST)
            return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "utf8proc cannot decompose U+%04X: %s",
                              (unsigned)c, utf8proc_errmsg(made));
        count += (size_t)made;
    }
    BYOL__TRY(byol__text_reserve(characters, 2 * count, sizeof(int32_t), error));
    int32_t *all = characters->bytes;
    order_marks(all, count);
    if (form == BYOL__NFC || form == BYOL__NFKC)
        count = (size_t)utf8proc_normalize_utf32(all, (utf8proc_ssize_t)count,
                                                 UTF8PROC_STABLE | UTF8PROC_COMPOSE);
    BYOL__TRY(byol__text_reserve(out, out->length + 4 * count, 1, error));
    char *to = (char *)out->bytes + out->length;
    for (size_t i = 0; i < count; i++) to += byol__utf8_write(to, all[i]);
    out->length = (size_t)(to - (char *)out->bytes);
    return BYOL_OK;
}

/* ASCII is in every normal form, and nothing before an ASCII character meets anything behind it. So
 * only what is not ASCII is looked at, with the one character before it that it may change. */
static byol_status normal_form(byol__normal_step form, const char *text, size_t length,
                               byol_text_buffer *characters, byol_text_buffer *out,
                               byol_error *error) {
    out->length = 0;
    for (size_t at = 0; at < length;) {
        size_t first = at, end;
        while (first < length && (unsigned char)text[first] < 0x80) first++;
        for (end = first; end < length && (unsigned char)text[end] >= 0x80;) end++;
        if (first < length && first > at) first--;
        BYOL__TRY(byol__text_append(out, text + at, first - at, error));
        if (first < end)
            BYOL__TRY(normalize_stretch(form, text + first, end - first, characters, out, error));
        at = end;
    }
    return BYOL_OK;
}

/* ---- All steps ---- */

static bool changes_ascii(byol__normal_step step) {
    return step == BYOL__CLEAN || step == BYOL__LOWERCASE;
}

byol_status byol__normalize(const byol__normalizer *normalizer, byol_text_buffer buffer[2],
                            byol_text_buffer *characters, const char *text, size_t length,
                            const char **out, size_t *out_length, byol_error *error) {
    bool ascii = byol__is_ascii(text, length);
    int next = 0;
    for (int i = 0; i < normalizer->count; i++) {
        byol__normal_step step = normalizer->step[i];
        if (ascii && !changes_ascii(step)) continue;
        byol_text_buffer *to = &buffer[next];
        if (step >= BYOL__NFC)
            BYOL__TRY(normal_form(step, text, length, characters, to, error));
        else
            BYOL__TRY(map_all(step, text, length, to, error));
        text = to->bytes;
        length = to->length;
        next = !next;
    }
    *out = text;
    *out_length = length;
    return BYOL_OK;
}
