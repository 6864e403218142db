#include "base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

byol_status byol__fail(byol_error *error, byol_status status, const char *format, ...) {
    if (error == NULL) return status;
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    return status;
}

byol_status byol__fail_within(byol_error *error, byol_status status, const char *format, ...) {
    if (error == NULL) return status;
    byol_error inner = *error;
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof error->text, format, args);
    va_end(args);
    size_t used = strlen(error->text);
    snprintf(error->text + used, sizeof error->text - used, ": %.*s", (int)sizeof inner.text - 1,
             inner.text);
    return status;
}

const char *byol_status_name(byol_status status) {
    switch (status) {
#define STATUS_NAME(name, value, meaning)                                                          \
    case name: return #name;
        BYOL_STATUS_TABLE(STATUS_NAME)
#undef STATUS_NAME
    }
    return "UNKNOWN";
}

const char *byol_status_meaning(byol_status status) {
    switch (status) {
#define STATUS_MEANING(name, value, meaning)                                                       \
    case name: return meaning;
        BYOL_STATUS_TABLE(STATUS_MEANING)
#undef STATUS_MEANING
    }
    return "unknown status";
}
