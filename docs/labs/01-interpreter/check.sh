# Lab 1: the guest's output, and the figures of answers.txt counted once more from a trace of the same guest.
lab_rom()
{
    rom "$DIR/guest.S"
    # From the first byte of the program to the start of what is linked behind it.
    nm -n "$W/guest.elf" >"$W/symbols"
    start=$(awk '$3 == "run_test" { print $1 }' "$W/symbols")
    size=$(size -A "$W/guest.o" | awk '$1 == ".text" { print $2 }')
    [ -n "$start" ] || broken "guest.S has no run_test"
    RANGE=0x$start+$size
    echo "your program is at 0x$start, $size bytes long: -dfilter $RANGE"
}

lab_check()
{
    lab_rom
    guest "$B/dragoman" -engine exec -d exec -D "$W/trace" -dfilter "$RANGE"
    expect "the guest ends by itself (status 1: it passed)" [ $? = 1 ]
    expect "it prints 'sum 5050'" grep -qx 'sum 5050' "$W/guest.txt"
    expect "the digits are not written in the program" sh -c "! sed 's|/\\*.*||; /HOLE/,/\\*\\//d' '$DIR/guest.S' | grep -q 5050"
    same_answer instructions "$(grep -c '^exec ' "$W/trace")"
    # The loop's first instruction is one that runs a hundred times.
    n=$(grep '^exec ' "$W/trace" | sort | uniq -c | awk '$1 == 100 { n++ } END { print n + 0 }')
    if [ "$n" -gt 0 ]; then
        same_answer rounds 100
    else
        missed "no instruction of the program runs a hundred times"
    fi
}
