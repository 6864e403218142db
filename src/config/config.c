/* Sets and gets one option, by the table. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/c_locale.h"
#include "base/error.h"
#include "byol/config.h"
#include "config/options.h"

/* The bounds are rounded like the values: 0.0001f is allowed if the minimum is 0.0001. */
static bool allowed(const byol__option *option, double value) {
    double min = (double)(float)option->min, max = (double)(float)option->max;
    return (value >= min && value <= max) || (option->or_zero && value == 0);
}

static bool read_integer(const byol__option *option, const char *text, void *field) {
    char *end;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || !allowed(option, (double)value)) return false;
    *(int *)field = (int)value;
    return true;
}

static bool read_seed(const byol__option *option, const char *text, void *field) {
    (void)option;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || *text == '-') return false;
    *(uint64_t *)field = value;
    return true;
}

/* Reads one number from `text`; `*end` is where it ends. */
static bool scan_number(const byol__option *option, const char *text, char **end, float *value) {
    *value = strtof(text, end);
    return *end != text && isfinite(*value) && allowed(option, (double)*value);
}

static bool read_number(const byol__option *option, const char *text, void *field) {
    char *end;
    float value;
    if (!scan_number(option, text, &end, &value) || *end != '\0') return false;
    *(float *)field = value;
    return true;
}

/* "0.49, 0.48, 0.45" */
static bool read_triple(const byol__option *option, const char *text, void *field) {
    float values[3];
    for (int i = 0; i < 3; i++) {
        char *end;
        if (!scan_number(option, text, &end, &values[i])) return false;
        end += strspn(end, " ");
        if (*end != (i < 2 ? ',' : '\0')) return false;
        text = end + (i < 2);
    }
    memcpy(field, values, sizeof values);
    return true;
}

static bool read_switch(const byol__option *option, const char *text, void *field) {
    static const char *const words[][2] = {
        {"0", "1"}, {"false", "true"}, {"no", "yes"}, {"off", "on"}};
    (void)option;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        for (int value = 0; value < 2; value++) {
            if (strcasecmp(text, words[i][value]) != 0) continue;
            *(bool *)field = value != 0;
            return true;
        }
    }
    return false;
}

/* Index of the word `text` in a list such as "sgd, lars, adam", or -1. */
static int find_choice(const char *choices, const char *text) {
    size_t length = strlen(text);
    for (int index = 0;; index++) {
        size_t word = strcspn(choices, ",");
        if (word == length && strncmp(choices, text, length) == 0) return index;
        if (choices[word] == '\0') return -1;
        choices += word + 2;
    }
}

static bool read_choice(const byol__option *option, const char *text, void *field) {
    int index = find_choice(option->choices, text);
    if (index < 0) return false;
    memcpy(field, &index, sizeof index);
    return true;
}

static bool read_text(const byol__option *option, const char *text, void *field) {
    if (strlen(text) >= option->size || !byol__yaml_holds(text)) return false;
    if (option->choices != NULL && find_choice(option->choices, text) < 0) return false;
    memset(field, 0, option->size); /* so that equal configurations are equal byte for byte */
    memcpy(field, text, strlen(text));
    return true;
}

_Static_assert(sizeof(byol_stem) == sizeof(int), "read_choice writes an int into every enum");

/* Each returns whether the text is allowed. */
static bool (*const readers[])(const byol__option *option, const char *text, void *field) = {
    [BYOL__INTEGER] = read_integer, [BYOL__SEED] = read_seed,     [BYOL__NUMBER] = read_number,
    [BYOL__TRIPLE] = read_triple,   [BYOL__SWITCH] = read_switch, [BYOL__CHOICE] = read_choice,
    [BYOL__TEXT] = read_text,
};

