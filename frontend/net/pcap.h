/* What passes a network, written as a pcap file. */
#ifndef FRONTEND_NET_PCAP_H
#define FRONTEND_NET_PCAP_H

#include "devices/core/err.h"
#include "devices/core/types.h"

struct pcap;

/* Frames are cut to max_len bytes; their times are `base` (ns since 1970) plus virtual time. NULL
 * with *err. */
struct pcap *pcap_open(const char *path, u32 max_len, u64 base, struct err *err);
void pcap_write(struct pcap *p, u64 now, const u8 *frame, size_t n);
void pcap_close(struct pcap *p); /* NULL is fine */

#endif
