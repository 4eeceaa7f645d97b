/* Base64 (RFC 4648 section 4). */
#ifndef FRONTEND_QMP_BASE64_H
#define FRONTEND_QMP_BASE64_H

#include "devices/core/types.h"

/* What n bytes take as text, with the 0 behind it. */
#define BASE64_ROOM(n) (((n) + 2) / 3 * 4 + 1)

void base64_encode(const u8 *data, size_t n, char *text);
/* Into data, which has room for 3 bytes per 4 characters; *n: how many. False: it is none. */
bool base64_decode(const char *text, u8 *data, size_t *n);

#endif
