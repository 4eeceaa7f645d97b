/* The C side of interrupt handlers: the caller's registers, copied in and out. */
#include "roms/dos/lib/frame.h"

u16 caller_ss, caller_sp;

void handler_call(void (*fn)(struct frame16 *f))
{
    struct frame16 f;

    far_read(&f, caller_ss, caller_sp, sizeof(f));
    fn(&f);
    far_write(caller_ss, caller_sp, &f, sizeof(f));
}
