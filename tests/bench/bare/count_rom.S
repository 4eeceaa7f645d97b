/*
 * A boot ROM that enters the benchmark's image at once: QEMU's loader device puts the image and a record at RECORD into
 * memory, and counting needs none of what a firmware does before. Intel SDM volume 3, 9.9 (switching to protected mode).
 */
    .set    RECORD, 0x7000          /* entry, then the multiboot information that EBX points at */
    .set    TOP, 0xf0000            /* the ROM's last 64 KiB below 1 MiB */
    .text
    .code16
start:
    cli
    lgdtl   %cs:gdtr
    mov     %cr0, %eax
    or      $1, %al
    mov     %eax, %cr0
    ljmpl   $0x08, $TOP + flat
    .code32
flat:
    mov     $0x10, %eax
    mov     %eax, %ds
    mov     %eax, %es
    mov     %eax, %ss
    mov     $RECORD + 4, %ebx
    jmp     *RECORD

    .balign 8
gdt:
    .quad   0
    .quad   0x00cf9b000000ffff
    .quad   0x00cf93000000ffff
gdtr:
    .word   gdtr - gdt - 1
    .long   TOP + gdt

    .org    0xfff0
    .code16
    ljmp    $0xf000, $start
    .org    0x10000
