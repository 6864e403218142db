#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

const char *const cli_layers[3] = {"backbone", "projection", "prediction"};

byol_layer cli_layer(const char *flag, const char *text, struct argp_state *state) {
    for (int i = 0; i < 3; i++)
        if (strcmp(text, cli_layers[i]) == 0) return (byol_layer)i;
    argp_error(state, "%s is one of backbone, projection, prediction, not '%s'", flag, text);
    return BYOL_LAYER_BACKBONE;
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

void cli_only_argument(const char **place, const char *argument, const char *what,
                       struct argp_state *state) {
    if (*place != NULL) argp_error(state, "one %s, not also '%s'", what, argument);
    *place = argument;
}
