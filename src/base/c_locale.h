#ifndef BYOL__C_LOCALE_H
#define BYOL__C_LOCALE_H

#include <locale.h>

/* Numbers in files are written and read with a point whatever the application's locale says. This
 * thread's locale from entering to leaving; returned is the one to go back to. */
locale_t byol__c_locale_enter(locale_t *c_locale);
void byol__c_locale_leave(locale_t before, locale_t c_locale);

#endif
