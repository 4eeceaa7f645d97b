/* An OPL3 by itself at the ports of an AdLib card. */
#ifndef DEVICES_AUDIO_ADLIB_H
#define DEVICES_AUDIO_ADLIB_H

#include "devices/core/dev.h"
#include "devices/core/plug.h"

extern const struct dev_class adlib_class;

bool adlib_plug(struct dev *dev, const struct plug *plug, struct err *err);

#endif
