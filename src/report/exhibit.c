#include "report/exhibit.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "base/memory.h"
#include "base/png.h"
#include "base/smaller.h"
#include "config/options.h"
#include "eval/terms.h"
#include "report/spectrograms.h"
#include "report/tsne.h"

/* PIXELS_SIDE: pixels are compared at this side at most. That is 60 MB for all pictures. */
enum { BANK = 5000, ASKED = 1000, PIXELS_SIDE = 32 };

void byol__report_stage(const byol_report_options *options, const char *what) {
    if (options->stage != NULL) options->stage(options->context, what);
}

/* ---- Choosing and embedding ---- */

static byol_status choose(byol__shown *shown, const byol_source *of, size_t wanted,
                          byol_error *error) {
    byol_source_info info;
    byol_source_describe(of, &info);
    shown->of = of;
    shown->count = info.count < wanted ? info.count : wanted;
    BYOL__TRY(byol__alloc(&shown->indices, shown->count, sizeof *shown->indices,
                          "samples of the report", error));
    for (size_t i = 0; i < shown->count; i++)
        shown->indices[i] = (uint32_t)(i * info.count / shown->count);
    return byol_source_subset(&shown->source, of, shown->indices, shown->count, error);
}

/* Subtracts the picture's mean, so that the cosine does not measure brightness. */
static byol_status look_at_pixels(byol__exhibit *exhibit, byol__shown *shown, byol_error *error) {
    size_t dimension = (size_t)exhibit->dimension[BYOL__NO_NETWORK];
    int side = byol__smaller(exhibit->side, PIXELS_SIDE);
    uint8_t *pixels;
    byol_status status = byol__alloc(&pixels, dimension, 1, "pixels", error);
    for (size_t i = 0; i < shown->count && status == BYOL_OK; i++) {
        float *vector = shown->vectors[BYOL__NO_NETWORK] + i * dimension;
        double sum = 0;
        status = byol__picture_center(byol__shown_pictures(shown), i, exhibit->channels, side,
                                      pixels, error);
        for (size_t d = 0; d < dimension; d++) sum += pixels[d];
        for (size_t d = 0; d < dimension; d++)
            vector[d] = (float)(pixels[d] - sum / (double)dimension);
    }
    byol__free(pixels);
    return status;
}

static byol_status look(byol__exhibit *exhibit, byol__eye eye, byol_encoder *encoder,
                        byol__shown *shown, const byol_report_options *options, byol_error *error) {
    int dimension = exhibit->dimension[eye];
    float **vectors = &shown->vectors[eye];
    BYOL__TRY(byol__alloc(vectors, shown->count * (size_t)dimension, sizeof(float),
                          "vectors of the report", error));
    BYOL__TRY(encoder == NULL
                  ? look_at_pixels(exhibit, shown, error)
                  : byol_encoder_embed(encoder, shown->source, BYOL_LAYER_BACKBONE, *vectors,
                                       options->progress, options->context, error));
    for (size_t i = 0; i < shown->count; i++)
        byol__make_unit(*vectors + i * (size_t)dimension, (size_t)dimension);
    return BYOL_OK;
}

static byol_status look_at_both(byol__exhibit *exhibit, byol__eye eye, byol_encoder *encoder,
                                const byol_report_options *options, byol_error *error) {
    BYOL__TRY(look(exhibit, eye, encoder, &exhibit->bank, options, error));
    return look(exhibit, eye, encoder, &exhibit->asked, options, error);
}

/* Weighs the words of the bank and, by what is rare there, those of the others. `counts` is of
 * both. */
static byol_status weigh_words(byol__exhibit *exhibit, const byol__sparse counts[2],
                               byol_error *error) {
    double *rarity;
    BYOL__TRY(byol__alloc(&rarity, counts[0].columns, sizeof *rarity, "weights of words", error));
    byol__terms_idf(&counts[0], NULL, counts[0].rows, rarity);
    byol_status status = byol__terms_weigh(&exhibit->bank.words, &counts[0], NULL, counts[0].rows,
                                           rarity, false, error);
    if (status == BYOL_OK)
        status = byol__terms_weigh(&exhibit->asked.words, &counts[1], NULL, counts[1].rows, rarity,
                                   false, error);
    byol__free(rarity);
    return status;
}

static byol_status look_at_words(byol__exhibit *exhibit, byol_error *error) {
    byol__string_table vocabulary = {0};
    byol__sparse counts[2] = {0};
    byol_status status =
        byol__terms_count(&counts[0], &vocabulary, true, exhibit->bank.source, error);
    if (status == BYOL_OK)
        status = byol__terms_count(&counts[1], &vocabulary, false, exhibit->asked.source, error);
    if (status == BYOL_OK) status = weigh_words(exhibit, counts, error);
    byol__sparse_release(&counts[0]);
    byol__sparse_release(&counts[1]);
    byol__string_table_release(&vocabulary);
    return status;
}

