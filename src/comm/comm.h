/* The processes (ranks) that train one network together: each computes on its own images, and they
 * meet where their results must be one. A network that is trained alone has a rank of its own, of
 * one. This module knows nothing of what is summed.
 *
 * Every rank calls the same functions in the same order. Sums are made in the order of ranks: the
 * same bits in every run with as many of them, and on every rank. */
#ifndef BYOL__COMM_H
#define BYOL__COMM_H

#include <stddef.h>

#include "byol/status.h"

typedef struct byol__comm byol__comm;

/* How ranks talk. Each returns when this rank's part is done. */
typedef struct byol__comm_kind {
    const char *name;
    /* In place: over all ranks. */
    byol_status (*sum_floats)(const byol__comm *comm, float *values, size_t count,
                              byol_error *error);
    byol_status (*sum_doubles)(const byol__comm *comm, double *values, size_t count,
                               byol_error *error);
    /* The largest of all ranks' numbers, to all. */
    byol_status (*largest)(const byol__comm *comm, int *value, byol_error *error);
    /* Rank 0's bytes, to all. */
    byol_status (*broadcast)(const byol__comm *comm, void *bytes, size_t count, byol_error *error);
    byol_status (*barrier)(const byol__comm *comm, byol_error *error);
} byol__comm_kind;

/* A kind embeds it as its first member. */
struct byol__comm {
    const byol__comm_kind *kind; /* NULL where there is one rank */
    int rank, size;
};

/* One rank: every function below returns at once. */
extern const byol__comm byol__comm_alone;

/* In place, over all ranks: an arena of floats; a few doubles. */
byol_status byol__comm_sum_floats(const byol__comm *comm, float *values, size_t count,
                                  byol_error *error);
byol_status byol__comm_sum_doubles(const byol__comm *comm, double *values, size_t count,
                                   byol_error *error);

/* The failure of one rank becomes that of all: `status` if this rank failed (`error` has its
 * words), else the worst status of the others, with words that say so. */
byol_status byol__comm_share_failure(const byol__comm *comm, byol_status status, byol_error *error);

/* Agreement on a verdict, the worse the larger: `*value` becomes the largest of all ranks'. */
byol_status byol__comm_agree(const byol__comm *comm, int *value, byol_error *error);

/* What rank 0 has is what all have. */
byol_status byol__comm_broadcast(const byol__comm *comm, void *bytes, size_t count,
                                 byol_error *error);

/* Returns when all ranks have called it. */
byol_status byol__comm_barrier(const byol__comm *comm, byol_error *error);

#endif
