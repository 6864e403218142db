/* Configurations as YAML. The events of a file become a list of settings (dotted key, value, line).
 * The configuration changes only if the whole file is valid. */
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <yaml.h>

#include "base/error.h"
#include "base/files.h"
#include "base/memory.h"
#include "byol/config.h"
#include "config/options.h"

enum { DEPTH_MAX = 8, KEY_MAX = 128 };

typedef struct setting {
    char key[KEY_MAX];
    char value[BYOL__VALUE_MAX];
    size_t line;
} setting;

typedef struct reader {
    yaml_parser_t parser;
    const char *name; /* of the file, for errors */
    setting *settings;
    size_t count, capacity;
    byol_error *error;
} reader;

static byol_status fail_at(reader *r, size_t line, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static byol_status fail_at(reader *r, size_t line, const char *format, ...) {
    if (r->error == NULL) return BYOL_ERROR_INVALID;
    int used = snprintf(r->error->text, sizeof r->error->text, "%.500s:%zu: ", r->name, line);
    va_list args;
    va_start(args, format);
    vsnprintf(r->error->text + used, sizeof r->error->text - (size_t)used, format, args);
    va_end(args);
    return BYOL_ERROR_INVALID;
}

/* The next event. The caller deletes it. */
static byol_status next_event(reader *r, yaml_event_t *event) {
    if (yaml_parser_parse(&r->parser, event)) return BYOL_OK;
    const yaml_parser_t *p = &r->parser;
    if (p->error == YAML_MEMORY_ERROR)
        return byol__fail(r->error, BYOL_ERROR_MEMORY, "no memory to read %s", r->name);
    size_t line = p->error == YAML_READER_ERROR ? p->mark.line : p->problem_mark.line;
    return fail_at(r, line + 1, "not YAML: %s%s%s",
                   p->problem != NULL ? p->problem : "cannot be read",
                   p->context != NULL ? " " : "", p->context != NULL ? p->context : "");
}

static size_t line_of(const yaml_event_t *event) { return event->start_mark.line + 1; }

static byol_status unknown_key(reader *r, const char *key, int group, size_t line) {
    char nearest[64];
    byol__option_nearest(key, group, nearest);
    return fail_at(r, line, "there is no %s '%.100s'; the nearest is '%s'",
                   group ? "group of options" : "option", key, nearest);
}

static byol_status add_setting(reader *r, const char *key, const char *value, size_t line) {
    for (size_t i = 0; i < r->count; i++)
        if (strcmp(r->settings[i].key, key) == 0)
            return fail_at(r, line, "'%s' was set before, in line %zu", key, r->settings[i].line);
    if (strlen(value) >= BYOL__VALUE_MAX)
        return fail_at(r, line, "the value of '%s' is too long", key);
    if (r->count == r->capacity) {
        setting *grown;
        BYOL__TRY(byol__alloc(&grown, r->capacity * 2 + 64, sizeof *grown, r->name, r->error));
        if (r->count > 0) memcpy(grown, r->settings, r->count * sizeof *grown);
        byol__free(r->settings);
        r->settings = grown;
        r->capacity = r->capacity * 2 + 64;
    }
    setting *added = &r->settings[r->count++];
    snprintf(added->key, sizeof added->key, "%s", key);
    snprintf(added->value, sizeof added->value, "%s", value);
    added->line = line;
    return BYOL_OK;
}

static byol_status read_scalar(reader *r, const char *key, const yaml_event_t *event) {
    const char *value = (const char *)event->data.scalar.value;
    if (strlen(value) != event->data.scalar.length)
        return fail_at(r, line_of(event), "the value of '%s' holds a NUL character", key);
    /* "eval:" with everything beneath it commented out */
    if (*value == '\0' && event->data.scalar.style == YAML_PLAIN_SCALAR_STYLE &&
        byol__option_group(key))
        return BYOL_OK;
    return add_setting(r, key, value, line_of(event));
}

/* [0.49, 0.48, 0.45] becomes the text "0.49, 0.48, 0.45". The start event has been read. */
static byol_status read_list(reader *r, const char *key, size_t line) {
    const byol__option *option = byol__option_find(key);
    if (option == NULL) option = byol__option_of_views(key, 1);
    if (option == NULL) return unknown_key(r, key, 0, line);
    if (option->kind != BYOL__TRIPLE)
        return fail_at(r, line, "'%s' takes one value, not a list", key);
    char value[BYOL__VALUE_MAX];
    size_t used = 0;
    for (int i = 0;; i++) {
        yaml_event_t event;
        BYOL__TRY(next_event(r, &event));
        yaml_event_type_t type = event.type;
        if (type == YAML_SCALAR_EVENT && used < sizeof value)
            used += (size_t)snprintf(value + used, sizeof value - used, "%s%s", i > 0 ? ", " : "",
                                     (const char *)event.data.scalar.value);
        yaml_event_delete(&event);
        if (type == YAML_SEQUENCE_END_EVENT && i > 0) break;
        if (type != YAML_SCALAR_EVENT || used >= sizeof value)
            return fail_at(r, line, "'%s' takes a list of three numbers", key);
    }
    return add_setting(r, key, value, line);
}

/* Reads what follows a key. Sets `*deeper` to 1 if that is a group. */
static byol_status read_value(reader *r, const char *key, int *deeper) {
    yaml_event_t event;
    BYOL__TRY(next_event(r, &event));
    byol_status status = BYOL_OK;
    size_t line = line_of(&event);
    if (event.type == YAML_SCALAR_EVENT)
        status = read_scalar(r, key, &event);
    else if (event.type == YAML_SEQUENCE_START_EVENT)
        status = read_list(r, key, line);
    else if (event.type == YAML_ALIAS_EVENT)
        status = fail_at(r, line,
                         "'%s': aliases (*name) are not understood here; write the value out", key);
    else if (byol__option_find(key) != NULL)
        status = fail_at(r, line, "'%s' takes a value, not a group of options", key);
    else if (!byol__option_group(key))
        status = unknown_key(r, key, 1, line);
    else
        *deeper = 1;
    yaml_event_delete(&event);
    return status;
}

/* Appends ".part" to the dotted path of the open group. */
static byol_status append_key(reader *r, char path[KEY_MAX], size_t length,
                              const yaml_event_t *event) {
    if (event->type != YAML_SCALAR_EVENT)
        return fail_at(r, line_of(event), "a key must be a word, as in encoder: {width: 16}");
    int written = snprintf(path + length, KEY_MAX - length, "%s%s", length > 0 ? "." : "",
                           (const char *)event->data.scalar.value);
    if ((size_t)written >= KEY_MAX - length ||
        strlen(path) != length + (length > 0) + event->data.scalar.length)
        return fail_at(r, line_of(event), "there is no option '%.100s...'", path);
    return BYOL_OK;
}

/* Reads the top mapping and the mappings in it. Its start event has been read. */
static byol_status read_mapping(reader *r) {
    char path[KEY_MAX] = "";
    size_t length[DEPTH_MAX] = {0}; /* of the path of each open group */
    int depth = 0;
    while (depth >= 0) {
        yaml_event_t event;
        BYOL__TRY(next_event(r, &event));
        if (event.type == YAML_MAPPING_END_EVENT) {
            yaml_event_delete(&event);
            depth--;
            continue;
        }
        byol_status status = append_key(r, path, length[depth], &event);
        yaml_event_delete(&event);
        int deeper = 0;
        if (status == BYOL_OK) status = read_value(r, path, &deeper);
        if (status != BYOL_OK) return status;
        if (deeper) length[++depth] = strlen(path); /* no known group is as deep as DEPTH_MAX */
    }
    return BYOL_OK;
}

/* The next event, of which only its type and place matter. */
static byol_status next_type(reader *r, yaml_event_type_t *type, size_t *line) {
    yaml_event_t event;
    BYOL__TRY(next_event(r, &event));
    *type = event.type;
    *line = line_of(&event);
    yaml_event_delete(&event);
    return BYOL_OK;
}

static byol_status read_document(reader *r) {
    yaml_event_type_t type = YAML_NO_EVENT;
    size_t line = 0;
    for (;;) {
        BYOL__TRY(next_type(r, &type, &line));
        if (type == YAML_STREAM_START_EVENT || type == YAML_DOCUMENT_START_EVENT) continue;
        if (type == YAML_MAPPING_START_EVENT) break;
        return fail_at(r, line, "%s",
                       type == YAML_STREAM_END_EVENT
                           ? "no options in it: the file is empty"
                           : "options are expected, as in encoder: {width: 16}");
    }
    BYOL__TRY(read_mapping(r));
    for (;;) {
        BYOL__TRY(next_type(r, &type, &line));
        if (type == YAML_STREAM_END_EVENT) return BYOL_OK;
        if (type == YAML_DOCUMENT_START_EVENT)
            return fail_at(r, line, "a second document begins here; one is allowed");
    }
}

/* Order of application: the recipe, the preset, the keys that set all views, the rest. */
static int turn(const char *key) {
    if (strcmp(key, "recipe") == 0) return 0;
    if (strcmp(key, "views.preset") == 0) return 1;
    return strncmp(key, "views.", 6) == 0 && byol__option_find(key) == NULL ? 2 : 3;
}

static byol_status apply(reader *r, byol_config *config) {
    for (int now = 0; now < 4; now++) {
        for (size_t i = 0; i < r->count; i++) {
            const setting *s = &r->settings[i];
            if (turn(s->key) != now) continue;
            byol_error inner = {0};
            if (byol_config_set(config, s->key, s->value, &inner) != BYOL_OK)
                return fail_at(r, s->line, "%s", inner.text);
        }
    }
    return BYOL_OK;
}

byol_status byol_config_parse(byol_config *config, const char *yaml, size_t length,
                              const char *name, byol_error *error) {
    reader r = {.name = name, .error = error};
    if (!yaml_parser_initialize(&r.parser))
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory to read %s", name);
    yaml_parser_set_input_string(&r.parser, (const unsigned char *)yaml, length);
    byol_config changed = *config;
    byol_status status = read_document(&r);
    if (status == BYOL_OK) status = apply(&r, &changed);
    if (status == BYOL_OK) *config = changed;
    yaml_parser_delete(&r.parser);
    byol__free(r.settings);
    return status;
}

byol_status byol_config_load(byol_config *config, const char *path, byol_error *error) {
    char *text;
    size_t length;
    BYOL__TRY(byol__read_file(path, &text, &length, error));
    byol_status status = byol_config_parse(config, text, length, path, error);
    byol__free(text);
    return status;
}

static bool emit_scalar(yaml_emitter_t *emitter, const char *text, int quoted) {
    yaml_event_t event;
    return yaml_scalar_event_initialize(
               &event, NULL, NULL, (const yaml_char_t *)text, (int)strlen(text), 1, 1,
               quoted ? YAML_DOUBLE_QUOTED_SCALAR_STYLE : YAML_PLAIN_SCALAR_STYLE) &&
           yaml_emitter_emit(emitter, &event);
}

static bool emit_group(yaml_emitter_t *emitter, int begin) {
    yaml_event_t event;
    return (begin ? yaml_mapping_start_event_initialize(&event, NULL, NULL, 1,
                                                        YAML_BLOCK_MAPPING_STYLE)
                  : yaml_mapping_end_event_initialize(&event)) &&
           yaml_emitter_emit(emitter, &event);
}

/* "0.49, 0.48, 0.45" as [0.49, 0.48, 0.45] */
static bool emit_list(yaml_emitter_t *emitter, char *text) {
    yaml_event_t event;
    if (!yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, YAML_FLOW_SEQUENCE_STYLE) ||
        !yaml_emitter_emit(emitter, &event))
        return false;
    char *rest = NULL;
    for (char *item = strtok_r(text, ", ", &rest); item != NULL; item = strtok_r(NULL, ", ", &rest))
        if (!emit_scalar(emitter, item, 0)) return false;
    return yaml_sequence_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event);
}

