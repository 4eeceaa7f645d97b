# Lab 11: a run of the demo is recorded, in which somebody types; the log, and yours if there is one (run.log), is given
# to the student's function, as it is and damaged.
lab_check()
{
    machine="-bios $B/roms/boot.bin -m 16 -display none -monitor none"
    { sleep 1; echo hello; sleep 0.2; echo Q; } |
        timeout 60 "$B/dragoman" $machine -serial stdio -icount "shift=3,rr=record,rrfile=$W/log" >"$W/typed.txt" 2>"$W/stderr" ||
        broken "the demo cannot be recorded: $(cat "$W/stderr")"
    timeout 60 "$B/dragoman" $machine -serial "file:$W/played.txt" -icount "shift=3,rr=replay,rrfile=$W/log" </dev/null 2>"$W/stderr" ||
        broken "the log cannot be replayed: $(cat "$W/stderr")"
    sed 's/^/    /' "$W/stderr"
    bench logcheck "$W/log" "$W/flipped"
    if [ -f "$DIR/run.log" ]; then
        echo "  and your own run.log:"
        bench logcheck "$DIR/run.log" "$W/flipped"
    fi
}
