/* The host behind a device: blocks, characters, packets, pictures, sound and input as small
 * interfaces that devices call and frontends implement. Everything runs on the machine's one
 * thread; host input enters between instructions. */
#ifndef DEVICES_CORE_PORTS_H
#define DEVICES_CORE_PORTS_H

#include "devices/core/types.h"

/* ---- block devices ---- */
enum blk_op { BLK_READ, BLK_WRITE, BLK_FLUSH, BLK_DISCARD };
enum { BLK_OPS = BLK_DISCARD + 1 };
struct blk_req {
    enum blk_op op;
    u64 off; /* bytes */
    size_t len;
    void *buf;  /* stays valid until done */
    int status; /* 0 or a positive errno */
    /* called later from the event queue, never inside blk_submit */
    void (*done)(struct blk_req *req);
    void *arg;
    struct blk_req *next; /* the backend's */
};
struct blk;
struct blk_ops {
    void (*submit)(struct blk *blk, struct blk_req *req);
    /* after return, done is not called and buf is not touched */
    void (*cancel)(struct blk *blk, struct blk_req *req);
};
struct blk {
    const struct blk_ops *ops;
    u64 size; /* bytes; 0: no medium */
    bool read_only, removable, cdrom;
    bool discard; /* what is discarded is given back to the host, not only forgotten */
    bool inserted, locked, tray_open;
    u32 media_gen;              /* counts media changes */
    u32 requests;               /* counted by blk_submit, for whoever shows activity */
    u64 ops_of[BLK_OPS], bytes_of[BLK_OPS]; /* the same by kind */
    void (*changed)(void *arg); /* the medium was changed or ejected; set by the device */
    void *changed_arg;
};
static inline void blk_submit(struct blk *blk, struct blk_req *req)
{
    blk->requests++;
    blk->ops_of[req->op]++;
    blk->bytes_of[req->op] += req->len;
    blk->ops->submit(blk, req);
}
static inline void blk_cancel(struct blk *blk, struct blk_req *req)
{
    blk->ops->cancel(blk, req);
}

/* ---- characters: a UART on one side, a terminal, file or socket on the other ---- */
struct chr;
struct chr_ops {
    /* device to host; the host buffers or drops, never blocks */
    void (*write)(struct chr *chr, const u8 *data, size_t n);
    /* the device's modem control lines; may be NULL */
    void (*lines)(struct chr *chr, bool dtr, bool rts);
};
struct chr {
    const struct chr_ops *ops;
    /* set by the device: how many bytes it can take now, taking them, break or (dis)connect */
    size_t (*can_take)(void *arg);
    void (*take)(void *arg, const u8 *data, size_t n);
    void (*event)(void *arg, int event);
    void *arg;
    void (*ready)(struct chr *chr); /* set by the host: the device has room again; may be NULL */
};
enum { CHR_BREAK = 1, CHR_OPENED, CHR_CLOSED };
static inline void chr_write(struct chr *chr, const u8 *data, size_t n)
{
    if (chr && chr->ops)
        chr->ops->write(chr, data, n);
}

/* ---- network ---- */
struct net;
struct net_ops {
    void (*send)(struct net *net, const u8 *frame, size_t n); /* device to host */
};
struct net {
    const struct net_ops *ops;
    bool (*can_take)(void *arg);
    void (*take)(void *arg, const u8 *frame, size_t n); /* host to device */
    /* set by the device: the cable is put in or pulled out, and nothing passes while it is out; is it in? */
    void (*set_link)(void *arg, bool up);
    bool (*link)(void *arg);
    void *arg;
    /* set by the host: the device can take frames again, which come later; may be NULL */
    void (*ready)(struct net *net);
    u32 max_frame; /* the largest frame that the host takes at once; 0: 1514 bytes */
};

/* ---- display: the frontend pulls a picture ---- */
struct surface {
    u32 *pixels;      /* 0x00RRGGBB, owned by the display device, stable until the next update */
    u32 w, h, stride; /* pixels */
    u32 dirty_y0, dirty_y1; /* rows that changed since the last update (y0 == y1: none) */
    u32 gen;                /* counts size changes */
};
struct text_screen {
    u32 cols, rows;
    u32 cursor_x, cursor_y;
    bool cursor_on;
    u16 cells[100 * 160]; /* char | attribute << 8, row by row */
};
struct display {
    void *dev;
    /* Render what changed and return the surface; called at the frontend's frame rate. */
    const struct surface *(*update)(void *dev, bool full);
    /* The text screen when a text mode is on; false in graphic modes. */
    bool (*text)(void *dev, struct text_screen *out);
};

/* ---- input: the frontend pushes events ---- */
struct input_sink {
    void *dev;
    /* `key` is a PS/2 set-1 code: 0x01..0x58, or 0xe000|code for extended keys; 0xe11d for Pause,
     * 0xe037 PrintScreen. */
    void (*key)(void *dev, u16 key, bool down);
};
struct mouse_sink {
    void *dev;
    /* buttons: 1 left, 2 right, 4 middle */
    void (*move)(void *dev, int dx, int dy, int dz, u32 buttons);
};
/* A pointer that is told where it is, not how far it went: tablets. */
struct tablet_sink {
    void *dev;
    /* x and y: 0 to 32767 over the whole picture; dz: steps of the wheel; buttons as above */
    void (*point)(void *dev, u32 x, u32 y, int dz, u32 buttons);
    /* Does the guest listen to it? May be NULL: always. */
    bool (*wanted)(void *dev);
};

/* ---- random numbers ---- */
struct entropy {
    void (*fill)(void *arg, void *buf, size_t n);
    void *arg;
};

/* ---- memory given back: a device that asks the guest for pages ---- */
struct balloon_info {
    u64 target, actual; /* bytes that the guest is left with: as asked, and as it is */
    bool driver;        /* the guest has a driver for it */
    s64 stat[10];       /* what the guest says (balloon.h); -1: nothing */
};
struct balloon_sink {
    void *dev;
    /* Ask that the guest be left with `bytes`. */
    void (*set)(void *dev, u64 bytes);
    void (*info)(void *dev, struct balloon_info *info);
};

/* ---- shared folders: messages of 9P2000.L ---- */
struct share;
struct share_ops {
    /* Answer the message of n bytes; the answer, at most `room` bytes, goes to `out`. Gives its
     * length; 0: there is none. */
    size_t (*serve)(struct share *share, const u8 *msg, size_t n, u8 *out, size_t room);
    /* The guest began anew: close what it has open. */
    void (*reset)(struct share *share);
};
struct share {
    const struct share_ops *ops;
};

/* ---- sound ---- */
/* One source of sound of a device. */
struct audio_voice {
    /* `frames` pairs left, right at `rate` Hz, the first of them heard at virtual time `when` (ns). A
     * chunk whose time is where the last one ended goes on with it. */
    void (*samples)(struct audio_voice *voice, u64 when, const s16 *stereo, size_t frames,
                    u32 rate);
};
/* Where devices send sound: all voices are mixed. */
struct audio_out {
    /* A new voice, for as long as the machine lives; NULL: there are too many. */
    struct audio_voice *(*voice)(struct audio_out *out, const char *name);
};
static inline struct audio_voice *audio_voice(struct audio_out *out, const char *name)
{
    return out && out->voice ? out->voice(out, name) : NULL;
}
static inline void audio_samples(struct audio_voice *voice, u64 when, const s16 *stereo,
                                 size_t frames, u32 rate)
{
    if (voice)
        voice->samples(voice, when, stereo, frames, rate);
}

#endif