static int count_dots(const char *text, size_t length) {
    int dots = 0;
    for (size_t i = 0; i < length; i++) dots += text[i] == '.';
    return dots;
}

/* Closes and opens groups on the way from key `from` to key `to` and writes the last part of `to`.
 */
static int emit_key(yaml_emitter_t *emitter, const char *from, const char *to) {
    size_t shared = 0; /* length of the common path, with its last dot */
    for (size_t i = 0; from[i] != '\0' && from[i] == to[i]; i++)
        if (from[i] == '.') shared = i + 1;
    for (int open = count_dots(from, strlen(from)) - count_dots(from, shared); open > 0; open--)
        if (!emit_group(emitter, 0)) return 0;
    for (const char *part = to + shared;;) {
        size_t length = strcspn(part, ".");
        char word[64];
        snprintf(word, sizeof word, "%.*s", (int)length, part);
        if (!emit_scalar(emitter, word, 0)) return 0;
        if (part[length] == '\0') return 1;
        if (!emit_group(emitter, 1)) return 0;
        part += length + 1;
    }
}

static int emit_options(yaml_emitter_t *emitter, const byol_config *config) {
    const char *before = "";
    for (size_t i = 0; i < byol__options_count; i++) {
        const byol__option *option = &byol__options[i];
        char text[BYOL__VALUE_MAX];
        byol__option_format(config, option, text);
        if (!emit_key(emitter, before, option->key)) return 0;
        if (!(option->kind == BYOL__TRIPLE
                  ? emit_list(emitter, text)
                  : emit_scalar(emitter, text, option->kind == BYOL__TEXT && !option->choices)))
            return 0;
        before = option->key;
    }
    for (int open = count_dots(before, strlen(before)); open > 0; open--)
        if (!emit_group(emitter, 0)) return 0;
    return 1;
}

