#include "dnn/dnn.h"

#include <stdbool.h>
#include <stdio.h>

#include "base/error.h"
#include "base/memory.h"
#include "dnn/dnn_private.h"

const char *byol__dnn_version(char text[BYOL__DNN_VERSION_MAX]) {
    const dnnl_version_t *version = dnnl_version();
    snprintf(text, BYOL__DNN_VERSION_MAX, "oneDNN %d.%d.%d", version->major, version->minor,
             version->patch);
    return text;
}

#if defined(__x86_64__)
static bool cpu_has(dnnl_cpu_isa_t isa) {
    return ((unsigned)dnnl_get_effective_cpu_isa() & (unsigned)isa) == (unsigned)isa;
}

bool byol__cpu_has_bf16(void) { return cpu_has(dnnl_cpu_isa_avx512_core_bf16); }
bool byol__cpu_has_amx(void) { return cpu_has(dnnl_cpu_isa_avx512_core_amx); }
#else
bool byol__cpu_has_bf16(void) { return false; }
bool byol__cpu_has_amx(void) { return false; }
#endif

byol_status byol__dnn_fail(byol_error *error, dnnl_status_t status, const char *what) {
    char version[BYOL__DNN_VERSION_MAX];
    switch (status) {
    case dnnl_success: return BYOL_OK;
    case dnnl_out_of_memory:
        return byol__fail(error, BYOL_ERROR_MEMORY, "%s: oneDNN has no memory", what);
    case dnnl_unimplemented:
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "%s: not implemented by %s", what,
                          byol__dnn_version(version));
    default:
        return byol__fail(error, BYOL_ERROR_UNSUPPORTED, "%s: %s says error %d", what,
                          byol__dnn_version(version), (int)status);
    }
}

byol_status byol__dnn_create(byol__dnn **out, byol_error *error) {
    byol__dnn *dnn;
    BYOL__TRY(byol__alloc(&dnn, 1, sizeof *dnn, "oneDNN engine", error));
    dnnl_status_t status = dnnl_engine_create(&dnn->engine, dnnl_cpu, 0);
    if (status == dnnl_success)
        status = dnnl_stream_create(&dnn->stream, dnn->engine, dnnl_stream_default_flags);
    if (status != dnnl_success) {
        byol__dnn_free(dnn);
        return byol__dnn_fail(error, status, "CPU engine");
    }
    *out = dnn;
    return BYOL_OK;
}

void byol__dnn_free(byol__dnn *dnn) {
    if (dnn == NULL) return;
    dnnl_stream_destroy(dnn->stream);
    dnnl_engine_destroy(dnn->engine);
    byol__free(dnn);
}
