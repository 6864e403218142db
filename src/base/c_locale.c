#include "base/c_locale.h"

locale_t byol__c_locale_enter(locale_t *c_locale) {
    *c_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return uselocale(*c_locale);
}

void byol__c_locale_leave(locale_t before, locale_t c_locale) {
    uselocale(before);
    if (c_locale != (locale_t)0) freelocale(c_locale);
}
