#include <string.h>
#include <yaml.h>

#include "config/options.h"

int byol__yaml_holds(const char *text) {
    yaml_event_t event;
    int valid = yaml_scalar_event_initialize(&event, NULL, NULL, (const yaml_char_t *)text,
                                             (int)strlen(text), 1, 1, YAML_ANY_SCALAR_STYLE);
    if (valid) yaml_event_delete(&event);
    return valid;
}
