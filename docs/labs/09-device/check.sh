# Lab 9: a program with the student's device in it runs a guest that tries it; the device is held to the laws
# of all devices (tests/dev/test_laws.c).
lab_rom()
{
    rom "$LAB/guest.c"
}

# The normal program is not touched: one table of the board is compiled anew with a row more.
lab_program()
{
    mkdir -p "$W/devices/board"
    cat devices/board/addons.def >"$W/devices/board/addons.def"
    echo 'ADDON("lab-counter", counter_class, ISA, NOTHING, counter_plug)' >>"$W/devices/board/addons.def"
    compile "$DIR/counter.c" "$W/counter.o"
    compile "$LAB/class.c" "$W/class.o"
    LAB_CPPFLAGS="-I$W $LAB_CPPFLAGS" compile devices/board/pc_addons.c "$W/pc_addons.o" -include "$LAB/counter.h"
    PROGRAM=$OUT/dragoman-lab09
    link_dragoman "$PROGRAM" "$W/pc_addons.o" "$W/class.o" "$W/counter.o"
}

lab_check()
{
    lab_rom
    lab_program
    n=$(wc -l <"$DIR/counter.c")
    expect "counter.c has 100 lines at most ($n)" [ "$n" -le 100 ]
    for engine in exec jit; do
        guest "$PROGRAM" -engine $engine -icount shift=3,sleep=off -device lab-counter
        status=$?
        expect "$engine: the guest polls the counter" grep -qx 'polling: ok' "$W/guest.txt"
        expect "$engine: the guest gets ten interrupts, a millisecond apart" grep -qx 'interrupts: ok' "$W/guest.txt"
        expect "$engine: the guest says PASS and ends" sh -c "[ $status = 0 ] && grep -qx PASS '$W/guest.txt'"
        grep -h '^FAIL\|^got\|^unexp' "$W/guest.txt" | sed 's/^/    the guest: /; s/line \([0-9]*\)/line \1 of its source/'
    done
    if [ -z "$LAB_TEST_LIBS" ]; then
        echo "  not tried: the laws of devices need the Check library ('make deps')"
        return
    fi
    compile tests/dev/test_laws.c "$W/laws.o" "-DLAW_EXTRA=\"$LAB/law.h\""
    $LAB_CC $LAB_LDFLAGS -o "$W/laws" "$W/laws.o" "$W/class.o" "$W/counter.o" "$B/obj/libtests.a" "$B/libfront.a" \
        "$B/libdragoman.a" "$B/libfront.a" $LAB_TEST_LIBS $LAB_LIBS || broken "the test of the laws cannot be linked"
    expect "the device keeps the laws of all devices (fields, reset, snapshots, random accesses)" \
        sh -c "timeout 100 '$W/laws' lab-counter >'$W/laws.txt' 2>&1"
    grep ':[EF]:' "$W/laws.txt" | sed 's/^/    /' | head -n 5
}
