#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

/* Flags that stand for a key. Their help text is the option's. */
static const struct {
    const char *flag, *key, *argument;
} shorthands[] = {
    {"data", "data.train", "SRC"},
    {"recipe", "recipe", "NAME"},
    {"image-size", "data.image_size", "N"},
    {"encoder", "encoder.name", "NAME"},
    {"width", "encoder.width", "N"},
    {"stem", "encoder.stem", "NAME"},
    {"init", "encoder.init", "FILE"},
    {"preset", "views.preset", "NAME"},
    {"optimizer", "optimizer.name", "NAME"},
    {"lr", "optimizer.lr", "X"},
    {"epochs", "train.epochs", "N"},
    {"batch-size", "train.batch_size", "N"},
    {"accumulate", "train.accumulate", "N"},
    {"precision", "train.precision", "NAME"},
    {"threads", "train.threads", "N"},
    {"seed", "train.seed", "N"},
    {"eval-every", "eval.every_epochs", "N"},
};
enum {
    SHORTHANDS = sizeof shorthands / sizeof shorthands[0],
    FIRST_KEY = 3000,
    GROUP = 10,
    HELP_MAX = 256
};

static error_t keep(cli_settings *settings, const char *key, const char *value, const char *flag) {
    struct cli_setting *grown = realloc(settings->list, (settings->count + 1) * sizeof *grown);
    char *copy = strdup(value);
    if (grown != NULL) settings->list = grown;
    if (grown == NULL || copy == NULL) {
        free(copy);
        return ENOMEM;
    }
    settings->list[settings->count++] = (struct cli_setting){key, copy, flag};
    return 0;
}

/* --set encoder.width=16: the key is cut off in place, which is allowed: argv is ours. */
static error_t keep_assignment(cli_settings *settings, char *argument, struct argp_state *state) {
    char *equals = strchr(argument, '=');
    if (equals == NULL)
        argp_error(state, "--set takes KEY=VALUE, as in --set encoder.width=16, not '%s'",
                   argument);
    *equals = '\0';
    return keep(settings, argument, equals + 1, "set");
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    if (key == 's') return keep_assignment(state->input, argument, state);
    if (key < FIRST_KEY || key >= FIRST_KEY + SHORTHANDS) return ARGP_ERR_UNKNOWN;
    return keep(state->input, shorthands[key - FIRST_KEY].key, argument,
                shorthands[key - FIRST_KEY].flag);
}

/* The option's help, then its choices or range in parentheses. */
static void describe(const char *key, char help[HELP_MAX]) {
    byol_option_info info = {0};
    for (size_t i = 0; i < byol_option_count(); i++) {
        byol_option_describe(i, &info);
        if (strcmp(info.key, key) == 0) break;
    }
    const char *allowed = *info.choices != '\0' ? info.choices : info.range;
    snprintf(help, HELP_MAX, "%s%s%s%s", info.help, *allowed != '\0' ? " (" : "", allowed,
             *allowed != '\0' ? ")" : "");
}

const struct argp *cli_settings_argp(void) {
    static struct argp_option options[SHORTHANDS + 2];
    static char help[SHORTHANDS][HELP_MAX];
    static const struct argp parser = {options, parse, NULL, NULL, NULL, NULL, NULL};
    for (int i = 0; i < SHORTHANDS; i++) {
        describe(shorthands[i].key, help[i]);
        options[i] = (struct argp_option){
            shorthands[i].flag, FIRST_KEY + i, shorthands[i].argument, 0, help[i], GROUP};
    }
    options[SHORTHANDS] =
        (struct argp_option){"set",
                             's',
                             "KEY=VALUE",
                             0,
                             "Set any option of the configuration; 'byol options' lists them",
                             GROUP};
    return &parser;
}

/* Applies the settings in their order, but recipes first: a recipe resets what the others set. */
static int apply(const cli_settings *settings, byol_config *config) {
    for (int others = 0; others < 2; others++) {
        for (size_t i = 0; i < settings->count; i++) {
            byol_error error = {0};
            const struct cli_setting *setting = &settings->list[i];
            if ((strcmp(setting->key, "recipe") == 0) == others) continue;
            if (byol_config_set(config, setting->key, setting->value, &error) != BYOL_OK)
                return cli_usage("--%s: %s", setting->flag, error.text);
        }
    }
    return EXIT_DONE;
}

int cli_settings_configure(const cli_settings *settings, const char *file, byol_config *config) {
    byol_config_init(config);
    return cli_settings_override(settings, file, config);
}

int cli_settings_override(const cli_settings *settings, const char *file, byol_config *config) {
    byol_error error = {0};
    byol_status status = file != NULL ? byol_config_load(config, file, &error) : BYOL_OK;
    if (status != BYOL_OK) {
        cli_fail(status, &error);
        return EXIT_USAGE;
    }
    int code = apply(settings, config);
    if (code == EXIT_DONE && byol_config_check(config, &error) != BYOL_OK)
        code = cli_usage("%s", error.text);
    return code;
}

void cli_settings_release(cli_settings *settings) {
    for (size_t i = 0; i < settings->count; i++) free(settings->list[i].value);
    free(settings->list);
}

/* A view's option is printed only if it differs from the preset. */
static bool worth_printing(const byol_option_info *info, int changed) {
    return changed || strncmp(info->key, "views.view", 10) != 0;
}

void cli_settings_print(const byol_config *config, FILE *stream) {
    byol_config usual;
    byol_config_usual(config, &usual);
    fprintf(stream, "settings (* differs from the default)\n");
    for (size_t i = 0; i < byol_option_count(); i++) {
        byol_option_info info;
        char value[BYOL_PATH_MAX + 64], normal[BYOL_PATH_MAX + 64];
        byol_option_describe(i, &info);
        byol_config_get(config, info.key, value, sizeof value, NULL);
        byol_config_get(&usual, info.key, normal, sizeof normal, NULL);
        int changed = strcmp(value, normal) != 0;
        if (!worth_printing(&info, changed)) continue;
        fprintf(stream, "  %s%c %-30s %s%s\n", changed ? cli_bold(stream) : "", changed ? '*' : ' ',
                info.key, *value != '\0' ? value : "-", changed ? cli_plain(stream) : "");
    }
}
