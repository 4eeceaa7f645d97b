/* Networks of a machine: opened, given to adapters, captured; and the adapters' boot ROMs. */
#include "frontend/vm.h"

#include "frontend/firmware.h"
#include "frontend/net/pcap.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

bool vm_open_networks(struct vm *vm, struct err *err)
{
    netdevs_init(&vm->nets, &vm->loop, &vm->clock, &vm->log);
    vm->nets_ready = true;
    for (unsigned i = 0; i < vm->opt->nnetdevs; i++) {
        if (!netdev_open(&vm->nets, &vm->opt->netdevs[i], err))
            return false;
    }
    return true;
}

/* ---- boot ROMs ---- */

static const char *usual_rom(const char *driver)
{
    static const char *const roms[][2] = {{"e1000", "pxe-e1000.rom"},
                                          {"rtl8139", "pxe-rtl8139.rom"},
                                          {"ne2k_pci", "pxe-ne2k_pci.rom"},
                                          {"virtio-net-pci", "pxe-virtio.rom"}};

    for (size_t i = 0; i < ARRAY_LEN(roms); i++) {
        if (!strcmp(roms[i][0], driver))
            return roms[i][1];
    }
    return NULL;
}

static bool load_rom(struct vm *vm, const struct opt_addon *a, struct pc_addon *to, struct err *err)
{
    const char *name = a->rom[0] ? a->rom : usual_rom(a->driver);
    size_t len;
    u8 *data;

    /* A kernel that is started directly does not boot from the network. */
    if (a->no_rom || !name || (!a->rom[0] && vm->opt->kernel[0]))
        return true;
    data = firmware_load(vm->opt, name, &len, !a->rom[0], err);
    if (!data)
        return !a->rom[0];
    if (!vm_own(vm, data, err))
        return false;
    to->rom = data;
    to->rom_len = len;
    return true;
}

bool vm_wire_network(struct vm *vm, unsigned i, struct err *err)
{
    const struct opt_addon *a = &vm->opt->addons[i];
    const struct plug_class *c = pc_addon_class(a->driver);
    struct pc_addon *to = &vm->cfg.addon[i];
    struct netdev *d;

    if (c->bus == PLUG_PCI && !load_rom(vm, a, to, err))
        return false;
    if (c->host != PLUG_NET || !a->host[0])
        return true;
    d = netdev_find(&vm->nets, a->host);
    if (!d)
        return err_set(err, "There is no -netdev with the id '%.60s'.", a->host);
    if (!netdev_join(d, a->id[0] ? a->id : a->driver, err))
        return false;
    to->net = &d->net;
    return true;
}

/* ---- capture files ---- */

bool vm_open_dumps(struct vm *vm, struct err *err)
{
    for (unsigned i = 0; i < vm->opt->ndumps; i++) {
        const struct opt_dump *o = &vm->opt->dumps[i];
        struct netdev *d = netdev_find(&vm->nets, o->netdev);
        unsigned k = 0;

        if (!d)
            return err_set(err, "-object filter-dump: there is no -netdev with the id '%.60s'.",
                           o->netdev);
        while (k < NETDEV_DUMPS && d->dump[k])
            k++;
        if (k == NETDEV_DUMPS)
            return err_set(err, "Network '%s' has more than %d capture files.", d->id,
                           NETDEV_DUMPS);
        d->dump[k] = pcap_open(o->path, o->max_len, (u64)time(NULL) * NS_PER_SEC, err);
        if (!d->dump[k])
            return false;
    }
    return true;
}
