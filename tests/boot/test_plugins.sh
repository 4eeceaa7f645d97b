#!/bin/sh
# The examples of docs/plugins on a guest whose counts are known, and on the demo by engine; what is
# no plug-in is refused; the perf map and the timeline of the same runs.
. "$(dirname "$0")/lib.sh"
src=$(cd "$(dirname "$0")/../.." && pwd)
for p in mix coverage cache; do
    ${CC:-cc} -std=c11 -O2 -Wall -Wextra -Wno-unused-parameter -Werror -shared -fPIC -I "$src/frontend/plugin" -o "$W/$p.so" \
        "$src/docs/plugins/$p.c" || fail "$p.c does not compile"
    [ "$(wc -l <"$src/docs/plugins/$p.c")" -lt 100 ] || fail "$p.c has 100 lines or more"
done

# A ROM of 64 KiB: xor ax,ax; mov ds,ax; mov cx,1000; mov bx,0x1000; L: mov [bx],al; inc bx; loop L;
# cld; mov es,ax; mov di,0x3000; mov cx,512; rep stosb; mov dx,0x501; out dx,al; jmp $
# 16 lines of 64 bytes are written by the loop and 8 by the string: 1001 accesses.
{
    printf '\061\300\216\330\271\350\003\273\000\020\210\007\103\342\373\374\216\300\277\000\060\271\000\002\363\252\272\001\005\356\353\376'
    head -c $((65536 - 16 - 32)) /dev/zero
    printf '\352\000\000\000\360'
    head -c 11 /dev/zero
} >"$W/known.bin"
[ "$(wc -c <"$W/known.bin")" = 65536 ] || fail "the ROM has another size"

# run_known ENGINE: all three plug-ins at once.
run_known()
{
    start -bios "$W/known.bin" -m 16 -nodefaults -icount shift=3,sleep=off -engine "$1" -device isa-debug-exit,iobase=0x501 \
        -plugin "$W/mix.so,file=$W/mix" -plugin "$W/cache.so,file=$W/cache" $2
    wait_end 1 20
    # jmp far, 4, 3 times 1000, 4, rep stosb, 2
    grep -qx 'instructions 3012' "$W/mix" || fail "$1: $(head -n 1 "$W/mix"), not 3012"
    for line in 'loop  *1000' 'inc  *1000' 'mov  *100[0-9]' 'stos  *1' 'out  *1'; do
        grep -qix "$line" "$W/mix" || fail "$1: no '$line' in $(tr '\n' ';' <"$W/mix")"
    done
    printf 'accesses 1008\nhits 984\nmisses 24\nwritten back 0\n' | cmp -s - "$W/cache" ||
        fail "$1: the cache says $(tr '\n' ';' <"$W/cache")"
}
run_known exec
for engine in jit eval; do
    run_known $engine "-plugin $W/coverage.so,file=$W/cov"
    # jmp; up to the first loop; the loop; up to out, which may be cut at a string or a port
    n=$(sed -n 's/^BB Table: \([0-9]*\) bbs/\1/p' "$W/cov" | tr -d '\000')
    [ "$n" -ge 4 ] && [ "$n" -le 6 ] || fail "$engine: $n blocks"
    [ "$(grep -ac '^DRCOV VERSION: 2' "$W/cov")" = 1 ] || fail "no drcov"
    # Every byte of the code once: the last block is entered, if not left by its jump.
    bytes=$(tail -c $((8 * n)) "$W/cov" | od -An -v -tu2 -w8 | awk '{for (i = 0; i < $3; i++) seen[$2 ":" $1 + i] = 1}
        END {for (s in seen) n++; print n}')
    [ "$bytes" = 37 ] || fail "$engine: $bytes bytes of code ran, not 37"
done
say "3012 instructions, 24 misses, 37 bytes of code on all engines"

# demo ENGINE ARGUMENTS: its self-test in counted time.
demo()
{
    engine=$1
    shift
    start -bios "$R/boot.bin" -engine "$engine" -icount shift=3,sleep=off -device isa-debug-exit,iobase=0x501 \
        -fw_cfg name=opt/dragoman/selftest,string=1 "$@"
    wait_serial 'DEMO PASS' 200
    wait_end 0 20
}
demo jit -plugin "$W/mix.so,file=$W/mix.jit" -plugin "$W/cache.so,file=$W/cache.jit" -state-hash "1000000,$W/hash.jit"
demo exec -plugin "$W/mix.so,file=$W/mix.exec" -plugin "$W/cache.so,file=$W/cache.exec" -state-hash "1000000,$W/hash.exec"
demo jit -state-hash "1000000,$W/hash.without"
for f in mix cache hash; do
    cmp -s "$W/$f.jit" "$W/$f.exec" || fail "$f differs between jit and exec"
done
cmp -s "$W/hash.jit" "$W/hash.without" || fail "the plug-ins change the run"
say "the demo: $(head -n 1 "$W/mix.jit") and $(sed -n 3p "$W/cache.jit") on both engines, the state as without plug-ins"

printf 'int x;\n' >"$W/none.c"
${CC:-cc} -shared -fPIC -o "$W/none.so" "$W/none.c"
sed 's/= {DRAGOMAN_PLUGIN_VERSION/= {99/' "$src/docs/plugins/mix.c" >"$W/old.c"
${CC:-cc} -shared -fPIC -I "$src/frontend/plugin" -o "$W/old.so" "$W/old.c"
common="-bios $W/known.bin -display none -monitor none -serial null"
refuses "no symbol 'dragoman_plugin'" $common -plugin "$W/none.so"
refuses 'version 99' $common -plugin "$W/old.so"
refuses 'Cannot load plug-in' $common -plugin "$W/missing.so"
refuses 'It takes file=NAME' $common -plugin "$W/mix.so,colour=red"
refuses 'need -engine jit or eval' $common -engine exec -plugin "$W/coverage.so,file=$W/cov"
done_testing "three plug-ins with known counts, equal on all engines; refusals"
