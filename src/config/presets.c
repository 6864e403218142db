/* The named view recipes: BYOL, appendix B, table 6; SimCLR (Chen et al., 2020), appendix A, colour
 * strength 1. */
#include <string.h>

#include "base/error.h"
#include "byol/views.h"

#define IMAGENET .mean = {0.485f, 0.456f, 0.406f}, .std = {0.229f, 0.224f, 0.225f}
#define CIFAR10 .mean = {0.4914f, 0.4822f, 0.4465f}, .std = {0.2470f, 0.2435f, 0.2616f}

/* What all presets share. */
#define COMMON                                                                                     \
    .crop_area_min = 0.08f, .crop_area_max = 1, .crop_aspect_min = 3.0f / 4,                       \
    .crop_aspect_max = 4.0f / 3, .flip = 0.5f, .jitter = 0.8f, .grayscale = 0.2f,                  \
    .blur_sigma_min = 0.1f, .blur_sigma_max = 2, .solarize_threshold = 0.5f, .cutout_size = 0.5f
#define JITTER_BYOL .brightness = 0.4f, .contrast = 0.4f, .saturation = 0.2f, .hue = 0.1f
#define JITTER_SIMCLR .brightness = 0.8f, .contrast = 0.8f, .saturation = 0.8f, .hue = 0.2f

static const struct {
    const char *name;
    byol_view_recipe recipe[2];
} presets[] = {
    {"byol",
     {{COMMON, JITTER_BYOL, IMAGENET, .blur = 1, .solarize = 0},
      {COMMON, JITTER_BYOL, IMAGENET, .blur = 0.1f, .solarize = 0.2f}}},
    {"simclr",
     {{COMMON, JITTER_SIMCLR, IMAGENET, .blur = 0.5f, .solarize = 0},
      {COMMON, JITTER_SIMCLR, IMAGENET, .blur = 0.5f, .solarize = 0}}},
    {"small",
     {{COMMON, JITTER_BYOL, CIFAR10, .blur = 0, .solarize = 0},
      {COMMON, JITTER_BYOL, CIFAR10, .blur = 0, .solarize = 0.2f}}},
};

byol_status byol_view_preset(const char *name, byol_view_recipe recipe[3], byol_error *error) {
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++) {
        if (strcmp(name, presets[i].name) != 0) continue;
        memcpy(recipe, presets[i].recipe, sizeof presets[i].recipe);
        recipe[2] = recipe[0];
        recipe[2].crop_area_min = 0.05f;
        recipe[2].crop_area_max = 0.3f;
        return BYOL_OK;
    }
    return byol__fail(error, BYOL_ERROR_INVALID,
                      "no views preset '%.100s': choose byol, simclr or small", name);
}
