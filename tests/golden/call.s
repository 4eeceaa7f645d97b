# Calls and returns.
seq 32 call_near
    call 1f
1:
fin
seq 32 call_page
    .byte 0xe8
    .long 0x3000
fin
seq 32 call_reg
    call eax
fin
seq 32 call_mem
    call dword ptr [ebx+8]
fin
seq 32 ret
    ret
fin
seq 32 ret_imm
    ret 8
fin
seq 32 leaf
    mov eax, [esp+4]
    inc eax
    ret
fin
seq 32 get_pc
    call 1f
1:  pop ebx
fin
seq 32 call_args
    push 2
    push eax
    call 1f
1:
fin
seq 32 int80
    int 0x80
fin
seq 32 sysenter
    sysenter
fin
seq 32 mov_ds
    mov ds, edx
    pop fs
fin
seq 32 iret
    iret
fin
seq 32 fib_head
    push ebx
    mov ebx, [esp+8]
    cmp ebx, 1
    jbe 1f
    lea eax, [ebx-1]
    push eax
    call 1f
1:
fin
