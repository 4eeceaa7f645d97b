/* VMware's backdoor port with its absolute pointer: a guest's driver asks for the pointer's place by
 * reading a port with a question in its registers. */
#ifndef DEVICES_INPUT_VMMOUSE_H
#define DEVICES_INPUT_VMMOUSE_H

#include "devices/core/dev.h"
#include "devices/core/ports.h"
#include "mmu/bus.h"

enum { VMMOUSE_QUEUE = 256 };

/* The registers that question and answer are in. */
enum vmmouse_reg { VMMOUSE_EAX, VMMOUSE_EBX, VMMOUSE_ECX, VMMOUSE_EDX, VMMOUSE_REGS };

/* What the board gives before dev_start. */
struct vmmouse_wiring {
    /* a general register of the processor that reads the port, and a new value of its lower half,
     * the upper one becoming 0 */
    u32 (*get)(void *arg, enum vmmouse_reg reg);
    void (*set)(void *arg, enum vmmouse_reg reg, u32 v);
    void *arg;
    /* that reports have come is told by a movement of the PS/2 mouse; may be empty */
    struct mouse_sink nudge;
    u64 ram_size; /* for those who ask */
};

struct vmmouse_regs {
    u32 head, len; /* of the words for the guest */
    u32 queue[VMMOUSE_QUEUE];
    u32 enabled;  /* 1: the guest asked who is there */
    u32 absolute; /* 1: ... and for places */
    u32 error;    /* a wrong question was asked: the status says so until it is asked anew */
    u32 last_x, last_y, last_buttons;
};

struct vmmouse {
    struct dev dev;
    struct vmmouse_regs r;
    struct vmmouse_wiring wiring;
    struct region io;
    bool left; /* the direction of the last nudge */
};

extern const struct dev_class vmmouse_class;

struct tablet_sink vmmouse_sink(struct vmmouse *m);

#endif
