/* The version of these headers, and of the library in use. Semantic versioning. */
#ifndef BYOL_VERSION_H
#define BYOL_VERSION_H

#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

#define BYOL_VERSION_MAJOR 0
#define BYOL_VERSION_MINOR 1
#define BYOL_VERSION_PATCH 0
#define BYOL_VERSION "0.1.0"
/* To compare with: #if BYOL_VERSION_NUMBER >= 10203 is "1.2.3 or later". */
#define BYOL_VERSION_NUMBER                                                                        \
    (BYOL_VERSION_MAJOR * 10000 + BYOL_VERSION_MINOR * 100 + BYOL_VERSION_PATCH)

/* BYOL_VERSION that the library was built with. Static. */
BYOL_API const char *byol_version(void);

#ifdef __cplusplus
}
#endif

#endif
