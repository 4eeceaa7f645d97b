/* What lab 11 asks for: look through the log of a recorded run for damage.
 *
 * The log (numbers are little-endian): a header of 96 bytes whose last four are the CRC-32 of the 92
 * in front of them; at byte 24 of it is the instruction at which the log begins (8 bytes). Then
 * records, one behind the other:
 *     kind (1) port (1) zero (2) length of the payload (4) instruction (8) time (8)
 *     the payload
 *     CRC-32 of the 24 bytes and the payload (4)
 * A payload has at most 2^20 bytes, a kind is below 12, and instructions never go back. */
#ifndef DOCS_LABS_11_REPLAY_LOGCHECK_H
#define DOCS_LABS_11_REPLAY_LOGCHECK_H

#include "devices/core/types.h"

enum { LOG_HEADER = 96, LOG_HEAD = 24, LOG_KINDS = 12, LOG_PAYLOAD = 1 << 20 };

struct verdict {
    bool sound;   /* header and all records are right, and the file ends behind one */
    u32 records;  /* sound ones, up to the first that is not */
    u64 at;       /* where in the file the first damaged record begins; sound: the file's end */
    u64 last;     /* instruction of the last sound record; none: where the log begins */
};

/* Look at a log of n bytes, which anybody may have written. A damaged header: all is 0 and not
 * sound. */
struct verdict log_check(const u8 *log, size_t n);

#endif
