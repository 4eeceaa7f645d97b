/* What the adapter's display says of itself. */
#ifndef DEVICES_VIDEO_EDID_H
#define DEVICES_VIDEO_EDID_H

#include "devices/core/types.h"

enum { EDID_SIZE = 128 };

/* One block without extensions: 1024x768 is preferred, up to 1920x1200 is offered. */
extern const u8 edid_block[EDID_SIZE];

#endif
