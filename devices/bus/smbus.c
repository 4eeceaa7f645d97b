/* SMBus host of the PIIX4: every transaction ends with "no device answered" (82371AB data sheet
 * chapter 11.5.3). */
#include "devices/bus/smbus.h"

enum {
    HST_STS, SLV_STS, HST_CNT, HST_CMD, HST_ADD, HST_DAT0, HST_DAT1, BLK_DAT, SLV_CNT, SLV_CMD, SLV_EVT
};
enum { STS_INTR = 2, STS_DEV_ERR = 4, STS_CLEARABLE = 0x1e, CNT_KILL = 2, CNT_START = 0x40 };

u8 smbus_read(struct smbus_regs *r, unsigned off)
{
    switch (off) {
    case HST_STS: return r->sts;
    case HST_CNT:
        r->index = 0; /* reading the control register rewinds the block buffer */
        return r->ctl & 0x1f;
    case HST_CMD: return r->cmd;
    case HST_ADD: return r->addr;
    case HST_DAT0: return r->data0;
    case HST_DAT1: return r->data1;
    case BLK_DAT: {
        u8 v = r->block[r->index & 31];

        r->index = (r->index + 1) & 31;
        return v;
    }
    case SLV_CNT: return r->slv_ctl;
    case SLV_CMD: return r->slv_cmd;
    case SLV_EVT:
    case SLV_EVT + 1: return r->slv_evt[off - SLV_EVT];
    default: return 0;
    }
}

void smbus_write(struct smbus_regs *r, unsigned off, u8 v)
{
    switch (off) {
    case HST_STS: r->sts = (u8)(r->sts & ~(v & STS_CLEARABLE)); break;
    case HST_CNT:
        r->ctl = v & 0x1f;
        if (v & CNT_START)
            r->sts |= STS_DEV_ERR;
        break;
    case HST_CMD: r->cmd = v; break;
    case HST_ADD: r->addr = v; break;
    case HST_DAT0: r->data0 = v; break;
    case HST_DAT1: r->data1 = v; break;
    case BLK_DAT:
        r->block[r->index & 31] = v;
        r->index = (r->index + 1) & 31;
        break;
    case SLV_CNT: r->slv_ctl = v & 15; break;
    case SLV_CMD: r->slv_cmd = v; break;
    case SLV_EVT:
    case SLV_EVT + 1: r->slv_evt[off - SLV_EVT] = v; break;
    default: break;
    }
}

void smbus_loaded(struct smbus_regs *r)
{
    r->index &= 31;
    r->sts &= STS_CLEARABLE;
    r->ctl &= 0x1f;
    r->slv_ctl &= 15;
}
