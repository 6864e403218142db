/* Man pages and shell completion, from the tables that the commands parse their arguments with.
 * Every command first calls cli_parse. While describing, cli_parse notes the table and returns 0,
 * so the command returns at once. */
#define CLI_DESCRIBE /* argp_parse is called here and nowhere else */
#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "byol/version.h"
#include "cli.h"

enum { OPTIONS_MAX = 128 };

typedef struct description {
    const char *name, *summary;
    char arguments[128]; /* "RUN|WEIGHTS.safetensors" */
    /* The text of --help before the options and, behind a \v, after them. */
    char text[4096];
    struct argp_option options[OPTIONS_MAX];
    int option_count;
} description;

static description *noting; /* NULL: commands are run */

/* ---- Noting a command's table ---- */

static void note_options(description *d, const struct argp_option *options) {
    for (; options != NULL && (options->name != NULL || options->key != 0 || options->doc != NULL);
         options++)
        if (options->name != NULL && !(options->flags & OPTION_HIDDEN) &&
            d->option_count < OPTIONS_MAX)
            d->options[d->option_count++] = *options;
}

static void note_parser(description *d, const struct argp *parser) {
    note_options(d, parser->options);
    for (const struct argp_child *child = parser->children; child != NULL && child->argp != NULL;
         child++)
        note_parser(d, child->argp);
}

int cli_parse(const struct argp *parser, int argc, char **argv, void *input) {
    if (noting == NULL) {
        argp_parse(parser, argc, argv, 0, NULL, input);
        return 1;
    }
    static const struct argp_option usual[] = {
        {"help", '?', NULL, 0, "Explain the command and its options", 0},
        {"usage", 1, NULL, 0, "Print a short usage message", 0},
        {"version", 'V', NULL, 0, "Print the version of the program", 0},
        {0},
    };
    note_parser(noting, parser);
    note_options(noting, usual);
    snprintf(noting->arguments, sizeof noting->arguments, "%s",
             parser->args_doc != NULL ? parser->args_doc : "");
    snprintf(noting->text, sizeof noting->text, "%s", parser->doc != NULL ? parser->doc : "");
    return 0;
}

static void describe(const cli_command *command, description *d) {
    char name[] = "byol", *argv[] = {name, NULL};
    memset(d, 0, sizeof *d);
    d->name = command->name;
    d->summary = command->help;
    noting = d;
    command->run(1, argv);
    noting = NULL;
}

static char short_of(const struct argp_option *option) {
    return option->key > ' ' && option->key < 127 ? (char)option->key : '\0';
}

/* ---- Man pages ---- */

/* Escapes text for troff: no minus becomes a hyphen and no line becomes a request. */
static void put_roff(FILE *stream, const char *text, size_t length) {
    int line_begins = 1;
    for (size_t i = 0; i < length; i++) {
        if (line_begins && (text[i] == '.' || text[i] == '\'')) fputs("\\&", stream);
        line_begins = text[i] == '\n';
        if (text[i] == '-' || text[i] == '\\')
            fputs(text[i] == '-' ? "\\-" : "\\e", stream);
        else
            fputc(text[i], stream);
    }
}

static void put_option(FILE *stream, const struct argp_option *option) {
    fputs(".TP\n", stream);
    if (short_of(option) != '\0') fprintf(stream, "\\fB\\-%c\\fR, ", short_of(option));
    fputs("\\fB\\-\\-", stream);
    put_roff(stream, option->name, strlen(option->name));
    fputs("\\fR", stream);
    if (option->arg != NULL) fprintf(stream, "=\\fI%s\\fR", option->arg);
    fputc('\n', stream);
    put_roff(stream, option->doc, strlen(option->doc));
    fputc('\n', stream);
}

static void begin_page(FILE *stream, const char *dash, const char *name, const char *summary) {
    fprintf(stream, ".TH BYOL%s%s 1 \"\" \"byol %s\" \"User Commands\"\n.SH NAME\nbyol%s%s \\- ",
            *dash ? "\\-" : "", name, BYOL_VERSION, *dash ? "\\-" : "", name);
    put_roff(stream, summary, strlen(summary));
}

