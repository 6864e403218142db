/* What stands around every page: head, title, style, script and foot. */
#ifndef BYOL__PAGE_FRAME_H
#define BYOL__PAGE_FRAME_H

#include <stdio.h>

/* Writes all up to the first section. `command` made the page ("report"), `kind` says what it is,
 * `title` of what. */
void byol__page_begin(FILE *page, const char *command, const char *kind, const char *title);
void byol__page_end(FILE *page, const char *command);

#endif
