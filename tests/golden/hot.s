# What other translators' figures are known for (translator.md 3): loops of the same shape as in ByteMark, single
# operations on AL with all flags wanted behind them, a carry chain, REP, CALL and RET, one access.
seq 32 nothing
fin
seq 32 cmp_al_1
    cmp al, 1
fin
seq 32 or_al_1
    or al, 1
fin
seq 32 add_al_1
    add al, 1
fin
seq 32 adc_al_1
    adc al, 1
fin
seq 32 memmove
1:  mov eax, [esi]
    mov ebx, [esi+4]
    mov [edi], eax
    mov [edi+4], ebx
    mov eax, [esi+8]
    mov ebx, [esi+12]
    mov [edi+8], eax
    mov [edi+12], ebx
    lea esi, [esi+16]
    lea edi, [edi+16]
    sub ecx, 16
    jnz 1b
fin
seq 32 numsort
1:  mov edx, [ebx+eax*4]
    inc eax
    cmp edx, ecx
    jl 1b
fin
seq 32 matmul
1:  movsd xmm0, [edx]
    mulsd xmm0, [eax+ecx*8]
    add eax, 0xc0
    add edx, 8
    cmp eax, 0x1011200
    addsd xmm1, xmm0
    jne 1b
fin
seq 32 huffman
1:  mov eax, [esi]
    mov edx, eax
    shr edx, 3
    movzx ecx, byte ptr [ebx+edx]
    and eax, 7
    bt ecx, eax
    setc al
    movzx eax, al
    inc dword ptr [esi]
    test eax, eax
    jz 2f
    mov edi, [edi+8]
    jmp 3f
2:  mov edi, [edi+4]
3:  cmp dword ptr [edi+4], -1
    jne 1b
    mov eax, [ebp+8]
    mov cl, [edi]
    mov [ebp+eax], cl
fin
seq 32 adc_chain
    add eax, [esi]
    adc edx, [esi+4]
    adc ebx, [esi+8]
    adc ecx, 0
    mov [edi], eax
fin
seq 32 adc_chain_regs
    add eax, ebx
    adc edx, ecx
    adc esi, edi
    adc ebp, 0
fin
seq 32 rep_movsd
    rep movsd
fin
seq 32 call_ret
    call 1f
    jmp 2f
1:  ret
2:
fin
seq 32 tlb_probe
    mov eax, [ebx]
fin
seq 32 tlb_probe_store
    mov [ebx], eax
fin
seq 32 tlb_probe_byte
    mov al, [ebx]
fin
seq 64 tlb_probe_64
    mov rax, [rbx]
fin
seq 64 tlb_probe_64_byte
    mov al, [rbx]
fin
