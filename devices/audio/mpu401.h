/* MPU-401 in UART mode: what sound cards have of it. */
#ifndef DEVICES_AUDIO_MPU401_H
#define DEVICES_AUDIO_MPU401_H

#include "devices/core/types.h"

struct mpu401_regs {
    u8 uart;  /* in UART mode */
    u8 ready; /* acknowledgements to be read */
};

/* The data and the status port; both say whether an interrupt is wanted by `ready`. */
u8 mpu401_read(struct mpu401_regs *m, unsigned port);
void mpu401_write(struct mpu401_regs *m, unsigned port, u8 v);

#endif
