/* DOS calls for .COM programs in C. Results below 0 are minus a DOS error code. */
#ifndef ROMS_DOS_LIB_DOS_H
#define ROMS_DOS_LIB_DOS_H

#include "roms/dos/lib/far.h"
#include "roms/dos/lib/int.h"

/* To the console; "\n" becomes carriage return and line feed. */
void print(const char *s);
void print_char(char c);
void print_hex(u32 v, u32 digits);
void print_dec(u32 v);

int dos_open(const char *path, u8 mode);
int dos_create(const char *path);
int dos_read(int handle, void *buf, u16 n);
int dos_write(int handle, const void *buf, u16 n);
s32 dos_seek(int handle, u8 whence, s32 offset);
int dos_close(int handle);
int dos_delete(const char *path);
/* A segment of that many paragraphs; 0 and the largest possible in *largest (may be NULL). */
u16 dos_alloc(u16 paras, u16 *largest);
int dos_free(u16 seg);
/* Change a block's size; our own memory is the block at own_seg(). */
int dos_resize(u16 seg, u16 paras, u16 *largest);
/* Give back all memory but the first 64 KiB, so that others can be loaded. */
void dos_shrink(void);
/* Run a program: its exit code (type in bits 8 and up), or minus an error. */
int dos_exec(const char *path, const char *arguments);
/* End, keeping the program and everything up to `end` in memory. */
__attribute__((noreturn)) void dos_keep(const void *end, u8 code);
/* The arguments, without the space in front, into buf (128 bytes). */
void dos_arguments(char *buf);
bool dos_date(u16 *year, u8 *month, u8 *day);
/* Ticks since midnight (INT 1Ah; 18.2 per second). */
u32 bios_ticks(void);
bool same_text(const char *a, const char *b);

#endif
