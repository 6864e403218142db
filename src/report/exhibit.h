/* The pictures of a report and their vectors: some to ask about, some to look for neighbours among.
 */
#ifndef BYOL__EXHIBIT_H
#define BYOL__EXHIBIT_H

#include <stddef.h>
#include <stdint.h>

#include "byol/encoder.h"
#include "byol/report.h"
#include "byol/source.h"

/* What looks at the pictures: the trained network; where there are no labels to count with, also
 * the same network with random weights, and none. */
typedef enum byol__eye { BYOL__LEARNED, BYOL__UNTRAINED, BYOL__PIXELS, BYOL__EYES } byol__eye;

/* Pictures spread evenly over a source, and what each eye makes of them. */
typedef struct byol__shown {
    const byol_source *of;
    byol_source *source; /* the chosen ones alone */
    uint32_t *indices;   /* (count) in `of` */
    size_t count;
    float *vectors[BYOL__EYES]; /* (count, dimension) each, of length 1 (or 0); NULL for eyes that
                                   do not look */
} byol__shown;

typedef struct byol__exhibit {
    byol_encoder *encoder;
    int dimension[BYOL__EYES], channels, side; /* side: of the network's input */
    int eyes;                                  /* that look: 1 or BYOL__EYES */
    byol__shown bank,
        asked; /* of the training images, of the test images (or the training images again) */
} byol__exhibit;

/* Loads the run's encoder and embeds; without labels by every eye. Needs options->train.
 * Zero-initialise, then release in any case. */
byol_status byol__exhibit_open(byol__exhibit *exhibit, const char *run,
                               const byol_report_options *options, byol_error *error);
void byol__exhibit_release(byol__exhibit *exhibit);

/* Tells the caller what comes next, and how far it is. */
void byol__report_stage(const byol_report_options *options, const char *what);

/* Image `index` as bytes (side, side, channels): short side resized, centre crop. Decoded to so
 * many channels, which need not be those that the source would choose. */
byol_status byol__picture_center(const byol_source *source, size_t index, int channels, int side,
                                 uint8_t *pixels, byol_error *error);
/* The whole image, (side, side, channels of the source), squeezed into a square; `*aspect` is its
 * true width / height.
 */
byol_status byol__picture_whole(const byol_source *source, size_t index, int side, uint8_t *pixels,
                                double *aspect, byol_error *error);
/* View `view` of the image in the first epoch of `config`, its normalisation undone. */
byol_status byol__picture_view(const byol_source *source, size_t index, const byol_config *config,
                               int view, uint8_t *pixels, byol_error *error);

/* The side that pictures of a source are shown with: their own resolution, between `least` and
 * `most`. */
int byol__picture_side(const byol_source *source, int least, int most);

/* What `source` calls the class, or else `other`, or else "class 3"; "" below 0. Either may be
 * NULL. `text` is 64 bytes.
 */
const char *byol__label_words(const byol_source *source, const byol_source *other, int32_t label,
                              char text[64]);

#endif