static void put_page(FILE *stream, const description *d) {
    begin_page(stream, "-", d->name, d->summary);
    fprintf(stream, "\n.SH SYNOPSIS\n\\fBbyol %s\\fR [\\fIOPTION\\fR...] ", d->name);
    put_roff(stream, d->arguments, strlen(d->arguments));
    const char *behind = strchr(d->text, '\v');
    size_t before = behind != NULL ? (size_t)(behind - d->text) : strlen(d->text);
    fputs("\n.SH DESCRIPTION\n", stream);
    put_roff(stream, d->text, before);
    fputs("\n.SH OPTIONS\n", stream);
    for (int i = 0; i < d->option_count; i++) put_option(stream, &d->options[i]);
    if (behind != NULL) {
        fputs(".SH NOTES\n.nf\n", stream);
        put_roff(stream, behind + 1, strlen(behind + 1));
        fputs("\n.fi\n", stream);
    }
    fputs(".SH EXIT STATUS\n0: done; 1: failed; 2: a mistake on the command line or in a "
          "configuration; 130: stopped by "
          "Ctrl\\-C.\n.SH SEE ALSO\n.BR byol (1)\n",
          stream);
}

static void put_main_page(FILE *stream, const cli_command *commands) {
    begin_page(stream, "", "", "learns representations of images, texts and sounds without labels");
    fputs("\n.SH SYNOPSIS\n\\fBbyol\\fR \\fICOMMAND\\fR [\\fIARGUMENT\\fR...]\n.SH "
          "DESCRIPTION\nSelf\\-supervised "
          "pre\\-training (BYOL, arXiv 2006.07733) on the CPU.\n.SH COMMANDS\n",
          stream);
    for (const cli_command *c = commands; c->name != NULL; c++) {
        fprintf(stream, ".TP\n.BR byol\\-%s (1)\n", c->name);
        put_roff(stream, c->help, strlen(c->help));
        fputc('\n', stream);
    }
}

/* ---- Completion ---- */

/* Escapes text for single quotes of a shell; `special` are letters that its completion would
 * interpret. */
static void put_quoted(FILE *stream, const char *text, const char *special) {
    for (; *text != '\0'; text++) {
        if (*text == '\'') {
            fputs("'\\''", stream);
            continue;
        }
        if (strchr(special, *text) != NULL) fputc('\\', stream);
        fputc(*text, stream);
    }
}

static void put_bash(FILE *stream, const cli_command *commands, const description *all) {
    fputs("# bash completion for byol\n_byol() {\n    local words=\n    if [ \"$COMP_CWORD\" -eq 1 "
          "]; then\n        "
          "words='",
          stream);
    for (const cli_command *c = commands; c->name != NULL; c++) fprintf(stream, "%s ", c->name);
    fputs("--help --version'\n    else\n        case ${COMP_WORDS[1]} in\n", stream);
    for (const description *d = all; d->name != NULL; d++) {
        fprintf(stream, "        %s) words='", d->name);
        for (int i = 0; i < d->option_count; i++)
            fprintf(stream, "%s--%s", i > 0 ? " " : "", d->options[i].name);
        fputs("' ;;\n", stream);
    }
    fputs("        esac\n        [[ ${COMP_WORDS[COMP_CWORD]} == -* ]] || words=\n    fi\n"
          "    COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n}\n"
          "complete -o default -F _byol byol\n",
          stream);
}

static void put_zsh_option(FILE *stream, const struct argp_option *option) {
    fprintf(stream, " \\\n        '--%s%s[", option->name, option->arg != NULL ? "=" : "");
    put_quoted(stream, option->doc, "[]:");
    fputc(']', stream);
    if (option->arg != NULL) {
        fputc(':', stream);
        put_quoted(stream, option->arg, "[]:");
        fputs(":_files", stream);
    }
    fputc('\'', stream);
}

