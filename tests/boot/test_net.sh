#!/bin/sh
# Each network adapter with Debian's driver: DHCP, HTTP through NAT, TCP through a forwarded port, every byte looked at; its cable pulled out.
# NET_MIB and NET_TIMES: how much (default 8 MiB once; the NE2000s a quarter). 1 GiB: NET_MIB=64 NET_TIMES=16.
# NET_NICS: which. DRAGOMAN=qemu-system-i386 measures that instead.
. "$(dirname "$0")/lib.sh"
. "$(dirname "$0")/net.sh"
need_seabios
need_guest vmlinuz-686 initrd-modules.cpio.gz
"$DRAGOMAN" -netdev help | grep -q '^user' || skip "this build has no user networking"

MIB=${NET_MIB:-8}
TIMES=${NET_TIMES:-1}
net_server $((600 * slow))
for nic in ${NET_NICS:-e1000 rtl8139 ne2k_pci}; do
    n=$MIB
    case $nic in
    ne2k*) [ "$MIB" = 8 ] && n=2 ;;
    esac
    net_guest $nic $n "$TIMES" -device "$nic,netdev=n"
done
# On ISA the kernel must be told where it is.
if [ -z "${NET_NICS:-}" ] && gzip -dc "$G/$NET_INITRD" | grep -aq -e '-ne\.ko'; then
    NET_SETUP='insmod /lib/*-ne.ko io=0x300 irq=5'
    net_guest ne2k_isa 2 1 -device ne2k_isa,netdev=n,irq=5
fi
if [ -z "${NET_NICS:-}" ] && [ -f "$G/initrd-virtio.cpio.gz" ]; then
    NET_SETUP=
    NET_INITRD=initrd-virtio.cpio.gz
    net_guest virtio-net 2 1 -device virtio-net-pci,netdev=n
fi
done_testing "networks: DHCP, HTTP, forwarded TCP and cables with each adapter"