static byol_status refuse(const byol__option *option, const char *value, byol_error *error) {
    byol_option_info info;
    byol_option_describe((size_t)(option - byol__options), &info);
    if (option->choices != NULL)
        return byol__fail(error, BYOL_ERROR_INVALID, "%s cannot be '%.100s'; choose one of: %s",
                          option->key, value, option->choices);
    if (option->kind == BYOL__SWITCH)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%s cannot be '%.100s'; it takes true or false", option->key, value);
    if (!byol__yaml_holds(value))
        return byol__fail(error, BYOL_ERROR_INVALID, "%s must be UTF-8 text", option->key);
    if (option->kind == BYOL__TEXT)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%s is too long: %zu bytes, at most %zu are allowed", option->key,
                          strlen(value), option->size - 1);
    return byol__fail(
        error, BYOL_ERROR_INVALID, "%s cannot be '%.100s'; it takes %s%s%s, %s", option->key, value,
        option->kind == BYOL__TRIPLE   ? ""
        : option->kind == BYOL__NUMBER ? "a "
                                       : "an ",
        info.type, option->kind == BYOL__TRIPLE ? " such as 0.49, 0.48, 0.45" : "", info.range);
}

static byol_status apply_recipe(byol_config *config, byol_error *error);

static byol_status set_option(byol_config *config, const byol__option *option, const char *value,
                              byol_error *error) {
    locale_t c_locale, before = byol__c_locale_enter(&c_locale);
    int accepted = readers[option->kind](option, value, (char *)config + option->offset);
    byol__c_locale_leave(before, c_locale);
    if (!accepted) return refuse(option, value, error);
    if (option->offset == offsetof(byol_config, recipe)) return apply_recipe(config, error);
    if (option->offset == offsetof(byol_config, views.preset))
        return byol_view_preset(config->views.preset, config->views.view, error);
    return BYOL_OK;
}

/* Sets all options that a recipe may set to their defaults, then those that this recipe changes. */
static byol_status apply_recipe(byol_config *config, byol_error *error) {
    for (const byol__recipe_row *row = byol__recipe_rows("byol"); row->key != NULL; row++) {
        const byol__option *option = byol__option_find(row->key);
        if (option != NULL) BYOL__TRY(set_option(config, option, option->default_value, error));
    }
    BYOL__TRY(byol_config_set(config, "views.preset", "small", error));
    for (const byol__recipe_row *row = byol__recipe_rows(config->recipe); row->key != NULL; row++)
        BYOL__TRY(byol_config_set(config, row->key, row->value, error));
    return BYOL_OK;
}

static byol_status unknown(const char *key, byol_error *error) {
    char nearest[64];
    byol__option_nearest(key, 0, nearest);
    return byol__fail(error, BYOL_ERROR_INVALID, "there is no option '%.100s'; the nearest is '%s'",
                      key, nearest);
}

byol_status byol_config_set(byol_config *config, const char *key, const char *value,
                            byol_error *error) {
    const byol__option *option = byol__option_find(key);
    if (option != NULL) return set_option(config, option, value, error);
    if (byol__option_of_views(key, 1) != NULL) {
        byol_status status = BYOL_OK; /* a value that one view accepts, all accept */
        for (int view = 1; view <= BYOL_VIEW_KINDS && status == BYOL_OK; view++) {
            option = byol__option_of_views(key, view);
            if (option != NULL) status = set_option(config, option, value, error);
        }
        return status;
    }
    if (byol__option_group(key))
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "'%s' is a group of options, it takes no value of its own", key);
    return unknown(key, error);
}

/* An index that is no choice (an application may have set one) becomes a number. That is no word of
 * the list, so setting it fails. */
static void format_choice(const char *choices, int index, char text[BYOL__VALUE_MAX]) {
    const char *word = index < 0 ? NULL : choices;
    for (int i = 0; i < index && word != NULL; i++) {
        word = strchr(word, ',');
        if (word != NULL) word += 2;
    }
    if (word == NULL)
        snprintf(text, BYOL__VALUE_MAX, "%d", index);
    else
        snprintf(text, BYOL__VALUE_MAX, "%.*s", (int)strcspn(word, ","), word);
}

