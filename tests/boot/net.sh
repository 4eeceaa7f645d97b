# What the network tests share: the host's server, and a Linux guest that gets an address by DHCP, fetches the server's
# pattern by HTTP through NAT, keeps it and serves it back through a forwarded port.

NET_INITRD=initrd-modules.cpio.gz
PEER=$B/netpeer

# net_server SECONDS: serves on loopback, port $SERVER, and ends by itself.
net_server()
{
    [ -x "$PEER" ] || skip "needs $PEER: 'make check-boot' builds it"
    "$PEER" serve "$W/port" "$1" &
    server=$!
    for i in 1 2 3 4 5 6 7 8 9 10; do
        [ -s "$W/port" ] && break
        sleep 0.2
    done
    SERVER=$(cat "$W/port")
    [ -n "$SERVER" ] || fail "the host's server does not start"
}

# A port of this host that nobody listens on now.
free_port()
{
    "$PEER" serve "$W/free" 1 &
    free=$!
    for i in 1 2 3 4 5 6 7 8 9 10; do
        [ -s "$W/free" ] && break
        sleep 0.1
    done
    cat "$W/free"
    kill $free
    rm -f "$W/free"
}

# The cable is pulled out and put in again: the guest's driver sees it, and nothing passes meanwhile. An NE2000 does not
# know of its cable.
net_cable()
{
    for way in off on; do
        mon "set_link n $way"
        want=$([ $way = on ] && echo 1 || echo 0)
        case $1 in
        ne2k*) sleep 1 ;;
        *)
            run "i=0; while [ \$i -lt 100 ] && [ \$(cat /sys/class/net/eth0/carrier) != $want ]; do sleep 0.1; i=\$((i+1)); done; echo carrier-$way=\$(cat /sys/class/net/eth0/carrier)"
            wait_serial "^carrier-$way=$want" 30
            ;;
        esac
        run "rm -f /tmp/got; { busybox wget -q -O /dev/null http://10.0.2.2:$SERVER/1 && touch /tmp/got; } & i=0; while [ \$i -lt 30 ] && [ ! -f /tmp/got ]; do sleep 0.1; i=\$((i+1)); done; if [ -f /tmp/got ]; then echo cable-$way=1; else echo cable-$way=0; fi"
        wait_serial "^cable-$way=$want" 30
    done
    say "$1: the cable pulled out and put in again, and the guest knows"
}

# net_guest LABEL MIB TIMES ARGUMENTS: the whole conversation; TIMES files of MIB each way. $NET_SETUP is run in the guest
# before.
net_guest()
{
    label=$1
    mib=$2
    times=$3
    shift 3
    forward=$(free_port)
    start -m 512 -kernel "$G/vmlinuz-686" -initrd "$G/$NET_INITRD" -append "console=ttyS0 quiet" -no-reboot \
        -netdev "user,id=n,hostfwd=tcp::$forward-:8080" "$@"
    wait_serial '^guest# ' 120
    [ -z "${NET_SETUP:-}" ] || run "$NET_SETUP"
    run 'printf "%s\n" "#!/bin/sh" "[ \"\$1\" = bound ] || exit 0" "ifconfig \$interface \$ip netmask \$subnet" "route add default gw \$router" "echo DHCP=\$ip,\$router" >/tmp/dhcp; chmod 755 /tmp/dhcp'
    run 'ifconfig eth0 up; udhcpc -i eth0 -n -q -s /tmp/dhcp'
    wait_serial '^DHCP=10.0.2.15,10.0.2.2' 30
    run "busybox wget -q -O /tmp/f http://10.0.2.2:$SERVER/$mib; busybox httpd -p 8080 -h /tmp; echo served=\$?"
    wait_serial '^served=0' 120
    rate=$("$PEER" fetch "$forward" /f "$mib" "$times") || fail "$label: the bytes that came back are wrong"
    say "$label: $((mib * times)) MiB from the guest through hostfwd, every byte right: $rate"
    run "i=0; a=\$(cut -d' ' -f1 /proc/uptime); while [ \$i -lt $times ]; do busybox wget -q -O /dev/null http://10.0.2.2:$SERVER/$mib || break; i=\$((i+1)); done; echo fetched=\$i,\$a,\$(cut -d' ' -f1 /proc/uptime),; grep eth0 /proc/interrupts"
    wait_serial "^fetched=$times," $((30 + mib * times))
    rate=$(tr -d '\r' <"$W/serial" | awk -F, -v n=$((mib * times)) '/^fetched=/ { printf "%.1f MB/s", n * 1.048576 / ($3 - $2) }')
    say "$label: $((mib * times)) MiB to the guest by HTTP through NAT: $rate"
    net_cable "$label"
    mon 'info network'
    sleep 1
    grep -a 'frames' "$W/monitor" | tr -d '\r' | sed "s/^ */$name: $label: /"
    run 'poweroff -f'
    wait_end 0 60
}
