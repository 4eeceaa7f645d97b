/* Sound Blaster 16: DSP 4.05, mixer CT1745, OPL3, MPU-401 (Sound Blaster Series Hardware Programming
 * Guide). */
#ifndef DEVICES_AUDIO_SB16_H
#define DEVICES_AUDIO_SB16_H

#include "devices/core/dev.h"
#include "devices/core/plug.h"

extern const struct dev_class sb16_class;

bool sb16_plug(struct dev *dev, const struct plug *plug, struct err *err);

#endif
