/* The log of a recorded run: a header, then records with the instruction and the virtual time at
 * which something came from outside, each with its check sum. Numbers are little-endian. */
#ifndef FRONTEND_REPLAY_LOG_H
#define FRONTEND_REPLAY_LOG_H

#include "devices/core/err.h"
#include "devices/core/types.h"

#include <stdio.h>

enum { RR_VERSION = 2, RR_HEADER = 96, RR_RECORD_HEAD = 24, RR_MAX_DATA = 1 << 20 };

enum rr_kind {
    RR_END,       /* payload: exit status (4), digest (12) */
    RR_CHR,       /* port: which; payload: bytes for the device */
    RR_CHR_EVENT, /* payload: CHR_BREAK ... (4) */
    RR_NET,       /* port: which; payload: a frame for the device */
    RR_KEY,       /* payload: code (2), down (1) */
    RR_MOUSE,     /* payload: dx, dy, dz, buttons (4 each) */
    RR_TABLET,    /* payload: x, y, dz, buttons (4 each) */
    RR_BALLOON,   /* payload: bytes (8) */
    RR_COMMAND,   /* payload: a line of the monitor that changes the machine */
    RR_SAVED,     /* a snapshot was made: address translations start afresh */
    RR_DIGEST, /* payload: processors (8), devices (4), memory (4); the latter 0: not looked at */
    RR_DATA,   /* port: RR_D_*; payload: what a device was given inside of an instruction */
    RR__KINDS,
};
enum { RR_D_ENTROPY, RR_D_SHARE /* and their number */ };

struct rr_head {
    u64 config;        /* hash of how the machine is built */
    u64 given;         /* what it begins with (rr_given); 0: not noted */
    u64 icount, clock; /* where the log begins */
    u64 seed;
    s64 rtc_base, rtc_zone;
    u32 shift, flags; /* flags: RR_RTC_HOST */
};
enum { RR_RTC_HOST = 1 };

struct rr_record {
    u8 kind, port;
    u32 n;
    u64 icount, clock;
    u8 *data; /* the reader's */
};

/* ---- writing ---- */
struct rr_writer {
    FILE *f;
    u64 at; /* bytes written */
    bool failed;
};
bool rr_create(struct rr_writer *w, const char *path, const struct rr_head *head, struct err *err);
void rr_write(struct rr_writer *w, const struct rr_record *r);
/* What was written can be read by others now. */
void rr_flush(struct rr_writer *w);
/* False: not all is in the file. */
bool rr_finish(struct rr_writer *w);

/* ---- reading: records of some kinds, in order ---- */
struct rr_reader {
    FILE *f;
    u32 kinds;          /* BIT(kind): those that are wanted */
    u64 taken;          /* so many were given */
    struct rr_record r; /* the next one, when `have` */
    bool have, ended;   /* ended: the file is over, or `bad` */
    bool bad;           /* the record behind `at` is damaged */
    u64 at;             /* where the record behind `r` begins */
    u64 begin;          /* where `r` begins */
    u64 last;           /* instruction of the last sound record, of whatever kind */
};
bool rr_open(struct rr_reader *r, const char *path, u32 kinds, struct rr_head *head,
             struct err *err);
/* Look at the next record; NULL: there is none, or it is damaged. */
const struct rr_record *rr_peek(struct rr_reader *r);
void rr_next(struct rr_reader *r);
void rr_close(struct rr_reader *r);

/* A place between two records, for one reader. */
struct rr_place {
    u64 at, taken, last;
};
/* In front of the record that rr_peek gives. */
struct rr_place rr_tell(struct rr_reader *r);
/* Go on reading there; what was written since the end was met is seen. */
void rr_seek(struct rr_reader *r, const struct rr_place *place);

#endif
