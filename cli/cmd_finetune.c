#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli_eval.h"

typedef struct arguments {
    cli_eval eval;
    cli_report report;
    byol_finetune_options options;
    int no_scratch;
} arguments;

/* ---- arguments ---- */

enum {
    FRACTION = 6000,
    STAGES,
    OPTIMIZER,
    LR,
    LR_DECAY,
    WEIGHT_DECAY,
    HELD_OUT,
    CROP,
    MASK,
    PRECISION,
    NO_SCRATCH
};

static const struct argp_option options[] = {
    {"label-fraction", FRACTION, "X", 0,
     "Share of the labels that is used, drawn per class, e.g. 0.01 (default 1). The same --seed "
     "draws the same",
     0},
    {"train-stages", STAGES, "N", 0,
     "How many of the last stages of the backbone learn besides the head: all (default), or 0 (the "
     "head alone) up to 5 (a ResNet's four and its stem) or the blocks of a vit and its patches; "
     "of "
     "a transformer all or 0",
     0},
    {"optimizer", OPTIMIZER, "NAME", 0, "adamw (default) or sgd", 0},
    {"lr", LR, "X", 0, "Learning rate of the head (default 0.001 for adamw, 0.05 for sgd)", 0},
    {"lr-decay", LR_DECAY, "X", 0,
     "Each stage learns at X times the rate of the one behind it (default 0.8)", 0},
    {"weight-decay", WEIGHT_DECAY, "X", 0,
     "On kernels and matrices (default 0.05 for adamw, 0.0005 for sgd)", 0},
    {"epochs", 'e', "N", 0,
     "Passes over the images, texts or sounds (default 20, more where these are few: at least 1000 "
     "steps)",
     0},
    {"batch-size", 'b', "N", 0, "Default 64", 0},
    {"held-out", HELD_OUT, "X", 0,
     "Share of the labels that only chooses the best epoch (default 0.1)", 0},
    {"crop", CROP, "X", 0, "Of images: random crops show this share or more (default 0.4)", 0},
    {"mask", MASK, "X", 0, "Of texts: about so many tokens are masked in training (default 0.1)",
     0},
    {"precision", PRECISION, "NAME", 0, "Of training: auto (default), fp32 or bf16", 0},
    {"out", 'o', "FILE.safetensors", 0,
     "Save the fine-tuned network with torchvision's names, head included (fc.*, a vit's head.*), "
     "and the names of the classes, for 'byol predict'",
     0},
    {"no-scratch", NO_SCRATCH, NULL, 0,
     "Do not train the same network from random weights beside it: half the time, but nothing to "
     "compare with",
     0},
    {0},
};

