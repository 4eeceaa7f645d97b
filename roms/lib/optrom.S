/*
 * Header and real-mode start of a boot option ROM. The firmware finds it by its signature, lists
 * it as a boot device by its Plug and Play header and, when it is chosen, calls the bootstrap
 * entry vector (Plug and Play BIOS Specification 1.0A, section 3). The ROM itself may lie
 * anywhere and is read-only, so all that happens here is a copy of the loader to a fixed place in
 * memory. LOADER names the loader's image and NAME is what a boot menu shows; the two checksums
 * and the length are filled in by roms/tools/romsign.c.
 */
    .section .text, "ax"
    .code16
    .globl _start
_start:
    .byte   0x55, 0xaa
    .byte   0                       /* length in 512-byte units */
    jmp     init                    /* offset 3: called once while the firmware looks for ROMs */
    .org    0x18
    .word   0                       /* no PCI data structure */
    .word   pnp - _start
    .balign 16
pnp:
    .ascii  "$PnP"
    .byte   1                       /* structure revision 1 */
    .byte   (pnp_end - pnp) / 16
    .word   0                       /* no further header */
    .byte   0
    .byte   0                       /* checksum */
    .long   0                       /* device identifier */
    .word   maker - _start
    .word   product - _start
    .byte   0, 0, 0                 /* no particular device type */
    .byte   0
    .word   0                       /* no boot connection vector */
    .word   0                       /* no disconnect vector */
    .word   boot - _start           /* bootstrap entry vector */
    .word   0
    .word   0
pnp_end:
maker:
    .asciz  "Dragoman"
product:
    .asciz  NAME

init:
    mov     $0x20, %ax              /* "a bootable device is attached" */
    lret

boot:
    cli
    cld
    /* The loader runs at 0x80000 with its stack below; both are free while no operating system runs. */
    mov     %cs, %ax
    mov     %ax, %ds
    mov     $0x8000, %ax
    mov     %ax, %es
    mov     $(loader - _start), %si
    xor     %di, %di
    mov     $((loader_end - loader + 1) / 2), %cx
    rep movsw
    ljmp    $0x8000, $0

    .balign 4
loader:
    .incbin LOADER
loader_end:
    .byte   0

    .section .note.GNU-stack, "", @progbits
