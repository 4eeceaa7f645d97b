/* Inside the VNC server: its state, and what picture and input share. */
#ifndef FRONTEND_VNC_VNC_INT_H
#define FRONTEND_VNC_VNC_INT_H

#include "frontend/vnc/vnc.h"
#include "frontend/vm.h"

#include <rfb/rfb.h>

enum { VNC_LISTENERS = 4, VNC_CLIP = 64 * 1024, VNC_PASSWORD = 8 };

struct vnc_listener {
    struct vnc *vnc;
    struct loop_src src; /* fd -1: not in use */
    u32 port;
    bool websocket;
};

/* A connected client. */
struct vnc_client {
    struct vnc *vnc;
    struct loop_src src;
    rfbClientPtr rfb; /* NULL: this place is free */
    u32 buttons;
    bool let_in;          /* VNC_INITIALIZED was told */
    struct vnc_peer peer;
};

struct vnc {
    struct vm *vm;
    rfbScreenInfoPtr rfb;
    struct screen_view view;
    u32 *pixels; /* the picture that clients have: w * h */
    u32 w, h;
    struct vnc_listener listener[VNC_LISTENERS];
    struct vnc_client client[VNC_CLIENTS];
    unsigned nclients;
    struct loop_timer frame;
    u32 display; /* the number that was free */
    bool need_password;
    char password[VNC_PASSWORD + 1]; /* "": none set, nobody is let in */
    s64 expires;                     /* s since 1970; 0: never */
    char *clip;                      /* what a client cut last */
    size_t clip_len;
};

/* vnc_input.c: keys, pointer and clipboard of clients; set up on the screen. */
void vnc_input_init(struct vnc *v);

#endif
