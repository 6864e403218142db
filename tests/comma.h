/* A locale in which numbers have a comma; after cmocka.h. */
#ifndef TEST_COMMA_H
#define TEST_COMMA_H

#include <locale.h>

/* Stays until setlocale(LC_NUMERIC, "C"). Skips the test where no such locale is installed. */
static inline void enter_comma_locale(void) {
    static const char *const with_comma[] = {"de_DE.UTF-8", "fr_FR.UTF-8", "nl_NL.UTF-8"};
    int found = 0;
    for (int i = 0; i < 3 && !found; i++) found = setlocale(LC_NUMERIC, with_comma[i]) != NULL;
    if (!found) skip();
}

#endif
