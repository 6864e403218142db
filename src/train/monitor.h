/* The monitor: figures of a batch that tell learning from collapse, and a verdict in plain words.
 *
 * A loss of 0.003 looks like success, but a collapsed network reaches it too. What counts is how
 * far the projections lie apart. All figures are of L2-normalised vectors, n(x) = x / |x|. Sums are
 * in double and in a fixed order. */
#ifndef BYOL__MONITOR_H
#define BYOL__MONITOR_H

#include <stddef.h>
#include <stdint.h>

/* The effective rank uses at most this many samples of a batch: its cost grows with the cube. */
enum { BYOL__RANK_SAMPLES = 512 };

/* The most scratch, in doubles, that a function below needs for (batch, dim). */
size_t byol__monitor_scratch(int batch, int dim);

/* For each dimension of the normalised `z` (batch, dim): the standard deviation over the batch
 * (divided by N). Returns their mean over the dimensions, times sqrt(dim): near 1 for directions
 * spread over the sphere, 0 where all are the same. */
double byol__spread(const float *z, int batch, int dim, double *scratch);

/* Mean cosine of prediction i and target i (`positive`), and of prediction i and target j != i
 * (`negative`). Both inputs are (batch, dim). `negative` is computed from sums, (sum p).(sum t)
 * minus the pairs, so it costs as little as `positive`. NaN for a batch of 1. */
void byol__pair_cosines(const float *prediction, const float *target, int batch, int dim,
                        double *scratch, double *positive, double *negative);

/* Effective rank (Roy and Vetterli, EUSIPCO 2007) of the normalised `z` (batch, dim), NOT centred:
 * exp of the entropy of the singular values over their sum. 1 where all vectors are the same,
 * min(batch, dim) where all directions are used alike. Only the first BYOL__RANK_SAMPLES samples
 * count. NaN where z holds NaN or infinity, or nothing but zeros. */
double byol__effective_rank(const float *z, int batch, int dim, double *scratch);

typedef enum byol__verdict {
    BYOL__HEALTHY,
    BYOL__COLLAPSED,      /* complete: all images map to (nearly) the same vector */
    BYOL__FEW_DIRECTIONS, /* dimensional: few directions of the space are used */
    BYOL__NOT_A_NUMBER,
} byol__verdict;

/* One step's figures. `effective_rank` NaN: not measured at this step. */
typedef struct byol__reading {
    uint64_t step;
    double loss, spread, effective_rank;
} byol__reading;

/* A row of consecutive low readings of one figure. */
typedef struct byol__streak {
    int readings;
    uint64_t since; /* step of the first of them */
    double start;   /* highest value in the first quarter of them */
    int warned;     /* has warned, and the figure has not recovered since */
} byol__streak;

/* The state behind the verdict. Zero-initialise, then set `full_rank`. */
typedef struct byol__monitor {
    /* The highest possible effective rank: min(batch, BYOL__RANK_SAMPLES, dim). */
    int full_rank;
    byol__streak spread, rank;
} byol__monitor;

/* Judges a reading.
 *
 * Collapse is a figure that has stayed low for many readings in a row without climbing by half. So
 * a start from low values is no collapse as long as they rise. Low means: spread below 0.05;
 * effective rank below 1 + 1.5 % of the highest. Many means 20 for the spread, 5 for the rank. The
 * verdict then stands until the figure is well above its threshold again (4 times; the rank 2
 * times).
 *
 * `text` (size bytes) gets words for a person when a verdict begins, and is empty otherwise: one
 * warning each time. NaN or infinity in the loss or the spread is a verdict at once, with words
 * every time. */
byol__verdict byol__monitor_judge(byol__monitor *monitor, const byol__reading *reading, char *text,
                                  size_t size);

/* The current verdict. */
byol__verdict byol__monitor_verdict(const byol__monitor *monitor);

/* The state as a line of text for a checkpoint, exact to the last bit, and back again: a resumed
 * run judges as if it had never stopped. Reading leaves the state as it was if the text is not from
 * byol__monitor_write. */
void byol__monitor_write(const byol__monitor *monitor, char *text, size_t size);
void byol__monitor_read(byol__monitor *monitor, const char *text);

#endif
