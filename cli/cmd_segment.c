#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "byol/segment.h"
#include "cli_tasks.h"

typedef struct arguments {
    cli_task task;
    int ignore, classes;
} arguments;

enum { IGNORE = 9000, CLASSES };

static const struct argp_option options[] = {
    {"ignore", IGNORE, "N", 0,
     "Pixels of this number count for nothing (default 255; -1: there is no such number)", 0},
    {"classes", CLASSES, "N", 0,
     "Numbers of the masks are 0 to N-1 (default: by classes.txt, or the highest in the training "
     "masks)",
     0},
    {0},
};

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &args->task; return 0;
    case IGNORE:
        args->ignore = (int)cli_whole_number("--ignore", argument, -1, 255, state);
        return 0;
    case CLASSES:
        args->classes =
            (int)cli_whole_number("--classes", argument, 2, BYOL_MASK_CLASSES_MAX, state);
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
    "Which class is each pixel of? Trains a linear head on the maps of an encoder's stages, and "
    "measures it on other pictures, beside the untrained network, the colours and places of "
    "pixels, and the most frequent class of each position. A folder has images/ and labels/, or a "
    "mask a.png beside each a.jpg."
    "\vExample:\n"
    "  byol segment runs/first --train roads:train --test roads:test --stages stage2,stage3",
    children,
    NULL,
    NULL};

typedef struct session {
    cli_progress progress; /* the first member: the library passes one context to all callbacks */
    const arguments *args;
    byol_encoder *trained, *untrained;
    byol_masks *train, *test;
    byol_masks_info train_info, test_info;
    uint64_t *confusion;
    byol_segment_result first; /* of the trained encoder */
    cli_task_result result;
} session;

/* ---- The trained encoder ---- */

/* Writes the mask, and the picture for the report. */
static byol_status answer(void *context, size_t index, const uint8_t *mask, int height, int width,
                          byol_error *error) {
    session *s = context;
    const cli_task *task = &s->args->task;
    char path[BYOL_PATH_MAX];
    byol_status status = BYOL_OK;
    if (task->predict != NULL) {
        status = cli_task_answer_path(task->predict, byol_masks_pictures(s->test), index, ".png",
                                      path, error);
        if (status == BYOL_OK) status = byol_mask_write(path, mask, height, width, error);
    }
    if (status == BYOL_OK && cli_task_shows(task, &s->result, index, s->test_info.count, path))
        status = byol_masks_show(s->test, index, mask, path, error);
    return status;
}

static void add_row(session *s, const char *name) {
    byol_segment_scores scores;
    byol_segment_score(s->confusion, s->train_info.classes, &scores, NULL, NULL);
    s->result.rows[s->result.row_count++] =
        (byol_task_row){name, {scores.miou, scores.class_accuracy, scores.pixel_accuracy}};
}

static const char *class_name(const void *set, int label) {
    return byol_masks_class_name(set, label);
}

static byol_status add_classes(session *s, byol_error *error) {
    size_t classes = (size_t)s->train_info.classes;
    byol_segment_scores scores;
    double iou[BYOL_MASK_CLASSES_MAX], accuracy[BYOL_MASK_CLASSES_MAX];
    byol_status status = cli_task_classes(&s->result, classes, class_name, s->train, error);
    if (status != BYOL_OK) return status;
    byol_segment_score(s->confusion, (int)classes, &scores, iou, accuracy);
    for (size_t k = 0; k < classes; k++) {
        s->result.classes[k].values[0] = iou[k];
        s->result.classes[k].values[1] = accuracy[k];
    }
    return BYOL_OK;
}

static byol_status train(session *s, const byol_encoder *encoder, bool trained, byol_error *error) {
    const cli_task *task = &s->args->task;
    byol_task_options how = task->options;
    byol_segment_result result;
    if (!trained) {
        how.save = how.onnx = NULL;
        if (how.fine_tune) how.lr_decay = 1; /* nothing in it is worth keeping */
    }
    cli_progress_begin(&s->progress, cli_task_network(task, trained), "pictures");
    byol_status status = byol_segment(encoder, s->train, s->test, &how, &result, s->confusion,
                                      trained ? answer : NULL, cli_progress_hook, s, error);
    cli_progress_end(&s->progress);
    if (status != BYOL_OK) return status;
    add_row(s, cli_task_network(task, trained));
    if (trained) s->first = result;
    return trained ? add_classes(s, error) : BYOL_OK;
}

