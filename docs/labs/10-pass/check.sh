# Lab 10: chosen and random blocks; then a program with the student's pass in it runs test ROMs with the state hashed
# on the way, and has to be where the interpreter is.
lab_program()
{
    compile "$DIR/pass.c" "$W/student.o"
    compile "$LAB/wrap.c" "$W/wrap.o"
    PROGRAM=$OUT/dragoman-lab10
    link_dragoman "$PROGRAM" -Wl,--wrap=ir_optimise "$W/wrap.o" "$W/student.o"
}

# try PROGRAM ENGINE NAME: test ROMs of the project; hashes of the state on the way, and IR behind the passes.
try()
{
    for rom in alu segment string; do
        timeout 60 "$1" -bios "$B/roms/test/$rom.bin" -engine "$2" -icount shift=3,sleep=off -m 16 \
            -state-hash "10000,$W/$3.$rom.hash" -d op_opt -D "$W/$3.$rom.ir" -debugcon null -display none -monitor none -serial null \
            -device isa-debug-exit,iobase=0x501 </dev/null 2>"$W/stderr"
        [ $? = 1 ] || echo "$rom failed" >>"$W/$3.$rom.hash"
    done
    cat "$W/$3".*.hash >"$W/$3.hash"
}

loads()
{
    cat "$W/$1".*.ir | grep -Ec '^ +[0-9]+: ld\.32 g'
}

lab_check()
{
    bench pass
    lab_program
    try "$B/dragoman" exec exec
    try "$PROGRAM" eval eval
    expect "three test ROMs with your pass, IR evaluated: the same states as the interpreter" cmp -s "$W/exec.hash" "$W/eval.hash"
    try "$PROGRAM" jit jit
    expect "the same, translated: the same states" cmp -s "$W/exec.hash" "$W/jit.hash"
    try "$B/dragoman" jit plain
    a=$(loads plain) b=$(loads jit)
    expect "loads into registers in all blocks: $a without your pass, $b with it" [ "$b" -lt "$a" ]
}
