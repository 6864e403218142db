#include "byol/budget.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/c_locale.h"
#include "base/error.h"
#include "bench/bench_rate.h"
#include "data/source_kind.h"

/* An encoder, and how many images the time must allow for it to replace the one before it. Measured
 * on 30,000 images of CIFAR-10 (studies/recipes.csv): at equal FLOPs, width 96 reaches width 64
 * when it has seen 120,000. The figures for photos are estimates. */
typedef struct candidate {
    const char *encoder;
    int width;
    double images;
} candidate;

/* Pictures as small as CIFAR-10's, and larger ones. */
static const candidate small_pictures[] = {
    {"conv4", 32, 0}, {"conv4", 64, 200e3}, {"conv4", 96, 500e3}, {"conv4", 128, 1250e3}};
static const candidate photos[] = {
    {"conv5", 16, 0}, {"conv5", 24, 180e3}, {"conv5", 32, 300e3}, {"conv5", 48, 600e3}};

enum { SMALL_SIDE = 48, PHOTO_SIDE = 96, LEAST_SIDE = 32, CANDIDATES = 4 };

typedef struct chooser {
    byol_config *config;
    const byol_source *source;
    byol_source_info info;
    double seconds; /* of the run */
    double rate;    /* images a second with the current configuration */
    byol_progress progress;
    void *context;
    byol_error *error;
} chooser;

static double epochs_of(const chooser *c) { return c->rate * c->seconds / (double)c->info.count; }

double byol_budget_minutes(const char *text) {
    static const struct {
        const char *unit;
        double minutes;
    } units[] = {{"s", 1.0 / 60}, {"m", 1}, {"min", 1}, {"", 1}, {"h", 60}, {"d", 24 * 60}};
    char *end;
    locale_t c_locale, before = byol__c_locale_enter(&c_locale);
    double value = strtod(text, &end);
    byol__c_locale_leave(before, c_locale);
    if (end == text || !isfinite(value) || value <= 0) return 0;
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        if (strcmp(end, units[i].unit) == 0) return value * units[i].minutes;
    return 0;
}

/* ---- Choices that need no measuring ---- */

/* With few pictures the batch is small: an epoch must have some steps. */
static void choose_batch(byol_config *config, size_t count) {
    int batch = 256;
    while (batch > 2 && (size_t)batch * 8 > count) batch /= 2;
    config->train.batch_size = batch;
}

/* Small pictures are trained on views of three quarters of their side, and judged whole. At equal
 * FLOPs this sees more images and learns more (studies/recipes.csv: mpx24 beside muonb256.008). */
static byol_status choose_views(chooser *c, int side) {
    byol_config *config = c->config;
    BYOL__TRY(
        byol_config_set(config, "views.preset", side <= SMALL_SIDE ? "small" : "byol", c->error));
    BYOL__TRY(byol_config_set(config, "views.crop_area_min", c->info.channels == 1 ? "0.4" : "0.2",
                              c->error));
    config->data.image_size = side;
    for (int kind = 0; kind < 2 && side <= SMALL_SIDE; kind++)
        config->views.size[kind] = side * 3 / 4 / 8 * 8;
    return BYOL_OK;
}

/* ---- Choices by measuring ---- */

/* Each candidate costs more than the one before. Takes the last that still sees enough images. */
static byol_status choose_encoder(chooser *c, const candidate *candidates) {
    /* Seconds of measuring: no more than a few percent of a short run. */
    double each = fmin(2, 0.01 * c->seconds);
    byol_config *config = c->config, best = *config;
    double best_rate = 0;
    for (int i = 0; i < CANDIDATES; i++) {
        snprintf(config->encoder.name, sizeof config->encoder.name, "%s", candidates[i].encoder);
        config->encoder.width = candidates[i].width;
        BYOL__TRY(byol__bench_rate(config, c->source, each, &c->rate, c->error));
        if (c->progress != NULL && c->progress(c->context, (uint64_t)i + 1, CANDIDATES) != 0)
            return byol__fail(c->error, BYOL_ERROR_CANCELLED, "stopped");
        if (c->rate * c->seconds < candidates[i].images) break;
        best = *config;
        best_rate = c->rate;
    }
    *config = best;
    c->rate = best_rate;
    return BYOL_OK;
}

static void explain(const chooser *c, byol_budget *budget) {
    const byol_config *config = c->config;
    enum { SIZE = BYOL_BUDGET_REASON_MAX };
    snprintf(budget->reasons[0], SIZE,
             "views of %d pixels (judged at %d), crops of %.0f %% of the area and more: %zu %s "
             "images, %d pixels high",
             config->views.size[0] > 0 ? config->views.size[0] : config->data.image_size,
             config->data.image_size, 100 * (double)config->views.view[0].crop_area_min,
             c->info.count, c->info.channels == 1 ? "grey" : "colour",
             byol_source_view_size(c->source));
    snprintf(budget->reasons[1], SIZE,
             "encoder %s, width %d: %.0f images a second here, so each image is seen some %.3g "
             "times in the time",
             config->encoder.name, config->encoder.width, c->rate, epochs_of(c));
    snprintf(budget->reasons[2], SIZE,
             "loss InfoNCE over both views, temperature %.2g: it learns from the first minute, "
             "where BYOL as published "
             "needs hundreds of epochs",
             (double)config->loss.temperature);
    snprintf(budget->reasons[3], SIZE,
             "batches of %d, Muon with rate %.2g: on CIFAR-10 it learns in 4 epochs what SGD "
             "learns in 16",
             config->train.batch_size, (double)config->optimizer.lr);
    snprintf(
        budget->reasons[4], SIZE,
        "it ends after %.4g minutes, evaluation excluded; the rate falls over the last %.0f %%",
        (double)config->train.minutes, 100 * (double)config->optimizer.decay);
}

byol_status byol_budget_choose(byol_config *config, const byol_source *source, double minutes,
                               byol_progress progress, void *context, byol_budget *budget,
                               byol_error *error) {
    chooser c = {.config = config,
                 .source = source,
                 .seconds = minutes * 60,
                 .progress = progress,
                 .context = context,
                 .error = error};
    BYOL__TRY(byol__need_images(source, "--budget", error));
    byol_source_describe(source, &c.info);
    if (!(minutes > 0))
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "a run of %g minutes: the time must be above 0", minutes);
    if (c.info.count < 2)
        return byol__fail(error, BYOL_ERROR_INVALID,
                          "%s: there must be at least two images to tell apart",
                          c.info.description);
    int side = byol_source_view_size(source);
    bool is_small = side <= SMALL_SIDE;
    side = is_small            ? (side < LEAST_SIDE ? LEAST_SIDE : side)
           : side < PHOTO_SIDE ? side
                               : PHOTO_SIDE;
    BYOL__TRY(byol_config_set(config, "recipe", "short", error));
    choose_batch(config, c.info.count);
    BYOL__TRY(choose_views(&c, side));
    BYOL__TRY(choose_encoder(&c, is_small ? small_pictures : photos));
    config->optimizer.warmup_epochs = (float)fmin(1, 0.03 * epochs_of(&c));
    config->train.minutes = (float)minutes;
    *budget = (byol_budget){.images_per_second = c.rate, .epochs = epochs_of(&c)};
    explain(&c, budget);
    return BYOL_OK;
}
