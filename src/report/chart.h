/* Line charts: SVG for the lines and HTML for the words, so that the words keep their size on any
 * screen. */
#ifndef BYOL__CHART_H
#define BYOL__CHART_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "byol/status.h"

enum { BYOL__CHART_SERIES = 16, BYOL__CHART_LEVELS = 3 };

typedef struct byol__series {
    const char *name;
    const double *x, *y; /* (count); pairs that are not finite are skipped */
    size_t count;
} byol__series;

/* A level to compare the values with: a dashed line with a name. */
typedef struct byol__level {
    const char *name;
    double value;
} byol__level;

typedef struct byol__chart {
    const char *title, *about; /* `about`: one sentence on how to read it */
    const char *unit;          /* after values: " %" */
    const char *along;         /* what the axis from left to right is; NULL: "epoch" */
    byol__series series[BYOL__CHART_SERIES];
    int series_count;
    byol__level levels[BYOL__CHART_LEVELS];
    int level_count;
    bool from_zero; /* the axis begins at 0 */
    int marks;      /* draw a mark at each value too: they are few */
} byol__chart;

/* Writes the chart as a figure, or nothing if no series holds a value. Long series are drawn as
 * means over short stretches, within the range of values there. */
byol_status byol__chart_write(FILE *page, const byol__chart *chart, byol_error *error);

#endif
