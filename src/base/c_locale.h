#ifndef BYOL__C_LOCALE_H
#define BYOL__C_LOCALE_H

#include <locale.h>

/* The C locale for this thread, from enter to leave: numbers in files have a decimal point,
 * whatever the application's locale is. Enter returns the previous locale, which leave restores. */
locale_t byol__c_locale_enter(locale_t *c_locale);
void byol__c_locale_leave(locale_t before, locale_t c_locale);

#endif
