# The stack.
seq 32 push
    push eax
fin
seq 32 pop
    pop eax
fin
seq 32 push_imm
    push 7
fin
seq 32 push_mem
    push dword ptr [ebp+8]
fin
seq 32 pop_mem
    pop dword ptr [ebx]
fin
seq 32 prologue
    push ebp
    mov ebp, esp
    push edi
    push esi
    push ebx
    sub esp, 0x1c
fin
seq 32 epilogue
    add esp, 0x1c
    pop ebx
    pop esi
    pop edi
    pop ebp
    ret
fin
seq 32 leave_ret
    leave
    ret
fin
seq 32 argument
    mov eax, [esp+4]
    mov edx, [esp+8]
fin
seq 32 local
    mov [esp+0x10], eax
    mov ecx, [esp+0x14]
fin
seq 32 pusha_popa
    pusha
    popa
fin
seq 32 pass
    push eax
    push 3
    mov eax, [ebp-4]
    push eax
fin
seq 32 enter
    enter 16, 0
fin
