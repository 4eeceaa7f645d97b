/* The 82540EM's serial EEPROM (Intel 317453 section 5) and its PHY, an M88E1011 behind the MDI
 * control register (section 13.4.8, 13.7). */
#include "devices/net/e1000_int.h"

/* ---- EEPROM ---- */

enum {
    EE_INIT1 = 0x0a,
    EE_SUB_ID = 0x0b,
    EE_SUB_VENDOR = 0x0c,
    EE_DEVICE = 0x0d,
    EE_VENDOR = 0x0e,
    EE_INIT2 = 0x0f,
    EE_LED = 0x2f,
    EE_SUM = 0x3f,
    EE_SUM_TOTAL = 0xbaba,
};

void e1000_eeprom_fill(struct e1000 *e)
{
    u16 *w = e->eeprom, sum = 0;

    memset(w, 0, sizeof(e->eeprom));
    for (unsigned i = 0; i < 3; i++)
        w[i] = ld16(e->mac + 2 * i);
    w[EE_INIT1] = 0x4408; /* signature, device and subsystem IDs are here */
    w[EE_SUB_ID] = 0x1100;
    w[EE_SUB_VENDOR] = 0x1af4;
    w[EE_DEVICE] = 0x100e;
    w[EE_VENDOR] = 0x8086;
    w[EE_INIT2] = 0x3040;
    w[EE_LED] = 0x0706;
    for (unsigned i = 0; i < EE_SUM; i++)
        sum = (u16)(sum + w[i]);
    w[EE_SUM] = (u16)(EE_SUM_TOTAL - sum);
}

u32 e1000_eecd_read(const struct e1000 *e)
{
    u32 v = e->r.eecd | EECD_PRES;

    return v | (v & EECD_REQ ? (u32)EECD_GNT : 0) | (eeprom93_out(&e->r.ee) ? (u32)EECD_DO : 0);
}

void e1000_eecd_write(struct e1000 *e, u32 v)
{
    struct e1000_regs *r = &e->r;
    u32 old = r->eecd;

    r->eecd = v & (EECD_SK | EECD_CS | EECD_DI | EECD_REQ);
    if (!(v & EECD_CS))
        eeprom93_deselect(&r->ee);
    else if ((old & EECD_CS) && !(old & EECD_SK) && (v & EECD_SK))
        eeprom93_clock(&r->ee, e->eeprom, v & EECD_DI);
}

void e1000_eerd_write(struct e1000 *e, u32 v)
{
    u32 addr = v >> 8 & 0xff;

    e->r.eerd = v & 0xff00;
    if (v & EERD_START)
        e->r.eerd |= EERD_DONE | (u32)(addr < EEPROM93_WORDS ? e->eeprom[addr] : 0) << 16;
}

/* ---- PHY ---- */

enum {
    PHY_CTRL = 0,
    PHY_STATUS,
    PHY_ID1,
    PHY_ID2,
    PHY_ADVERTISE,
    PHY_PARTNER,
    PHY_EXPANSION,
    PHY_1000_CTRL = 9,
    PHY_1000_STATUS,
    PHY_EXT_STATUS = 15,
    PHY_M88_CTRL,
    PHY_M88_STATUS,
    PHY_M88_EXT_CTRL = 20,
};
enum {
    PHYC_RESTART = 0x0200,
    PHYC_LOOPBACK = 0x4000,
    PHYC_RESET = 0x8000,
    PHYS_LINK = 0x0004,
    PHYS_DONE = 0x0020,
    PHYS_READY = 0x79ad, /* all of 10 and 100 Mb/s, negotiation done, link up, extended */
    PHY_M88_UP = 0xac00, /* 1000 Mb/s, full duplex, resolved, link up */
};
enum {
    MDIC_READ = 2,
    MDIC_WRITE = 1,
    MDIC_READY = BIT(28),
    MDIC_INT = BIT(29),
    MDIC_ERROR = BIT(30),
    PHY_ADDRESS = 1,
};

void e1000_phy_link(struct e1000 *e)
{
    u16 *p = e->r.phy;
    bool up = !e->r.link_down;

    /* That the link was lost stays to be seen until it is read (IEEE 802.3, 22.2.4.2.13). */
    p[PHY_STATUS] = (u16)(up ? p[PHY_STATUS] | PHYS_DONE : PHYS_READY & ~(PHYS_DONE | PHYS_LINK));
    p[PHY_PARTNER] = up ? 0xcde1 : 0;
    p[PHY_EXPANSION] = up ? 0x0003 : 0;
    p[PHY_1000_STATUS] = up ? 0x3c00 : 0;
    p[PHY_M88_STATUS] = up ? PHY_M88_UP : 0;
}

static u16 phy_read(struct e1000 *e, unsigned reg)
{
    u16 v = e->r.phy[reg];

    if (reg == PHY_STATUS && !e->r.link_down)
        e->r.phy[PHY_STATUS] |= PHYS_LINK;
    return v;
}

void e1000_phy_reset(struct e1000 *e)
{
    u16 *p = e->r.phy;

    memset(p, 0, sizeof(e->r.phy));
    p[PHY_CTRL] = 0x1140;
    p[PHY_STATUS] = PHYS_READY;
    p[PHY_ID1] = 0x0141;
    p[PHY_ID2] = 0x0c20;
    p[PHY_ADVERTISE] = 0x0de1;
    p[PHY_1000_CTRL] = 0x0e00;
    p[PHY_EXT_STATUS] = 0x3000;
    p[PHY_M88_CTRL] = 0x0360;
    p[PHY_M88_EXT_CTRL] = 0x0d60;
    e1000_phy_link(e);
}

bool e1000_phy_loopback(const struct e1000 *e)
{
    return e->r.phy[PHY_CTRL] & PHYC_LOOPBACK;
}

static bool read_only(unsigned reg)
{
    return (reg >= PHY_STATUS && reg <= PHY_ID2) || reg == PHY_PARTNER || reg == PHY_EXPANSION ||
           reg == PHY_1000_STATUS || reg == PHY_EXT_STATUS || reg == PHY_M88_STATUS;
}

static void phy_write(struct e1000 *e, unsigned reg, u16 v)
{
    if (reg == PHY_CTRL && (v & PHYC_RESET)) {
        e1000_phy_reset(e);
        return;
    }
    if (read_only(reg))
        return;
    /* The other end answers at once: negotiation is over as soon as it is begun. */
    if (reg == PHY_CTRL && (v & PHYC_RESTART)) {
        v &= (u16)~PHYC_RESTART;
        if (!e->r.link_down)
            e1000_cause(e, ICR_LSC, 0);
    }
    e->r.phy[reg] = v;
}

void e1000_mdic_write(struct e1000 *e, u32 v)
{
    unsigned reg = v >> 16 & 31, op = v >> 26 & 3;
    u32 out = v & 0x2fffffff;

    if ((v >> 21 & 31) != PHY_ADDRESS)
        out |= MDIC_ERROR;
    else if (op == MDIC_WRITE)
        phy_write(e, reg, (u16)v);
    else if (op == MDIC_READ)
        out = (out & 0xffff0000) | phy_read(e, reg);
    e->r.mdic = out | MDIC_READY;
    if (v & MDIC_INT)
        e1000_cause(e, ICR_MDAC, 0);
}
