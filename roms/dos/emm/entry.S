/*
 * EMM.COM's assembly: the device header that programs look for, INT 67h, the way into protected
 * mode and the way back. All of it, its data too, is in the text section: that is what stays resident.
 */


/* Vector 67h's segment must show the name EMMXXXX0 at offset 10, as if a device driver's header
 * were there. So the handler runs in a segment of its own that starts here. */
    .section .text, "ax"
    .code16
    .balign 16
    .globl  ems_header
ems_header:
    .long   -1
    .word   0x8000, 0, 0
    .ascii  "EMMXXXX0"
    .globl  ems_handler
ems_handler:                        /* at offset 0x12 of that segment */
    cmpb    $0, %cs:(active - ems_header)
    je      1f
    .byte   0x63, 0xfe              /* arpl %di, %si: invalid in V86 mode, so the monitor comes */
    iretw
1:  movb    $0x84, %ah
    iretw
    .globl  active
active:
    .byte   0

/* void enter_monitor(struct monitor_info *info, u32 page_directory): returns in V86 mode. */
    .section .text, "ax"
    .globl  enter_monitor
enter_monitor:
    movl    4(%esp), %ebx
    movl    8(%esp), %ecx
    pushal
    pushw   %es
    pushw   %fs
    pushw   %gs
    pushfw
    cli
    /* struct monitor_info: phys, size, sp, ss, ip, cs, ds, leave_ip, dpmi_ip, back_ip */
    movw    %sp, 8(%ebx)
    movw    %ss, 10(%ebx)
    movw    $back, 12(%ebx)
    movw    %cs, 14(%ebx)
    movw    %ds, 16(%ebx)
    movw    $leave, 18(%ebx)
    movw    $dpmi_enter, 20(%ebx)
    movw    $dpmi_back, 22(%ebx)
    movzwl  %bx, %ebx
    xorl    %eax, %eax
    movw    %cs, %ax
    shll    $4, %eax
    addl    %eax, %ebx
    addl    $boot_gdt, %eax
    movl    %eax, boot_gdtr + 2
    lgdtl   boot_gdtr
    movl    %ecx, %cr3
    movl    %cr0, %eax
    orl     $0x80000001, %eax       /* this page is mapped to itself, so both at once will do */
    movl    %eax, %cr0
    ljmpl   $8, $0xf8000000
back:                               /* V86 mode; DS as it was */
    popfw
    popw    %gs
    popw    %fs
    popw    %es
    popal
    retl

/* Two more calls of the monitor, by place: a far call that returns in protected mode, and where
 * real-mode code that a protected-mode program called returns to. */
dpmi_enter:
    .byte   0x63, 0xff              /* arpl %di, %di */
dpmi_back:
    .byte   0x63, 0xfd              /* arpl %di, %bp */

/* The monitor jumps here (16-bit protected mode, EBX: its stack frame) to go back to real mode as
 * the program that asked for it: struct frame in monitor.h. That frame is in memory that only
 * paging shows, so it is copied first. */
leave:
    movw    $0x30, %ax              /* base 0, 64 KiB: real mode's limits */
    movl    %cs:self, %edx          /* linear address of `copy` */
    movl    $24, %ecx
    movl    %edx, %edi
    movl    %ebx, %esi
    cld
    .byte 0x67; rep movsl                /* DS and ES are still the monitor's flat segments */
    movw    %ax, %ds
    movw    %ax, %es
    movw    %ax, %fs
    movw    %ax, %gs
    movw    %ax, %ss
    movl    %cr0, %eax
    andl    $0x7fffffff, %eax
    movl    %eax, %cr0              /* paging off first: this code is where it is mapped */
    xorl    %eax, %eax
    movl    %eax, %cr3
    movl    %cr4, %eax
    andb    $0xfe, %al              /* VME */
    movl    %eax, %cr4
    lidtl   %cs:real_idtr
    movl    %cr0, %eax
    andb    $0xfe, %al
    movl    %eax, %cr0
    .byte   0xea                    /* ljmp $own segment, $1f */
    .word   1f
    .globl  leave_segment
leave_segment:
    .word   0
1:  movw    %cs, %ax
    movw    %ax, %ds
    movb    $0, active
    /* Frame offsets: 16 edi esi ebp - ebx edx ecx eax 48 vector error 56 eip cs eflags 68 esp ss
     * 76 es ds fs gs */
    movw    copy + 72, %ss
    movzwl  copy + 68, %esp
    pushw   copy + 64               /* flags; IF is not virtual now, but the monitor had none set */
    pushw   copy + 60
    pushw   copy + 56
    movl    copy + 16, %edi
    movl    copy + 20, %esi
    movl    copy + 24, %ebp
    movl    copy + 32, %ebx
    movl    copy + 36, %edx
    movl    copy + 40, %ecx
    movw    copy + 76, %es
    movw    copy + 84, %fs
    movw    copy + 88, %gs
    pushw   copy + 80
    movl    copy + 44, %eax
    movb    $0, %ah
    popw    %ds
    iretw

    .balign 8
boot_gdt:
    .quad   0
    .quad   0x00cf9b000000ffff
    .quad   0x00cf93000000ffff
boot_gdtr:
    .word   23
    .long   0
real_idtr:
    .word   0x3ff
    .long   0
    .globl  self
self:
    .long   copy                    /* plus the segment's base, added by main() */
copy:
    .space  96

    .section .rodata, "a"
    .globl  monitor_image, monitor_image_end
monitor_image:
    .incbin MONITOR_FILE
monitor_image_end:
    .section .note.GNU-stack, "", @progbits
