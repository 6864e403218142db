#include "augment/draws.h"

#include <math.h>

#include "base/philox.h"

enum { CROP_TRIES = 10, JITTER_ORDERS = 24 };

static int at_least_one(int value) { return value > 1 ? value : 1; }

/* The largest centred box with an allowed aspect, as torchvision and TensorFlow take when no try
 * fits. */
static void crop_centre(const byol_view_recipe *recipe, int height, int width, byol__draws *draws) {
    double aspect = (double)width / height;
    draws->crop_width = width;
    draws->crop_height = height;
    if (aspect < (double)recipe->crop_aspect_min)
        draws->crop_height = at_least_one((int)lrint(width / (double)recipe->crop_aspect_min));
    else if (aspect > (double)recipe->crop_aspect_max)
        draws->crop_width = at_least_one((int)lrint(height * (double)recipe->crop_aspect_max));
    draws->crop_x = (width - draws->crop_width) / 2;
    draws->crop_y = (height - draws->crop_height) / 2;
}

/* The tries come last in the stream, because their number depends on the image. */
static void crop_random(const byol_view_recipe *recipe, int height, int width, float place_x,
                        float place_y, byol__random *random, byol__draws *draws) {
    double low = log((double)recipe->crop_aspect_min), high = log((double)recipe->crop_aspect_max);
    for (int i = 0; i < CROP_TRIES; i++) {
        float share = byol__random_range(random, recipe->crop_area_min, recipe->crop_area_max);
        double aspect = exp(low + (high - low) * (double)byol__random_uniform(random));
        double area = (double)share * height * width;
        int w = (int)lrint(sqrt(area * aspect)), h = (int)lrint(sqrt(area / aspect));
        if (w < 1 || h < 1 || w > width || h > height) continue;
        draws->crop_width = w;
        draws->crop_height = h;
        draws->crop_x = (int)((double)place_x * (width - w + 1));
        draws->crop_y = (int)((double)place_y * (height - h + 1));
        return;
    }
    crop_centre(recipe, height, width, draws);
}

/* Permutation number `code` of the four jitters, by Fisher-Yates. */
static void jitter_order(uint32_t code, byol__jitter order[BYOL__JITTERS]) {
    for (int i = 0; i < BYOL__JITTERS; i++) order[i] = (byol__jitter)i;
    for (uint32_t i = BYOL__JITTERS - 1; i > 0; i--) {
        uint32_t j = code % (i + 1);
        code /= i + 1;
        byol__jitter kept = order[i];
        order[i] = order[j];
        order[j] = kept;
    }
}

static float factor(byol__random *random, float strength) {
    return byol__random_range(random, strength < 1 ? 1 - strength : 0, 1 + strength);
}

byol__draws byol__view_draw(const byol_view_recipe *recipe, int height, int width, uint64_t seed,
                            uint32_t epoch, uint32_t sample, int view) {
    byol__random random =
        byol__random_stream(seed, BYOL__PURPOSE_VIEW, epoch, sample, (uint32_t)view);
    byol__draws draws;
    float place_x = byol__random_uniform(&random);
    float place_y = byol__random_uniform(&random);
    draws.flip = byol__random_uniform(&random) < recipe->flip;
    draws.jitter = byol__random_uniform(&random) < recipe->jitter;
    /* Draws exactly one number, unlike byol__random_below. Its bias of 24 / 2^32 is negligible. */
    jitter_order((uint32_t)(((uint64_t)byol__random_u32(&random) * JITTER_ORDERS) >> 32),
                 draws.order);
    draws.brightness = factor(&random, recipe->brightness);
    draws.contrast = factor(&random, recipe->contrast);
    draws.saturation = factor(&random, recipe->saturation);
    draws.hue = byol__random_range(&random, -recipe->hue, recipe->hue);
    draws.grayscale = byol__random_uniform(&random) < recipe->grayscale;
    draws.blur = byol__random_uniform(&random) < recipe->blur;
    draws.blur_sigma = byol__random_range(&random, recipe->blur_sigma_min, recipe->blur_sigma_max);
    draws.solarize = byol__random_uniform(&random) < recipe->solarize;
    crop_random(recipe, height, width, place_x, place_y, &random, &draws);
    return draws;
}

void byol__recipe_to_crop_and_flip(byol_view_recipe *recipe) {
    recipe->flip = 0.5f;
    recipe->jitter = recipe->grayscale = recipe->blur = recipe->solarize = 0;
    recipe->rotate = recipe->translate = recipe->noise = recipe->cutout = 0;
    recipe->pad = 0;
}
