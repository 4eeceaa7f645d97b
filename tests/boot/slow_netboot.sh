#!/bin/sh
# Debian's netboot installer configures its network by DHCP, fetches its answers by HTTP from this host (a preseed file),
# and what they tell it to do fetches a larger file and answers with its checksum.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"
need_seabios
need_guest d-i/vmlinuz d-i/initrd.gz
command -v python3 >/dev/null 2>&1 || skip "needs python3 to serve files"
"$DRAGOMAN" -netdev help | grep -q '^user' || skip "this build has no user networking"

mkdir "$W/www"
head -c 20000000 /dev/urandom >"$W/www/large"
want=$(md5sum <"$W/www/large" | cut -c1-32)
# The installer takes the address; its shell says what came, on the serial port.
cat >"$W/www/preseed.cfg" <<'END'
d-i debian-installer/locale string en_US
d-i keyboard-configuration/xkb-keymap select us
d-i preseed/early_command string ( ip addr; ip route; wget -O /tmp/large http://10.0.2.2:PORT/large && md5sum /tmp/large; echo early-done ) >/dev/ttyS0 2>&1
END
port=$(free_port)
sed -i "s/PORT/$port/" "$W/www/preseed.cfg"
timeout $((900 * slow)) python3 -m http.server --bind 127.0.0.1 --directory "$W/www" "$port" >"$W/http" 2>&1 &
server=$!

for nic in ${NET_NICS:-e1000 rtl8139}; do
    : >"$W/http"
    start -m 512 -kernel "$G/d-i/vmlinuz" -initrd "$G/d-i/initrd.gz" -nic "user,model=$nic" -append \
        "vga=normal fb=false nomodeset auto=true priority=critical url=http://10.0.2.2:$port/preseed.cfg hostname=guest domain=local"
    wait_serial '^early-done' 400
    tr -d '\r' <"$W/serial" >"$W/lines"
    grep -q 'inet 10.0.2.15/24' "$W/lines" || fail "$nic: no address by DHCP"
    grep -q '^default via 10.0.2.2' "$W/lines" || fail "$nic: no route by DHCP"
    grep -q "^$want" "$W/lines" || fail "$nic: the large file came wrong"
    grep -q 'GET /preseed.cfg.* 200' "$W/http" || fail "$nic: the server was not asked"
    say "$nic: DHCP, preseed file and 20 MB by HTTP after $(took)"
done
done_testing "the installer's network by DHCP, its answers and a file by HTTP from the host"
