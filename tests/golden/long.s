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
# R8 to R15 come into registers where they are used again.
seq 64 upper_chain
    mov r12d, [rsi]
    bswap r12d
    mov r13d, r12d
    ror r13d, 11
    xor r13d, r12d
    add r12d, r13d
    mov [rsp+8], r12d
    mov r13d, eax
fin
seq 64 upper_loop
    add r8, [r9+rcx*8]
    add r9, 8
    dec r10
    jnz .+0x40
    mov r8, r9
fin
seq 64 upper_fault
    shr r10b, 1
    mov word ptr [rcx*4-0x3ffda55c], dx
fin
