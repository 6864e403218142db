/* The tokenizer that a run on texts begins with. */
#ifndef BYOL__RUN_TOKENIZER_H
#define BYOL__RUN_TOKENIZER_H

#include "byol/config.h"
#include "byol/source.h"
#include "byol/tokenizer.h"
#include "train/start.h"

/* That of the weights that the run begins with (encoder.init), or data.tokenizer, or one that is
 * learned from `source`; sets data.vocabulary. `hear` is told what has no effect with it. Owned:
 * byol_tokenizer_free, on failure too. BYOL_ERROR_MISMATCH: weights to begin with have another one;
 * and what byol__tokenizer_check returns. */
byol_status byol__tokenizer_begin(byol_tokenizer **out, const byol_source *source,
                                  byol_config *config, byol__hear hear, void *context,
                                  byol_error *error);

#endif
