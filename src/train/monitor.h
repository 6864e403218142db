/* The monitor: figures of a batch that tell learning from collapse, and a verdict in plain words.
 *
 * A loss of 0.003 looks like success and is what a collapsed network reaches: so what counts is how
 * far the projections lie apart. All figures are of L2-normalised vectors, n(x) = x / |x|. Sums are
 * made in double and in a fixed order. */
#ifndef BYOL__MONITOR_H
#define BYOL__MONITOR_H

#include <stddef.h>
#include <stdint.h>

/* The effective rank looks at no more than this many samples of a batch: its cost grows with the
 * cube. */
enum { BYOL__RANK_SAMPLES = 512 };

/* Doubles of scratch that each function below needs at most for (batch, dim). */
size_t byol__monitor_scratch(int batch, int dim);

/* Standard deviation over the batch (divided by N) of each dimension of the normalised `z` (batch,
 * dim), averaged over the dimensions, times sqrt(dim): near 1 for directions spread over the
 * sphere, 0 where all are the same. */
double byol__spread(const float *z, int batch, int dim, double *scratch);

/* Mean cosine of prediction i and target i, and of prediction i and target j != i, both (batch,
 * dim). The second is made from sums, (sum p).(sum t) less the pairs, so it costs as little as the
 * first; NaN for a batch of 1. */
void byol__pair_cosines(const float *prediction, const float *target, int batch, int dim,
                        double *scratch, double *positive, double *negative);

/* Effective rank (Roy and Vetterli, EUSIPCO 2007): exp of the entropy of the singular values over
 * their sum, of the normalised `z` (batch, dim), NOT centred: 1 where all vectors are the same,
 * min(batch, dim) where all directions are used alike. Of the first BYOL__RANK_SAMPLES samples. NaN
 * where z holds NaN or infinity, or nothing but zeros. */
double byol__effective_rank(const float *z, int batch, int dim, double *scratch);

typedef enum byol__verdict {
    BYOL__HEALTHY,
    BYOL__COLLAPSED,      /* complete: all images are mapped to (nearly) the same vector */
    BYOL__FEW_DIRECTIONS, /* dimensional: few directions of the space are used */
    BYOL__NOT_A_NUMBER,
} byol__verdict;

/* One step's figures. `effective_rank` NaN: not measured at this step. */
typedef struct byol__reading {
    uint64_t step;
    double loss, spread, effective_rank;
} byol__reading;

/* Low readings of one figure in a row. */
typedef struct byol__streak {
    int readings;
    uint64_t since; /* step of the first of them */
    double start;   /* highest value of the first quarter of them */
    int warned;     /* and not recovered since */
} byol__streak;

/* What the verdict remembers. Zero-initialise, then set `full_rank`. */
typedef struct byol__monitor {
    int full_rank; /* the highest effective rank there can be: min(batch, BYOL__RANK_SAMPLES, dim)
                    */
    byol__streak spread, rank;
} byol__monitor;

/* Judges a reading. Collapse is a low figure (spread below 0.05; effective rank below 1 + 1.5 % of
 * the highest) that has stayed low for many readings in a row (20; of the rank 5) without climbing
 * by half: so a start from low values is no collapse as long as they rise. The verdict then stands
 * until the figure has come back well above its threshold (4 times; of the rank 2 times). `text`
 * (size bytes) gets words for a person when a verdict begins, and is empty otherwise: one warning
 * each time. NaN or infinity in the loss or the spread is a verdict at once, with words every time.
 */
byol__verdict byol__monitor_judge(byol__monitor *monitor, const byol__reading *reading, char *text,
                                  size_t size);

/* The verdict that stands. */
byol__verdict byol__monitor_verdict(const byol__monitor *monitor);

/* What it remembers, as a line of text for a checkpoint, exact to the last bit; and back again, so
 * that a run that is resumed judges as if it had never stopped. Text that is not of
 * byol__monitor_write leaves it as it was. */
void byol__monitor_write(const byol__monitor *monitor, char *text, size_t size);
void byol__monitor_read(byol__monitor *monitor, const char *text);

#endif
