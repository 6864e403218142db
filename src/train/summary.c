#include "train/summary.h"

#include <math.h>
#include <time.h>

#include <jansson.h>

#include "base/machine.h"
#include "byol/version.h"
#include "dnn/dnn.h"
#include "state/json_file.h"
#include "state/runfolder.h"

static void format_time(char text[32]) {
    time_t now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    strftime(text, 32, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

static json_t *describe(const byol__summary *summary) {
    static const char *const verdicts[] = {
        [BYOL__HEALTHY] = "healthy",
        [BYOL__COLLAPSED] = "collapsed",
        [BYOL__FEW_DIRECTIONS] = "few directions",
        [BYOL__NOT_A_NUMBER] = "not a number",
    };
    byol__machine machine;
    char now[32], precision[BYOL_NAME_MAX] = "", engine[BYOL__DNN_VERSION_MAX];
    const byol_config *config = summary->config;
    const byol_trainer_info *info = summary->info;
    const byol_run_result *result = summary->result;
    byol__machine_describe(&machine);
    byol_config_get(config, "train.precision", precision, sizeof precision, NULL);
    format_time(now);
    return json_pack(
        "{s:s, s:s, s:s, s:o, s:i, s:I, s:o, s:i, s:s, s:o, s:I, s:I, s:I, s:I, s:i, "
        "s:I, s:I, s:o, s:f, "
        "s:I, s:I, s:I, s:s}",
        "time", now, "byol", BYOL_VERSION, "engine", byol__dnn_version(engine), "processor",
        byol__json_words(machine.processor), "processors", machine.processors, "memory_bytes",
        (json_int_t)machine.memory_bytes, "system", byol__json_words(machine.system), "threads",
        config->train.threads, "precision", precision, "data", byol__json_words(summary->data),
        "encoder_parameters", (json_int_t)info->parameters_encoder, "projector_parameters",
        (json_int_t)info->parameters_projector, "predictor_parameters",
        (json_int_t)info->parameters_predictor, "flops_per_image",
        (json_int_t)info->flops_per_image, "epochs", result->epochs, "steps",
        (json_int_t)result->steps, "steps_planned", (json_int_t)info->steps, "loss",
        isfinite(result->loss) ? json_real(result->loss) : json_null(), "images_per_second",
        result->images_per_second, "peak_memory_bytes", (json_int_t)result->peak_memory_bytes,
        "unreadable", (json_int_t)result->unreadable, "seed", (json_int_t)config->train.seed,
        "monitor", verdicts[summary->verdict]);
}

byol_status byol__summary_write(const char *run, const byol__summary *summary, byol_error *error) {
    char path[BYOL__RUN_PATH_MAX];
    byol__run_path(run, "summary.json", path);
    return byol__json_write(path, describe(summary), 2, error);
}