/* Writes the fewest digits that read back to the same bits. Nine always do. */
static int format_number(float value, char *text, size_t size) {
    int length = 0;
    for (int digits = 6; digits <= 9; digits++) {
        length = snprintf(text, size, "%.*g", digits, (double)value);
        if (strtof(text, NULL) == value) break;
    }
    return length;
}

static void format_triple(const float values[3], char text[BYOL__VALUE_MAX]) {
    for (int i = 0; i < 3; i++) {
        if (i > 0) text += sprintf(text, ", ");
        text += format_number(values[i], text, 32);
    }
}

void byol__option_format(const byol_config *config, const byol__option *option,
                         char text[BYOL__VALUE_MAX]) {
    const void *field = (const char *)config + option->offset;
    const float *numbers = field;
    locale_t c_locale, before = byol__c_locale_enter(&c_locale);
    switch (option->kind) {
    case BYOL__INTEGER: snprintf(text, BYOL__VALUE_MAX, "%d", *(const int *)field); break;
    case BYOL__SEED:
        snprintf(text, BYOL__VALUE_MAX, "%llu", (unsigned long long)*(const uint64_t *)field);
        break;
    case BYOL__NUMBER: format_number(numbers[0], text, BYOL__VALUE_MAX); break;
    case BYOL__TRIPLE: format_triple(numbers, text); break;
    case BYOL__SWITCH:
        snprintf(text, BYOL__VALUE_MAX, "%s", *(const bool *)field ? "true" : "false");
        break;
    case BYOL__CHOICE: format_choice(option->choices, *(const int *)field, text); break;
    case BYOL__TEXT:
        snprintf(text, BYOL__VALUE_MAX, "%.*s", (int)option->size, (const char *)field);
        break;
    }
    byol__c_locale_leave(before, c_locale);
}

byol_status byol_config_get(const byol_config *config, const char *key, char *value, size_t size,
                            byol_error *error) {
    const byol__option *option = byol__option_find(key);
    if (option == NULL) return unknown(key, error);
    char text[BYOL__VALUE_MAX];
    byol__option_format(config, option, text);
    if (strlen(text) >= size)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "the value of %s is %zu bytes long, there is room for %zu", key,
                          strlen(text), size);
    memcpy(value, text, strlen(text) + 1);
    return BYOL_OK;
}

void byol_config_init(byol_config *config) {
    memset(config, 0, sizeof *config);
    for (size_t i = 1; i < byol__options_count; i++)
        if (byol__options[i].default_value != NULL)
            set_option(config, &byol__options[i], byol__options[i].default_value, NULL);
    set_option(config, &byol__options[0], byol__options[0].default_value,
               NULL); /* the recipe last: it overrides presets */
}

bool byol_config_reads_texts(const byol_config *config) {
    return byol__encoder_takes_texts(config->encoder.name);
}

int byol_config_heads(const byol_config *config) {
    enum { HEAD_WIDTH = 64 };
    int width = config->encoder.width;
    if (config->encoder.heads > 0) return config->encoder.heads;
    return width < HEAD_WIDTH ? 1 : width / HEAD_WIDTH;
}

void byol_config_usual(const byol_config *config, byol_config *usual) {
    byol_config defaults;
    byol_config_init(&defaults);
    *usual = defaults;
    byol_config_set(usual, "recipe", config->recipe, NULL);
    /* A recipe may change some of its preset's settings; another preset resets them. */
    if (strcmp(usual->views.preset, config->views.preset) != 0)
        byol_config_set(usual, "views.preset", config->views.preset, NULL);
    memcpy(usual->recipe, defaults.recipe, sizeof usual->recipe);
    memcpy(usual->views.preset, defaults.views.preset, sizeof usual->views.preset);
}
