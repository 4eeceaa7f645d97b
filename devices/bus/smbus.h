/* The SMBus host registers of the PIIX4 (82371AB data sheet chapter 11.5.3): a bus with nothing on
 * it. */
#ifndef DEVICES_BUS_SMBUS_H
#define DEVICES_BUS_SMBUS_H

#include "devices/core/types.h"

enum { SMBUS_PORTS = 16 };

/* Saved as raw bytes: bytes only, so that no byte order enters. */
struct smbus_regs {
    u8 sts, ctl, cmd, addr, data0, data1, index, slv_ctl;
    u8 block[32];
    u8 slv_cmd, slv_evt[2], pad[5];
};

u8 smbus_read(struct smbus_regs *r, unsigned off);
void smbus_write(struct smbus_regs *r, unsigned off, u8 v);
/* Make restored registers safe. */
void smbus_loaded(struct smbus_regs *r);

#endif
