#include "input/fingerprint.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "data/source_kind.h"
#include "input/input.h"

byol_status byol__fingerprint(const byol_source *source, char *text, size_t size,
                              byol_error *error) {
    byol_source_info info;
    uint64_t digest = 0;
    byol_source_describe(source, &info);
    if (source->methods->digest != NULL) {
        BYOL__TRY(source->methods->digest(source, &digest, error));
    } else {
        BYOL__TRY(byol__input_of(source)->digest(source, &digest, error));
    }
    bool are_images = info.samples == BYOL_SAMPLES_IMAGES;
    if (info.decoded || !are_images)
        snprintf(text, size, "%zu %s, %016llx", info.count,
                 are_images ? "pictures" : byol__samples_noun(info.samples),
                 (unsigned long long)digest);
    else
        snprintf(text, size, "%zu x %d x %d x %d, %016llx", info.count, info.channels, info.height,
                 info.width, (unsigned long long)digest);
    return BYOL_OK;
}
