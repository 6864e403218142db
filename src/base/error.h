/* Filling a byol_error. Each failure is described where it happens, by the code that knows the
 * facts. */
#ifndef BYOL__ERROR_H
#define BYOL__ERROR_H

#include "byol/status.h"

/* Writes the formatted text into `error` (which may be NULL) and returns `status`, so that a
 * failure is one line: return byol__fail(error, BYOL_ERROR_IO, "cannot read %s: %s", path,
 * strerror(errno)); */
byol_status byol__fail(byol_error *error, byol_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "prefix: " before the text already in `error`, for a caller that knows the wider context. */
byol_status byol__fail_within(byol_error *error, byol_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Returns from the function with the status of a failed `call`. Only if there is nothing to
 * release. */
#define BYOL__TRY(call)                                                                            \
    do {                                                                                           \
        byol_status try_status_ = (call);                                                          \
        if (try_status_ != BYOL_OK) return try_status_;                                            \
    } while (0)

#endif