/* Adds the eyes that have learned nothing. */
static byol_status compare(byol__exhibit *exhibit, const byol_report_options *options,
                           byol_error *error) {
    byol_encoder *untrained = NULL;
    int side = byol__smaller(exhibit->side, PIXELS_SIDE);
    exhibit->eyes = BYOL__EYES;
    exhibit->dimension[BYOL__UNTRAINED] = exhibit->dimension[BYOL__LEARNED];
    exhibit->dimension[BYOL__NO_NETWORK] = exhibit->channels * side * side;
    byol__report_stage(options, "embedding by random weights");
    byol_status status = byol_encoder_create_random(&untrained, exhibit->encoder, 1, error);
    if (status == BYOL_OK)
        status = look_at_both(exhibit, BYOL__UNTRAINED, untrained, options, error);
    byol_encoder_free(untrained);
    if (status != BYOL_OK) return status;
    return exhibit->has_texts ? look_at_words(exhibit, error)
                              : look_at_both(exhibit, BYOL__NO_NETWORK, NULL, options, error);
}

const byol_source *byol__shown_pictures(const byol__shown *shown) {
    return shown->pictures != NULL ? shown->pictures : shown->source;
}

static byol_status paint_sounds(byol__exhibit *exhibit, const byol_config *config,
                                byol_error *error) {
    byol__shown *shown[] = {&exhibit->bank, &exhibit->asked};
    for (int i = 0; i < 2; i++) {
        byol_source_info info;
        byol_source_describe(shown[i]->source, &info);
        if (info.samples != BYOL_SAMPLES_SOUNDS)
            return byol__fail(error, BYOL_ERROR_INVALID,
                              "the encoder was trained on sounds, but these are none: %s",
                              info.description);
        BYOL__TRY(byol__spectrograms_open(&shown[i]->pictures, shown[i]->source, config, error));
    }
    return BYOL_OK;
}

byol_status byol__exhibit_open(byol__exhibit *exhibit, const char *run,
                               const byol_report_options *options, byol_error *error) {
    const byol_source *asked = options->test != NULL ? options->test : options->train;
    BYOL__TRY(byol_encoder_load(&exhibit->encoder, run, options->threads, error));
    exhibit->eyes = 1;
    exhibit->dimension[BYOL__LEARNED] =
        byol_encoder_dimension(exhibit->encoder, BYOL_LAYER_BACKBONE);
    exhibit->channels = byol_encoder_channels(exhibit->encoder);
    exhibit->has_texts = exhibit->channels == 0;
    const byol_config *config = byol_encoder_config(exhibit->encoder);
    exhibit->has_sounds = byol__takes_sounds(config);
    exhibit->side = exhibit->has_sounds ? byol__spectrogram_side(config) : config->data.image_size;
    BYOL__TRY(choose(&exhibit->bank, options->train, BANK, error));
    BYOL__TRY(choose(&exhibit->asked, asked, ASKED, error));
    if (exhibit->has_sounds) BYOL__TRY(paint_sounds(exhibit, config, error));
    byol__report_stage(options, exhibit->has_texts    ? "embedding texts"
                                : exhibit->has_sounds ? "embedding sounds"
                                                      : "embedding pictures");
    BYOL__TRY(look_at_both(exhibit, BYOL__LEARNED, exhibit->encoder, options, error));
    return byol_source_label(exhibit->asked.source, 0) < 0 ? compare(exhibit, options, error)
                                                           : BYOL_OK;
}

static void release_shown(byol__shown *shown) {
    byol_source_free(shown->pictures);
    byol_source_free(shown->source);
    byol__free(shown->indices);
    for (int eye = 0; eye < BYOL__EYES; eye++) byol__free(shown->vectors[eye]);
    byol__sparse_release(&shown->words);
}

void byol__exhibit_release(byol__exhibit *exhibit) {
    release_shown(&exhibit->bank);
    release_shown(&exhibit->asked);
    byol_encoder_free(exhibit->encoder);
}

/* ---- Likeness ---- */

/* Of row `i` of one and row `j` of another matrix; the columns of a row ascend. */
static float sparse_product(const byol__sparse *a, size_t i, const byol__sparse *b, size_t j) {
    float sum = 0;
    for (size_t e = a->starts[i], f = b->starts[j]; e < a->starts[i + 1] && f < b->starts[j + 1];) {
        if (a->index[e] == b->index[f])
            sum += a->values[e++] * b->values[f++];
        else if (a->index[e] < b->index[f])
            e++;
        else
            f++;
    }
    return sum;
}

float byol__exhibit_likeness(const byol__exhibit *exhibit, byol__eye eye, size_t asked,
                             size_t index) {
    const byol__shown *from = &exhibit->asked, *bank = &exhibit->bank;
    size_t dimension = (size_t)exhibit->dimension[eye];
    if (eye == BYOL__NO_NETWORK && exhibit->has_texts)
        return sparse_product(&from->words, asked, &bank->words, index);
    const float *a = from->vectors[eye] + asked * dimension,
                *b = bank->vectors[eye] + index * dimension;
    float sum = 0;
    for (size_t d = 0; d < dimension; d++) sum += a[d] * b[d];
    return sum;
}

/* ---- Pictures ---- */

