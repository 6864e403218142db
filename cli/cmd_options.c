
#include "cli.h"

typedef struct arguments {
    int markdown;
    const char *documents;
} arguments;

enum { DOCUMENTS = 256 };

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case 'm': args->markdown = 1; return 0;
    case DOCUMENTS: args->documents = argument; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"markdown", 'm', NULL, 0, "As a table for the documentation", 0},
    {"documents", DOCUMENTS, "FOLDER", OPTION_HIDDEN,
     "Write man pages and shell completion into FOLDER", 0},
    {0},
};
static const struct argp parser = {
    options,
    parse,
    NULL,
    "Prints every option of the configuration: key, default, what is allowed."
    "\vExample:\n  byol options | grep optimizer",
    cli_output_children,
    NULL,
    NULL};

static const char *allowed(const byol_option_info *info) {
    if (*info->choices != '\0') return info->choices;
    return *info->range != '\0' ? info->range : info->type;
}

static void print_plain(const byol_option_info *info) {
    printf("%s%s%s = %s\n    %s", cli_bold(stdout), info->key, cli_plain(stdout),
           *info->default_value != '\0' ? info->default_value : "(empty)", info->help);
    printf(" (%s)\n", allowed(info));
}

static void print_markdown(const byol_option_info *info) {
    printf("| `%s` | %s | %s | %s |\n", info->key,
           *info->default_value != '\0' ? info->default_value : "(empty)", allowed(info),
           info->help);
}

static json_t *describe(const byol_option_info *info) {
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s}", "key", info->key, "type", info->type,
                     "choices", info->choices, "default", info->default_value, "range", info->range,
                     "help", info->help);
}

int cmd_options(int argc, char **argv) {
    arguments args = {0};
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    if (args.documents != NULL) return cli_describe(args.documents, cli_commands);
    json_t *list = json_array();
    if (!cli_out.json && args.markdown)
        puts("| key | default | allowed | what it is |\n|---|---|---|---|");
    for (size_t i = 0; i < byol_option_count(); i++) {
        byol_option_info info;
        byol_option_describe(i, &info);
        json_array_append_new(list, describe(&info));
        if (!cli_out.json) (args.markdown ? print_markdown : print_plain)(&info);
    }
    if (!cli_out.json && !args.markdown)
        puts("\nviews.NAME sets views.view1.NAME and views.view2.NAME.");
    return cli_finish(json_pack("{s:o}", "options", list), EXIT_DONE);
}
