/* The named view recipes. Each field is a row: value of view 1, value of view 2. */
#include <string.h>

#include "base/error.h"
#include "byol/views.h"

#define IMAGENET_MEAN                                                                                                  \
    { 0.485f, 0.456f, 0.406f }
#define IMAGENET_STD                                                                                                   \
    { 0.229f, 0.224f, 0.225f }
#define CIFAR10_MEAN                                                                                                   \
    { 0.4914f, 0.4822f, 0.4465f }
#define CIFAR10_STD                                                                                                    \
    { 0.2470f, 0.2435f, 0.2616f }

/* BYOL, appendix B, table 6; SimCLR (Chen et al., 2020), appendix A with colour strength 1. A recipe that differs
 * between the views differs in blur and solarize only, which byol_view_preset fills in. */
static const byol_view_recipe common = {
    .crop_area_min = 0.08f,
    .crop_area_max = 1.0f,
    .crop_aspect_min = 3.0f / 4.0f,
    .crop_aspect_max = 4.0f / 3.0f,
    .flip = 0.5f,
    .jitter = 0.8f,
    .brightness = 0.4f,
    .contrast = 0.4f,
    .saturation = 0.2f,
    .hue = 0.1f,
    .grayscale = 0.2f,
    .blur_sigma_min = 0.1f,
    .blur_sigma_max = 2.0f,
    .solarize_threshold = 0.5f,
};

typedef struct preset {
    const char *name;
    float blur[2], solarize[2];        /* of view 1 and view 2 */
    float brightness, saturation, hue; /* contrast is as brightness in all of them */
    float mean[3], std[3];
} preset;

static const preset presets[] = {
    {"byol", {1.0f, 0.1f}, {0.0f, 0.2f}, 0.4f, 0.2f, 0.1f, IMAGENET_MEAN, IMAGENET_STD},
    {"simclr", {0.5f, 0.5f}, {0.0f, 0.0f}, 0.8f, 0.8f, 0.2f, IMAGENET_MEAN, IMAGENET_STD},
    {"small", {0.0f, 0.0f}, {0.0f, 0.2f}, 0.4f, 0.2f, 0.1f, CIFAR10_MEAN, CIFAR10_STD},
};

byol_status byol_view_preset(const char *name, byol_view_recipe recipe[2], byol_error *error) {
    for (size_t i = 0; i < sizeof presets / sizeof presets[0]; i++) {
        const preset *from = &presets[i];
        if (strcmp(name, from->name) != 0) continue;
        for (int view = 0; view < 2; view++) {
            recipe[view] = common;
            recipe[view].blur = from->blur[view];
            recipe[view].solarize = from->solarize[view];
            recipe[view].brightness = recipe[view].contrast = from->brightness;
            recipe[view].saturation = from->saturation;
            recipe[view].hue = from->hue;
            memcpy(recipe[view].mean, from->mean, sizeof from->mean);
            memcpy(recipe[view].std, from->std, sizeof from->std);
        }
        return BYOL_OK;
    }
    return byol__fail(error, BYOL_INVALID, "there is no view preset '%.100s'; there are byol, simclr, small", name);
}
