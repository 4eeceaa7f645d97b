# Lab 1: the guest's output, and the figures of answers.txt counted once more from a trace of the same guest.
lab_rom()
{
    rom "$DIR/guest.S"
    where
}

lab_check()
{
    lab_rom
    guest "$B/dragoman" -engine exec -d exec -D "$W/trace" -dfilter "$RANGE"
    expect "the guest ends by itself and says PASS" [ $? = 0 ]
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
