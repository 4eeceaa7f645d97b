#!/bin/sh
# The machine protocol with a client of our own (tests/tools/qmpclient.c): greeting, run state and
# events, keys, picture, bad input, several clients, descriptors, -daemonize and -machine none as
# libvirt asks for them.
. "$(dirname "$0")/lib.sh"
C=$B/tests/tools/qmpclient
[ -x "$C" ] || skip "needs $C: make check-boot builds it"
S=$W/qmp
hello='{"execute":"qmp_capabilities"}'

if "$DRAGOMAN" -machine none -qmp "unix:$S,server=on,wait=off" -nodefaults -nographic -pidfile "$W/no/pid" </dev/null 2>&1 |
    grep -q 'no machine protocol'; then
    skip "this build has no machine protocol"
fi

# client STEPS: it must succeed; what it was told is in $W/client.
client()
{
    "$C" "$S" "$@" >"$W/client" 2>&1 || fail "client $*: $(tail -n 2 "$W/client")"
}

# told PATTERN
told()
{
    grep -qE -- "$1" "$W/client" || fail "no '$1' in: $(tail -n 5 "$W/client")"
}

start -bios "$R/boot.bin" -m 32 -name 'qmp guest' -S -qmp "unix:$S,server=on,wait=off" \
    -chardev "socket,id=second,path=$S.2,server=on,wait=off" -mon chardev=second,mode=control,pretty=on
client '{"execute":"query-status"}' "$hello" '{"execute":"query-status","id":[1]}' \
    '{"execute":"cont"}' 'wait:"event": "RESUME"'
told '"QMP": .*"package": "dragoman'
told 'Expecting capabilities'
told '"status": "prelaunch".*"id": .1'
wait_screen 'Dragoman demo: a PC in software' 20
client "$hello" '{"execute":"stop"}' 'wait:"event": "STOP", "timestamp": {"seconds": ' '{"execute":"query-status"}' \
    '{"execute":"cont"}' '{"execute":"query-name"}' '{"execute":"system_reset"}' 'wait:"event": "RESET"'
told '"running": false.*"paused"'
told '"name": "qmp guest"'
wait_screen 'Dragoman demo: a PC in software' 20
say "greeting, run state and events"

client "$hello" '{"execute":"send-key","arguments":{"keys":[{"type":"qcode","data":"q"}]}}' sleep:10 \
    '{"execute":"nonsense"}' '{"execute":"stop","arguments":{"a":1}}'
told 'CommandNotFound'
told "Parameter 'a' is unexpected"
wait_screen 'q' 5
client "$hello" '{"execute":"send-key","arguments":{"keys":[{"type":"qcode","data":"shift"},{"type":"qcode","data":"p"}]}}'
wait_serial 'picture shown' 20
client "$hello" "{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"$W/a.ppm\"}}" \
    "{\"execute\":\"screendump\",\"arguments\":{\"filename\":\"$W/a.png\",\"format\":\"png\"}}"
mon "screendump $W/b.ppm"
sleep 1
cmp "$W/a.ppm" "$W/b.ppm" || fail "the pictures differ"
[ "$(head -c 4 "$W/a.png" | tail -c 3)" = PNG ] || fail "no PNG"
client "$hello" '{"execute":"human-monitor-command","arguments":{"command-line":"info registers"}}'
told 'EIP='
say "keys, pictures, the human monitor"

# The second monitor has a state of its own, and both hear of events. -mon pretty: one member a line.
"$C" "$S.2" "$hello" 'wait:"event": "STOP"' >"$W/second" 2>&1 &
second=$!
sleep 1
client "$hello" '{"execute":"stop"}' '{"execute":"cont"}'
wait "$second" || fail "the second monitor heard nothing: $(tail -n 3 "$W/second")"

# Bad input: each is answered, and the next request is served.
client "$hello" 'raw:}\n' 'wait:JSON parse error' 'raw:{"execute":"stop","id":"\xff"}\n' 'wait:JSON parse error' \
    'raw:{"execute":"stop","id":99999999999999999999}\n' 'wait:JSON parse error' \
    "raw:$(printf '%0100d' 0 | tr 0 '[')\\n" 'wait:nested deeper' '{"execute":"query-kvm","id":"still here"}'
told 'still here'
# Half a request, and gone: the next client begins anew.
client "$hello" 'raw:{"execute":"st'
client "$hello" '{"execute":"query-status"}'
told '"running": true'

# A descriptor comes along.
client "$hello" '{"execute":"getfd","arguments":{"fdname":"x"}}' \
    "fd:/dev/null:{\"execute\":\"getfd\",\"arguments\":{\"fdname\":\"x\"}}" '{"execute":"closefd","arguments":{"fdname":"x"}}' \
    '{"execute":"closefd","arguments":{"fdname":"x"}}'
