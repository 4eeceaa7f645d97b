/* Registers and state of the RTL8139C+ (Realtek RTL8139C(L)+ data sheet, chapters 6 to 9). */
#ifndef DEVICES_NET_RTL8139_INT_H
#define DEVICES_NET_RTL8139_INT_H

#include "devices/core/bits.h"
#include "devices/net/eeprom93.h"
#include "devices/net/nic.h"
#include "devices/net/rtl8139.h"

enum {
    RT_IDR = 0x00,
    RT_MAR = 0x08,
    RT_TSD = 0x10,
    RT_DTCCR = 0x10, /* C+: where to put the tallies */
    RT_TSAD = 0x20,
    RT_TNPDS = 0x20, /* C+: descriptors of normal priority */
    RT_THPDS = 0x28,
    RT_RBSTART = 0x30,
    RT_CR = 0x37,
    RT_CAPR = 0x38,
    RT_CBR = 0x3a,
    RT_IMR = 0x3c,
    RT_ISR = 0x3e,
    RT_TCR = 0x40,
    RT_RCR = 0x44,
    RT_TCTR = 0x48,
    RT_MPC = 0x4c,
    RT_9346CR = 0x50,
    RT_CONFIG0 = 0x51,
    RT_CONFIG1 = 0x52,
    RT_TIMERINT = 0x54,
    RT_MSR = 0x58,
    RT_CONFIG3 = 0x59,
    RT_CONFIG4 = 0x5a,
    RT_MULINT = 0x5c,
    RT_RERID = 0x5e,
    RT_TSADS = 0x60,
    RT_BMCR = 0x62,
    RT_BMSR = 0x64,
    RT_ANAR = 0x66,
    RT_ANLPAR = 0x68,
    RT_ANER = 0x6a,
    RT_CSCR = 0x74,
    RT_SPARE = 0x84, /* up to here all are registers of the RTL8139 */
    RT_CONFIG5 = 0xd8,
    RT_TPPOLL = 0xd9,
    RT_CPCR = 0xe0,
    RT_RDSAR = 0xe4,
    RT_ETTHR = 0xec,
    RT_SIZE = 0x100,
};
enum { CR_EMPTY = 0x01, CR_TE = 0x04, CR_RE = 0x08, CR_RST = 0x10 };
enum {
    INT_ROK = 0x0001,
    INT_TOK = 0x0004,
    INT_TER = 0x0008,
    INT_RXOVW = 0x0010, /* C+: no receive descriptor */
    INT_LINK = 0x0020,  /* PUN/LinkChg */
    INT_TDU = 0x0080,
    INT_SW = 0x0100,
    INT_TIMEOUT = 0x4000,
};
enum { TSD_SIZE = 0x1fff, TSD_OWN = 0x2000, TSD_TUN = 0x4000, TSD_TOK = 0x8000 };
enum { RCR_AAP = 0x01, RCR_APM = 0x02, RCR_AM = 0x04, RCR_AB = 0x08, RCR_WRAP = 0x80 };
enum { TCR_LOOP = 0x60000, TCR_HWVER = 0x74800000 };
enum { CP_TE = 0x01, CP_RE = 0x02, CP_RXSUM = 0x20, CP_RXVLAN = 0x40 };
enum { POLL_HIGH = 0x80, POLL_NORMAL = 0x40, POLL_SW = 0x01 };
enum { RT_DESC = 16, RT_TX_ROOM = NIC_FRAME_MAX };
/* First word of C+ descriptors. */
#define CPD_OWN  BIT(31)
#define CPD_EOR  BIT(30)
#define CPD_FS   BIT(29)
#define CPD_LS   BIT(28)
#define CPD_LGS  BIT(27)
#define CPD_TAG  BIT(17) /* second word: put a tag in */
#define CPD_TAVA BIT(16) /* second word: a tag was there */

struct rtl8139_regs {
    u8 cfg[PCI_CFG_SIZE];
    u8 reg[RT_SIZE]; /* as the guest sees them, but for those that are computed */
    u64 timer_start; /* when TCTR was zero */
    u64 tx_ok, rx_ok, rx_phys, rx_bcast;
    u32 rx_mcast, missed;
    u32 tx_len;                         /* C+: of the packet being gathered */
    u32 tx_opts;                        /* C+: its first descriptor's first word */
    u16 rx_index, tx_index, high_index; /* C+: the next descriptor of each ring */
    struct eeprom93 ee;
    u8 tx_drop, tx_more;
    u8 link_down; /* the cable is out */
    u8 pad[9];
    u8 tx_buf[RT_TX_ROOM]; /* behind room for a tag */
};

struct rtl8139 {
    struct dev dev;
    struct rtl8139_regs r;
    struct pci_func fn;
    struct nic_rom rom;
    struct net *net;
    char *mac_text;
    u8 mac[MAC_LEN];
    u16 eeprom[EEPROM93_WORDS];
    struct timer timer, tx_timer;
    bool receiving;
};

static inline u32 rt_reg32(const struct rtl8139 *t, unsigned off)
{
    return ld32(t->r.reg + off);
}
static inline u16 rt_reg16(const struct rtl8139 *t, unsigned off)
{
    return ld16(t->r.reg + off);
}
static inline bool rt_cplus_rx(const struct rtl8139 *t)
{
    return rt_reg16(t, RT_CPCR) & CP_RE;
}
static inline bool rt_cplus_tx(const struct rtl8139 *t)
{
    return rt_reg16(t, RT_CPCR) & CP_TE;
}

/* rtl8139.c */
void rtl8139_cause(struct rtl8139 *t, u32 bits);
/* rtl8139_rx.c: frames from the wire; a frame from wherever it comes */
bool rtl8139_can_take(void *arg);
void rtl8139_take(void *arg, const u8 *frame, size_t n);
void rtl8139_receive(struct rtl8139 *t, const u8 *frame, size_t n);
bool rtl8139_rx_empty(const struct rtl8139 *t);
/* rtl8139_tx.c */
void rtl8139_tx_slot(struct rtl8139 *t, unsigned slot);
void rtl8139_tx_poll(struct rtl8139 *t);
void rtl8139_tallies(struct rtl8139 *t, u64 addr);

#endif
