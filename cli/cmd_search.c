#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "byol/search.h"
#include "cli_vectors.h"

typedef struct arguments {
    const char *model, *data, *vectors, *query;
    byol_layer layer;
    int k, threads, duplicates;
    float above;
} arguments;

enum { DEFAULT_K = 10, PAIRS_MAX = 1000, VECTORS = 256, DUPLICATES, ABOVE };

static float parse_similarity(const char *text, struct argp_state *state) {
    char *end;
    float value = strtof(text, &end);
    if (end == text || *end != '\0' || !(value >= -1 && value <= 1))
        argp_error(state, "--above takes a cosine from -1 to 1, not '%s'", text);
    return value;
}

static void check(const arguments *args, struct argp_state *state) {
    if ((args->data == NULL) == (args->vectors == NULL))
        argp_error(
            state,
            "one of --vectors FILE.npy (from 'byol embed') and --data SRC (with a RUN) is needed");
    if (args->data != NULL && args->model == NULL)
        argp_error(state, "--data needs a RUN or WEIGHTS file to embed with");
    if (args->duplicates == (args->query != NULL))
        argp_error(state, "one of --query (a row's number, a picture, or words where texts are "
                          "searched) and --duplicates is needed");
}

static error_t parse(int key, char *argument, struct argp_state *state) {
    arguments *args = state->input;
    switch (key) {
    case 'd': args->data = argument; return 0;
    case VECTORS: args->vectors = argument; return 0;
    case 'q': args->query = argument; return 0;
    case 'k': args->k = (int)cli_whole_number("-k", argument, 1, 100000, state); return 0;
    case DUPLICATES: args->duplicates = 1; return 0;
    case ABOVE: args->above = parse_similarity(argument, state); return 0;
    case 'l': args->layer = cli_layer("--layer", argument, state); return 0;
    case 't': args->threads = cli_threads(argument, state); return 0;
    case ARGP_KEY_ARG:
        cli_only_argument(&args->model, argument, "RUN or WEIGHTS file", state);
        return 0;
    case ARGP_KEY_END: check(args, state); return 0;
    default: return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"vectors", VECTORS, "FILE.npy", 0, "Search these, which 'byol embed' has written", 0},
    {"data", 'd', "SRC", 0,
     "Search these images, texts or sounds: they are embedded first, with RUN", 0},
    {"query", 'q', "N|SRC|WORDS", 0,
     "Find what is nearest to row N, or to the images, texts or sounds of SRC (embedded with RUN). "
     "Where "
     "RUN reads texts, what is no number and names no file is a text itself",
     0},
    {"neighbours", 'k', "N", 0, "How many of the nearest are shown (10)", 0},
    {"duplicates", DUPLICATES, NULL, 0,
     "List pairs that are nearly the same, the most similar first, up to 1000", 0},
    {"above", ABOVE, "COSINE", 0, "With --duplicates: from this similarity on (0.98)", 0},
    {"layer", 'l', "NAME", 0, "backbone (default), projection or prediction", 0},
    {"threads", 't', "N", 0, "0: every processor the process may use", 0},
    {0},
};
static const struct argp parser = {
    options,
    parse,
    "[RUN|WEIGHTS.safetensors]",
    "Finds the nearest images, texts or sounds by the cosine of their vectors; distances are 1 - "
    "cosine."
    "\vExamples:\n"
    "  byol search --vectors test.npy --query 17\n"
    "  byol search runs/texts --data reviews.tsv --query \"the plot makes no sense\"\n"
    "  byol search runs/first --data fashion-mnist:test --duplicates --above 0.99",
    cli_output_children,
    NULL,
    NULL};

/* Everything that one call holds. */
typedef struct session {
    const arguments *args;
    byol_encoder *encoder;
    cli_vectors bank, query;
    byol_neighbour *found;
    byol_similar_pair *pairs;
    json_t *result;
} session;

static const char *name_of(const cli_vectors *vectors, size_t index, char text[32]) {
    if (vectors->names != NULL) return vectors->names[index];
    snprintf(text, 32, "row %zu", index);
    return text;
}

/* ---- What is searched, and what for ---- */

/* Is `text`, or what stands before a colon in it, a file or a folder? */
static bool names_a_file(const char *text) {
    char path[BYOL_PATH_MAX];
    if (access(text, F_OK) == 0 || strcmp(text, "-") == 0) return true;
    for (const char *colon = text; (colon = strchr(colon, ':')) != NULL; colon++) {
        snprintf(path, sizeof path, "%.*s", (int)(colon - text), text);
        if (access(path, F_OK) == 0) return true;
    }
    return false;
}

static bool reads_texts(const session *s) {
    return s->encoder != NULL && byol_encoder_channels(s->encoder) == 0;
}

static bool is_words(const session *s, const char *query) {
    return reads_texts(s) && !names_a_file(query);
}

