/* Images on a server of the Network Block Device protocol, through libnbd where that is there. */
#ifndef FRONTEND_IMAGE_NBD_H
#define FRONTEND_IMAGE_NBD_H

#include "frontend/image/file.h"

/* Is it nbd://..., nbds://... or nbd+unix://...? */
bool nbd_is_uri(const char *path);
/* Connect. NULL with *err, also when this build has no libnbd. */
struct file *nbd_file_open(const char *uri, unsigned flags, struct err *err);

#endif