/* From normalised floats (channels, side, side) to bytes (side, side, channels). */
static void to_bytes(const float *image, int channels, int side, const float mean[3],
                     const float std[3], uint8_t *pixels) {
    size_t plane = (size_t)side * (size_t)side;
    for (int c = 0; c < channels; c++)
        for (size_t i = 0; i < plane; i++) {
            float value = image[(size_t)c * plane + i] * std[c] + mean[c];
            pixels[i * (size_t)channels + (size_t)c] = byol__png_byte(value);
        }
}

static const float zeros[3] = {0, 0, 0}, ones[3] = {1, 1, 1};

/* A recipe that only resizes the whole picture. */
static byol_view_recipe whole_recipe(const byol_image *image) {
    float aspect = (float)image->width / (float)image->height;
    byol_view_recipe recipe = {.crop_area_min = 1,
                               .crop_area_max = 1,
                               .crop_aspect_min = aspect,
                               .crop_aspect_max = aspect};
    for (int c = 0; c < 3; c++) recipe.std[c] = 1;
    return recipe;
}

typedef enum kind { CENTER, WHOLE, VIEW } kind;

typedef struct style {
    kind kind;
    int channels; /* of the output pixels; 0: as many as the source has */
    int side, view;
    const byol_config *config; /* VIEW */
} style;

static void draw(const byol_image *image, size_t index, const style *how, float *floats,
                 void *scratch, uint8_t *pixels) {
    byol_view_recipe recipe = whole_recipe(image);
    if (how->kind == VIEW) recipe = how->config->views.view[how->view];
    if (how->kind == CENTER)
        byol_view_center(zeros, ones, image, how->side, floats, scratch);
    else
        byol_view_make(&recipe, image, how->side, how->kind == VIEW ? how->config->train.seed : 0,
                       0, (uint32_t)index, how->view, floats, scratch);
    to_bytes(floats, image->channels, how->side, recipe.mean, recipe.std, pixels);
}

static byol_status draw_with_room(const byol_image *image, size_t index, const style *how,
                                  uint8_t *pixels, byol_error *error) {
    float *floats = NULL;
    void *scratch = NULL;
    size_t bytes = byol_view_scratch_bytes(image->channels, image->height, image->width, how->side);
    byol_status status = byol__alloc(&scratch, bytes, 1, "scratch of a picture", error);
    if (status == BYOL_OK)
        status = byol__alloc(&floats, (size_t)(image->channels * how->side) * (size_t)how->side,
                             sizeof *floats, "a picture", error);
    if (status == BYOL_OK) draw(image, index, how, floats, scratch, pixels);
    byol__free(floats);
    byol__free(scratch);
    return status;
}

/* An unreadable picture is shown black: it is counted and named elsewhere. */
static byol_status make(const byol_source *source, size_t index, const style *how, uint8_t *pixels,
                        double *aspect, byol_error *error) {
    byol_source_info info;
    byol_picture picture = {0};
    byol_source_describe(source, &info);
    int channels = how->channels > 0 ? how->channels : info.channels;
    const byol_image_request wanted = {.channels = channels, .short_side = how->side};
    byol_status status = byol_source_image(source, index, &wanted, &picture, error);
    if (status == BYOL_OK) {
        status = draw_with_room(&picture.image, index, how, pixels, error);
        if (aspect != NULL) *aspect = (double)picture.image.width / picture.image.height;
    } else if (byol_source_unreadable(source, index)) {
        memset(pixels, 0, (size_t)(channels * how->side) * (size_t)how->side);
        status = BYOL_OK;
    }
    byol_picture_release(&picture);
    return status;
}

byol_status byol__picture_center(const byol_source *source, size_t index, int channels, int side,
                                 uint8_t *pixels, byol_error *error) {
    const style how = {.kind = CENTER, .channels = channels, .side = side};
    return make(source, index, &how, pixels, NULL, error);
}

byol_status byol__picture_whole(const byol_source *source, size_t index, int side, uint8_t *pixels,
                                double *aspect, byol_error *error) {
    const style how = {.kind = WHOLE, .side = side};
    return make(source, index, &how, pixels, aspect, error);
}

byol_status byol__picture_view(const byol_source *source, size_t index, const byol_config *config,
                               int view, uint8_t *pixels, byol_error *error) {
    const style how = {
        .kind = VIEW, .side = config->data.image_size, .view = view, .config = config};
    return make(source, index, &how, pixels, NULL, error);
}

int byol__picture_side(const byol_source *source, int least, int most) {
    byol_source_info info;
    byol_source_describe(source, &info);
    int side = info.short_side;
    return side < least ? least : side > most ? most : side;
}

const char *byol__picture_class(int side) { return side < 64 ? "pixels" : "photo"; }

const char *byol__label_words(const byol_source *source, const byol_source *other, int32_t label,
                              char text[64]) {
    const byol_source *const asked[] = {source, other};
    const char *name = NULL;
    for (int i = 0; i < 2 && name == NULL; i++)
        if (asked[i] != NULL && label >= 0) name = byol_source_class_name(asked[i], label);
    snprintf(text, 64, "class %d", label);
    if (name != NULL) snprintf(text, 64, "%s", name);
    if (label < 0) text[0] = '\0';
    return text;
}
