/* The page of a trace but for its data: HTML, style and plain JavaScript, nothing from outside. */
#ifndef FRONTEND_INSIDE_PAGE_H
#define FRONTEND_INSIDE_PAGE_H

extern const char page_head[];        /* up to the data, which is JSON within a script element */
extern const char *const page_tail[]; /* from the end of that element on; ended by NULL */

#endif
