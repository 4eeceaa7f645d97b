# A kernel for the interpreter, which takes a minute for unpacking one: the same kernel, not packed.

# u32 FILE PLACE: a number of 4 bytes.
u32()
{
    od -An -tu4 -j "$2" -N 4 "$1" | tr -d ' '
}

# bytes NUMBER: its 4 bytes, the lowest first.
bytes()
{
    printf "$(printf '\\%o\\%o\\%o\\%o' $(($1 & 255)) $(($1 >> 8 & 255)) $(($1 >> 16 & 255)) $(($1 >> 24 & 255)))"
}

# plain_kernel FROM TO: the setup part of a 32-bit Linux packed by xz (its boot protocol, "The Real-Mode Kernel Header"), a jump, and the
# segments of what is packed where they belong: nothing has to be unpacked or moved. False without xz or with another kernel.
plain_kernel()
{
    command -v xz >/dev/null || return 1
    setup=$((($(od -An -tu1 -j 497 -N 1 "$1") + 1) * 512))
    # payload_offset, payload_length; behind the packed bytes is their length
    tail -c +$((setup + $(u32 "$1" 584) + 1)) "$1" | head -c $(($(u32 "$1" 588) - 4)) | xz -dc >"$2.elf" 2>/dev/null || return 1
    {
        head -c $setup "$1"
        printf '\061\333\270' # xor ebx, ebx; mov eax, entry; jmp eax
        bytes "$(u32 "$2.elf" 24)"
        printf '\377\340'
    } >"$2"
    at=$(u32 "$2.elf" 28)
    n=$(od -An -tu2 -j 44 -N 2 "$2.elf")
    while [ "$n" -gt 0 ]; do
        if [ "$(u32 "$2.elf" "$at")" = 1 ]; then
            dd if="$2.elf" of="$2" bs=512 conv=notrunc status=none skip=$(($(u32 "$2.elf" $((at + 4))) / 512)) \
                count=$((($(u32 "$2.elf" $((at + 16))) + 511) / 512)) \
                seek=$(((setup + $(u32 "$2.elf" $((at + 12))) - 1048576) / 512)) || return 1
        fi
        at=$((at + 32))
        n=$((n - 1))
    done
    bytes $((($(wc -c <"$2") - setup + 15) / 16)) | dd of="$2" bs=1 seek=500 conv=notrunc status=none # syssize
    rm -f "$2.elf"
}
