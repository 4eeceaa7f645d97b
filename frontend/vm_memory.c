/* Guest memory for people and debuggers: looked at and written to files without any effect on the
 * guest. */
#include "frontend/vm.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

bool vm_peek(struct vm *vm, bool physical, u64 addr, void *buf, size_t n)
{
    struct mmu *mmu = &vm_cpu(vm)->mmu;

    return physical ? mmu_peek_phys(mmu, addr, buf, n) : mmu_peek(mmu, addr, buf, n);
}

/* Up to the next page's start: a page is there or it is not. */
static bool write_pages(struct vm *vm, bool physical, u64 addr, u64 size, FILE *f, struct err *err)
{
    u8 page[4096];

    while (size) {
        size_t n = (size_t)MIN(size, sizeof(page) - addr % sizeof(page));

        if (!vm_peek(vm, physical, addr, page, n))
            return err_set(err, "There is no memory at 0x%llx.", (unsigned long long)addr);
        if (fwrite(page, 1, n, f) != n)
            return err_set(err, "Cannot write memory to the file: %s.", strerror(errno));
        addr += n;
        size -= n;
    }
    return true;
}

bool vm_save_memory(struct vm *vm, bool physical, u64 addr, u64 size, const char *path,
                    struct err *err)
{
    FILE *f;
    bool ok;

    if (addr + size < addr || size > PC_RAM_MAX)
        return err_set(err, "0x%llx bytes at 0x%llx are more than there is.",
                       (unsigned long long)size, (unsigned long long)addr);
    f = fopen(path, "wb");
    if (!f)
        return err_set(err, "Cannot write '%.300s': %s.", path, strerror(errno));
    ok = write_pages(vm, physical, addr, size, f, err);
    if (fclose(f) && ok)
        ok = err_set(err, "Cannot write '%.300s': the disk may be full.", path);
    if (!ok)
        remove(path);
    return ok;
}
