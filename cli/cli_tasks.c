#include "cli_tasks.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* ---- Arguments ---- */

enum {
    TRAIN = 8000,
    TEST,
    STAGES,
    SIZE,
    FINE_TUNE,
    FRACTION,
    LR,
    LR_DECAY,
    WEIGHT_DECAY,
    CROP,
    JITTER,
    PRECISION,
    SEED,
    THREADS,
    NO_BASELINES,
    PREDICT,
    ONNX
};

static const struct argp_option options[] = {
    {"train", TRAIN, "SRC", 0, "Pictures to learn from, FOLDER or FOLDER:SPLIT", 1},
    {"test", TEST, "SRC", 0, "Pictures to answer for", 1},
    {"stages", STAGES, "LIST", 0,
     "One to four stages, as stage2,stage3, brought to the size of the finest (default: the last "
     "ones whose stride is 4 or more)",
     1},
    {"size", SIZE, "HxW", 0,
     "What the network is given, as 180x240 (default: the first picture's own size)", 1},
    {"fine-tune", FINE_TUNE, NULL, 0, "The encoder learns, too (default: it stays as it is)", 1},
    {"label-fraction", FRACTION, "X", 0,
     "Share of the training pictures that is used, e.g. 0.1 (default 1). The same --seed draws the "
     "same",
     1},
    {"epochs", 'e', "N", 0, "Passes over the training pictures (default 30)", 1},
    {"batch-size", 'b', "N", 0, "Default 8", 1},
    {"lr", LR, "X", 0, "Learning rate of the head (default 0.001)", 1},
    {"lr-decay", LR_DECAY, "X", 0,
     "Fine-tuning: each stage learns at X times the rate of the one behind it (default 0.8)", 1},
    {"weight-decay", WEIGHT_DECAY, "X", 0, "Default 0.01", 1},
    {"crop", CROP, "X", 0, "Random crops show this share of a picture or more (default 0.25)", 1},
    {"jitter", JITTER, "X", 0,
     "Brightness, contrast and colours change at random by up to this share (default 0.2)", 1},
    {"precision", PRECISION, "NAME", 0, "Of training: auto (default), fp32 or bf16", 1},
    {"seed", SEED, "N", 0, "Of the head, of crops and of the untrained network", 1},
    {"threads", THREADS, "N", 0, "0: every processor the process may use", 1},
    {"no-baselines", NO_BASELINES, NULL, 0, "Only the trained encoder, nothing beside it", 1},
    {"predict", PREDICT, "PATH", 0,
     "Where the answers for the test pictures go (segment: a folder of masks; detect: a .json)", 1},
    {"out", 'o', "FILE.safetensors", 0, "Save the network, head included (head.*)", 1},
    {"onnx", ONNX, "FILE.onnx", 0, "Save the network, head included, for ONNX runtimes", 1},
    {0},
};

static float number(const char *text, struct argp_state *state, const char *flag) {
    char *end;
    float value = strtof(text, &end);
    if (end == text || *end != '\0' || !isfinite(value))
        argp_error(state, "--%s takes a number, not '%s'", flag, text);
    return value;
}

static void check(const cli_task *task, struct argp_state *state) {
    if (task->model == NULL) argp_error(state, "which RUN or WEIGHTS file?");
    if (task->train == NULL || task->test == NULL)
        argp_error(state, "--train SRC and --test SRC are needed");
}

