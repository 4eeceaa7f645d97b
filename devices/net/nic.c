/* Addresses, CRC, checksums and boot ROMs of network adapters (IEEE 802.3 clause 3; RFC 1071). */
#include "devices/net/nic.h"

#include "devices/core/bits.h"

/* ---- addresses ---- */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool nic_parse_mac(const char *text, u8 mac[MAC_LEN], struct err *err)
{
    static const u8 usual[MAC_LEN] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
    const char *p = text;
    u8 out[MAC_LEN];

    if (!text) {
        memcpy(mac, usual, MAC_LEN);
        return true;
    }
    for (unsigned i = 0; i < MAC_LEN; i++, p += 3) {
        if (hex(p[0]) < 0 || hex(p[1]) < 0)
            break;
        out[i] = (u8)(hex(p[0]) << 4 | hex(p[1]));
        if (i == MAC_LEN - 1 ? p[2] : p[2] != ':' && p[2] != '-')
            break;
        if (i == MAC_LEN - 1 && !(out[0] & 1)) {
            memcpy(mac, out, MAC_LEN);
            return true;
        }
    }
    return err_set(err, "'%.40s' is no address of a network adapter; one is 52:54:00:12:34:56",
                   text);
}

bool nic_broadcast(const u8 *addr)
{
    return (addr[0] & addr[1] & addr[2] & addr[3] & addr[4] & addr[5]) == 0xff;
}

u32 nic_crc(const u8 *p, size_t n)
{
    u32 crc = ~0u;

    for (; n--; p++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            u32 in = (crc >> 31) ^ (*p >> bit & 1);

            crc = crc << 1 ^ (in ? 0x04c11db7 : 0);
        }
    }
    return crc;
}

/* ---- checksums ---- */

static u16 fold(u64 sum)
{
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffffffff) + (sum >> 32);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = (sum & 0xffff) + (sum >> 16);
    return (u16)sum;
}

u16 nic_sum(u32 sum, const u8 *p, size_t n)
{
    u64 a = 0, b = 0;
    u16 s;

    /* Summed as little-endian words, which gives the same sum with its bytes exchanged. */
    for (; n >= 16; n -= 16, p += 16) {
        a += (u64)ld32(p) + ld32(p + 4);
        b += (u64)ld32(p + 8) + ld32(p + 12);
    }
    for (; n >= 2; n -= 2, p += 2)
        a += ld16(p);
    if (n)
        a += *p;
    s = fold(a + b);
    return fold((u64)sum + (u16)(s << 8 | s >> 8));
}

static u16 be16(const u8 *p)
{
    return (u16)(p[0] << 8 | p[1]);
}

enum { PROTO_TCP = 6, PROTO_UDP = 17, TYPE_IP4 = 0x0800, TYPE_IP6 = 0x86dd, TYPE_VLAN = 0x8100 };

/* The segment of n bytes at p, with the sum of its pseudo header's addresses. */
static void check_l4(struct nic_csum *c, u8 proto, u32 addresses, const u8 *p, size_t n)
{
    if (proto == PROTO_UDP) {
        if (n < 8 || be16(p + 4) != n || !be16(p + 6))
            return; /* odd, or without a sum */
    } else if (proto != PROTO_TCP || n < 20) {
        return;
    }
    c->l4 = true;
    c->tcp = proto == PROTO_TCP;
    c->l4_ok = nic_sum(addresses + proto + (u32)n, p, n) == 0xffff;
}

struct nic_csum nic_check(const u8 *frame, size_t n)
{
    struct nic_csum c = {0};
    size_t at = ETH_HEADER;
    const u8 *ip;
    u16 type;

    if (n < ETH_HEADER)
        return c;
    type = be16(frame + 12);
    if (type == TYPE_VLAN && n >= ETH_HEADER + ETH_VLAN) {
        type = be16(frame + 16);
        at += ETH_VLAN;
    }
    ip = frame + at;
    n -= at;
    if (type == TYPE_IP4 && n >= 20) {
        size_t head = 4u * (ip[0] & 0xf), len = be16(ip + 2);

        if (ip[0] >> 4 != 4 || head < 20 || head > n)
            return c;
        c.ip = true;
        c.ip_ok = nic_sum(0, ip, head) == 0xffff;
        /* not fragments */
        if (len >= head && len <= n && !(be16(ip + 6) & 0x3fff))
            check_l4(&c, ip[9], nic_sum(0, ip + 12, 8), ip + head, len - head);
    } else if (type == TYPE_IP6 && n >= 40 && ip[0] >> 4 == 6) {
        size_t len = be16(ip + 4);

        if (len <= n - 40)
            check_l4(&c, ip[6], nic_sum(0, ip + 8, 32), ip + 40, len);
    }
    return c;
}

/* ---- boot ROM ---- */

void nic_rom_wire(struct nic_rom *rom, const struct plug *plug)
{
    rom->space = plug->space;
    rom->data = plug->rom;
    rom->len = plug->rom_len;
}

/* A ROM for a family of chips has no IDs of its own in its PCI data structure, but firmware runs
 * only ROMs with the function's: put them in, and keep the sum of its first image 0 (PCI Firmware
 * Specification 3.0, 5.1.2). */
static void put_ids(u8 *rom, size_t len, const struct pci_ident *ident)
{
    size_t at = len >= 0x1a ? ld16(rom + 0x18) : len, size = len >= 3 ? rom[2] * 512u : 0;
    u8 sum = 0;

    if (len < 0x1c || ld16(rom) != 0xaa55 || at + 8 > len || size > len ||
        memcmp(rom + at, "PCIR", 4) || ld32(rom + at + 4))
        return;
    st16(rom + at + 4, ident->vendor);
    st16(rom + at + 6, ident->device);
    for (unsigned i = 4; i < 8; i++)
        sum = (u8)(sum + rom[at + i]);
    rom[6] = (u8)(rom[6] - sum);
}

bool nic_rom_init(struct nic_rom *rom, struct pci_func *fn, const char *name,
                  const struct pci_ident *ident, struct err *err)
{
    u32 size = PAGE_SIZE;

    if (!rom->len)
        return true;
    if (rom->len > MIB)
        return err_set(err, "%s: a boot ROM has 1 MiB at most", name);
    while (size < rom->len)
        size <<= 1;
    if (!ram_init(&rom->ram, rom->space, size, err))
        return false;
    memcpy(rom->ram.host, rom->data, rom->len);
    put_ids(rom->ram.host, rom->len, ident);
    fn->bar[PCI_BAR_ROM] = (struct pci_bar){
        PCI_BAR_EXPROM, size, {.name = name, .ram = &rom->ram, .dirs = REGION_READ, .prio = 1}};
    return true;
}

void nic_rom_free(struct nic_rom *rom)
{
    if (rom->ram.host)
        ram_free(&rom->ram);
}