[ "$(grep -c '"return": {}' "$W/client")" = 3 ] || fail "descriptors: $(cat "$W/client")"
client "$hello" '{"execute":"system_powerdown"}' 'wait:"event": "POWERDOWN"' '{"execute":"quit"}' eof
told '"event": "SHUTDOWN".*"guest": false, "reason": "host-qmp-quit"'
wait_end 0 10
say "several clients, bad input, descriptors, quit"

# The guest's own end is told, too.
start -bios "$R/boot.bin" -m 32 -qmp "unix:$S,server=on,wait=off" -no-shutdown
wait_screen 'keys:  P picture' 20
"$C" "$S" "$hello" sleep:300 'wait:"event": "SHUTDOWN"' 'wait:"event": "STOP"' '{"execute":"query-status"}' \
    '{"execute":"cont"}' '{"execute":"quit"}' eof >"$W/client" 2>&1 &
second=$!
sleep 1
key shift-q
wait "$second" || fail "the power-off was not told: $(tail -n 3 "$W/client")"
told '"guest": true, "reason": "guest-shutdown"'
told '"status": "shutdown"'
told 'machine is shut down'
wait_end 0 10

# Viewers come and go.
if [ -x "$B/tests/tools/rfbclient" ] && ! "$DRAGOMAN" -vnc 127.0.0.1:1 -display none -bios "$R/boot.bin" -serial none \
    -pidfile "$W/no/pid" </dev/null 2>&1 | grep -q 'no VNC server'; then
    number=$((1000 + $$ % 20000))
    start -bios "$R/boot.bin" -m 32 -qmp "unix:$S,server=on,wait=off" -vnc "127.0.0.1:$number,password=on"
    wait_screen 'Dragoman demo' 20
    "$C" "$S" "$hello" '{"execute":"set_password","arguments":{"protocol":"vnc","password":"sesame"}}' \
        '{"execute":"query-vnc"}' 'wait:VNC_CONNECTED' 'wait:VNC_INITIALIZED' 'wait:VNC_DISCONNECTED' \
        '{"execute":"expire_password","arguments":{"protocol":"vnc","time":"now"}}' sleep:1500 '{"execute":"quit"}' eof \
        >"$W/client" 2>&1 &
    second=$!
    sleep 1
    "$B/tests/tools/rfbclient" -p sesame $((5900 + number)) sleep 800 >/dev/null || fail "the viewer was not let in"
    sleep 0.5
    "$B/tests/tools/rfbclient" -p sesame $((5900 + number)) size >/dev/null 2>&1
    [ $? = 3 ] || fail "let in although the password is of yesterday"
    wait "$second" || fail "viewers: $(tail -n 2 "$W/client")"
    told '"enabled": true, "host": "127.0.0.1"'
    told '"data": {"server": {"host": "127.0.0.1".*"client": {"host": "127.0.0.1"'
    wait_end 0 10
    say "viewers are told, passwords expire"
fi

# As libvirt starts it to ask what there is: the socket and the pid file are there when the command
# comes back.
"$DRAGOMAN" -S -no-user-config -nodefaults -nographic -machine none,accel=kvm:tcg -qmp "unix:$S,server=on,wait=off" \
    -pidfile "$W/pid" -daemonize </dev/null >"$W/stderr" 2>&1 || fail "-daemonize: status $?"
pid=$(cat "$W/pid")
alive || fail "no process $pid"
[ -S "$S" ] || fail "no socket"
client "$hello" '{"execute":"query-machines"}' '{"execute":"query-cpu-definitions"}' '{"execute":"qom-list-types"}' \
    '{"execute":"query-qmp-schema"}' '{"execute":"query-command-line-options"}' '{"execute":"system_reset"}' \
    '{"execute":"quit"}' eof
told 'There is no machine'
for i in 1 2 3 4 5 6 7 8 9 10; do
    alive || break
    sleep 0.2
done
alive && fail "the daemon is still there"
pid=
refuses 'nothing but monitors' -machine none -nodefaults -display none -hda "$W/pid"
refuses 'stdio' -daemonize -nodefaults -display none -monitor stdio
refuses "no -chardev" -mon chardev=nose,mode=control
refuses 'mode=control' -chardev null,id=n -mon chardev=n,pretty=on
refuses 'cannot share' -nodefaults -display none -bios "$R/boot.bin" -chardev stdio,mux=on,id=m -serial chardev:m -qmp chardev:m
done_testing "greeting, events, keys, pictures, clients, bad input, descriptors, -daemonize, -machine none"
