/* How many threads, and where they may run. */
#ifndef BYOL__THREADS_H
#define BYOL__THREADS_H

/* The number of processors that the process may use, by its affinity. This holds even if OpenMP has
 * bound the calling thread to one of them (OMP_PROC_BIND), so that the thread's own affinity says
 * 1. */
int byol__processors(void);

/* The number of threads of parallel regions while a library function runs. `count` is the
 * function's number; `callers` is the caller's, which is restored at the end. */
typedef struct byol__threads {
    int count, callers;
} byol__threads;

/* `wanted` 0: every processor that the process may use. */
byol__threads byol__threads_begin(int wanted);
void byol__threads_end(byol__threads threads);

/* For a thread that the library creates: lets it run on all of these processors. It begins with its
 * creator's affinity. Bound to the same processor, it would take time from the creator. */
void byol__unbind_thread(void);

#endif
