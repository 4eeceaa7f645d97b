/* Registers and state of the 82540EM, and what its files offer one another (Intel 317453,
 * "PCI/PCI-X Family of Gigabit Ethernet Controllers Software Developer's Manual", chapter 13). */
#ifndef DEVICES_NET_E1000_INT_H
#define DEVICES_NET_E1000_INT_H

#include "devices/core/bits.h"
#include "devices/net/e1000.h"
#include "devices/net/eeprom93.h"
#include "devices/net/nic.h"

enum {
    REG_CTRL = 0x0000,
    REG_STATUS = 0x0008,
    REG_EECD = 0x0010,
    REG_EERD = 0x0014,
    REG_CTRL_EXT = 0x0018,
    REG_FLA = 0x001c,
    REG_MDIC = 0x0020,
    REG_FCAL = 0x0028,
    REG_FCAH = 0x002c,
    REG_FCT = 0x0030,
    REG_VET = 0x0038,
    REG_ICR = 0x00c0,
    REG_ITR = 0x00c4,
    REG_ICS = 0x00c8,
    REG_IMS = 0x00d0,
    REG_IMC = 0x00d8,
    REG_RCTL = 0x0100,
    REG_FCTTV = 0x0170,
    REG_TXCW = 0x0178,
    REG_RXCW = 0x0180,
    REG_TCTL = 0x0400,
    REG_TIPG = 0x0410,
    REG_AIFS = 0x0458,
    REG_LEDCTL = 0x0e00,
    REG_PBA = 0x1000,
    REG_FCRTL = 0x2160,
    REG_FCRTH = 0x2168,
    REG_RDBAL = 0x2800,
    REG_RDBAH = 0x2804,
    REG_RDLEN = 0x2808,
    REG_RDH = 0x2810,
    REG_RDT = 0x2818,
    REG_RDTR = 0x2820,
    REG_RXDCTL = 0x2828,
    REG_RADV = 0x282c,
    REG_RSRPD = 0x2c00,
    REG_TXDMAC = 0x3000,
    REG_TDBAL = 0x3800,
    REG_TDBAH = 0x3804,
    REG_TDLEN = 0x3808,
    REG_TDH = 0x3810,
    REG_TDT = 0x3818,
    REG_TIDV = 0x3820,
    REG_TXDCTL = 0x3828,
    REG_TADV = 0x382c,
    REG_TSPMT = 0x3830,
    REG_STATS = 0x4000,
    REG_RXCSUM = 0x5000,
    REG_MTA = 0x5200,
    REG_RA = 0x5400,
    REG_VFTA = 0x5600,
    REG_WUC = 0x5800,
    REG_WUFC = 0x5808,
    REG_WUS = 0x5810,
    REG_MANC = 0x5820,
    REG_SWSM = 0x5b50, /* of the 8257x: drivers for the whole family take its semaphore here, too */
};
enum {
    CTRL_FD = BIT(0),
    CTRL_SLU = BIT(6),
    CTRL_SPEED_1000 = BIT(9),
    CTRL_RST = BIT(26),
    CTRL_VME = BIT(30),
    CTRL_PHY_RST = BIT(31),
};
enum {
    STATUS_FD = BIT(0),
    STATUS_LU = BIT(1),
    STATUS_SPEED_1000 = BIT(7),
    STATUS_ASDV_1000 = BIT(9),
};
enum {
    EECD_SK = BIT(0),
    EECD_CS = BIT(1),
    EECD_DI = BIT(2),
    EECD_DO = BIT(3),
    EECD_REQ = BIT(6),
    EECD_GNT = BIT(7),
    EECD_PRES = BIT(8),
    EERD_START = BIT(0),
    EERD_DONE = BIT(4),
};
enum {
    ICR_TXDW = BIT(0),
    ICR_TXQE = BIT(1),
    ICR_LSC = BIT(2),
    ICR_RXDMT0 = BIT(4),
    ICR_RXO = BIT(6),
    ICR_RXT0 = BIT(7),
    ICR_MDAC = BIT(9),
    ICR_TXD_LOW = BIT(15),
    ICR_ALL = 0x1f6df,
};
enum {
    RCTL_EN = BIT(1),
    RCTL_UPE = BIT(3),
    RCTL_MPE = BIT(4),
    RCTL_LPE = BIT(5),
    RCTL_LBM = BIT(6) | BIT(7),
    RCTL_BAM = BIT(15),
    RCTL_VFE = BIT(18),
    RCTL_BSEX = BIT(25),
    RCTL_SECRC = BIT(26),
};
enum { TCTL_EN = BIT(1), TCTL_PSP = BIT(3) };
enum { RXCSUM_IPOFL = BIT(8), RXCSUM_TUOFL = BIT(9) };
enum { RAH_AV = 0x80000000u };
/* Descriptors: 16 bytes; status and error bytes of received ones, bits of the third and fourth
 * words of those to be sent. */
