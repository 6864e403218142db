#include <string.h>

#include "byol/bench.h"
#include "cli.h"

typedef struct arguments {
    cli_settings settings;
    const char *what, *file;
    byol_bench_options bench;
    int profile; /* print it */
} arguments;

/* "500x375": width and height. */
static void picture_size(const char *text, struct argp_state *state, byol_bench_options *bench) {
    int end = 0, width, height;
    if (sscanf(text, "%5dx%5d%n", &width, &height, &end) != 2 || text[end] != '\0' || width < 1 ||
        height < 1 || width > 4096 || height > 4096)
        argp_error(state, "--picture takes WIDTHxHEIGHT, each from 1 to 4096, not '%s'", text);
    bench->picture_width = width;
    bench->picture_height = height;
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case ARGP_KEY_INIT: state->child_inputs[0] = &args->settings; return 0;
    case 'S':
        args->bench.seconds = (int)cli_whole_number("--seconds", argument, 1, 3600, state);
        return 0;
    case 'c': args->bench.channels = cli_channels(argument, state); return 0;
    case 'i':
        args->bench.source_size = (int)cli_whole_number("--source-size", argument, 8, 4096, state);
        return 0;
    case 'P': args->profile = 1; return 0;
    case 'p': picture_size(argument, state, &args->bench); return 0;
    case ARGP_KEY_ARG:
        if (state->arg_num > 1) argp_error(state, "too many arguments: '%s'", argument);
        *(state->arg_num == 0 ? &args->what : &args->file) = argument;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "what? step, views, load, embed, knn, attention or peak");
        return EINVAL;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"seconds", 'S', "N", 0, "Measure at least so long (default 5)", 0},
    {"channels", 'c', "N", 0, "Of the synthetic images: 1 or 3 (default)", 0},
    {"source-size", 'i', "N", 0, "Side of the synthetic images (default: --image-size)", 0},
    {"profile", 'P', NULL, 0, "step: where its time goes, by kind of work", 0},
    {"picture", 'p', "WxH", 0, "views: of decoded pictures of this size, e.g. 500x375", 0},
    {0},
};

static const char *precision_name(byol_precision precision) {
    return precision == BYOL_PRECISION_BF16 ? "bf16" : "fp32";
}

/* One line for each kind of work, with GFLOP/s beside the machine's peak. */
static void print_profile(const byol_bench_step_result *r) {
    double total = 0;
    for (int i = 0; i < r->work_count; i++) total += r->works[i].ms;
    fprintf(cli_tables(), "\n  %-34s %9s %6s %9s %8s %7s %10s\n", "where the time goes", "ms",
            "share", "GFLOP/s", "of peak", "GB/s", "of memory");
    for (int i = 0; i < r->work_count; i++) {
        const byol_bench_work *w = &r->works[i];
        fprintf(cli_tables(), "  %-34s %9.2f %5.1f%%", w->name, w->ms, 100 * w->ms / total);
        if (w->gflops > 0)
            fprintf(cli_tables(), " %9.1f %7.0f%%", w->gflops, 100 * w->gflops / r->peak_gflops);
        else
            fprintf(cli_tables(), " %9s %8s", "", "");
        if (w->gbytes > 0)
            fprintf(cli_tables(), " %7.1f %9.0f%%", w->gbytes, 100 * w->gbytes / r->memory_gbytes);
        fputc('\n', cli_tables());
    }
}

static json_t *profile_json(const byol_bench_step_result *r) {
    json_t *rows = json_array();
    for (int i = 0; i < r->work_count; i++)
        json_array_append_new(rows, json_pack("{s:s, s:f, s:f, s:f}", "work", r->works[i].name,
                                              "ms", r->works[i].ms, "gflops", r->works[i].gflops,
                                              "gbytes", r->works[i].gbytes));
    return rows;
}

static byol_status bench_step(const arguments *args, const byol_config *config, json_t **result,
                              byol_error *error) {
    byol_bench_step_result r;
    byol_status status = byol_bench_step(config, &args->bench, &r, error);
    if (status != BYOL_OK) return status;
    char memory[32];
    if (cli_tables() != NULL)
        fprintf(
            cli_tables(),
            "%s width %d, batch %d, %s, %d threads\n"
            "  images a second  %.1f\n  step             %.1f ms (median of %d; the slowest %.1f)\n"
            "  speed            %.1f GFLOP/s, %.0f %% of this machine's %.1f\n  peak memory      "
            "%s\n",
            config->encoder.name, config->encoder.width, config->train.batch_size,
            precision_name(r.precision), r.threads, r.images_per_second, r.step_ms, r.steps,
            r.step_ms_max, r.gflops, r.peak_fraction * 100, r.peak_gflops,
            cli_bytes(memory, r.peak_memory_bytes));
    if (args->profile && cli_tables() != NULL) print_profile(&r);
    *result = json_pack("{s:f, s:f, s:f, s:f, s:f, s:f, s:f, s:I, s:i, s:s}", "images_per_second",
                        r.images_per_second, "gflops", r.gflops, "peak_gflops", r.peak_gflops,
                        "peak_fraction", r.peak_fraction, "memory_gbytes", r.memory_gbytes,
                        "step_ms", r.step_ms, "step_ms_max", r.step_ms_max, "peak_memory_bytes",
                        (json_int_t)r.peak_memory_bytes, "threads", r.threads, "precision",
                        precision_name(r.precision));
    if (args->profile) json_object_set_new(*result, "profile", profile_json(&r));
    return BYOL_OK;
}

