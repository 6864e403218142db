/* A contact sheet: what a configuration makes of its images, texts or sounds, to be looked at
 * before hours of training. */
#ifndef BYOL_SHEET_H
#define BYOL_SHEET_H

#include "byol/config.h"
#include "byol/encoder.h"
#include "byol/source.h"
#include "byol/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct byol_sheet_info {
    int images;        /* on the sheet */
    int view_size;     /* side of a view as the network sees it, pixels */
    int magnified;     /* by this whole factor on the sheet: small views are hard to see */
    int height, width; /* of the sheet, pixels */
} byol_sheet_info;

/* Writes up to `count` images, spread evenly over `source`, as PNG. For each image it shows the
 * original, shrunk or enlarged to the side of a view, and both views, as `config` makes them in the
 * first epoch (data.image_size, views, train.seed), without the normalisation. Images that cannot
 * be read are skipped. The file appears under its name only when it is complete. `progress` (of
 * images) and `info` may be NULL; non-zero from `progress` stops (BYOL_ERROR_CANCELLED).
 *
 * Errors: BYOL_ERROR_INVALID for a count below 1, BYOL_ERROR_IO where `path` cannot be written, the
 * source's own where no image can be read. */
BYOL_API byol_status byol_sheet_write(const char *path, const byol_config *config,
                                      const byol_source *source, int count, byol_progress progress,
                                      void *context, byol_sheet_info *info, byol_error *error);

typedef struct byol_text_sheet_info {
    int texts;         /* on the page */
    int views;         /* of each */
    int length;        /* of a view in tokens, padding included */
    size_t vocabulary; /* of the tokenizer */
    char remark[128];  /* what has no effect with this tokenizer; "" if nothing */
} byol_text_sheet_info;

/* The same for texts: an HTML page that needs no other file. For each text it shows the tokens and
 * below them every view, as `config` makes them in the first epoch (data.length, views,
 * train.seed), without padding. The tokenizer is that which a run would have: of the weights to
 * begin with (encoder.init), data.tokenizer, or learned from `source`.
 *
 * Errors: BYOL_ERROR_INVALID for a count below 1 or a source of anything else, BYOL_ERROR_IO where
 * `path` cannot be written, and what byol_trainer_create returns where the tokenizer does not fit.
 */
BYOL_API byol_status byol_text_sheet_write(const char *path, const byol_config *config,
                                           const byol_source *source, int count,
                                           byol_progress progress, void *context,
                                           byol_text_sheet_info *info, byol_error *error);

typedef struct byol_sound_sheet_info {
    int sounds;       /* on the page */
    int mels, frames; /* of a view */
} byol_sound_sheet_info;

/* The same for sounds: an HTML page that needs no other file. For each sound it shows as
 * spectrograms the part that the network is given and both views of it, as `config` makes them in
 * the first epoch (data.*, views, train.seed), and a player.
 *
 * Errors: BYOL_ERROR_INVALID for a count below 1, a source of anything else, or options that do not
 * go together; BYOL_ERROR_IO where `path` cannot be written; the source's own where no sound can be
 * read. */
BYOL_API byol_status byol_sound_sheet_write(const char *path, const byol_config *config,
                                            const byol_source *source, int count,
                                            byol_progress progress, void *context,
                                            byol_sound_sheet_info *info, byol_error *error);

#ifdef __cplusplus
}
#endif

#endif
