/* Demonstrates virtual memory: two addresses for one page, and memory that appears when it is
 * touched. */
#ifndef ROMS_DEMO_PAGING_H
#define ROMS_DEMO_PAGING_H

#include "devices/core/types.h"

struct paging_result {
    bool alias;        /* what was written at one address was read at the other */
    bool accessed;     /* the processor marked the page as used and written */
    bool read_only;    /* a write to a read-only page was refused with error code 3 */
    bool demand;       /* a missing page was supplied by the fault handler and the access went on */
    u32 fault_address; /* what CR2 said about the missing page */
    u32 fault_error;   /* and the error code */
};

/* Run the demonstration; paging is off again afterwards. */
void paging_demo(struct paging_result *out);

#endif
