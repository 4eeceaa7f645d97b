/* Memory from the host in whole pages, of whatever size it has them. */
#ifndef DEVICES_CORE_HOSTMEM_H
#define DEVICES_CORE_HOSTMEM_H

#include "devices/core/types.h"

/* Pages are this large at least and at most, as far as anything here knows how to deal with. */
enum { HOST_PAGE_MIN = 4096, HOST_PAGE_MAX = 1 << 21 };

/* The size of the host's pages; 0: it names none that can be. The environment's DRAGOMAN_HOST_PAGE
 * pretends another one, for tests: calls that a host with such pages refuses are refused then. */
size_t host_page(void);
/* `n` bytes are so many in whole pages; with a page size that is not known, of the largest. */
size_t host_whole(size_t n);

enum host_access { HOST_NONE, HOST_RW, HOST_RX };

/* Memory that reads as 0 and costs only what is touched, at a multiple of `align` (a power of two;
 * 0: a page), near `wish` if the host can (NULL: anywhere). NULL: there is none, see errno. */
void *host_map(void *wish, size_t size, size_t align, enum host_access access);
void host_unmap(void *p, size_t size);
/* May these pages be read and written, or read and executed? False: the host refuses that. */
bool host_protect(void *p, size_t size, enum host_access access);
/* Pages of memory that can be read and written become `size` bytes at `off` of the file, read when
 * they are touched; what is written stays in memory. All three in whole pages. False: the host
 * refuses that, the memory is as it was. */
bool host_map_file(void *p, size_t size, int fd, u64 off);
/* Does memory want huge pages, or never one? Only a hint. */
void host_huge(void *p, size_t size, bool wanted);
/* Whatever lay there, these pages are memory now that can be written, and 0. */
void host_renew(void *p, size_t size);
/* The contents of two pieces of memory that can be written change places; both at borders of pages.
 * `pieces`: parts of one of them are files, and the host could not move it as a whole. */
void host_exchange(void *a, void *b, size_t size, bool pieces);
/* These bytes of memory that can be written become 0; the host takes back the whole pages among
 * them. */
void host_drop(void *p, size_t size);

#endif