static byol_status bench_views(const arguments *args, const byol_config *config, json_t **result,
                               byol_error *error) {
    byol_bench_views_result r;
    byol_status status = byol_bench_views(config, &args->bench, &r, error);
    if (status != BYOL_OK) return status;
    if (cli_tables() != NULL)
        fprintf(cli_tables(), "%s views: %.0f a second and core, %.1f us each (%d threads)\n",
                config->views.preset, r.views_per_second_per_core,
                1e6 / r.views_per_second_per_core, r.threads);
    *result = json_pack("{s:f, s:i}", "views_per_second_per_core", r.views_per_second_per_core,
                        "threads", r.threads);
    return BYOL_OK;
}

static byol_status bench_embed(const arguments *args, const byol_config *config, json_t **result,
                               byol_error *error) {
    byol_bench_embed_result r;
    byol_status status = byol_bench_embed(config, &args->bench, &r, error);
    if (status != BYOL_OK) return status;
    if (cli_tables() != NULL)
        fprintf(cli_tables(),
                "%s width %d, fp32, %d threads\n  images a second  %.0f (median of %d passes)\n"
                "  speed            %.1f GFLOP/s, %.0f %% of this machine's %.1f\n",
                config->encoder.name, config->encoder.width, r.threads, r.images_per_second,
                r.passes, r.gflops, r.peak_fraction * 100, r.peak_gflops);
    *result = json_pack("{s:f, s:f, s:f, s:f, s:i}", "images_per_second", r.images_per_second,
                        "gflops", r.gflops, "peak_gflops", r.peak_gflops, "peak_fraction",
                        r.peak_fraction, "threads", r.threads);
    return BYOL_OK;
}

static byol_status bench_load(const arguments *args, const byol_config *config, json_t **result,
                              byol_error *error) {
    byol_bench_load_result r;
    byol_status status = byol_bench_load(config, &args->bench, &r, error);
    if (status != BYOL_OK) return status;
    char early[32], late[32];
    if (cli_tables() != NULL)
        fprintf(cli_tables(),
                "%s: %.0f images, two views of %d pixels each, %d threads\n"
                "  images a second  %.0f, %.0f a thread (%.1f epochs, %zu images unreadable)\n"
                "  memory           %s early, %s at the end\n",
                config->data.train, r.count, r.image_size, r.threads, r.images_per_second,
                r.images_per_second / r.threads, r.epochs, r.unreadable,
                cli_bytes(early, r.memory_bytes_early), cli_bytes(late, r.memory_bytes_late));
    *result = json_pack("{s:f, s:f, s:i, s:i, s:I, s:I, s:I}", "images_per_second",
                        r.images_per_second, "epochs", r.epochs, "image_size", r.image_size,
                        "threads", r.threads, "unreadable", (json_int_t)r.unreadable,
                        "memory_bytes_early", (json_int_t)r.memory_bytes_early, "memory_bytes_late",
                        (json_int_t)r.memory_bytes_late);
    return BYOL_OK;
}

static byol_status bench_attention(const arguments *args, const byol_config *config,
                                   json_t **result, byol_error *error) {
    byol_bench_attention_result r;
    byol_status status = byol_bench_attention(config, &args->bench, &r, error);
    if (status != BYOL_OK) return status;
    char memory[32];
    if (cli_tables() != NULL)
        fprintf(cli_tables(),
                "attention of %d tokens, width %d, batch %d, %s, %d threads\n"
                "  forward   %.2f ms\n  backward  %.2f ms (medians of %d)\n  memory    %s\n",
                config->data.length, config->encoder.width, config->train.batch_size,
                precision_name(r.precision), r.threads, r.forward_ms, r.backward_ms, r.runs,
                cli_bytes(memory, r.memory_bytes));
    *result = json_pack("{s:f, s:f, s:I, s:i, s:s}", "forward_ms", r.forward_ms, "backward_ms",
                        r.backward_ms, "memory_bytes", (json_int_t)r.memory_bytes, "threads",
                        r.threads, "precision", precision_name(r.precision));
    return BYOL_OK;
}

