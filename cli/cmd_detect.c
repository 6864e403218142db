#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "byol/detect.h"
#include "cli_tasks.h"

typedef struct arguments {
    cli_task task;
    float least; /* of what is drawn */
} arguments;

enum { LEAST = 9000 };

static const struct argp_option options[] = {
    {"draw-above", LEAST, "X", 0,
     "Pictures of the report show what was found as surely as X (default 0.3)", 0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    char *end;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &args->task; return 0;
    case LEAST:
        args->least = strtof(argument, &end);
        if (end == argument || *end != '\0' || !(args->least >= 0 && args->least <= 1))
            argp_error(state, "--draw-above takes a number from 0 to 1, not '%s'", argument);
        return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child children[] = {
    {&cli_task_argp, 0, NULL, 0}, {&cli_output_argp, 0, NULL, 0}, {0}};

static const struct argp parser = {
    options,
    parse,
    "RUN|WEIGHTS.safetensors",
    "Where are objects, and of which class? Trains a head that finds centres and sizes on the maps "
    "of an encoder's stages, and measures it on other pictures as COCO does, beside the untrained "
    "network and boxes drawn at random. Boxes are Pascal VOC's (a folder, FOLDER:SPLIT) or COCO's "
    "(FILE.json)."
    "\vExample:\n"
    "  byol detect runs/first --train cells:train --test cells:test --predict found.json",
    children,
    NULL,
    NULL};

typedef struct session {
    cli_progress progress; /* the first member: the library passes one context to all callbacks */
    const arguments *args;
    byol_encoder *trained, *untrained;
    byol_boxes *train, *test;
    byol_boxes_info train_info, test_info;
    byol_object *found; /* in all test pictures */
    size_t found_count;
    byol_precision_scores *by_class;
    byol_detect_result first; /* of the trained encoder */
    cli_task_result result;
} session;

/* ---- The trained encoder ---- */

static byol_status answer(void *context, size_t index, const byol_object *found, size_t count,
                          byol_error *error) {
    session *s = context;
    char path[BYOL_PATH_MAX];
    memcpy(s->found + s->found_count, found, count * sizeof *found);
    s->found_count += count;
    if (!cli_task_shows(&s->args->task, &s->result, index, s->test_info.count, path))
        return BYOL_OK;
    return byol_boxes_show(s->test, index, found, count, s->args->least, path, error);
}

static void add_row(session *s, const char *name, byol_precision_scores scores) {
    s->result.rows[s->result.row_count++] =
        (byol_task_row){name, {scores.ap50, scores.ap, scores.ap75}};
}

static const char *class_name(const void *set, int label) {
    return byol_boxes_class_name(set, label);
}

static byol_status add_classes(session *s, byol_error *error) {
    size_t classes = (size_t)s->train_info.classes;
    byol_status status = cli_task_classes(&s->result, classes, class_name, s->train, error);
    for (size_t k = 0; k < classes && status == BYOL_OK; k++) {
        s->result.classes[k].values[0] = s->by_class[k].ap50;
        s->result.classes[k].values[1] = s->by_class[k].ap;
        s->result.classes[k].values[2] = s->by_class[k].ap75;
    }
    return status;
}

static byol_status train(session *s, const byol_encoder *encoder, bool trained, byol_error *error) {
    const cli_task *task = &s->args->task;
    byol_task_options how = task->options;
    byol_detect_result result;
    if (!trained) {
        how.save = how.onnx = NULL;
        if (how.fine_tune) how.lr_decay = 1; /* nothing in it is worth keeping */
    }
    cli_progress_begin(&s->progress, cli_task_network(task, trained), "pictures");
    byol_status status =
        byol_detect(encoder, s->train, s->test, &how, &result, trained ? s->by_class : NULL,
                    trained ? answer : NULL, cli_progress_hook, s, error);
    cli_progress_end(&s->progress);
    if (status != BYOL_OK) return status;
    add_row(s, cli_task_network(task, trained), result.scores);
    if (trained) s->first = result;
    return trained ? add_classes(s, error) : BYOL_OK;
}

/* ---- The whole ---- */

static void tell_notes(const byol_boxes *boxes, const byol_boxes_info *info) {
    enum { TOLD = 5 };
    char text[64];
    for (size_t i = 0; i < info->notes && i < TOLD; i++) cli_warn(byol_boxes_note(boxes, i));
    if (info->notes <= TOLD) return;
    snprintf(text, sizeof text, "and %zu more of this kind", info->notes - TOLD);
    cli_warn(text);
}

static byol_status open_boxes(session *s, byol_error *error) {
    const cli_task *task = &s->args->task;
    byol_status status = byol_boxes_open(&s->train, task->train, NULL, error);
    if (status == BYOL_OK) status = byol_boxes_open(&s->test, task->test, s->train, error);
    if (status != BYOL_OK) return status;
    byol_boxes_describe(s->train, &s->train_info);
    byol_boxes_describe(s->test, &s->test_info);
    cli_say("train: %s, %d classes", s->train_info.description, s->train_info.classes);
    cli_say("test:  %s", s->test_info.description);
    tell_notes(s->train, &s->train_info);
    tell_notes(s->test, &s->test_info);
    s->found = malloc(s->test_info.count * BYOL_DETECTIONS_MAX * sizeof *s->found);
    s->by_class = calloc((size_t)s->train_info.classes + 1, sizeof *s->by_class);
    return s->found != NULL && s->by_class != NULL
               ? BYOL_OK
               : cli_error(error, BYOL_ERROR_MEMORY, "no memory for detections");
}

static byol_status measure_others(session *s, byol_error *error) {
    byol_precision_scores scores;
    byol_status status = train(s, s->untrained, false, error);
    if (status == BYOL_OK)
        status =
            byol_detect_by_chance(s->train, s->test, s->args->task.options.seed, &scores, error);
    if (status == BYOL_OK) add_row(s, "boxes at random", scores);
    return status;
}

static byol_status run(session *s, cli_task *task, json_t **object, byol_error *error) {
    cli_task_result *result = &s->result;
    byol_status status = cli_task_encoders(task, &s->trained, &s->untrained, error);
    if (status == BYOL_OK) status = open_boxes(s, error);
    if (status == BYOL_OK) status = train(s, s->trained, true, error);
    if (status == BYOL_OK && task->predict != NULL)
        status = byol_detections_write(task->predict, s->test, s->found, s->found_count, error);
    if (status == BYOL_OK && !task->no_baselines) status = measure_others(s, error);
    if (status != BYOL_OK) return status;
    result->measures[0] = "AP at .5";
    result->measures[1] = "AP .5 to .95";
    result->measures[2] = "AP at .75";
    result->train = s->train_info.description;
    result->test = s->test_info.description;
    result->train_count = s->train_info.count;
    result->test_count = s->test_info.count;
    result->legend = "The picture with its boxes, and with those that were found.";
    cli_task_describe(task, s->first.stages, s->first.height, s->first.width, result);
    *object = cli_task_conclude(task, s->trained, result);
    return BYOL_OK;
}

int cmd_detect(int argc, char **argv) {
    arguments args = {.task = {.name = "detect"}, .least = 0.3f};
    byol_task_options_init(&args.task.options);
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    int code = cli_task_check(&args.task);
    if (code == EXIT_DONE && args.task.predict != NULL)
        code = cli_check_output("--predict", args.task.predict, ".json");
    if (code != EXIT_DONE) return code;

    session s = {.args = &args};
    json_t *object = NULL;
    byol_error error = {0};
    cli_catch_interrupts();
    byol_status status = run(&s, &args.task, &object, &error);
    byol_boxes_free(s.train);
    byol_boxes_free(s.test);
    byol_encoder_free(s.trained);
    byol_encoder_free(s.untrained);
    free(s.found);
    free(s.by_class);
    cli_task_release(&s.result);
    return cli_conclude(status, object, &error);
}
