#include "byol/version.h"

const char *byol_version(void) { return BYOL_VERSION; }
