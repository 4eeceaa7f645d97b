/* What the parts of the DOS kernel offer each other. Error codes are those of INT 21h AH=59h. */
#ifndef ROMS_DOS_KERNEL_KERNEL_H
#define ROMS_DOS_KERNEL_KERNEL_H

#include "roms/dos/lib/far.h"
#include "roms/dos/lib/frame.h"

enum dos_error {
    ERR_NONE = 0,
    ERR_FUNCTION = 1,
    ERR_NOT_FOUND = 2,
    ERR_PATH = 3,
    ERR_HANDLES = 4,
    ERR_ACCESS = 5,
    ERR_HANDLE = 6,
    ERR_MCB = 7,
    ERR_MEMORY = 8,
    ERR_BLOCK = 9,
    ERR_FORMAT = 11,
    ERR_NO_MORE = 18,
    ERR_EXISTS = 80,
};

enum { SECTOR = 512, PATH_MAX = 64, HANDLES = 20 };

/* ---- console.c: screen, serial port and port E9; keyboard through the BIOS. */
void con_init(void);
void con_put(char c);
void con_puts(const char *s);
/* Is a key waiting? */
bool con_ready(void);
/* Wait for a key; extended keys give 0 and then the scan code. */
u8 con_get(void);
/* Read a line with echo; returns its length without the Return. */
u32 con_line(char *buf, u32 max);

/* ---- disk.c: sectors of the boot floppy, a track at a time. */
extern u8 boot_drive;
/* A sector's contents in the track buffer, valid until the next call; NULL: unreadable. */
u8 *disk_read(u32 lba);
bool disk_write(u32 lba, const u8 *data);

/* ---- fat.c: FAT12, root directory only. */
struct dirent {
    u8 name[11], attr, reserved[10];
    u16 time, date, cluster;
    u32 size;
} PACKED;

bool fat_init(void);
u16 fat_next(u16 cluster);
/* A free cluster, marked as the end of a chain; linked behind `after` unless that is 0. 0: full. */
u16 fat_extend(u16 after);
void fat_free_chain(u16 cluster);
/* Make this cluster the last of its file. */
void fat_cut(u16 cluster);
u32 fat_free_clusters(void);
bool fat_flush(void);
u32 fat_sector(u16 cluster);
bool fat_is_end(u16 cluster);
/* "A:\NAME.EXT" to the 11 characters of a directory entry; * and ? become ?. */
bool fat_name(u8 *out, const char *path);
/* The entry with that index; false behind the last. */
bool dir_get(u32 index, struct dirent *e);
bool dir_put(u32 index, const struct dirent *e);
/* First entry from *index on that matches the name (with ?); index of the entry found in *index. */
bool dir_find(const u8 *name, u32 *index, struct dirent *e);
/* A free directory slot; -1: full. */
int dir_free(void);

/* ---- file.c: the system's table of open files. */
/* Open an existing file; slot number or minus an error. mode: 0 read, 1 write, 2 both. */
int file_open(const char *path, u8 mode);
/* Make the file empty, or a new one. */
int file_create(const char *path, u8 attr, bool must_be_new);
void file_addref(int slot);
int file_close(int slot);
/* Both return the number of bytes or minus an error. The buffer is at seg:off. */
int file_read(int slot, u16 seg, u16 off, u16 n);
int file_write(int slot, u16 seg, u16 off, u16 n);
int file_seek(int slot, u8 whence, u32 offset, u32 *position);
/* INT 21h AX=4400h's device word. */
int file_info(int slot, u16 *info);
int file_delete(const char *path);
int file_rename(const char *from, const char *to);
void file_date(int slot, bool set, u16 *date, u16 *time);
void file_init(void);

/* ---- memory.c: memory control blocks. */
void mem_init(u16 first, u16 end);
u16 mem_first(void);
/* Paragraphs allocated for `owner`; 0 and the largest block in *largest when there are not enough.
 */
u16 mem_alloc(u16 paras, u16 owner, u16 *largest);
int mem_free(u16 seg);
int mem_resize(u16 seg, u16 paras, u16 *largest);
void mem_free_owner(u16 owner);
void mem_set_owner(u16 seg, u16 owner);

/* ---- process.c: program segment prefixes, EXEC, the end of programs. */
u16 proc_current(void);
void proc_set_current(u16 psp);
/* The JFT entry of a handle in the current program: a slot number, or 0xff. */
u8 proc_handle(u16 handle);
/* Put a slot into the first free handle (or the given one). Returns the handle or minus an error.
 */
int proc_add_handle(u8 slot);
void proc_set_handle(u16 handle, u8 slot);
/* INT 21h AH=4Bh. On success *f becomes the new program's frame. */
int proc_exec(struct frame16 *f, const char *path);
/* INT 21h AH=4Ch and 31h (keep > 0: paragraphs that stay). *f becomes the parent's frame. */
void proc_exit(struct frame16 *f, u8 code, u8 type, u16 keep);
u16 proc_exit_code(void);
/* A copy of the current PSP at another segment (AH=26h and 55h). */
void proc_copy_psp(u16 seg, u16 top);
/* Start the first program and never return. */
void proc_start_shell(const char *path);
/* start.S: leave through the frame at caller_ss:caller_sp. */
void proc_enter(void);

/* ---- int21.c and start.S. */
void dos_call(struct frame16 *f);
void int20(void);
void int21(void);
void int24(void);
void int27(void);
void int29(void);
void int_nothing(void);
extern u8 handler_stack_top[];

void kernel_main(void);

#endif