/* `spec` names a source, or is the only text of one. */
static byol_status embed(session *s, const char *spec, bool is_text, const char *what,
                         cli_vectors *vectors, byol_error *error) {
    byol_source *source;
    byol_status status = is_text ? byol_source_from_texts(&source, &spec, NULL, NULL, 1, error)
                                 : cli_source_open(&source, spec, error);
    if (status != BYOL_OK) return status;
    status =
        cli_vectors_embed(vectors, s->encoder, s->args->model, source, s->args->layer, what, error);
    byol_source_free(source);
    return status;
}

static byol_status open_bank(session *s, byol_error *error) {
    const arguments *args = s->args;
    byol_status status = BYOL_OK;
    if (args->model != NULL)
        status = byol_encoder_load(&s->encoder, args->model, args->threads, error);
    if (status != BYOL_OK) return status;
    return args->vectors != NULL ? cli_vectors_read(&s->bank, args->vectors, error)
                                 : embed(s, args->data, false, "embedding", &s->bank, error);
}

/* A number is a row of the searched vectors. */
static bool is_row(const char *text) {
    return *text != '\0' && strspn(text, "0123456789") == strlen(text);
}

static byol_status take_row(session *s, byol_error *error) {
    unsigned long long row = strtoull(s->args->query, NULL, 10);
    if (row >= s->bank.count)
        return cli_error(error, BYOL_ERROR_INVALID,
                         "--query %.40s: there are %zu rows, counted from 0", s->args->query,
                         s->bank.count);
    char text[32];
    size_t dimension = (size_t)s->bank.dimension;
    s->query = (cli_vectors){.values = cli_matrix(1, dimension),
                             .count = 1,
                             .dimension = s->bank.dimension,
                             .names = calloc(1, sizeof(char *))};
    if (s->bank.texts != NULL) s->query.texts = calloc(1, sizeof(char *));
    if (s->query.values == NULL || s->query.names == NULL) return BYOL_ERROR_MEMORY;
    memcpy(s->query.values, s->bank.values + row * dimension, dimension * sizeof(float));
    s->query.names[0] = strdup(name_of(&s->bank, row, text));
    if (s->query.texts != NULL) s->query.texts[0] = strdup(s->bank.texts[row]);
    return BYOL_OK;
}

/* Words are their own name. */
static byol_status name_by_words(session *s, byol_error *error) {
    free(s->query.texts[0]);
    free(s->query.texts);
    s->query.texts = NULL;
    free(s->query.names[0]);
    s->query.names[0] = strdup(s->args->query);
    return s->query.names[0] != NULL
               ? BYOL_OK
               : cli_error(error, BYOL_ERROR_MEMORY, "no memory for the query");
}

static byol_status open_query(session *s, byol_error *error) {
    if (is_row(s->args->query)) return take_row(s, error);
    if (s->encoder == NULL)
        return cli_error(
            error, BYOL_ERROR_INVALID,
            "--query %.500s: images and words are embedded with the RUN that the vectors are from; "
            "name it too",
            s->args->query);
    bool is_text = is_words(s, s->args->query);
    byol_status status = embed(s, s->args->query, is_text, "embedding the query", &s->query, error);
    if (status == BYOL_OK && is_text) status = name_by_words(s, error);
    if (status == BYOL_OK && s->query.dimension != s->bank.dimension)
        return cli_error(
            error, BYOL_ERROR_MISMATCH,
            "the vectors have %d numbers, those of %.300s %d: they are of another encoder or layer",
            s->bank.dimension, s->args->model, s->query.dimension);
    return status;
}

/* ---- The nearest ---- */

static const char *samples_of(const session *s) {
    return s->bank.texts != NULL || reads_texts(s) ? "texts" : "images";
}

/* The name, and behind it what a text says. */
static void print_sample(FILE *stream, const cli_vectors *vectors, size_t index) {
    char number[32];
    fputs(name_of(vectors, index, number), stream);
    if (vectors->texts != NULL) fprintf(stream, "  %s", vectors->texts[index]);
}

/* Texts have one key more than images. */
static json_t *with_text(json_t *object, const cli_vectors *vectors, size_t index) {
    if (vectors->texts != NULL)
        json_object_set_new(object, "text", cli_text(vectors->texts[index]));
    return object;
}

static json_t *show_neighbour(const session *s, const byol_neighbour *found) {
    FILE *stream = cli_tables();
    char number[32];
    if (stream != NULL) {
        fprintf(stream, "  %8u  %.6f  ", found->index, (double)found->distance);
        print_sample(stream, &s->bank, found->index);
        fputc('\n', stream);
    }
    json_t *object = json_pack("{s:I, s:f, s:o}", "index", (json_int_t)found->index, "distance",
                               (double)found->distance, "path",
                               cli_text(name_of(&s->bank, found->index, number)));
    return with_text(object, &s->bank, found->index);
}

