/* Finding firmware and ROM files. */
#ifndef FRONTEND_FIRMWARE_H
#define FRONTEND_FIRMWARE_H

#include "frontend/opts.h"

/* Read a whole file of at most `max` bytes. NULL with a sentence in *err; else malloc'ed, with its
 * length in *len. */
u8 *file_read(const char *path, size_t max, size_t *len, struct err *err);

/* Find and read firmware file `name`: a path when it has a slash or exists here, else in the
 * folders of -L, beside the program, where it is installed, and where configure found SeaBIOS. NULL
 * with a sentence that says where was looked; *err untouched when `quiet`. */
u8 *firmware_load(const struct options *opt, const char *name, size_t *len, bool quiet,
                  struct err *err);

#endif