/* kNN of CIFAR-10's size with a ResNet-18's vectors: a fixed shape for comparing machines. */
static byol_status bench_knn(const arguments *args, const byol_config *config, json_t **result,
                             byol_error *error) {
    const byol_bench_knn_shape shape = {50000, 10000, 512};
    byol_bench_knn_result r;
    byol_status status = byol_bench_knn(config, &shape, &args->bench, &r, error);
    if (status != BYOL_OK) return status;
    if (cli_tables() != NULL)
        fprintf(cli_tables(),
                "kNN of %zu vectors of %d numbers among %zu, %d threads\n  %.2f s; its products "
                "alone, at the speed of a "
                "large matrix product (%.0f GFLOP/s): %.2f s\n",
                shape.test_count, shape.dimension, shape.train_count, r.threads, r.seconds,
                r.matmul_gflops, r.matmul_seconds);
    *result = json_pack("{s:f, s:f, s:f, s:f, s:i}", "seconds", r.seconds, "matmul_seconds",
                        r.matmul_seconds, "gflops", r.gflops, "matmul_gflops", r.matmul_gflops,
                        "threads", r.threads);
    return BYOL_OK;
}

static byol_status bench_peak(const arguments *args, const byol_config *config, json_t **result,
                              byol_error *error) {
    byol_bench_peak_result r;
    byol_status status = byol_bench_peak(config, &args->bench, &r, error);
    if (status != BYOL_OK) return status;
    if (cli_tables() != NULL)
        fprintf(cli_tables(),
                "%d threads\n  multiply-adds from registers  %8.1f GFLOP/s (%s)\n"
                "  large matrix product          %8.1f GFLOP/s (%s)\n"
                "  memory, three arrays          %8.1f GB/s\n",
                r.threads, r.fma_gflops, r.instructions, r.matmul_gflops,
                precision_name(r.precision), r.memory_gbytes);
    *result = json_pack("{s:f, s:f, s:f, s:f, s:i, s:s, s:s}", "peak_gflops", r.peak_gflops,
                        "fma_gflops", r.fma_gflops, "matmul_gflops", r.matmul_gflops,
                        "memory_gbytes", r.memory_gbytes, "threads", r.threads, "precision",
                        precision_name(r.precision), "instructions", r.instructions);
    return BYOL_OK;
}

static const struct {
    const char *name;
    byol_status (*run)(const arguments *args, const byol_config *config, json_t **result,
                       byol_error *error);
} benches[] = {
    {"step", bench_step},   {"views", bench_views}, {"load", bench_load},
    {"embed", bench_embed}, {"knn", bench_knn},     {"attention", bench_attention},
    {"peak", bench_peak},
};

static int run(arguments *args) {
    size_t which = 0, count = sizeof benches / sizeof benches[0];
    while (which < count && strcmp(benches[which].name, args->what) != 0) which++;
    if (which == count)
        return cli_usage("there is no bench '%s'; there are step, views, load, embed, knn, "
                         "attention, peak",
                         args->what);
    byol_config config;
    int code = cli_settings_configure(&args->settings, args->file, &config);
    if (code != EXIT_DONE) return code;
    cli_progress progress;
    cli_progress_begin(&progress, "measuring", NULL);
    args->bench.progress = cli_progress_hook;
    args->bench.context = &progress;
    json_t *result = NULL;
    byol_error error = {0};
    byol_status status = benches[which].run(args, &config, &result, &error);
    cli_progress_end(&progress);
    return cli_conclude(status, result, &error);
}

int cmd_bench(int argc, char **argv) {
    const struct argp_child children[] = {
        {cli_settings_argp(), 0, NULL, 0}, {&cli_output_argp, 0, NULL, 0}, {0}};
    const struct argp parser = {
        options,
        parse,
        "step|views|load|embed|knn|attention|peak [CONFIG.yaml]",
        "Measures whole training steps (views included), views, how fast images are read and made "
        "into views, "
        "embedding, kNN, attention alone, or what the machine can do. Synthetic images, but for "
        "load (--data SRC); "
        "nothing is "
        "written."
        "\vExamples:\n  byol bench step --width 16 --batch-size 256 --precision fp32\n"
        "  byol bench views --image-size 224 --picture 500x375 --preset byol\n"
        "  byol bench attention --width 256 --batch-size 8 --set data.length=1024 --set "
        "encoder.heads=4\n"
        "  byol bench load --data photos/ --image-size 224 --preset byol --batch-size 8",
        children,
        NULL,
        NULL};
    arguments args = {0};
    byol_bench_options_init(&args.bench);
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    cli_catch_interrupts();
    int code = run(&args);
    cli_settings_release(&args.settings);
    return code;
}
