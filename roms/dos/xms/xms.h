/* The XMS driver's parts. Error codes are those of the eXtended Memory Specification 2.0. */
#ifndef ROMS_DOS_XMS_XMS_H
#define ROMS_DOS_XMS_XMS_H

#include "roms/dos/lib/dos.h"
#include "roms/dos/lib/frame.h"

enum xms_error {
    XMS_OK = 0,
    XMS_FUNCTION = 0x80,
    XMS_A20 = 0x82,
    XMS_NO_HMA = 0x90,
    XMS_HMA_USED = 0x91,
    XMS_HMA_NOT_USED = 0x93,
    XMS_A20_STILL_ON = 0x94,
    XMS_NO_MEMORY = 0xa0,
    XMS_NO_HANDLES = 0xa1,
    XMS_HANDLE = 0xa2,
    XMS_SOURCE_HANDLE = 0xa3,
    XMS_SOURCE_OFFSET = 0xa4,
    XMS_DEST_HANDLE = 0xa5,
    XMS_DEST_OFFSET = 0xa6,
    XMS_LENGTH = 0xa7,
    XMS_NOT_LOCKED = 0xaa,
    XMS_LOCKED = 0xab,
    XMS_UMB = 0xb1,
};

/* ---- a20.c */
/* Does address line 20 work? Found out by looking, not by asking. */
bool a20_is_on(void);
/* Switch it by the BIOS, port 0x92 or the keyboard controller, whatever works. */
bool a20_set(bool on);

/* ---- emb.c: blocks of extended memory, in KiB. */
void emb_init(u32 start_kib, u32 size_kib);
u8 emb_query(u16 *largest, u16 *total);
u8 emb_alloc(u16 kib, u16 *handle);
u8 emb_free(u16 handle);
u8 emb_lock(u16 handle, u32 *address);
u8 emb_unlock(u16 handle);
u8 emb_info(u16 handle, u8 *locks, u8 *free_handles, u16 *kib);
u8 emb_resize(u16 handle, u16 kib);
/* Physical address of `offset` in a block if `n` bytes from there are inside; false: they are not.
 */
bool emb_address(u16 handle, u32 offset, u32 n, u32 *address, bool *bad_handle);

/* ---- move.c */
u8 xms_move(u16 seg, u16 off);

/* ---- entry.S */
void unreal_copy(u32 dst, u32 src, u32 bytes);
void xms_entry(void);
void int2f(void);
void int15(void);
extern u32 old2f, old15, flat_base;

void xms_call(struct frame16 *f);

#endif
