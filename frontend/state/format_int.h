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
/* Trailer: magic, */
enum {
    T_LENGTH = 8,
    T_SECTIONS = 16,
    T_HASH = 20 /* of header and headers of sections */,
    T_CRC = 28
};

static inline u32 sf_crc_of(const void *data, size_t n)
{
    return (u32)crc32_z(0, data, n);
}

#endif
