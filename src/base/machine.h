/* The machine that this runs on, described for people, and what of its memory was used. */
#ifndef BYOL__MACHINE_H
#define BYOL__MACHINE_H

#include <stdint.h>

typedef struct byol__machine {
    char processor[128];   /* "Intel(R) Xeon(R) ..."; "unknown" where the system does not say */
    int processors;        /* that the process may use */
    uint64_t memory_bytes; /* of the whole machine */
    char system[128];      /* "Debian GNU/Linux 12 (bookworm), x86_64" */
} byol__machine;

void byol__machine_describe(byol__machine *machine);

/* The most bytes that this process has had in memory. */
uint64_t byol__peak_memory(void);

#endif
