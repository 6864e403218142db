#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

cli_output cli_out;

enum { OPTION_JSON = 2000 };

static void look_at_streams(void) {
    const char *terminal = getenv("TERM"), *no_colour = getenv("NO_COLOR");
    cli_out.terminal = isatty(STDERR_FILENO) && (terminal == NULL || strcmp(terminal, "dumb") != 0);
    cli_out.colour = no_colour == NULL || *no_colour == '\0';
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    (void)argument;
    (void)state;
    switch (key) {
    case ARGP_KEY_INIT: look_at_streams(); return 0;
    case OPTION_JSON: cli_out.json = 1; return 0;
    case 'q': cli_out.quiet = 1; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"json", OPTION_JSON, NULL, 0,
     "Print one JSON object on standard output and nothing else there", 90},
    {"quiet", 'q', NULL, 0, "No progress and no remarks: results, warnings and errors only", 90},
    {0},
};
const struct argp cli_output_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};
const struct argp_child cli_output_children[] = {{&cli_output_argp, 0, NULL, 0}, {0}};

static bool use_colour(FILE *stream) { return cli_out.colour && isatty(fileno(stream)); }

const char *cli_bold(FILE *stream) { return use_colour(stream) ? "\033[1m" : ""; }
const char *cli_plain(FILE *stream) { return use_colour(stream) ? "\033[0m" : ""; }

static void complain(const char *kind, const char *colour, const char *text) {
    int coloured = use_colour(stderr);
    fprintf(stderr, "byol: %s%s:%s %s\n", coloured ? colour : "", kind, coloured ? "\033[0m" : "",
            text);
}

int cli_fail(byol_status status, const byol_error *error) {
    if (status == BYOL_ERROR_CANCELLED) {
        complain("stopped", "\033[1m", error->text[0] != '\0' ? error->text : "by request");
        return EXIT_INTERRUPTED;
    }
    complain("error", "\033[1;31m",
             error->text[0] != '\0' ? error->text : byol_status_meaning(status));
    return status == BYOL_ERROR_INVALID ? EXIT_USAGE : EXIT_FAILED;
}

byol_status cli_error(byol_error *error, byol_status status, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return status;
}

int cli_usage(const char *format, ...) {
    char text[2048];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    complain("error", "\033[1;31m", text);
    return EXIT_USAGE;
}

void cli_warn(const char *text) { complain("warning", "\033[1;33m", text); }

void cli_say(const char *format, ...) {
    if (cli_out.quiet) return;
    va_list args;
    va_start(args, format);
    vfprintf(stderr, format, args);
    va_end(args);
    fputc('\n', stderr);
}

FILE *cli_tables(void) {
    if (!cli_out.json) return stdout;
    return cli_out.quiet ? NULL : stderr;
}

int cli_finish(json_t *object, int code) {
    int failed = 0;
    if (cli_out.json) {
        failed = json_dumpf(object, stdout, JSON_REAL_PRECISION(9)) != 0;
        putchar('\n');
    }
    json_decref(object);
    if (fflush(stdout) != 0 || ferror(stdout) || failed) {
        complain("error", "\033[1;31m", "the result could not be written to standard output");
        return EXIT_FAILED;
    }
    return code;
}

int cli_conclude(byol_status status, json_t *result, const byol_error *error) {
    if (status == BYOL_OK) return cli_finish(result, EXIT_DONE);
    json_decref(result);
    return cli_fail(status, error);
}

json_t *cli_text(const char *text) {
    json_t *string = text != NULL ? json_string(text) : NULL;
    return string != NULL ? string : json_null();
}

const char *cli_samples(const byol_source *source) {
    byol_source_info info;
    byol_source_describe(source, &info);
    static const char *const names[] = {"images", "texts", "sounds"};
    return names[info.samples];
}

const char *cli_count(char text[32], uint64_t count) {
    char digits[24];
    int length = snprintf(digits, sizeof digits, "%llu", (unsigned long long)count), used = 0;
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) text[used++] = ',';
        text[used++] = digits[i];
    }
    text[used] = '\0';
    return text;
}

const char *cli_bytes(char text[32], uint64_t bytes) {
    static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB"};
    double value = (double)bytes;
    int unit = 0;
    for (; value >= 1024 && unit < 4; unit++) value /= 1024;
    snprintf(text, 32, unit == 0 || value >= 100 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}

const char *cli_scaled(char text[32], double value) {
    static const char *const units[] = {"", " k", " M", " G", " T"};
    int unit = 0;
    for (; value >= 1000 && unit < 4; unit++) value /= 1000;
    snprintf(text, 32, unit == 0 ? "%.0f%s" : "%.3g%s", value, units[unit]);
    return text;
}

const char *cli_duration(char text[32], double seconds) {
    if (!isfinite(seconds) || seconds > 359999 * 10.0) {
        snprintf(text, 32, "?");
        return text;
    }
    long whole = lround(seconds);
    if (whole >= 3600)
        snprintf(text, 32, "%ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
    else
        snprintf(text, 32, "%ld:%02ld", whole / 60, whole % 60);
    return text;
}

void cli_csv_field(FILE *stream, const char *text) {
    if (strpbrk(text, ",\"\r\n") == NULL) {
        fputs(text, stream);
        return;
    }
    fputc('"', stream);
    for (; *text != '\0'; text++) {
        if (*text == '"') fputc('"', stream);
        fputc(*text, stream);
    }
    fputc('"', stream);
}
