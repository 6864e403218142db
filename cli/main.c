/* byol: one program, a table of commands. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <omp.h>

#include "byol/version.h"
#include "cli.h"

/* A group's name stands before its first command. */
const cli_command cli_commands[] = {
    {"data", cmd_data, "tell what a source of images, texts or sounds holds", "Data"},
    {"views", cmd_views, "make a picture of what training will see", NULL},
    {"pack", cmd_pack, "pack images into tar shards that read fast", NULL},
    {"tokenizer", cmd_tokenizer, "learn a vocabulary of texts (tokenizer.json)", NULL},
    {"pretrain", cmd_pretrain, "train an encoder on images, texts or sounds without labels",
     "Training"},
    {"finetune", cmd_finetune, "train an encoder and a classifier on few or all labels", NULL},
    {"segment", cmd_segment, "name the class of each pixel, by masks to learn from", NULL},
    {"detect", cmd_detect, "find objects, by boxes to learn from", NULL},
    {"knn", cmd_knn, "what an encoder is worth: nearest neighbours", "Measuring"},
    {"linear", cmd_linear, "what an encoder is worth: a linear classifier", NULL},
    {"verify", cmd_verify, "what it is worth: whether two pictures show the same person", NULL},
    {"embed", cmd_embed, "turn images, texts or sounds into vectors (.npy)", "Using"},
    {"search", cmd_search, "find similar pictures or texts, and near-duplicates", NULL},
    {"predict", cmd_predict, "name the class of images, texts or sounds", NULL},
    {"explain", cmd_explain, "show which part of a picture an answer hangs on", NULL},
    {"export", cmd_export, "write an encoder for PyTorch (.safetensors) or ONNX", NULL},
    {"report", cmd_report, "write a page that shows a run, or compares several", "Looking into it"},
    {"info", cmd_info, "print a network layer by layer, with its costs", NULL},
    {"bench", cmd_bench, "measure training steps, views, or the machine", NULL},
    {"options", cmd_options, "print the table of configuration options", NULL},
    {0},
};
enum { COMMANDS = sizeof cli_commands / sizeof cli_commands[0] - 1 };

BYOL_API const char *argp_program_version /* visible: the C library reads it */ =
    "byol " BYOL_VERSION;

static void print_help(FILE *stream) {
    fputs("Usage: byol COMMAND [ARGUMENT...]\n\n"
          "Learns representations of images, texts and sounds without labels (BYOL), on "
          "the "
          "CPU.\n\nCommands:\n",
          stream);
    for (int i = 0; i < COMMANDS; i++) {
        if (cli_commands[i].group != NULL) fprintf(stream, " %s\n", cli_commands[i].group);
        fprintf(stream, "  %-10s %s\n", cli_commands[i].name, cli_commands[i].help);
    }
    fputs("\n'byol COMMAND --help' explains a command. 'byol --version' prints the version.\n\n"
          "Example:\n"
          "  byol pretrain --data fashion-mnist:train --width 16 --epochs 5 --out runs/first\n"
          "  byol knn runs/first\n",
          stream);
}

/* The length of the common prefix of two words. */
static size_t shared_front(const char *a, const char *b) {
    size_t length = 0;
    while (a[length] != '\0' && a[length] == b[length]) length++;
    return length;
}

static int unknown(const char *word) {
    int nearest = 0;
    for (int i = 1; i < COMMANDS; i++)
        if (shared_front(word, cli_commands[i].name) >
            shared_front(word, cli_commands[nearest].name))
            nearest = i;
    if (shared_front(word, cli_commands[nearest].name) >= 2)
        return cli_usage("there is no command '%s'; did you mean '%s'? 'byol --help' lists them",
                         word, cli_commands[nearest].name);
    return cli_usage("there is no command '%s'; 'byol --help' lists them", word);
}

static int run_command(const cli_command *command, int argc, char **argv) {
    char name[64];
    snprintf(name, sizeof name, "byol %s", command->name);
    argv[0] = name; /* what argp calls the program in its messages */
    cli_await_interrupts();
    return command->run(argc, argv);
}

/* libgomp's threads spin while they wait for each other. One busy neighbour on the machine then
 * costs a factor of ten, because a spinning thread holds the processor that the awaited thread
 * needs. Waiting threads that sleep cost next to nothing here. libgomp reads its settings before
 * main runs, so the program sets them and starts itself once more; a user's own setting stays.
 *
 * The program does not do so if the user binds threads to processors (OMP_PROC_BIND, OMP_PLACES).
 * This thread is then bound already, and a restarted program would see only one processor. Whoever
 * places threads has the machine to himself. */
static void let_waiting_threads_sleep(char **argv) {
    if (getenv("OMP_WAIT_POLICY") != NULL || getenv("GOMP_SPINCOUNT") != NULL) return;
    if (omp_get_proc_bind() != omp_proc_bind_false) return;
    if (setenv("OMP_WAIT_POLICY", "passive", 1) == 0)
        execv("/proc/self/exe", argv); /* failing is fine: as before */
}

int main(int argc, char **argv) {
    let_waiting_threads_sleep(argv);
    argp_err_exit_status = EXIT_USAGE;
    if (argc < 2) {
        print_help(stderr);
        return EXIT_USAGE;
    }
    const char *word = argv[1];
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0) {
        print_help(stdout);
        return EXIT_DONE;
    }
    if (strcmp(word, "--version") == 0 || strcmp(word, "-V") == 0) {
        puts(argp_program_version);
        return EXIT_DONE;
    }
    if (strcmp(word, "--help-options") == 0) word = "options";
    for (int i = 0; i < COMMANDS; i++)
        if (strcmp(word, cli_commands[i].name) == 0)
            return run_command(&cli_commands[i], argc - 1, argv + 1);
    return unknown(word);
}
