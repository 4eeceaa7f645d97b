/* The four memory functions a freestanding compiler expects, and two for strings. */
#ifndef ROMS_LIB_MEM_H
#define ROMS_LIB_MEM_H

#include "devices/core/types.h"

void *memcpy(void *dst, const void *src, size_t n);
void *memmove(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
int memcmp(const void *a, const void *b, size_t n);
size_t strlen(const char *s);
/* Do the strings have the same bytes? */
bool streq(const char *a, const char *b);

#endif
