/* A folder of the host that a guest sees through 9P2000.L, and nothing beside it. */
#ifndef FRONTEND_FS_SHARE_H
#define FRONTEND_FS_SHARE_H

#include "devices/core/err.h"
#include "devices/core/ports.h"

/* The longest message; also what one read gives at most. */
enum { SHARE_MSIZE = 512 * 1024 };

struct share_options {
    const char *path;
    bool read_only;
    bool mapped; /* owners, modes and special files are kept in extended attributes (mapped-xattr) */
};

/* Open the folder. NULL with a sentence in *err. */
struct share *share_open(const struct share_options *opt, struct err *err);
/* NULL is fine. */
void share_close(struct share *share);

#endif