static bool emit_document(yaml_emitter_t *emitter, const byol_config *config) {
    yaml_event_t event;
    return yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING) &&
           yaml_emitter_emit(emitter, &event) &&
           yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1) &&
           yaml_emitter_emit(emitter, &event) && emit_group(emitter, 1) &&
           emit_options(emitter, config) && emit_group(emitter, 0) &&
           yaml_document_end_event_initialize(&event, 1) && yaml_emitter_emit(emitter, &event) &&
           yaml_stream_end_event_initialize(&event) && yaml_emitter_emit(emitter, &event) &&
           yaml_emitter_flush(emitter);
}

byol_status byol_config_write(const byol_config *config, FILE *stream, byol_error *error) {
    yaml_emitter_t emitter;
    if (!yaml_emitter_initialize(&emitter))
        return byol__fail(error, BYOL_ERROR_MEMORY, "no memory to write YAML");
    yaml_emitter_set_output_file(&emitter, stream);
    yaml_emitter_set_unicode(&emitter, 1);
    yaml_emitter_set_width(&emitter, -1);
    int written = emit_document(&emitter, config);
    yaml_emitter_delete(&emitter);
    if (!written || ferror(stream))
        return byol__fail(error, BYOL_ERROR_IO, "cannot write the configuration: %s",
                          strerror(errno));
    return BYOL_OK;
}