enum { DESC_SIZE = 16, RING_MAX = 0x100000 };
enum {
    RXS_DD = BIT(0),
    RXS_EOP = BIT(1),
    RXS_IXSM = BIT(2),
    RXS_VP = BIT(3),
    RXS_TCPCS = BIT(5),
    RXS_IPCS = BIT(6),
    RXE_TCPE = BIT(5),
    RXE_IPE = BIT(6),
};
enum { TXS_DD = BIT(0), POPTS_IXSM = BIT(0), POPTS_TXSM = BIT(1) };
#define TXC_EOP  BIT(24)
#define TXC_IC   BIT(26) /* legacy descriptors */
#define TXC_TSE  BIT(26) /* extended ones */
#define TXC_IP   BIT(25) /* context: the packet is IPv4 */
#define TXC_TCP  BIT(24) /* context */
#define TXC_RS   BIT(27)
#define TXC_RPS  BIT(28)
#define TXC_DEXT BIT(29)
#define TXC_VLE  BIT(30)
#define TXC_IDE  BIT(31)

enum { STAT_WORDS = 64, TX_HEADER_MAX = 256, TX_ROOM = NIC_FRAME_MAX };

/* A context descriptor: where headers and sums are, and how to cut. */
struct e1000_context {
    u8 ipcss, ipcso, tucss, tucso, tucmd, hdrlen;
    u16 ipcse, tucse, mss;
};

struct e1000_regs {
    u8 cfg[PCI_CFG_SIZE];
    u64 next_irq, hold; /* the interrupt stays down until then: throttling, delay */
    u32 ctrl, eecd, eerd, ctrl_ext, fla, mdic, fcal, fcah, fct, vet, icr, itr, ims, rctl, fcttv,
        txcw, rxcw, tctl, tipg, aifs, ledctl, pba, fcrtl, fcrth, rdbal, rdbah, rdlen, rdh, rdt,
        rdtr, rxdctl, radv, rsrpd, txdmac, tdbal, tdbah, tdlen, tdh, tdt, tidv, txdctl, tadv, tspmt,
        rxcsum, wuc, wufc, wus, manc, swsm, io_addr;
    u32 mta[128], vfta[128], ra[32], stats[STAT_WORDS];
    u16 phy[32];
    struct eeprom93 ee;
    u8 asserted;
    u8 tx_more;          /* descriptors are left over for the timer */
    u8 tx_popts, tx_vle; /* of the packet being gathered */
    u8 tx_drop, tx_tse;
    u16 tx_special;
    struct e1000_context ctx;
    u8 link_down; /* the cable is out */
    u8 pad;
    u32 tx_len;
    u8 tx_buf[TX_ROOM]; /* behind room for a VLAN tag */
};

struct e1000 {
    struct dev dev;
    struct e1000_regs r;
    struct pci_func fn;
    struct nic_rom rom;
    struct net *net;
    char *mac_text;
    u8 mac[MAC_LEN];
    u16 eeprom[EEPROM93_WORDS];
    struct timer irq_timer, tx_timer;
    bool receiving; /* loopback must not come round again */
};

/* e1000.c: note causes; the interrupt may wait `delay` ns for more. */
void e1000_cause(struct e1000 *e, u32 bits, u64 delay);
void e1000_count(struct e1000 *e, u32 reg, u64 n);
void e1000_count64(struct e1000 *e, u32 reg, u64 n);
/* One more frame of this size in the classes that begin with `reg`. */
void e1000_count_size(struct e1000 *e, u32 reg, size_t n);

/* e1000_eeprom.c: the serial EEPROM and the PHY. */
void e1000_eeprom_fill(struct e1000 *e);
u32 e1000_eecd_read(const struct e1000 *e);
void e1000_eecd_write(struct e1000 *e, u32 v);
void e1000_eerd_write(struct e1000 *e, u32 v);
void e1000_phy_reset(struct e1000 *e);
void e1000_mdic_write(struct e1000 *e, u32 v);
/* The cable was put in or pulled out (r.link_down): what the PHY says of it. */
void e1000_phy_link(struct e1000 *e);
bool e1000_phy_loopback(const struct e1000 *e);

/* e1000_rx.c: frames from the wire; a frame from wherever it comes */
bool e1000_can_take(void *arg);
void e1000_take(void *arg, const u8 *frame, size_t n);
void e1000_receive(struct e1000 *e, const u8 *frame, size_t n);

/* e1000_tx.c: send what the guest has queued, up to a budget. */
void e1000_tx_run(struct e1000 *e);

#endif