static json_t *show_query(const session *s, size_t query, int k) {
    FILE *stream = cli_tables();
    const byol_neighbour *found = s->found + query * (size_t)k;
    json_t *list = json_array();
    if (stream != NULL) {
        fputs(cli_bold(stream), stream);
        print_sample(stream, &s->query, query);
        fprintf(stream, "%s\n", cli_plain(stream));
    }
    for (int i = 0; i < k && isfinite(found[i].distance); i++)
        json_array_append_new(list, show_neighbour(s, &found[i]));
    json_t *object =
        with_text(json_pack("{s:o}", "query", cli_text(s->query.names[query])), &s->query, query);
    json_object_set_new(object, "nearest", list);
    return object;
}

static byol_status find_nearest(session *s, byol_error *error) {
    byol_status status = open_query(s, error);
    if (status != BYOL_OK) return status;
    int k = (size_t)s->args->k < s->bank.count ? s->args->k : (int)s->bank.count;
    s->found = calloc(s->query.count * (size_t)k, sizeof *s->found);
    if (s->found == NULL) return BYOL_ERROR_MEMORY;
    cli_progress progress;
    cli_progress_begin(&progress, "searching", samples_of(s));
    status = byol_search_nearest(s->bank.values, s->bank.count, s->bank.dimension, s->query.values,
                                 s->query.count, k, s->args->threads, s->found, cli_progress_hook,
                                 &progress, error);
    cli_progress_end(&progress);
    if (status != BYOL_OK) return status;
    json_t *queries = json_array();
    for (size_t q = 0; q < s->query.count; q++) json_array_append_new(queries, show_query(s, q, k));
    s->result = json_pack("{s:I, s:o}", "count", (json_int_t)s->bank.count, "queries", queries);
    return BYOL_OK;
}

/* ---- Duplicates ---- */

static json_t *show_pair(const session *s, const byol_similar_pair *pair) {
    char first[32], second[32];
    const char *a = name_of(&s->bank, pair->first, first),
               *b = name_of(&s->bank, pair->second, second);
    char **texts = s->bank.texts;
    if (cli_tables() != NULL)
        fprintf(cli_tables(), "  %8u  %8u  %.6f  %s  %s\n", pair->first, pair->second,
                (double)pair->similarity, a, b);
    if (cli_tables() != NULL && texts != NULL)
        fprintf(cli_tables(), "%12s%s\n%12s%s\n", "", texts[pair->first], "", texts[pair->second]);
    json_t *object = json_pack("{s:[I, I], s:f, s:[o, o]}", "rows", (json_int_t)pair->first,
                               (json_int_t)pair->second, "similarity", (double)pair->similarity,
                               "paths", cli_text(a), cli_text(b));
    if (texts != NULL)
        json_object_set_new(
            object, "texts",
            json_pack("[o, o]", cli_text(texts[pair->first]), cli_text(texts[pair->second])));
    return object;
}

static byol_status find_duplicates(session *s, byol_error *error) {
    uint64_t total = 0;
    s->pairs = calloc(PAIRS_MAX, sizeof *s->pairs);
    if (s->pairs == NULL) return BYOL_ERROR_MEMORY;
    cli_progress progress;
    cli_progress_begin(&progress, "comparing", samples_of(s));
    byol_status status = byol_search_duplicates(
        s->bank.values, s->bank.count, s->bank.dimension, s->args->above, PAIRS_MAX,
        s->args->threads, s->pairs, &total, cli_progress_hook, &progress, error);
    cli_progress_end(&progress);
    if (status != BYOL_OK) return status;
    json_t *list = json_array();
    for (size_t i = 0; i < total && i < PAIRS_MAX; i++)
        json_array_append_new(list, show_pair(s, &s->pairs[i]));
    char number[32];
    if (cli_tables() != NULL)
        fprintf(cli_tables(), "%s pairs of a similarity from %g on%s\n", cli_count(number, total),
                (double)s->args->above, total > PAIRS_MAX ? "; the first 1,000 are shown" : "");
    s->result = json_pack("{s:I, s:I, s:f, s:o}", "count", (json_int_t)s->bank.count, "total",
                          (json_int_t)total, "above", (double)s->args->above, "pairs", list);
    return BYOL_OK;
}

int cmd_search(int argc, char **argv) {
    arguments args = {.k = DEFAULT_K, .above = 0.98f};
    if (!cli_parse(&parser, argc, argv, &args)) return EXIT_DONE;
    cli_catch_interrupts();
    session s = {.args = &args};
    byol_error error = {"no memory"};
    byol_status status = open_bank(&s, &error);
    if (status == BYOL_OK)
        status = args.duplicates ? find_duplicates(&s, &error) : find_nearest(&s, &error);
    byol_encoder_free(s.encoder);
    cli_vectors_release(&s.bank);
    cli_vectors_release(&s.query);
    free(s.found);
    free(s.pairs);
    return cli_conclude(status, s.result, &error);
}
