#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum { SIDE_MAX = 16384 }; /* of pictures, in pixels */

const char *const cli_layers[3] = {"backbone", "projection", "prediction"};

int cli_choice(const char *flag, const char *text, const char *const *names, int count,
               struct argp_state *state) {
    char all[64] = "";
    for (int i = 0; i < count; i++) {
        if (strcmp(text, names[i]) == 0) return i;
        snprintf(all + strlen(all), sizeof all - strlen(all), "%s%s", i > 0 ? ", " : "", names[i]);
    }
    argp_error(state, "%s is one of %s, not '%s'", flag, all, text);
    return 0;
}

byol_layer cli_layer(const char *flag, const char *text, struct argp_state *state) {
    return (byol_layer)cli_choice(flag, text, cli_layers, 3, state);
}

long cli_whole_number(const char *flag, const char *text, long least, long most,
                      struct argp_state *state) {
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (end == text || *end != '\0' || errno != 0 || value < least || value > most)
        argp_error(state, "%s takes a whole number from %ld to %ld, not '%s'", flag, least, most,
                   text);
    return value;
}

int cli_threads(const char *text, struct argp_state *state) {
    return (int)cli_whole_number("--threads", text, 0, 4096, state);
}

int cli_channels(const char *text, struct argp_state *state) {
    if (strcmp(text, "1") != 0 && strcmp(text, "3") != 0)
        argp_error(state, "--channels is 1 or 3, not '%s'", text);
    return text[0] - '0';
}

void cli_picture_size(const char *text, int size[2], struct argp_state *state) {
    int end = 0;
    if (sscanf(text, "%dx%d%n", &size[0], &size[1], &end) != 2 || text[end] != '\0' ||
        size[0] < 1 || size[1] < 1 || size[0] > SIDE_MAX || size[1] > SIDE_MAX)
        argp_error(state, "--size takes height and width in pixels, as 180x240, not '%s'", text);
}

void cli_only_argument(const char **place, const char *argument, const char *what,
                       struct argp_state *state) {
    if (*place != NULL) argp_error(state, "one %s, not also '%s'", what, argument);
    *place = argument;
}