static void put_zsh(FILE *stream, const cli_command *commands, const description *all) {
    fputs("#compdef byol\nlocal -a commands\ncommands=(\n", stream);
    for (const cli_command *c = commands; c->name != NULL; c++) {
        fprintf(stream, "    '%s:", c->name);
        put_quoted(stream, c->help, ":");
        fputs("'\n", stream);
    }
    fputs(")\nif (( CURRENT == 2 )); then\n    _describe command commands\n    return\nfi\ncase "
          "$words[2] in\n",
          stream);
    for (const description *d = all; d->name != NULL; d++) {
        fprintf(stream, "%s)\n    _arguments", d->name);
        for (int i = 0; i < d->option_count; i++) put_zsh_option(stream, &d->options[i]);
        fputs(" \\\n        '*:file:_files' ;;\n", stream);
    }
    fputs("esac\n", stream);
}

static void put_fish(FILE *stream, const cli_command *commands, const description *all) {
    fputs("# fish completion for byol\n", stream);
    for (const cli_command *c = commands; c->name != NULL; c++) {
        fprintf(stream, "complete -c byol -n __fish_use_subcommand -f -a %s -d '", c->name);
        put_quoted(stream, c->help, "\\");
        fputs("'\n", stream);
    }
    for (const description *d = all; d->name != NULL; d++)
        for (int i = 0; i < d->option_count; i++) {
            const struct argp_option *option = &d->options[i];
            fprintf(stream, "complete -c byol -n '__fish_seen_subcommand_from %s' -l %s", d->name,
                    option->name);
            if (short_of(option) != '\0' && short_of(option) != '?')
                fprintf(stream, " -s %c", short_of(option));
            fprintf(stream, "%s -d '", option->arg != NULL ? " -r" : "");
            put_quoted(stream, option->doc, "\\");
            fputs("'\n", stream);
        }
}

/* ---- All of them ---- */

static int failed(const char *path) {
    fprintf(stderr, "byol: cannot write %s: %s\n", path, strerror(errno));
    return EXIT_FAILED;
}

static FILE *open_in(const char *folder, const char *name, char path[PATH_MAX]) {
    if ((size_t)snprintf(path, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX) {
        errno = ENAMETOOLONG;
        return NULL;
    }
    return fopen(path, "w");
}

static bool close_written(FILE *stream) {
    int good = !ferror(stream);
    return fclose(stream) == 0 && good;
}

static int write_pages(const char *folder, const cli_command *commands, const description *all) {
    char path[PATH_MAX], name[64];
    FILE *stream = open_in(folder, "byol.1", path);
    if (stream == NULL) return failed(path);
    put_main_page(stream, commands);
    if (!close_written(stream)) return failed(path);
    for (const description *d = all; d->name != NULL; d++) {
        snprintf(name, sizeof name, "byol-%s.1", d->name);
        stream = open_in(folder, name, path);
        if (stream == NULL) return failed(path);
        put_page(stream, d);
        if (!close_written(stream)) return failed(path);
    }
    return EXIT_DONE;
}

static int write_completion(const char *folder, const cli_command *commands,
                            const description *all) {
    static const struct {
        const char *name;
        void (*put)(FILE *stream, const cli_command *commands, const description *all);
    } shells[] = {{"byol.bash", put_bash}, {"_byol", put_zsh}, {"byol.fish", put_fish}};
    char path[PATH_MAX];
    for (size_t i = 0; i < sizeof shells / sizeof *shells; i++) {
        FILE *stream = open_in(folder, shells[i].name, path);
        if (stream == NULL) return failed(path);
        shells[i].put(stream, commands, all);
        if (!close_written(stream)) return failed(path);
    }
    return EXIT_DONE;
}

int cli_describe(const char *folder, const cli_command *commands) {
    size_t count = 0;
    while (commands[count].name != NULL) count++;
    if (mkdir(folder, 0777) != 0 && errno != EEXIST) return failed(folder);
    description *all = calloc(count + 1, sizeof *all);
    if (all == NULL) return failed(folder);
    for (size_t i = 0; i < count; i++) describe(&commands[i], &all[i]);
    int code = write_pages(folder, commands, all);
    if (code == EXIT_DONE) code = write_completion(folder, commands, all);
    free(all);
    return code;
}
