#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

#include "cli.h"

static const int asked_to_stop[] = {SIGINT, SIGTERM};
enum { SIGNALS = sizeof asked_to_stop / sizeof *asked_to_stop };

static atomic_int caught, interrupted;

/* The signals of asked_to_stop that were not ignored when the program started. */
static void make_set(sigset_t *set) {
    sigemptyset(set);
    for (int i = 0; i < SIGNALS; i++) {
        struct sigaction now;
        if (sigaction(asked_to_stop[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
            sigaddset(set, asked_to_stop[i]);
    }
}

/* Ends the program as the signal does when nobody waits for it. */
static void end_by(int signal_number, const sigset_t *set) {
    pthread_sigmask(SIG_UNBLOCK, set, NULL);
    raise(signal_number);
}

static void *wait_for_signals(void *context) {
    (void)context;
    sigset_t set;
    make_set(&set);
    for (;;) {
        int signal_number;
        if (sigwait(&set, &signal_number) != 0) continue;
        if (!atomic_load(&caught) || atomic_exchange(&interrupted, 1)) end_by(signal_number, &set);
    }
    return NULL;
}

void cli_await_interrupts(void) {
    pthread_t thread;
    sigset_t set;
    make_set(&set);
    pthread_sigmask(SIG_BLOCK, &set, NULL);
    if (pthread_create(&thread, NULL, wait_for_signals, NULL) == 0) {
        pthread_detach(thread);
        return;
    }
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
    cli_warn("no thread can be started to wait for Ctrl-C: it will end the program at once, "
             "without a checkpoint");
}

void cli_catch_interrupts(void) { atomic_store(&caught, 1); }

int cli_interrupted(void) { return atomic_load(&interrupted); }
