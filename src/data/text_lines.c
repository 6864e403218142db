/* Texts of a line each: alone, or behind a label and a tab. */
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "data/text_source.h"

/* Length of the line at `line`, without its end; `*next` is where the next one begins. */
static size_t cut_line(const char *line, const char *end, const char **next) {
    const char *newline = memchr(line, '\n', (size_t)(end - line));
    const char *over = newline != NULL ? newline : end;
    *next = newline != NULL ? newline + 1 : end;
    return (size_t)(over - line) - (over > line && over[-1] == '\r');
}

byol_status byol__texts_read_lines(byol__texts *texts, const byol__text_file *file,
                                   byol_error *error) {
    const char *end = file->bytes + file->length;
    byol__found_text found = {.line = 0};
    for (const char *line = file->bytes, *next; line < end; line = next) {
        found.text = line;
        found.length = cut_line(line, end, &next);
        found.line++;
        BYOL__TRY(byol__texts_take(texts, file->path, &found, error));
    }
    return BYOL_OK;
}

static byol_status no_tab(const byol__text_file *file, const byol__found_text *found,
                          byol_error *error) {
    char excerpt[BYOL__EXCERPT];
    return byol__fail(
        error, BYOL_ERROR_FORMAT,
        "%.500s:%zu: there is no tab in '%s': a line is LABEL, tab, TEXT, as others of "
        "the file are",
        file->path, found->line, byol__text_excerpt(excerpt, found->text, found->length));
}

static byol_status read_labelled(byol__texts *texts, const byol__text_file *file,
                                 byol_error *error) {
    const char *end = file->bytes + file->length;
    byol__found_text found = {.line = 0};
    for (const char *line = file->bytes, *next; line < end; line = next) {
        size_t length = cut_line(line, end, &next);
        const char *tab = memchr(line, '\t', length);
        found = (byol__found_text){.text = line, .length = length, .line = found.line + 1};
        if (tab == NULL && !byol__is_blank(line, length)) return no_tab(file, &found, error);
        if (tab != NULL) {
            found.label = line;
            found.label_length = (size_t)(tab - line);
            found.text = tab + 1;
            found.length = length - found.label_length - 1;
        }
        BYOL__TRY(byol__texts_take(texts, file->path, &found, error));
    }
    return BYOL_OK;
}

/* Is a field of the first line exactly a usual name of a column of texts? */
static bool has_header(const byol__text_file *file) {
    const char *next, *end = file->bytes + file->length;
    size_t left = cut_line(file->bytes, end, &next);
    for (const char *field = file->bytes; field != NULL;) {
        const char *tab = memchr(field, '\t', left);
        size_t length = tab != NULL ? (size_t)(tab - field) : left;
        for (int i = 0; byol__text_names[i] != NULL; i++)
            if (strlen(byol__text_names[i]) == length &&
                strncasecmp(byol__text_names[i], field, length) == 0)
                return true;
        left -= tab != NULL ? length + 1 : length;
        field = tab != NULL ? tab + 1 : NULL;
    }
    return false;
}

byol_status byol__texts_read_tsv(byol__texts *texts, const byol__text_file *file,
                                 const byol__text_columns *columns, byol_error *error) {
    bool has_tabs = memchr(file->bytes, '\t', file->length) != NULL;
    if (*columns->text != '\0' || *columns->label != '\0' || (has_tabs && has_header(file)))
        return byol__texts_read_table(texts, file, '\t', columns, error);
    return has_tabs ? read_labelled(texts, file, error)
                    : byol__texts_read_lines(texts, file, error);
}
