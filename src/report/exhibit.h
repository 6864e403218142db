/* The pictures or texts of a report and their vectors: some to ask about (`asked`), some to search
 * for neighbours (`bank`). */
#ifndef BYOL__EXHIBIT_H
#define BYOL__EXHIBIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "byol/encoder.h"
#include "byol/report.h"
#include "byol/source.h"
#include "eval/sparse.h"

/* What makes vectors of the samples: the trained network. Without labels to count with, there are
 * two more: the same network with random weights, and no network (pixels; of texts their words). */
typedef enum byol__eye { BYOL__LEARNED, BYOL__UNTRAINED, BYOL__NO_NETWORK, BYOL__EYES } byol__eye;

/* Samples spread evenly over a source, and each eye's vectors of them. */
typedef struct byol__shown {
    const byol_source *of;
    byol_source *source;   /* only the chosen ones */
    byol_source *pictures; /* of sounds: their spectrograms; NULL: these are pictures or texts */
    uint32_t *indices;     /* (count) in `of` */
    size_t count;
    /* (count, dimension) each, of length 1 (or 0); NULL for unused eyes. */
    float *vectors[BYOL__EYES];
    byol__sparse words; /* of texts, what no network sees: TF-IDF, rows of length 1 (or 0) */
} byol__shown;

typedef struct byol__exhibit {
    byol_encoder *encoder;
    int dimension[BYOL__EYES], channels, side; /* side: of the network's input */
    int eyes;                                  /* how many are used: 1 or BYOL__EYES */
    bool has_texts, has_sounds;                /* not pictures */
    /* Of the training samples; of the test samples (or of the training samples again). */
    byol__shown bank, asked;
} byol__exhibit;

/* The chosen samples as pictures: of sounds their spectrograms. */
const byol_source *byol__shown_pictures(const byol__shown *shown);

/* Loads the run's encoder and embeds the samples; without labels with every eye. Needs
 * options->train. Zero-initialise, then release in any case. */
byol_status byol__exhibit_open(byol__exhibit *exhibit, const char *run,
                               const byol_report_options *options, byol_error *error);
void byol__exhibit_release(byol__exhibit *exhibit);

/* Cosine of sample `asked` of exhibit->asked and sample `index` of exhibit->bank. */
float byol__exhibit_likeness(const byol__exhibit *exhibit, byol__eye eye, size_t asked,
                             size_t index);

/* Reports to the caller which stage comes next. */
void byol__report_stage(const byol_report_options *options, const char *what);

/* Image `index` as bytes (side, side, channels): short side resized, centre crop. It is decoded to
 * `channels` channels, which may differ from the source's own choice. */
byol_status byol__picture_center(const byol_source *source, size_t index, int channels, int side,
                                 uint8_t *pixels, byol_error *error);
/* The whole image, (side, side, channels of the source), squeezed into a square. `*aspect` is its
 * true width / height. */
byol_status byol__picture_whole(const byol_source *source, size_t index, int side, uint8_t *pixels,
                                double *aspect, byol_error *error);
/* View `view` of the image in the first epoch of `config`, with its normalisation undone. */
byol_status byol__picture_view(const byol_source *source, size_t index, const byol_config *config,
                               int view, uint8_t *pixels, byol_error *error);

/* The side at which pictures of a source are shown: their own resolution, between `least` and
 * `most`. */
int byol__picture_side(const byol_source *source, int least, int most);

/* The CSS class of a picture of this side: small ones are enlarged as squares of colour, not
 * blurred. */
const char *byol__picture_class(int side);

/* The name of the class in `source`, or else in `other`, or else "class 3"; "" for labels below 0.
 * Either source may be NULL. `text` is 64 bytes. */
const char *byol__label_words(const byol_source *source, const byol_source *other, int32_t label,
                              char text[64]);

#endif
