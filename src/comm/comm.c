#include "comm/comm.h"

#include "base/error.h"

const byol__comm byol__comm_alone = {.kind = NULL, .rank = 0, .size = 1};

byol_status byol__comm_sum_floats(const byol__comm *comm, float *values, size_t count,
                                  byol_error *error) {
    return comm->size == 1 ? BYOL_OK : comm->kind->sum_floats(comm, values, count, error);
}

byol_status byol__comm_sum_doubles(const byol__comm *comm, double *values, size_t count,
                                   byol_error *error) {
    return comm->size == 1 ? BYOL_OK : comm->kind->sum_doubles(comm, values, count, error);
}

byol_status byol__comm_agree(const byol__comm *comm, int *value, byol_error *error) {
    return comm->size == 1 ? BYOL_OK : comm->kind->largest(comm, value, error);
}

byol_status byol__comm_share_failure(const byol__comm *comm, byol_status status,
                                     byol_error *error) {
    int worst = -(int)status; /* statuses are negative */
    byol_error words = {0};
    byol_status met = byol__comm_agree(comm, &worst, &words);
    if (status != BYOL_OK) return status;
    if (met != BYOL_OK) return byol__fail(error, met, "%s", words.text);
    if (worst == 0) return BYOL_OK;
    return byol__fail(error, (byol_status)-worst, "another rank has failed");
}

byol_status byol__comm_broadcast(const byol__comm *comm, void *bytes, size_t count,
                                 byol_error *error) {
    return comm->size == 1 ? BYOL_OK : comm->kind->broadcast(comm, bytes, count, error);
}

byol_status byol__comm_barrier(const byol__comm *comm, byol_error *error) {
    return comm->size == 1 ? BYOL_OK : comm->kind->barrier(comm, error);
}
