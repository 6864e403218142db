/* report.css and report.js, built in. */
#ifndef BYOL__ASSETS_H
#define BYOL__ASSETS_H

#include <stddef.h>

extern const unsigned char byol__report_css[], byol__report_js[];
extern const size_t byol__report_css_size, byol__report_js_size;

#endif
