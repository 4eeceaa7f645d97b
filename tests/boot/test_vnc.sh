#!/bin/sh
# The VNC server with a client of our own (tests/tools/rfbclient.c), plain and in a WebSocket: the
# picture is that of the monitor's screen dump, keys, pointer and clipboard arrive, passwords are
# asked for, and bad input ends connections, not the machine.
. "$(dirname "$0")/lib.sh"
C=$B/tests/tools/rfbclient
[ -x "$C" ] || skip "needs $C: make check-boot builds it"
number=$((1000 + $$ % 20000))
port=$((5900 + number))

if "$DRAGOMAN" -vnc "127.0.0.1:$number" -display none -bios "$R/boot.bin" -serial none -pidfile "$W/no/pid" </dev/null 2>&1 |
    grep -q 'no VNC server'; then
    skip "this build has no VNC server"
fi

# client ARGUMENTS: it must succeed.
client()
{
    "$C" "$@" >"$W/client" 2>&1 || fail "client $*: $(tail -n 1 "$W/client")"
}

start -bios "$R/boot.bin" -m 32 -vnc "127.0.0.1:$number,websocket=$((port + 1))"
wait_screen 'Dragoman demo: a PC in software' 20
client $port size
[ "$(cat "$W/client")" = '720 400' ] || fail "size $(cat "$W/client"), not 720 400"
client $port type 'small LAND {}' change 3000
wait_screen 'small LAND ..' 10
mon 'info vnc'
# The picture of one that stays, in three ways.
client -w $((port + 1)) type P sleep 1500 shot "$W/ws.ppm"
wait_serial 'picture shown' 20
client $port shot "$W/plain.ppm"
mon "screendump $W/dump.ppm"
sleep 1
cmp "$W/ws.ppm" "$W/plain.ppm" || fail "the WebSocket's picture is another one"
cmp "$W/ws.ppm" "$W/dump.ppm" || fail "the monitor's picture is another one"
# A size that changes while a client looks.
client $port key ff0d sleep 700 size
[ "$(cat "$W/client")" = '720 400' ] || fail "size $(cat "$W/client") after the picture"
say "pictures by RFB and by WebSocket are those of the monitor"

# The clipboard: Ctrl+Alt+V types it, Ctrl+Alt+C fetches the screen.
client $port cut 'from the clipboard' down ffe3 down ffe9 key 76 up ffe9 up ffe3 sleep 1500
wait_screen 'from the clipboard' 10
client $port down ffe3 down ffe9 key 63 paste
grep -q 'keys:  P picture' "$W/client" || fail "the clipboard has no screen: $(cat "$W/client")"
# A key held when its client goes is released.
client $port down ffe1 sleep 200
sleep 0.5
client $port type low
wait_screen 'low' 10
say "keys and clipboard arrive"

# Bad input: every message cut short, unknown ones, lengths of 4 GiB, pictures outside.
for bytes in ff 00ff 0000000020180001 0200ffff 03000000ffffffff 0300ffffffffffff 04 05ff 06000000ffffffff \
    060000007fffffff4141 fc00000000000000 fb00000000000000 fe000000ffff00ff 07 08 f9 ; do
    "$C" $port raw $bytes sleep 50 >"$W/client" 2>&1
    "$C" -w $((port + 1)) raw $bytes sleep 50 >"$W/client" 2>&1
    alive || fail "bytes $bytes ended the emulator"
done
for junk in 'GET / HTTP/1.1\r\n\r\n' 'GET /x HTTP/1.1\r\nSec-WebSocket-Key: \r\n\r\n' 'RFB 999.999\n' '\0\0\0\0\0\0\0\0\0\0\0\0\0\0'; do
    printf "$junk" | timeout 3 bash -c "exec 7<>/dev/tcp/127.0.0.1/$port; cat >&7; sleep 0.3" 2>/dev/null
    alive || fail "junk ended the emulator"
done
client $port type S size
wait_screen 'lowS' 10
stop
say "bad input ends connections only"

printf 'fromfile\n' >"$W/password"
start -bios "$R/boot.bin" -m 32 -vnc "127.0.0.1:$number,password=on"
wait_screen 'Dragoman demo' 20
"$C" $port size >"$W/client" 2>&1
[ $? = 3 ] || fail "let in without a password"
"$C" -p '' $port size >"$W/client" 2>&1
[ $? = 3 ] || fail "let in although no password is set"
mon 'set_password vnc sesame'
sleep 0.5
"$C" -p wrong $port size >"$W/client" 2>&1
[ $? = 3 ] || fail "let in with a wrong password"
client -p sesame $port size
stop
start -bios "$R/boot.bin" -m 32 -vnc "127.0.0.1:$number,password-file=$W/password"
wait_screen 'Dragoman demo' 20
client -p fromfile $port size
refuses 'cannot listen' -bios "$R/boot.bin" -display none -vnc "127.0.0.1:$number" -monitor none -serial null
done_testing "pictures, keys, clipboard, passwords, bad input"
