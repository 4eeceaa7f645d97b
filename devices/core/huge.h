/* Large tables that are read here and there: memory that the host may back with huge pages, so that
 * a miss in its caches is not one in its TLB as well. */
#ifndef DEVICES_CORE_HUGE_H
#define DEVICES_CORE_HUGE_H

#include "devices/core/types.h"

/* `n` zeroed bytes, given by the host as they are used; NULL: there is no memory. */
void *huge_get(size_t n);
/* Give back what huge_get(n) gave; NULL is nothing. */
void huge_free(void *p, size_t n);

#endif
