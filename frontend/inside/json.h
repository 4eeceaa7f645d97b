/* Texts inside JSON (RFC 8259 section 7), which may stand inside of HTML. */
#ifndef FRONTEND_INSIDE_JSON_H
#define FRONTEND_INSIDE_JSON_H

#include <stdio.h>

/* Write `s` in quotes. "<", ">" and "&" are escaped, too; bytes that are not UTF-8's ASCII as
 * Latin-1. */
void json_text(FILE *f, const char *s);

#endif
