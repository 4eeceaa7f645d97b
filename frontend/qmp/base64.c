/* Base64 (RFC 4648 section 4): three bytes are four characters. */
#include "frontend/qmp/base64.h"

#include <string.h>

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

void base64_encode(const u8 *data, size_t n, char *text)
{
    for (size_t i = 0; i < n; i += 3) {
        u32 v = (u32)data[i] << 16 | (i + 1 < n ? (u32)data[i + 1] << 8 : 0) |
                (i + 2 < n ? (u32)data[i + 2] : 0);

        *text++ = letters[v >> 18];
        *text++ = letters[v >> 12 & 63];
        *text++ = i + 1 < n ? letters[v >> 6 & 63] : '=';
        *text++ = i + 2 < n ? letters[v & 63] : '=';
    }
    *text = 0;
}

bool base64_decode(const char *text, u8 *data, size_t *n)
{
    size_t len = strlen(text), pad = 0, out = 0;

    if (len % 4)
        return false;
    while (pad < 2 && pad < len && text[len - 1 - pad] == '=')
        pad++;
    for (size_t i = 0; i < len; i += 4) {
        u32 v = 0;

        for (size_t k = 0; k < 4; k++) {
            const char *p = i + k >= len - pad ? letters : strchr(letters, text[i + k]);

            if (!p || !*p)
                return false;
            v = v << 6 | (u32)(p - letters);
        }
        data[out++] = (u8)(v >> 16);
        data[out++] = (u8)(v >> 8);
        data[out++] = (u8)v;
    }
    *n = out - pad;
    return true;
}
