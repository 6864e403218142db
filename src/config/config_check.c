/* Checks that involve more than one option. */
#include <stdbool.h>
#include <string.h>

#include "base/error.h"
#include "byol/config.h"
#include "config/options.h"

static byol_status check_recipe(const byol_view_recipe *recipe, int number, byol_error *error) {
    const struct {
        const char *name;
        float min, max;
    } ranges[] = {
        {"crop_area", recipe->crop_area_min, recipe->crop_area_max},
        {"crop_aspect", recipe->crop_aspect_min, recipe->crop_aspect_max},
        {"blur_sigma", recipe->blur_sigma_min, recipe->blur_sigma_max},
    };
    for (int i = 0; i < 3; i++)
        if (ranges[i].min > ranges[i].max)
            return byol__fail(error, BYOL_ERROR_INVALID,
                              "views.view%d.%s_min is %g, more than %s_max, which is %g", number,
                              ranges[i].name, (double)ranges[i].min, ranges[i].name,
                              (double)ranges[i].max);
    return BYOL_OK;
}

/* Options of the method that exclude each other. */
static byol_status check_method(const byol_config *config, byol_error *error) {
    bool is_online = config->target.kind == BYOL_TARGET_ONLINE,
         is_frozen = config->target.kind == BYOL_TARGET_FROZEN;
    bool is_copy = strcmp(config->target.init, "copy") == 0;
    if (!config->target.stop_gradient && (!is_online || config->predictor.kind != BYOL_HEAD_NONE))
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "target.stop_gradient false goes with target.kind online and "
                          "predictor.kind none: both sides "
                          "are then the same network");
    bool is_vectors = config->target.kind == BYOL_TARGET_VECTORS;
    if (is_vectors != (config->target.vectors[0] != '\0'))
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "target.kind vectors and target.vectors FILE.npy go together");
    if (is_vectors && (!is_copy || config->loss.mispaired))
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "with target.kind vectors there is no target network: target.init is "
                          "copy, loss.mispaired false");
    if (config->loss.mispaired && (is_online || !config->loss.symmetric))
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "loss.mispaired goes with a target of its own (target.kind ema or "
                          "frozen) and loss.symmetric");
    if (is_online && !is_copy)
        return byol__fail(
            error, BYOL_ERROR_INVALID,
            "target.init says where another target begins; with target.kind online it is copy");
    if (strcmp(config->target.encoder, "same") != 0 && (!is_frozen || is_copy))
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "target.encoder %s needs target.kind frozen, and target.init random or "
                          "weights to load: it "
                          "cannot be a copy or an average of another network",
                          config->target.encoder);
    if (config->target.width != 0 && strcmp(config->target.encoder, "same") == 0)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "target.width is that of a target.encoder, which is same here");
    if (strcmp(config->encoder.init, "copy") == 0 || config->encoder.init[0] == '\0' ||
        config->target.init[0] == '\0')
        return byol__fail(
            error, BYOL_ERROR_INVALID,
            "encoder.init is random or a path, target.init is copy, random or a path");
    return BYOL_OK;
}

/* Both views of a pair come from the first two kinds. The third kind only predicts. */
static byol_status check_views(const byol_config *config, byol_error *error) {
    const int *count = config->views.count;
    for (int kind = 0; kind < BYOL_VIEW_KINDS; kind++)
        BYOL__TRY(check_recipe(&config->views.view[kind], kind + 1, error));
    if (count[0] + count[1] < 2)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "views.view1.count is %d and views.view2.count is %d: a method needs two "
                          "views of an image, at "
                          "least, that predict each other",
                          count[0], count[1]);
    if (count[0] + count[1] + count[2] > BYOL_VIEWS_MAX)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "views.*.count add up to %d, at most %d are possible",
                          count[0] + count[1] + count[2], BYOL_VIEWS_MAX);
    if (count[2] > 0 && !config->loss.symmetric)
        return byol__fail(
            error, BYOL_ERROR_INVALID,
            "views.view3.count is %d, but without loss.symmetric the first view alone predicts",
            count[2]);
    return BYOL_OK;
}

/* Sounds have no square views. */
static byol_status check_sounds(const byol_config *config, byol_error *error) {
    for (int kind = 0; kind < BYOL_VIEW_KINDS; kind++) {
        const byol_sound_recipe *sound = &config->views.sound[kind];
        if (sound->stretch_min > sound->stretch_max)
            return byol__fail(error, BYOL_ERROR_INVALID,
                              "views.view%d.stretch_min is %g, more than stretch_max, which is %g",
                              kind + 1, (double)sound->stretch_min, (double)sound->stretch_max);
        if (byol__takes_sounds(config) && config->views.size[kind] != 0)
            return byol__fail(error, BYOL_ERROR_INVALID,
                              "views.view%d.size is for images; of sounds, data.frames says how "
                              "much a network is given",
                              kind + 1);
    }
    if (config->data.window % 2 != 0)
        return byol__fail(error, BYOL_ERROR_INVALID, "data.window is %d: it must be even",
                          config->data.window);
    return BYOL_OK;
}

