/* How many threads, and where they may run. */
#ifndef BYOL__THREADS_H
#define BYOL__THREADS_H

/* Processors that the process may use: its affinity, also where OpenMP has bound the calling thread to one of them
 * (OMP_PROC_BIND), which makes the thread's own affinity say 1. */
int byol__processors(void);

/* For a thread of our own: it may run on all of these. It begins with the affinity of the thread that made it, and
 * bound beside that one it would take its time. */
void byol__unbind_thread(void);

#endif