/* ---- What stands beside it ---- */

static byol_status measure_others(session *s, byol_error *error) {
    const byol_task_options *how = &s->args->task.options;
    byol_segment_result result;
    byol_status status = train(s, s->untrained, false, error);
    if (status != BYOL_OK) return status;
    cli_progress_begin(&s->progress, "colour and place", "pictures");
    status = byol_segment_by_colour(s->trained, s->train, s->test, how, &result, s->confusion,
                                    cli_progress_hook, s, error);
    cli_progress_end(&s->progress);
    if (status != BYOL_OK) return status;
    add_row(s, "colour and place");
    cli_progress_begin(&s->progress, "place", "pictures");
    status =
        byol_segment_by_place(s->train, s->test, how, s->confusion, cli_progress_hook, s, error);
    cli_progress_end(&s->progress);
    if (status == BYOL_OK) add_row(s, "most frequent there");
    return status;
}

/* ---- The whole ---- */

static byol_status open_masks(session *s, byol_error *error) {
    const arguments *args = s->args;
    byol_masks_options how = {.ignore = args->ignore, .classes = args->classes};
    byol_status status = byol_masks_open(&s->train, args->task.train, &how, error);
    if (status != BYOL_OK) return status;
    byol_masks_describe(s->train, &s->train_info);
    how.classes = s->train_info.classes;
    status = byol_masks_open(&s->test, args->task.test, &how, error);
    if (status != BYOL_OK) return status;
    byol_masks_describe(s->test, &s->test_info);
    cli_say("train: %s, %d classes", s->train_info.description, s->train_info.classes);
    cli_say("test:  %s", s->test_info.description);
    size_t cells = (size_t)s->train_info.classes * (size_t)s->train_info.classes;
    s->confusion = calloc(cells, sizeof *s->confusion);
    return s->confusion != NULL ? BYOL_OK : cli_error(error, BYOL_ERROR_MEMORY, "no memory");
}

static byol_status make_folder(const char *folder, byol_error *error) {
    if (folder == NULL || mkdir(folder, 0777) == 0 || errno == EEXIST) return BYOL_OK;
    return cli_error(error, BYOL_ERROR_IO, "cannot make the folder %.700s: %s", folder,
                     strerror(errno));
}

static byol_status run(session *s, cli_task *task, json_t **object, byol_error *error) {
    cli_task_result *result = &s->result;
    byol_status status = cli_task_encoders(task, &s->trained, &s->untrained, error);
    if (status == BYOL_OK) status = open_masks(s, error);
    if (status == BYOL_OK) status = make_folder(task->predict, error);
    if (status == BYOL_OK) status = train(s, s->trained, true, error);
    if (status == BYOL_OK && !task->no_baselines) status = measure_others(s, error);
    if (status != BYOL_OK) return status;
    result->measures[0] = "mIoU";
    result->measures[1] = "of classes";
    result->measures[2] = "of pixels";
    result->train = s->train_info.description;
    result->test = s->test_info.description;
    result->train_count = s->train_info.count;
    result->test_count = s->test_info.count;
    result->legend = "The picture, its mask, and what was predicted.";
    cli_task_describe(task, s->first.stages, s->first.height, s->first.width, result);
    *object = cli_task_conclude(task, s->trained, result);
    return BYOL_OK;
}

int cmd_segment(int argc, char **argv) {
    arguments args = {.task = {.name = "segment"}, .ignore = BYOL_IGNORE_DEFAULT};
    byol_task_options_init(&args.task.options);
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    int code = cli_task_check(&args.task);
    if (code != EXIT_DONE) return code;

    session s = {.args = &args};
    json_t *object = NULL;
    byol_error error = {0};
    cli_catch_interrupts();
    byol_status status = run(&s, &args.task, &object, &error);
    byol_masks_free(s.train);
    byol_masks_free(s.test);
    byol_encoder_free(s.trained);
    byol_encoder_free(s.untrained);
    free(s.confusion);
    cli_task_release(&s.result);
    return cli_conclude(status, object, &error);
}
