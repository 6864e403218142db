/* Texts in tables: CSV as RFC 4180 has it, and fields between tabs; under a header. */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/error.h"
#include "base/memory.h"
#include "data/text_source.h"

enum { COLUMNS_MAX = 1024, NO_COLUMN = -1 };

typedef struct field {
    char *begin; /* as it stands in the file, within its quotes */
    size_t length;
    bool quoted;
} field;

typedef struct table {
    const byol__text_file *file;
    char separator, *at, *end;
    const char *line_begin; /* of the line that `at` is in */
    size_t line, row_line;  /* of `at`, and where the row begins */
    field fields[COLUMNS_MAX], names[COLUMNS_MAX];
    size_t field_count, name_count;
    int text, label; /* which columns hold them, or NO_COLUMN */
} table;

/* ---- fields ---- */

static byol_status refuse(const table *t, size_t line, size_t column, const char *why,
                          byol_error *error) {
    return byol__fail(error, BYOL_ERROR_FORMAT, "%.500s:%zu:%zu: %s", t->file->path, line, column,
                      why);
}

static size_t column_of(const char *line_begin, const char *at) {
    return 1 + byol__text_characters(line_begin, (size_t)(at - line_begin));
}

/* From a quote to the quote that closes it; two of them are one of the text. */
static byol_status read_quoted(table *t, field *f, byol_error *error) {
    size_t line = t->line, column = column_of(t->line_begin, t->at);
    char *p = ++t->at;
    for (; p < t->end && (*p != '"' || (p + 1 < t->end && p[1] == '"')); p++) {
        p += *p == '"';
        if (*p != '\n') continue;
        t->line++;
        t->line_begin = p + 1;
    }
    if (p == t->end)
        return refuse(t, line, column, "the quote that begins here is never closed", error);
    *f = (field){.begin = t->at, .length = (size_t)(p - t->at), .quoted = true};
    t->at = p + 1;
    return BYOL_OK;
}

static void read_plain(table *t, field *f) {
    char *p = t->at;
    while (p < t->end && *p != t->separator && *p != '\n') p++;
    size_t length = (size_t)(p - t->at);
    bool at_end = p == t->end || *p == '\n';
    *f = (field){.begin = t->at, .length = length - (at_end && length > 0 && p[-1] == '\r')};
    t->at = p;
}

/* Passes what ends a field. `*more`: another one follows in the row. */
static byol_status pass_end(table *t, bool *more, byol_error *error) {
    *more = t->at < t->end && *t->at == t->separator;
    if (t->at < t->end && *t->at == '\r' && (t->at + 1 == t->end || t->at[1] == '\n')) t->at++;
    if (t->at == t->end) return BYOL_OK;
    if (!*more && *t->at != '\n')
        return refuse(
            t, t->line, column_of(t->line_begin, t->at),
            "behind a closing quote there must be a comma or the end of the line; a quote "
            "within quotes is written twice",
            error);
    t->at++;
    if (*more) return BYOL_OK;
    t->line++;
    t->line_begin = t->at;
    return BYOL_OK;
}

static byol_status read_row(table *t, byol_error *error) {
    t->field_count = 0;
    t->row_line = t->line;
    for (bool more = true; more;) {
        if (t->field_count == COLUMNS_MAX)
            return refuse(t, t->line, column_of(t->line_begin, t->at), "more than 1024 columns",
                          error);
        field *f = &t->fields[t->field_count++];
        if (t->separator == ',' && t->at < t->end && *t->at == '"')
            BYOL__TRY(read_quoted(t, f, error));
        else
            read_plain(t, f);
        BYOL__TRY(pass_end(t, &more, error));
    }
    return BYOL_OK;
}

/* Makes one quote of two, in place. */
static void unquote(field *f) {
    size_t kept = 0;
    for (size_t i = 0; f->quoted && i < f->length; i++) {
        f->begin[kept++] = f->begin[i];
        i += f->begin[i] == '"';
    }
    if (f->quoted) f->length = kept;
    f->quoted = false;
}

/* ---- the header ---- */

static bool is_called(const field *f, const char *name, bool exactly) {
    return f->length == strlen(name) && (exactly ? strncmp(f->begin, name, f->length)
                                                 : strncasecmp(f->begin, name, f->length)) == 0;
}

