/* The inside of recording and replaying: replay.c (the log and the machine), ports.c (what lies
 * between devices and the host's ends). */
#ifndef FRONTEND_REPLAY_REPLAY_INT_H
#define FRONTEND_REPLAY_REPLAY_INT_H

#include "frontend/replay/log.h"
#include "frontend/replay/replay.h"
#include "frontend/vm.h"

enum { RR_SOUNDS = 1 + PC_MAX_ADDONS, RR_VOICES = 16 };
enum { RR_CHRS = PC_SERIALS + 1 + PC_MAX_ADDONS, RR_INBOX = 4096, RR_FRAMES = 256 };

/* Something from outside that has not entered yet. */
struct rr_pending {
    struct rr_pending *next;
    u8 kind, port;
    u32 n, at; /* at: bytes of it that entered already */
    u8 data[];
};

/* The device has `dev`, the host's end is `host`. */
struct rr_chr {
    struct chr dev, *host;
    struct replay *rp;
    u8 index;
    size_t waiting;
};
struct rr_net {
    struct net dev, *host;
    struct replay *rp;
    u8 index;
    unsigned waiting;
};
struct rr_share {
    struct share dev, *host;
    struct replay *rp;
    u8 index;
};

struct rr_voice {
    struct audio_voice dev, *host;
    struct replay *rp;
};
struct rr_sound {
    struct audio_out dev, *host;
    struct replay *rp;
    struct rr_voice voice[RR_VOICES];
    unsigned n;
};

struct replay {
    struct vm *vm;
    enum rr_mode mode;
    bool started, failed, done; /* done: replayed to the end */
    bool paused;                /* a debugger was told of the end */
    /* seek.c. past: the machine runs again what it did already, with `mode` RR_REPLAY; muted:
     * nothing that it does is to be heard; temp: the log is for this process only */
    bool past, muted, temp;
    enum rr_mode live;        /* the mode when not past */
    u64 end_icount, end_clock; /* past: how far it may go */
    char why[320];             /* past: in what the run differs from the first time */
    struct rr_head head;
    struct rr_writer out;
    struct rr_reader events, data;
    u64 events_out, data_out; /* records written that the one or the other reader gives */
    struct rr_pending *first, **last;
    struct rr_chr chr[RR_CHRS];
    struct rr_net net[PC_MAX_ADDONS];
    struct rr_share share[PC_MAX_ADDONS];
    struct rr_sound sound[RR_SOUNDS];
    struct entropy entropy, *host_entropy;
    struct input_sink keyboard; /* the devices' */
    struct mouse_sink mouse;
    struct tablet_sink tablet;
    struct balloon_sink balloon;
    u64 digested; /* instruction of the last digest */
    u8 *scratch;
};

/* Recording: it waits until replay_point. */
void rr_queue(struct replay *rp, u8 kind, u8 port, const void *data, u32 n);
/* Recording: write `n` bytes given inside of an instruction; replaying: give those of the log. */
void rr_inside(struct replay *rp, u8 port, void *data, u32 *n, u32 room);
/* The machine is another one than the recorded: say where, and stop. */
void rr_differs(struct replay *rp, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* digest.c: 32 bits of n bytes, after others whose digest is `seed`. */
u32 rr_digest(u32 seed, const u8 *p, u64 n);
/* given.c: firmware and ROMs (low half), kernel, initrd, command line and fw_cfg files (high). */
u64 rr_given(const struct pc_config *cfg);
/* Is this a command of the monitor that a log can have? */
bool rr_is_recorded(const char *name);

/* ports.c */
/* Let `kind` enter the machine, or as much of it as the device takes: how many bytes of `n`; ~0:
 * not now. Recording. */
u32 rr_room(struct replay *rp, const struct rr_pending *p);
/* It enters, all of it. */
void rr_enter(struct replay *rp, u8 kind, u8 port, const u8 *data, u32 n);
/* What was waiting has entered: the host's end may go on. */
void rr_entered(struct replay *rp, u8 kind, u8 port, u32 n);
void rr_wrap_sinks(struct replay *rp);

/* sound.c: the same for sound, which only goes out. */
struct audio_out *rr_wrap_sound(struct replay *rp, unsigned index, struct audio_out *host);

/* seek.c */
/* Is what the machine gives to the host to be dropped? It was given before. */
static inline bool rr_quiet(const struct replay *rp)
{
    return rp->past || rp->muted;
}
/* Begin the log of a recording; for -icount reverse= open it for reading, too. */
bool rr_begin(struct replay *rp, struct err *err);

#endif
