#!/bin/sh
# Debian's graphical installer (the gtk kernel and initrd of the netboot package, vga=788) reaches its
# first screen on the frame buffer; keyboard and mouse answer in it, driven through the VNC server.
. "$(dirname "$0")/lib.sh"
need_seabios
need_guest d-i/gtk-vmlinuz d-i/gtk-initrd.gz
C=$B/tests/tools/rfbclient
[ -x "$C" ] || skip "needs $C: make check-boot builds it"
number=$((1000 + $$ % 20000))
port=$((5900 + number))

# Colours that the picture has, as a number.
colors()
{
    tail -c +16 "$1" | od -An -v -tx1 -w3 | sort | uniq | wc -l
}

shot()
{
    "$C" $port shot "$1" >"$W/client" 2>&1 || fail "no picture: $(tail -n 1 "$W/client")"
}

# still FILE SECONDS: a picture that stays the same for two seconds.
still()
{
    end=$(($(date +%s) + $2 * slow))
    shot "$1"
    while :; do
        sleep 2
        shot "$W/next.ppm"
        cmp -s "$1" "$W/next.ppm" && break
        mv "$W/next.ppm" "$1"
        [ "$(date +%s)" -lt "$end" ] || fail "the picture does not come to rest"
    done
}

differ()
{
    [ "$(cmp -l "$1" "$2" | wc -l)" -gt "$3" ] || fail "$4"
}

start -m 768 -kernel "$G/d-i/gtk-vmlinuz" -initrd "$G/d-i/gtk-initrd.gz" -append 'vga=788' \
    -vnc "127.0.0.1:$number"
end=$(($(date +%s) + 300 * slow))
while :; do
    sleep 3
    alive || fail "the emulator ended"
    [ "$(date +%s)" -lt "$end" ] || fail "no installer's screen"
    shot "$W/first.ppm"
    case $(head -n 2 "$W/first.ppm" | tail -n 1) in
    '800 600' | '1024 768') ;; # of vga=788, or of the kernel's own driver
    *) continue ;;
    esac
    [ "$(colors "$W/first.ppm")" -gt 200 ] && break
done
still "$W/first.ppm" 60
say "the first screen after $(took), $(colors "$W/first.ppm") colours"
[ -z "${TEST_SHOTS:-}" ] || mon "screendump $TEST_SHOTS/gtk-first.png"

# The cursor keys choose another language of the list.
"$C" $port key ff54 sleep 300 key ff54 >"$W/client" 2>&1
still "$W/down.ppm" 60
differ "$W/first.ppm" "$W/down.ppm" 2000 'the keyboard does nothing'
say "cursor keys choose"

# The pointer: moved to the upper left corner, then onto a row of the list, pressed.
"$C" $port point 790,590,0 sleep 200 point 5,5,0 sleep 300 point 300,300,0 sleep 500 point 300,300,1 sleep 200 \
    point 300,300,0 sleep 500 >"$W/client" 2>&1
still "$W/click.ppm" 60
differ "$W/down.ppm" "$W/click.ppm" 2000 'the mouse does nothing'
say "the mouse chooses"

# Continue: the next question has another picture.
"$C" $port key ff0d >"$W/client" 2>&1
sleep 2
still "$W/next-question.ppm" 60
differ "$W/click.ppm" "$W/next-question.ppm" 20000 'Return does not go on'
[ -z "${TEST_SHOTS:-}" ] || mon "screendump $TEST_SHOTS/gtk-next.png"
sleep 1
done_testing "first screen, keys, mouse, second screen"
