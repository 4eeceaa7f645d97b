/* Host tool: pads a raw option ROM to 512-byte units and fills in its length and checksums. Usage:
 * romsign IN OUT */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { MAX_ROM = 127 * 512 };

static uint8_t sum(const uint8_t *p, size_t n)
{
    uint8_t s = 0;

    for (size_t i = 0; i < n; i++)
        s = (uint8_t)(s + p[i]);
    return s;
}

int main(int argc, char **argv)
{
    static uint8_t rom[MAX_ROM + 512];
    size_t n, units, pnp;
    FILE *f;

    if (argc != 3) {
        fprintf(stderr, "usage: romsign IN OUT\n");
        return 1;
    }
    f = fopen(argv[1], "rb");
    if (f == NULL) {
        perror(argv[1]);
        return 1;
    }
    n = fread(rom, 1, sizeof(rom), f);
    fclose(f);
    if (n < 64 || n > MAX_ROM - 1) {
        fprintf(stderr, "romsign: %s has %zu bytes, which is no option ROM\n", argv[1], n);
        return 1;
    }
    units = (n + 1 + 511) / 512;
    rom[2] = (uint8_t)units;
    pnp = (size_t)(rom[0x1a] | rom[0x1b] << 8);
    if (pnp + 32 <= n && memcmp(rom + pnp, "$PnP", 4) == 0)
        rom[pnp + 9] = (uint8_t)-sum(rom + pnp, rom[pnp + 5] * 16u);
    /* The whole ROM adds up to zero; the last byte makes it so. */
    rom[units * 512 - 1] = (uint8_t)-sum(rom, units * 512 - 1);
    f = fopen(argv[2], "wb");
    if (f == NULL || fwrite(rom, 1, units * 512, f) != units * 512 || fclose(f) != 0) {
        perror(argv[2]);
        return 1;
    }
    return 0;
}
