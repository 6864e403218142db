/* The machine that this runs on, described for people. */
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

#endif
