/* Reading the parts of a tokenizer.json. */
#ifndef BYOL__TOKENIZER_JSON_H
#define BYOL__TOKENIZER_JSON_H

#include <jansson.h>

#include "text/tokenizer_parts.h"

/* Members of an object, and what is meant where there are none. */
const char *byol__json_text(const json_t *object, const char *key, const char *otherwise);
bool byol__json_truth(const json_t *object, const char *key, bool otherwise);
const char *byol__json_type(const json_t *object);
/* Refuses a part by its type; `what` says of which kind it is. */
byol_status byol__json_unknown(const char *what, const json_t *object, byol_error *error);

/* `json` may be NULL or null: nothing is done to a text. */
byol_status byol__read_normalizer(const json_t *json, byol__normalizer *normalizer,
                                  byol_error *error);
/* `*bytes` becomes true with a ByteLevel, behind which nothing may stand: it makes bytes of text.
 */
byol_status byol__read_cutter(const json_t *json, byol__cutter *cutter, bool *bytes,
                              byol_error *error);
byol_status byol__read_decoder(const json_t *json, byol_tokenizer *tokenizer, byol_error *error);
/* The model with its vocabulary; `bytes` says whether words come as bytes. */
byol_status byol__read_model(const json_t *json, byol_tokenizer *tokenizer, bool bytes,
                             byol_error *error);

#endif
