/* The plainest recipe of a view. */
#ifndef TEST_RECIPE_H
#define TEST_RECIPE_H

#include "byol/views.h"

/* A recipe that does nothing but resize the whole image. */
static inline byol_view_recipe plain_recipe(void) {
    return (byol_view_recipe){
        .crop_area_min = 1,
        .crop_area_max = 1,
        .crop_aspect_min = 1,
        .crop_aspect_max = 1,
        .blur_sigma_min = 0.1f,
        .blur_sigma_max = 2,
        .solarize_threshold = 0.5f,
        .std = {1, 1, 1},
    };
}

#endif
