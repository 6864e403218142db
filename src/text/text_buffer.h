/* Memory that grows and is kept. */
#ifndef BYOL__TEXT_BUFFER_H
#define BYOL__TEXT_BUFFER_H

#include <stddef.h>

#include "byol/tokenizer.h"

/* Makes room for `count` elements of `size` bytes; what was in it stays. */
byol_status byol__text_reserve(byol_text_buffer *buffer, size_t count, size_t size,
                               byol_error *error);
/* Appends bytes, and counts them in buffer->length. */
byol_status byol__text_append(byol_text_buffer *buffer, const void *bytes, size_t length,
                              byol_error *error);
void byol__text_release(byol_text_buffer *buffer);

#endif
