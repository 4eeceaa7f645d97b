/* ACPI tables for the firmware: one blob of tables, the root pointer, and the list of commands that
 * places them. */
#ifndef DEVICES_BOARD_ACPI_H
#define DEVICES_BOARD_ACPI_H

#include "devices/board/aml.h"
#include "devices/core/dev.h"

/* What the tables depend on. */
struct acpi_config {
    unsigned cpus;
    u64 low_ram;       /* end of RAM below 4 GiB */
    bool apic;         /* the CPUs have local APICs */
    bool serial[4], floppy, keyboard;
    bool hpet;
};

/* Add etc/acpi/tables, etc/acpi/rsdp and etc/table-loader to the firmware configuration device. */
void acpi_build(const struct acpi_config *cfg, struct dev *fwcfg);

/* The body of the DSDT (without the table header). */
void acpi_dsdt(const struct acpi_config *cfg, struct aml *a);

#endif
