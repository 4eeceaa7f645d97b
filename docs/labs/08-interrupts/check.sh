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
    expect "the guest ends by itself within 20 seconds (status 1: it passed)" [ $status = 1 ]
    expect "it prints '100 ticks'" grep -qx '100 ticks' "$W/guest.txt"
    n=$(grep -c '^interrupt 20 ' "$W/int")
    expect "100 interrupts of the timer were delivered ($n)" [ "$n" = 100 ]
    n=$(grep '^interrupt ' "$W/int" | grep -vc '^interrupt 20 ')
    expect "no other interrupt was delivered ($n)" [ "$n" = 0 ]
}
