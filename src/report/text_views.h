/* Texts as their tokens, and below them their views, for a page. */
#ifndef BYOL__TEXT_VIEWS_H
#define BYOL__TEXT_VIEWS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "byol/config.h"
#include "byol/source.h"
#include "byol/tokenizer.h"
#include "config/view_list.h"
#include "input/view_buffers.h"

typedef struct byol__text_views {
    byol__view_list list;
    byol_special_tokens special;
    byol__view_buffers buffers;
    uint64_t seed;
    int32_t *ids; /* (list.length): a view */
} byol__text_views;

/* As `config` makes them, which must be checked. The tokenizer is borrowed. BYOL_ERROR_MEMORY.
 * Release in any case. */
byol_status byol__text_views_open(byol__text_views *views, const byol_config *config,
                                  const byol_tokenizer *tokenizer, byol_error *error);
void byol__text_views_release(byol__text_views *views);

/* Writes a figure: the name of text `index`, its tokens, and every view of the first epoch without
 * padding. Fails where the text cannot be encoded. */
byol_status byol__text_views_write(byol__text_views *views, FILE *page, const byol_source *source,
                                   size_t index, byol_error *error);

#endif
