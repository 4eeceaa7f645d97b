# Lab 8: the guest's output, and the interrupts as the processor saw them, with their times.
lab_rom()
{
    rom "$DIR/guest.c"
}

lab_check()
{
    lab_rom
    guest "$B/dragoman" -icount shift=3,sleep=off -d int -D "$W/int" -timeline "$W/time.json"
    status=$?
    expect "the guest ends by itself in time and says PASS" [ $status = 0 ]
    expect "it prints '100 ticks'" grep -qx '100 ticks' "$W/guest.txt"
    n=$(grep -c '^interrupt 20 ' "$W/int")
    expect "100 interrupts of the timer were delivered ($n)" [ "$n" = 100 ]
    # Virtual time in microseconds, from the first interrupt to the last.
    span=$(sed -n 's/.*"ts":\([0-9]*\)[.0-9]*,.*"name":"interrupt 20".*/\1/p' "$W/time.json" 2>/dev/null |
        awk 'NR == 1 { first = $1 } { last = $1 } END { print last - first }')
    expect "99 ticks took 99 milliseconds of the guest's time ($span us)" [ "$span" -gt 98500 -a "$span" -lt 99500 ]
    n=$(grep '^interrupt ' "$W/int" | grep -vc '^interrupt 20 ')
    expect "no other interrupt was delivered ($n)" [ "$n" = 0 ]
}
