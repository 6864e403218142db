/* Random views of a text, which is a row of tokens here. */
#ifndef BYOL__TOKEN_VIEW_H
#define BYOL__TOKEN_VIEW_H

#include <stddef.h>
#include <stdint.h>

#include "base/philox.h"
#include "byol/tokenizer.h"
#include "byol/views.h"

/* Writes a view of ids[0 .. count-1] (without special tokens) to `dst`: the class token, at least
 * one token of the text if it has any, the separator, then padding up to `length`. Special tokens
 * that the vocabulary lacks (-1) are left out. Where the recipe keeps all that fits, `window` draws
 * which part that is; all else is drawn from `random`. `scratch` holds `count` ids. */
void byol__token_view(const byol_text_recipe *recipe, const byol_special_tokens *special,
                      const int32_t *ids, size_t count, byol__random *random, byol__random *window,
                      int32_t *scratch, int32_t *dst, size_t length);

#endif