static float number(const char *text, struct argp_state *state, const char *flag) {
    char *end;
    float value = strtof(text, &end);
    if (end == text || *end != '\0' || !isfinite(value))
        argp_error(state, "--%s takes a number, not '%s'", flag, text);
    return value;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    static const char *const optimizers[] = {"adamw", "sgd"}, *const precisions[] = {"auto", "fp32",
                                                                                     "bf16"};
    arguments *args = state->input;
    byol_finetune_options *o = &args->options;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &args->eval;
        state->child_inputs[1] = &args->report;
        return 0;
    case FRACTION: o->label_fraction = number(argument, state, "label-fraction"); return 0;
    case STAGES:
        o->train_stages = strcmp(argument, "all") == 0
                              ? -1
                              : (int)cli_whole_number("--train-stages", argument, 0, 100, state);
        return 0;
    case OPTIMIZER:
        o->optimizer =
            cli_choice("--optimizer", argument, optimizers, 2, state) == 0 ? BYOL_ADAMW : BYOL_SGD;
        return 0;
    case LR: o->lr = number(argument, state, "lr"); return 0;
    case LR_DECAY: o->lr_decay = number(argument, state, "lr-decay"); return 0;
    case WEIGHT_DECAY: o->weight_decay = number(argument, state, "weight-decay"); return 0;
    case 'e': o->epochs = (int)cli_whole_number("--epochs", argument, 1, 1000000, state); return 0;
    case 'b':
        o->batch_size = (int)cli_whole_number("--batch-size", argument, 1, 65536, state);
        return 0;
    case HELD_OUT: o->held_out = number(argument, state, "held-out"); return 0;
    case CROP: o->crop_area_min = number(argument, state, "crop"); return 0;
    case MASK: o->mask = number(argument, state, "mask"); return 0;
    case PRECISION:
        o->precision = (byol_precision)cli_choice("--precision", argument, precisions, 3, state);
        return 0;
    case 'o': o->save = argument; return 0;
    case NO_SCRATCH: args->no_scratch = 1; return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp parser = {
    options,
    parse,
    "RUN|WEIGHTS.safetensors",
    "Trains the encoder and a linear head on labelled images, texts or sounds, all of them or few, "
    "beside "
    "the same "
    "network from random "
    "weights. The best epoch is chosen on held-out training samples, the test set is used once."
    "\vExample:\n  byol finetune runs/first --train fashion-mnist:train --test fashion-mnist:test "
    "--label-fraction "
    "0.01 "
    "--report",
    cli_eval_children,
    NULL,
    NULL};

/* ---- the two trainings ---- */

typedef struct attempt {
    const char *name;
    byol_finetune_result result;
} attempt;

enum { TUNED, SCRATCH, ROWS };

static byol_status train(cli_session *s, const byol_encoder *encoder,
                         const byol_finetune_options *how, attempt *row, int32_t *predicted,
                         byol_error *error) {
    cli_progress_begin(&s->progress, row->name, cli_samples(s->train.source));
    byol_status status = byol_finetune(encoder, s->train.source, s->test.source, how, &row->result,
                                       predicted, cli_progress_hook, &s->progress, error);
    cli_progress_end(&s->progress);
    return status;
}

/* From scratch all stages learn at the same rate: nothing in them is worth keeping. */
static byol_status train_both(cli_session *s, const arguments *args, attempt rows[ROWS],
                              int32_t *predicted, byol_error *error) {
    byol_finetune_options how = args->options;
    byol_status status = train(s, s->trained, &how, &rows[TUNED], predicted, error);
    if (status != BYOL_OK || args->no_scratch) return status;
    how.train_stages = -1;
    how.lr_decay = 1;
    how.save = NULL;
    how.epochs = rows[TUNED].result.epochs;
    return train(s, s->random, &how, &rows[SCRATCH], NULL, error);
}

/* ---- results ---- */

static void print_table(const cli_session *s, const arguments *args, const attempt rows[ROWS]) {
    FILE *stream = cli_tables();
    if (stream == NULL) return;
    char labels[32], held_out[32], test[32];
    const char *samples = cli_samples(s->train.source);
    const byol_finetune_result *tuned = &rows[TUNED].result;
    fprintf(stream, "%s\n%s labelled %s (%s of them held out), %s test %s, %d classes\n\n",
            s->options->model, cli_count(labels, tuned->label_count), samples,
            cli_count(held_out, tuned->held_out_count), cli_count(test, s->test.count), samples,
            s->train.classes);
    fprintf(stream, "  %-22s %10s  %10s  %10s  %8s\n", "network", "accuracy", "held out", "epoch",
            "seconds");
    int better =
        !args->no_scratch && rows[SCRATCH].result.accuracy > tuned->accuracy ? SCRATCH : TUNED;
    for (int r = 0; r < (args->no_scratch ? 1 : ROWS); r++) {
        const byol_finetune_result *result = &rows[r].result;
        char epoch[32];
        snprintf(epoch, sizeof epoch, "%d of %d", result->best_epoch, result->epochs);
        fprintf(stream, "%s%c %-22s %8.2f %%  %8.2f %%  %10s  %8.1f%s\n",
                r == better ? cli_bold(stream) : "", r == better ? '*' : ' ', rows[r].name,
                result->accuracy, result->held_out_accuracy, epoch, result->seconds,
                r == better ? cli_plain(stream) : "");
    }
    fprintf(stream, "\n(* the better; the epoch chosen on held-out training %s)\n", samples);
}

/* The number as the user wrote it: 0.05, not the nearest float's 0.0500000007. */
static double fraction_of(const arguments *args) {
    return round((double)args->options.label_fraction * 1e7) / 1e7;
}

static json_t *describe(const cli_session *s, const arguments *args, const attempt rows[ROWS]) {
    const byol_finetune_result *tuned = &rows[TUNED].result;
    json_t *object = json_pack(
        "{s:f, s:f, s:i, s:I, s:I, s:I, s:I, s:f, s:i, s:i, s:I, s:f, s:I}", "accuracy",
        tuned->accuracy, "held_out_accuracy", tuned->held_out_accuracy, "classes", s->train.classes,
        "train_count", (json_int_t)s->train.count, "test_count", (json_int_t)s->test.count,
        "label_count", (json_int_t)tuned->label_count, "held_out_count",
        (json_int_t)tuned->held_out_count, "label_fraction", fraction_of(args), "epochs",
        tuned->epochs, "best_epoch", tuned->best_epoch, "steps", (json_int_t)tuned->steps,
        "seconds", tuned->seconds, "seed", (json_int_t)args->options.seed);
    if (!args->no_scratch)
        json_object_set_new(object, "from_scratch_accuracy",
                            json_real(rows[SCRATCH].result.accuracy));
    if (args->options.save != NULL)
        json_object_set_new(object, "out", cli_text(args->options.save));
    return object;
}

static void warn_if_worthless(const cli_session *s, const attempt rows[ROWS]) {
    char text[256];
    double tuned = rows[TUNED].result.accuracy, scratch = rows[SCRATCH].result.accuracy;
    if (tuned > scratch) return;
    if (tuned >= 100)
        snprintf(
            text, sizeof text,
            "the fine-tuned encoder gets every one of the test %s right, and so does the same "
            "network trained from random weights: they are too few or too easy to show what it had "
            "learned before",
            cli_samples(s->test.source));
    else
        snprintf(text, sizeof text,
                 "the fine-tuned encoder (%.2f %%) is no better than the same network trained from "
                 "random weights "
                 "(%.2f %%): what it has learned before is worth nothing here",
                 tuned, scratch);
    cli_warn(text);
}

static byol_status run(cli_session *s, const arguments *args, json_t **result, byol_error *error) {
    attempt rows[ROWS] = {{.name = "fine-tuned"}, {.name = "from scratch"}};
    int32_t *predicted = malloc(s->test.count * sizeof *predicted);
    if (predicted == NULL) return cli_error(error, BYOL_ERROR_MEMORY, "no memory for predictions");
    byol_status status = train_both(s, args, rows, predicted, error);
    if (status == BYOL_OK) {
        const cli_accuracies accuracies = {
            .trained = rows[TUNED].result.accuracy,
            .random_init = args->no_scratch ? NAN : rows[SCRATCH].result.accuracy,
            .pixels = NAN,
            .hog = NAN,
            .mels = NAN,
            .cepstra = NAN,
            .tfidf = NAN,
            .majority = NAN};
        cli_session_keep(s, &accuracies, "label_fraction", fraction_of(args), predicted);
        *result = describe(s, args, rows);
        print_table(s, args, rows);
        status =
            cli_report_show(&args->report, &s->test, s->train.classes, predicted, *result, error);
        if (!args->no_scratch && !s->same_images) warn_if_worthless(s, rows);
    }
    free(predicted);
    return status;
}

static int check_outputs(const arguments *args) {
    int code = EXIT_DONE;
    if (args->options.save != NULL)
        code = cli_check_output("--out", args->options.save, ".safetensors");
    if (code == EXIT_DONE && args->report.csv != NULL)
        code = cli_check_output("--csv", args->report.csv, NULL);
    return code;
}

int cmd_finetune(int argc, char **argv) {
    arguments args = {.eval = {.method = "finetune", .passes = 1}};
    byol_finetune_options_init(&args.options);
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    args.options.threads = args.eval.threads;
    if (args.eval.has_seed) args.options.seed = args.eval.seed;
    int code = check_outputs(&args);
    if (code != EXIT_DONE) return code;

    cli_session s = {0};
    json_t *result = NULL;
    byol_error error = {0};
    cli_catch_interrupts();
    byol_status status = cli_session_open(&s, &args.eval, &error);
    if (status == BYOL_OK) status = run(&s, &args, &result, &error);
    cli_session_close(&s);
    return cli_conclude(status, result, &error);
}