static error_t parse_number(int key, char *argument, struct argp_state *state) {
    byol_task_options *o = &((cli_task *)state->input)->options;
    switch (key) {
    case 'e': o->epochs = (int)cli_whole_number("--epochs", argument, 1, 100000, state); return 0;
    case 'b':
        o->batch_size = (int)cli_whole_number("--batch-size", argument, 1, 4096, state);
        return 0;
    case FRACTION: o->label_fraction = number(argument, state, "label-fraction"); return 0;
    case LR: o->lr = number(argument, state, "lr"); return 0;
    case LR_DECAY: o->lr_decay = number(argument, state, "lr-decay"); return 0;
    case WEIGHT_DECAY: o->weight_decay = number(argument, state, "weight-decay"); return 0;
    case CROP: o->crop_min = number(argument, state, "crop"); return 0;
    case JITTER: o->jitter = number(argument, state, "jitter"); return 0;
    case THREADS: o->threads = cli_threads(argument, state); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    static const char *const precisions[] = {"auto", "fp32", "bf16"};
    cli_task *task = state->input;
    byol_task_options *o = &task->options;
    switch (key) {
    case TRAIN: task->train = argument; return 0;
    case TEST: task->test = argument; return 0;
    case STAGES: o->stages = argument; return 0;
    case SIZE: cli_picture_size(argument, task->size, state); return 0;
    case FINE_TUNE: o->fine_tune = true; return 0;
    case PRECISION:
        o->precision = (byol_precision)cli_choice("--precision", argument, precisions, 3, state);
        return 0;
    case SEED:
        task->has_seed = 1;
        o->seed = (uint64_t)cli_whole_number("--seed", argument, 0, LONG_MAX, state);
        return 0;
    case NO_BASELINES: task->no_baselines = 1; return 0;
    case PREDICT: task->predict = argument; return 0;
    case 'o': o->save = argument; return 0;
    case ONNX: o->onnx = argument; return 0;
    case ARGP_KEY_ARG:
        cli_only_argument(&task->model, argument, "RUN or WEIGHTS file", state);
        return 0;
    case ARGP_KEY_END: check(task, state); return 0;
    default: return parse_number(key, argument, state);
    }
}

const struct argp cli_task_argp = {options, parse, NULL, NULL, NULL, NULL, NULL};

int cli_task_check(const cli_task *task) {
    int code = EXIT_DONE;
    if (task->options.save != NULL)
        code = cli_check_output("--out", task->options.save, ".safetensors");
    if (code == EXIT_DONE && task->options.onnx != NULL)
        code = cli_check_output("--onnx", task->options.onnx, ".onnx");
    return code;
}

byol_status cli_task_encoders(cli_task *task, byol_encoder **trained, byol_encoder **untrained,
                              byol_error *error) {
    byol_status status = byol_encoder_load(trained, task->model, task->options.threads, error);
    if (status != BYOL_OK) return status;
    if (!task->has_seed) task->options.seed = byol_encoder_config(*trained)->train.seed;
    task->options.height = task->size[0];
    task->options.width = task->size[1];
    return task->no_baselines
               ? BYOL_OK
               : byol_encoder_create_random(untrained, *trained, task->options.seed, error);
}

/* ---- Words ---- */

byol_status cli_task_classes(cli_task_result *result, size_t count, cli_class_name class_name,
                             const void *set, byol_error *error) {
    result->classes = calloc(count, sizeof *result->classes);
    result->class_names = calloc(count, sizeof *result->class_names);
    if (result->classes == NULL || result->class_names == NULL)
        return cli_error(error, BYOL_ERROR_MEMORY, "no memory for %zu classes", count);
    result->class_count = count;
    for (size_t k = 0; k < count; k++) {
        const char *name = class_name(set, (int)k);
        char *words = result->class_names[k];
        if (name != NULL)
            snprintf(words, sizeof *result->class_names, "%s", name);
        else
            snprintf(words, sizeof *result->class_names, "class %zu", k);
        result->classes[k] = (byol_task_row){words, {NAN, NAN, NAN}};
    }
    return BYOL_OK;
}

void cli_task_release(cli_task_result *result) {
    free(result->classes);
    free(result->class_names);
}

const char *cli_task_network(const cli_task *task, bool trained) {
    if (task->options.fine_tune) return trained ? "fine-tuned" : "from scratch";
    return trained ? "trained encoder" : "untrained network";
}

void cli_task_describe(const cli_task *task, const char *stages, int height, int width,
                       cli_task_result *result) {
    char share[32] = "";
    if (task->options.label_fraction < 1)
        snprintf(share, sizeof share, ", %g %% of the labels",
                 100 * (double)task->options.label_fraction);
    snprintf(result->how, sizeof result->how,
             "Encoder %s, head on %s, pictures of %d x %d, %d epochs%s",
             task->options.fine_tune ? "fine-tuned" : "frozen", stages, width, height,
             task->options.epochs, share);
}

static void print_rows(FILE *stream, const char *heading, const cli_task_result *result,
                       const byol_task_row *rows, size_t count, bool mark) {
    fprintf(stream, "  %-22s", heading);
    for (int m = 0; m < BYOL_MEASURES; m++) fprintf(stream, "  %14s", result->measures[m]);
    fputc('\n', stream);
    for (size_t r = 0; r < count; r++) {
        bool best = mark;
        for (size_t other = 0; other < count; other++)
            best = best && !(rows[other].values[0] > rows[r].values[0]);
        fprintf(stream, "%s%c %-22s", best ? cli_bold(stream) : "", best ? '*' : ' ', rows[r].name);
        for (int m = 0; m < BYOL_MEASURES; m++) {
            char text[32] = "-";
            if (isfinite(rows[r].values[m]))
                snprintf(text, sizeof text, "%.2f %%", rows[r].values[m]);
            fprintf(stream, "  %14s", text);
        }
        fprintf(stream, "%s\n", best ? cli_plain(stream) : "");
    }
}

static void print(const cli_task *task, const cli_task_result *result) {
    FILE *stream = cli_tables();
    if (stream == NULL) return;
    fprintf(stream, "%s\n%s\n%s\n\n", task->model, result->how, result->test);
    print_rows(stream, "features", result, result->rows, result->row_count, true);
    fputc('\n', stream);
    print_rows(stream, "class", result, result->classes, result->class_count, false);
}

/* ---- Keeping ---- */

/* "segment", or "segment-finetune": both are kept. */
static void name_of(const cli_task *task, char name[64]) {
    snprintf(name, 64, "%s%s", task->name, task->options.fine_tune ? "-finetune" : "");
}

static void keep(const cli_task *task, const byol_encoder *trained, const cli_task_result *result) {
    char name[64];
    const char *pictures[CLI_TASK_SHOWN];
    byol_error error = {0};
    if (!cli_is_folder(task->model)) return;
    name_of(task, name);
    for (size_t i = 0; i < result->picture_count; i++) pictures[i] = result->pictures[i];
    byol_task_evaluation evaluation = {.task = name,
                                       .step = byol_encoder_step(trained),
                                       .train = result->train,
                                       .test = result->test,
                                       .train_count = result->train_count,
                                       .test_count = result->test_count,
                                       .how = result->how,
                                       .rows = result->rows,
                                       .row_count = result->row_count,
                                       .classes = result->classes,
                                       .class_count = result->class_count,
                                       .legend = result->legend,
                                       .pictures = pictures,
                                       .picture_count = result->picture_count};
    memcpy(evaluation.measures, result->measures, sizeof evaluation.measures);
    if (byol_task_evaluation_save(task->model, &evaluation, &error) != BYOL_OK)
        cli_warn(error.text);
}

static json_t *list_rows(const byol_task_row *rows, size_t count) {
    json_t *list = json_array();
    for (size_t r = 0; r < count; r++) {
        json_t *values = json_array();
        for (int m = 0; m < BYOL_MEASURES; m++)
            json_array_append_new(values, isfinite(rows[r].values[m]) ? json_real(rows[r].values[m])
                                                                      : json_null());
        json_array_append_new(
            list, json_pack("{s:o, s:o}", "name", cli_text(rows[r].name), "values", values));
    }
    return list;
}

static json_t *describe(const cli_task *task, const cli_task_result *result) {
    json_t *measures = json_array();
    for (int m = 0; m < BYOL_MEASURES; m++)
        json_array_append_new(measures, cli_text(result->measures[m]));
    json_t *object = json_pack(
        "{s:o, s:I, s:I, s:o, s:o, s:o, s:I}", "how", cli_text(result->how), "train_count",
        (json_int_t)result->train_count, "test_count", (json_int_t)result->test_count, "measures",
        measures, "rows", list_rows(result->rows, result->row_count), "by_class",
        list_rows(result->classes, result->class_count), "seed", (json_int_t)task->options.seed);
    if (task->options.save != NULL)
        json_object_set_new(object, "out", cli_text(task->options.save));
    if (task->options.onnx != NULL)
        json_object_set_new(object, "onnx", cli_text(task->options.onnx));
    if (task->predict != NULL) json_object_set_new(object, "predict", cli_text(task->predict));
    return object;
}

static void warn_if_worthless(const cli_task_result *result) {
    char text[256];
    for (size_t r = 1; r < result->row_count; r++) {
        if (!(result->rows[r].values[0] >= result->rows[0].values[0])) continue;
        snprintf(text, sizeof text,
                 "%s (%.2f %%) is no better than %s (%.2f %%): what the encoder has learned before "
                 "is worth nothing here",
                 result->rows[0].name, result->rows[0].values[0], result->rows[r].name,
                 result->rows[r].values[0]);
        cli_warn(text);
        return;
    }
}

json_t *cli_task_conclude(const cli_task *task, const byol_encoder *trained,
                          const cli_task_result *result) {
    print(task, result);
    keep(task, trained, result);
    warn_if_worthless(result);
    return describe(task, result);
}

bool cli_task_shows(const cli_task *task, cli_task_result *result, size_t index, size_t count,
                    char path[BYOL_PATH_MAX]) {
    char name[64];
    size_t shown = count < CLI_TASK_SHOWN ? count : CLI_TASK_SHOWN, next = result->picture_count;
    if (next >= shown || index < next * count / shown || !cli_is_folder(task->model)) return false;
    name_of(task, name);
    if (snprintf(path, BYOL_PATH_MAX, "%s/%s", task->model, name) >= BYOL_PATH_MAX) return false;
    if (mkdir(path, 0777) != 0 && errno != EEXIST) return false;
    snprintf(result->pictures[next], sizeof result->pictures[next], "%.40s/%zu.png", name, next);
    if (snprintf(path, BYOL_PATH_MAX, "%s/%s", task->model, result->pictures[next]) >=
        BYOL_PATH_MAX)
        return false;
    result->picture_count++;
    return true;
}

/* ---- Answers ---- */

static const char *last_part(const char *path) {
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

byol_status cli_task_answer_path(const char *folder, const byol_source *pictures, size_t index,
                                 const char *ending, char path[BYOL_PATH_MAX], byol_error *error) {
    char name[BYOL_PATH_MAX], other[BYOL_PATH_MAX], number[32] = "";
    byol_source_name(pictures, index, name, sizeof name);
    for (size_t i = 0; i < index && *number == '\0'; i++) {
        byol_source_name(pictures, i, other, sizeof other);
        if (strcmp(last_part(name), last_part(other)) == 0)
            snprintf(number, sizeof number, "%zu-", index);
    }
    const char *last = last_part(name), *dot = strrchr(last, '.');
    int length = dot == NULL ? (int)strlen(last) : (int)(dot - last);
    if (snprintf(path, BYOL_PATH_MAX, "%s/%s%.*s%s", folder, number, length, last, ending) <
        BYOL_PATH_MAX)
        return BYOL_OK;
    return cli_error(error, BYOL_ERROR_INVALID, "%.300s/%.300s: the name is too long", folder,
                     last);
}
