/* The layout of a snapshot's parts in bytes, for those that write and read them. */
#ifndef FRONTEND_STATE_FORMAT_INT_H
#define FRONTEND_STATE_FORMAT_INT_H

#include "devices/core/bits.h"
#include "frontend/state/format.h"

#include <zlib.h>

#define SF_MAGIC "DRGMSNAP"
#define SF_END   "DRGMTAIL"

/* Header: magic, then */
enum {
    H_VERSION = 8,
    H_LENGTH = 12,
    H_FEATURES = 16,
    H_COMPATIBLE = 24,
    H_CPU = 32,
    H_CONFIG = 40,
    H_ICOUNT = 48,
    H_CLOCK = 56,
    H_MACHINE = 64,
    H_SECTIONS = 96,
    H_CRC = 124, /* of what is in front of it */
};
/* Section: */
enum {
    S_MAGIC = 0,
    S_VERSION = 4,
    S_NAME = 8,
    S_INSTANCE = S_NAME + SF_NAME,
    S_LENGTH = S_INSTANCE + SF_INSTANCE,
    S_CRC = 80, /* of the payload; SF_EXTENTS: of the headers of extents */
    S_FLAGS = 84,
    S_HEADER_CRC = 92,
    SECTION_MAGIC = 0x54434553,
};
/* Extent; the bytes follow. One of no bytes ends the section. */
enum { E_OFF = 0, E_BYTES = 8, E_PACK = 12, E_STORED = 16, E_CRC = 20, E_HEADER_CRC = 28 };
/* In front of the table of a section that can be mapped: */
enum {
    P_SIZE = 0,
    P_DATA = 8, /* where in the payload the memory begins */
    P_CHUNK = 16,
    P_COUNT = 20,
    P_ENTRY = 8,
    P_ALIGN = 65536, /* of the memory in the file: the largest pages of hosts that map it */
};
/* Trailer: magic, */
enum {
    T_LENGTH = 8,
    T_SECTIONS = 16,
    T_HASH = 20 /* of header and headers of sections */,
    T_CRC = 28
};

/* format_write.c, for other kinds of sections. */
void sf_section_begin(struct sf_writer *w, const char *name, const char *instance, u32 version,
                      u32 flags);
void sf_section_end(struct sf_writer *w, u32 crc);
void sf_append(struct sf_writer *w, const void *data, size_t n);
/* n bytes that have their place in the file, and are zero where nothing is written; the place. */
u64 sf_reserve(struct sf_writer *w, u64 n);
void sf_write_at(struct sf_writer *w, u64 at, const void *data, size_t n);
/* format_read.c: n bytes of the file; a sentence about the section that is damaged. */
bool sf_read_at(struct state_io *io, u64 at, void *buf, size_t n, const char *what,
                struct err *err);
bool sf_bad(const struct sf_reader *r, const struct sf_section *s, const char *what,
            struct err *err);

static inline u32 sf_crc_of(const void *data, size_t n)
{
    return (u32)crc32_z(0, data, n);
}

#endif
