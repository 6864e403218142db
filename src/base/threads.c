#include "base/threads.h"

#include <pthread.h>
#include <sched.h>

#include <omp.h>

int byol__processors(void) { return omp_get_num_procs(); }

/* OpenMP binds threads to its places. Without binding there are no places and nothing to undo. */
void byol__unbind_thread(void) {
    cpu_set_t set;
    CPU_ZERO(&set);
    for (int place = 0; place < omp_get_num_places(); place++) {
        int ids[CPU_SETSIZE], count = omp_get_place_num_procs(place);
        if (count > CPU_SETSIZE) return; /* then it stays where it is */
        omp_get_place_proc_ids(place, ids);
        for (int i = 0; i < count; i++) CPU_SET((size_t)ids[i], &set);
    }
    if (CPU_COUNT(&set) > 0) pthread_setaffinity_np(pthread_self(), sizeof set, &set);
}

byol__threads byol__threads_begin(int wanted) {
    byol__threads threads = {.count = wanted > 0 ? wanted : byol__processors(),
                             .callers = omp_get_max_threads()};
    omp_set_num_threads(threads.count);
    return threads;
}

void byol__threads_end(byol__threads threads) { omp_set_num_threads(threads.callers); }
