#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "cli.h"

static const double redraw_seconds = 0.125, line_seconds = 5;
enum { BAR_MAX = 30, LINE_MAX_BYTES = 512 };

double cli_now(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

void cli_progress_begin(cli_progress *progress, const char *what, const char *unit) {
    *progress = (cli_progress){.what = what, .unit = unit, .begin = cli_now()};
    progress->last_drawn = progress->begin;
}

static int terminal_width(void) {
    struct winsize size;
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20 ? size.ws_col : 80;
}

/* "[======>     ]" in the width that the words leave. */
static void make_bar(char *bar, double share, int room) {
    int width = room < BAR_MAX ? room : BAR_MAX, full = (int)(share * (width - 2));
    bar[0] = '\0';
    if (width < 8) return;
    memset(bar, ' ', (size_t)width);
    memset(bar + 1, '=', (size_t)full);
    if (full < width - 2) bar[1 + full] = '>';
    bar[0] = '[';
    bar[width - 1] = ']';
    bar[width] = '\0';
}

static void draw_bar(cli_progress *progress, double share, const char *words) {
    char bar[BAR_MAX + 1], line[LINE_MAX_BYTES];
    int width = terminal_width() - 1; /* a full line would wrap on some terminals */
    int head = (int)strlen(progress->what) + 8;
    make_bar(bar, share, width - head - (int)strlen(words));
    snprintf(line, sizeof line, "%s %s %3.0f%%  %s", progress->what, bar, share * 100, words);
    fprintf(stderr, "\r%.*s\033[K", width, line);
    fflush(stderr);
    progress->drawn = true;
}

void cli_progress_draw(cli_progress *progress, double done, double total, double rate,
                       const char *tail) {
    double now = cli_now();
    double pause = cli_out.terminal ? redraw_seconds : line_seconds;
    if (cli_out.quiet || now - progress->last_drawn < pause || total <= 0) return;
    progress->last_drawn = now;
    double elapsed = now - progress->begin, share = done < total ? done / total : 1;
    if (rate == 0) rate = done / elapsed;
    char words[LINE_MAX_BYTES / 2], speed[64] = "", eta[32];
    if (progress->unit != NULL)
        snprintf(speed, sizeof speed, "%.*f %s/s  ", rate < 10 ? 1 : 0, rate, progress->unit);
    double at_pace = share > 0 ? elapsed / share * (1 - share) : 1e9;
    snprintf(words, sizeof words, "%sETA %s%s%s", speed,
             cli_duration(eta, progress->left > 0 ? progress->left : at_pace),
             *tail != '\0' ? "  " : "", tail);
    if (cli_out.terminal)
        draw_bar(progress, share, words);
    else
        fprintf(stderr, "%s %3.0f%%  %s\n", progress->what, share * 100, words);
}

void cli_progress_end(cli_progress *progress) {
    if (progress->drawn) fputs("\r\033[K", stderr);
    progress->drawn = false;
}

int cli_progress_hook(void *context, uint64_t done, uint64_t total) {
    cli_progress_draw(context, (double)done, (double)total, 0, "");
    return cli_interrupted();
}
