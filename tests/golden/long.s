# 64-bit mode.
.irp op, add, sub, xor, cmp
seq 64 \op\()_low
    \op rax, rcx
fin
seq 64 \op\()_high
    \op r8, r9
fin
.endr
seq 64 add_32
    add eax, ecx
fin
seq 64 add_32_high
    add r10d, r11d
fin
seq 64 mov_imm64
    movabs rax, 0x1122334455667788
fin
seq 64 mov_high
    mov r12, rax
    mov rbx, r13
fin
seq 64 load
    mov rax, [rcx]
fin
seq 64 load_high
    mov r8, [r9+8]
fin
seq 64 store
    mov [rdi+0x10], rax
fin
seq 64 load_rip
    mov eax, [rip+0x100]
fin
seq 64 lea
    lea rax, [rdi+rsi*8+16]
fin
seq 64 movsxd
    movsxd rdx, eax
fin
seq 64 prologue
    push rbp
    mov rbp, rsp
    push r15
    push r14
    push rbx
    sub rsp, 0x18
fin
seq 64 epilogue
    add rsp, 0x18
    pop rbx
    pop r14
    pop r15
    pop rbp
    ret
fin
seq 64 call
    call 1f
1:
fin
seq 64 ret
    ret
fin
seq 64 jmp_reg
    jmp rax
fin
seq 64 call_plt
    jmp [rip+0x200]
fin
seq 64 same_base
    mov rax, [rdi]
    mov rdx, [rdi+8]
    mov rcx, [rdi+16]
fin
seq 64 loop_sum
1:  add rax, [rsi]
    add rsi, 8
    cmp rsi, rdi
    jne 1b
fin
seq 64 fs_load
    mov rax, fs:[0x28]
fin
seq 64 syscall
    syscall
fin
seq 64 movups
    movups xmm0, [rsi]
    movups [rdi], xmm0
fin
seq 64 rep_movsb
    rep movsb
fin
seq 64 rep_stosq
    rep stosq
fin
