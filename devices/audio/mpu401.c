/* MPU-401, UART mode (Roland MPU-401 Technical Reference): commands are acknowledged; what is sent
 * goes to nobody, since there is no instrument. */
#include "devices/audio/mpu401.h"

enum { ACK = 0xfe, CMD_RESET = 0xff, CMD_UART = 0x3f };
enum { ST_NO_DATA = 0x80, ST_UNUSED = 0x3f };

u8 mpu401_read(struct mpu401_regs *m, unsigned port)
{
    if (port & 1)
        return m->ready ? ST_UNUSED : ST_UNUSED | ST_NO_DATA;
    if (m->ready)
        m->ready--;
    return ACK;
}

void mpu401_write(struct mpu401_regs *m, unsigned port, u8 v)
{
    bool uart = m->uart;

    if (!(port & 1))
        return;
    if (v == CMD_RESET)
        m->uart = m->ready = 0;
    else if (v == CMD_UART)
        m->uart = 1;
    /* in UART mode only the reset is a command, and is not acknowledged */
    m->ready = !uart;
}