static byol_status check_heads(const byol_config *config, byol_error *error) {
    int heads = config->encoder.heads, width = config->encoder.width;
    if (heads > 0 && width % heads != 0)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "encoder.heads is %d: it must divide encoder.width, which is %d", heads,
                          width);
    return BYOL_OK;
}

/* A vit has a place for each patch of one size of image. */
static byol_status check_vit(const byol_config *config, byol_error *error) {
    if (strcmp(config->encoder.name, "vit") != 0) return BYOL_OK;
    for (int kind = 0; kind < BYOL_VIEW_KINDS; kind++) {
        int size = config->views.size[kind];
        if (config->views.count[kind] == 0 || size == 0 || size == config->data.image_size)
            continue;
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "views.view%d.size is %d: a vit has places for one size of image; leave "
                          "it 0 and set data.image_size",
                          kind + 1, size);
    }
    BYOL__TRY(check_heads(config, error));
    if (config->data.image_size % config->encoder.patch != 0)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "encoder.patch is %d: it must divide data.image_size, which is %d",
                          config->encoder.patch, config->data.image_size);
    return BYOL_OK;
}

/* Views are the same tokens, of which view 1 hides some. */
static bool views_are_aligned(const byol_config *config) {
    for (int kind = 0; kind < 2; kind++) {
        const byol_text_recipe *text = &config->views.text[kind];
        if (text->crop_min < 1 || text->span > 0 || text->drop > 0 || text->swap > 0) return false;
        if (config->views.count[kind] != 1) return false;
    }
    return config->views.text[0].mask > 0 && config->views.text[1].mask == 0;
}

static byol_status check_transformer(const byol_config *config, byol_error *error) {
    bool is_ema = config->target.kind == BYOL_TARGET_EMA,
         is_frozen = config->target.kind == BYOL_TARGET_FROZEN;
    if (byol__encoder_takes_texts(config->encoder.name)) BYOL__TRY(check_heads(config, error));
    if (config->target.attention == BYOL_TARGET_ATTENTION_FULL &&
        (config->encoder.attention != BYOL_ATTENTION_LOWRANK || !(is_ema || is_frozen)))
        return byol__fail(
            error, BYOL_ERROR_INVALID,
            "target.attention full is for a target network (target.kind ema or frozen) "
            "beside encoder.attention lowrank");
    if (config->target.layers == 0) return BYOL_OK;
    if (!byol__encoder_takes_texts(config->encoder.name) || !(is_ema || is_frozen) ||
        config->loss.symmetric || !views_are_aligned(config))
        return byol__fail(
            error, BYOL_ERROR_INVALID,
            "target.layers %d: view 1 is to hide tokens that view 2 shows, so it needs "
            "encoder.name transformer, target.kind ema or frozen, loss.symmetric false, "
            "views.view1.mask above 0, views.view2.mask 0, and for both views crop_min "
            "1, span, drop and swap 0, count 1",
            config->target.layers);
    if (config->target.layers > config->encoder.depth)
        return byol__fail(error, BYOL_ERROR_INVALID, "target.layers is %d, but encoder.depth is %d",
                          config->target.layers, config->encoder.depth);
    byol_distance_kind distance = config->loss.distance;
    bool regularized =
        config->loss.variance > 0 || config->loss.covariance > 0 || config->loss.coding_rate > 0;
    if ((distance != BYOL_MSE && distance != BYOL_SMOOTH_L1 && distance != BYOL_COSINE) ||
        regularized || config->loss.mispaired)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "target.layers %d compares tokens: take loss.distance smooth_l1, mse or "
                          "cosine, without regularizers or loss.mispaired",
                          config->target.layers);
    return BYOL_OK;
}

byol_status byol_config_check(const byol_config *config, byol_error *error) {
    BYOL__TRY(check_views(config, error));
    BYOL__TRY(check_method(config, error));
    BYOL__TRY(check_sounds(config, error));
    BYOL__TRY(check_vit(config, error));
    BYOL__TRY(check_transformer(config, error));
    if (config->encoder.stem == BYOL_STEM_IMAGENET && config->data.image_size != 0 &&
        config->data.image_size < 32)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "encoder.stem imagenet divides the image by 32; data.image_size is %d: "
                          "take at least 32, or "
                          "encoder.stem small",
                          config->data.image_size);
    if (config->optimizer.nesterov && config->optimizer.name != BYOL_SGD)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "optimizer.nesterov goes with optimizer.name sgd only");
    if (config->optimizer.nesterov && config->optimizer.momentum == 0)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "optimizer.nesterov needs an optimizer.momentum above 0");
    if (config->train.minutes > 0 && config->optimizer.schedule != BYOL_LR_TRAPEZOID)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "train.minutes needs optimizer.schedule trapezoid: half a cosine must "
                          "know the end of the run "
                          "at its beginning");
    if (config->train.minutes > 0 && config->target.kind == BYOL_TARGET_EMA &&
        config->target.schedule != BYOL_TAU_CONSTANT)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "train.minutes needs target.schedule constant: a cosine must know the "
                          "end of the run at its "
                          "beginning");
    return BYOL_OK;
}
