/* How many threads, and where they may run. */
#ifndef BYOL__THREADS_H
#define BYOL__THREADS_H

/* Processors that the process may use: its affinity, also where OpenMP has bound the calling thread
 * to one of them (OMP_PROC_BIND), which makes the thread's own affinity say 1. */
int byol__processors(void);

/* The number of threads of parallel regions, for as long as a function of the library works:
 * `count` is what it got, and `callers` what it gives back. */
typedef struct byol__threads {
    int count, callers;
} byol__threads;

/* `wanted` 0: every processor that the process may use. */
byol__threads byol__threads_begin(int wanted);
void byol__threads_end(byol__threads threads);

/* For a thread of our own: it may run on all of these. It begins with the affinity of the thread
 * that made it, and bound beside that one it would take its time. */
void byol__unbind_thread(void);

#endif
