/* Shared by the files of src/dnn. */
#ifndef BYOL__DNN_PRIVATE_H
#define BYOL__DNN_PRIVATE_H

#include <dnnl.h>

#include "byol/status.h"

struct byol__dnn {
    dnnl_engine_t engine;
    dnnl_stream_t stream;
};

/* Turns oneDNN's status into ours, with a message; BYOL_OK for success. */
byol_status byol__dnn_fail(byol_error *error, dnnl_status_t status, const char *what);

#endif
