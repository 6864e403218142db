/* Status codes and error messages.
 *
 * Functions that can fail return a byol_status and take a nullable `byol_error *` as their last
 * argument. On failure the error holds one sentence or two: what went wrong, where, and what to do.
 * On success it is left as it was. The library never prints, exits or aborts on bad input. */
#ifndef BYOL_STATUS_H
#define BYOL_STATUS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(__GNUC__)
#define BYOL_API __attribute__((visibility("default")))
#else
#define BYOL_API
#endif

/* name, value, meaning */
#define BYOL_STATUS_TABLE(X)                                                                       \
    X(BYOL_OK, 0, "success")                                                                       \
    X(BYOL_ERROR_INVALID, -1, "an argument, option or configuration value is wrong")               \
    X(BYOL_ERROR_NOT_FOUND, -2, "a file, folder, data set or name does not exist")                 \
    X(BYOL_ERROR_IO, -3, "reading or writing failed")                                              \
    X(BYOL_ERROR_FORMAT, -4, "a file is truncated, corrupt or of another kind")                    \
    X(BYOL_ERROR_MISMATCH, -5, "two things do not agree: shapes, names, configurations")           \
    X(BYOL_ERROR_MEMORY, -6, "there is not enough memory")                                         \
    X(BYOL_ERROR_UNSUPPORTED, -7, "this build or this machine cannot do that")                     \
    X(BYOL_ERROR_NUMERIC, -8, "NaN or infinity appeared")                                          \
    X(BYOL_ERROR_COLLAPSED, -9, "the representation has collapsed, and that should end the run")   \
    X(BYOL_ERROR_CANCELLED, -10, "the caller asked to stop")

typedef enum byol_status {
#define BYOL_STATUS_ENUM(name, value, meaning) name = value,
    BYOL_STATUS_TABLE(BYOL_STATUS_ENUM)
#undef BYOL_STATUS_ENUM
} byol_status;

/* The caller's storage for the message. Zero-initialise it: `byol_error error = {0};`. */
typedef struct byol_error {
    char text[1024]; /* NUL-terminated UTF-8, no newline at the end; empty when nothing failed */
} byol_error;

/* Called now and then during long work: `done` of `total` items. Return non-zero to stop
 * (BYOL_ERROR_CANCELLED). */
typedef int (*byol_progress)(void *context, uint64_t done, uint64_t total);

/* "BYOL_ERROR_INVALID" ...; "UNKNOWN" for a value that is not in the table. Static storage. */
BYOL_API const char *byol_status_name(byol_status status);

/* The third column of the table; "unknown status" for a value that is not in it. Static storage. */
BYOL_API const char *byol_status_meaning(byol_status status);

#ifdef __cplusplus
}
#endif

#endif