static int find_column(const table *t, const char *wanted, const char *const *usual) {
    for (size_t c = 0; c < t->name_count && *wanted != '\0'; c++)
        if (is_called(&t->names[c], wanted, true)) return (int)c;
    for (int i = 0; *wanted == '\0' && usual[i] != NULL; i++)
        for (size_t c = 0; c < t->name_count; c++)
            if (is_called(&t->names[c], usual[i], false)) return (int)c;
    return NO_COLUMN;
}

static bool is_empty_line(const table *t) {
    const field *f = &t->fields[0];
    return t->field_count == 1 && !f->quoted && byol__is_blank(f->begin, f->length);
}

/* From the row that was read. */
static byol_status take_header(table *t, const byol__text_columns *columns, byol_error *error) {
    char seen[BYOL__NAMES_SHOWN] = "";
    for (size_t c = 0; c < t->field_count; c++) {
        unquote(&t->fields[c]);
        t->names[c] = t->fields[c];
        byol__list_name(seen, t->names[c].begin, t->names[c].length);
    }
    t->name_count = t->field_count;
    t->text = find_column(t, columns->text, byol__text_names);
    t->label = find_column(t, columns->label, byol__label_names);
    if (t->text == NO_COLUMN)
        return byol__no_column(t->file->path, t->row_line, columns->text, seen, error);
    if (t->label == NO_COLUMN && *columns->label != '\0')
        return byol__no_column(t->file->path, t->row_line, columns->label, seen, error);
    return BYOL_OK;
}

/* ---- the rows ---- */

static byol_status check_row(const table *t, byol_error *error) {
    char excerpt[BYOL__EXCERPT], missing[BYOL__NAMES_SHOWN] = "";
    const field *first = &t->fields[0];
    if (t->field_count == t->name_count) return BYOL_OK;
    byol__text_excerpt(excerpt, first->begin, first->length);
    if (t->field_count > t->name_count)
        return byol__fail(error, BYOL_ERROR_FORMAT,
                          "%.500s:%zu: the row that begins with '%s' has %zu columns, the header "
                          "%zu: %s",
                          t->file->path, t->row_line, excerpt, t->field_count, t->name_count,
                          t->separator == ',' ? "a text with a comma in it must be in quotes"
                                              : "a text cannot have a tab in it");
    const field *name = &t->names[t->field_count];
    byol__list_name(missing, name->begin, name->length);
    return byol__fail(error, BYOL_ERROR_FORMAT,
                      "%.500s:%zu: the row that begins with '%s' has %zu of %zu columns: %s is "
                      "missing",
                      t->file->path, t->row_line, excerpt, t->field_count, t->name_count, missing);
}

static byol_status take_row(table *t, byol__texts *texts, byol_error *error) {
    byol__found_text found = {.text = "", .line = t->row_line};
    if (!is_empty_line(t)) {
        BYOL__TRY(check_row(t, error));
        field *text = &t->fields[t->text], *label = NULL;
        unquote(text);
        found.text = text->begin;
        found.length = text->length;
        if (t->label != NO_COLUMN) label = &t->fields[t->label];
        if (label != NULL) unquote(label);
        if (label != NULL) found.label = label->begin;
        if (label != NULL) found.label_length = label->length;
    }
    return byol__texts_take(texts, t->file->path, &found, error);
}

byol_status byol__texts_read_table(byol__texts *texts, const byol__text_file *file, char separator,
                                   const byol__text_columns *columns, byol_error *error) {
    table *t;
    BYOL__TRY(byol__alloc(&t, 1, sizeof *t, "columns of a table", error));
    t->file = file;
    t->separator = separator;
    t->at = file->bytes;
    t->end = file->bytes + file->length;
    t->line_begin = t->at;
    t->line = 1;
    byol_status status = BYOL_OK;
    while (status == BYOL_OK && t->at < t->end) {
        status = read_row(t, error);
        bool is_header = t->name_count == 0 && !is_empty_line(t);
        if (status == BYOL_OK)
            status = is_header ? take_header(t, columns, error) : take_row(t, texts, error);
    }
    byol__free(t);
    return status;
}
