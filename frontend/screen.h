/* One picture for several viewers: who looks gets the rows that changed since it last looked,
 * whoever else looked in between. */
#ifndef FRONTEND_SCREEN_H
#define FRONTEND_SCREEN_H

#include "devices/core/ports.h"

/* A viewer; zeroed by its owner and in place until taken out. */
struct screen_view {
    u32 y0, y1; /* rows to be shown; the viewer sets both to 0 when it has shown them */
    u32 gen;    /* of the surface, when it last looked */
    struct screen_view *next;
};

struct screen {
    const struct display *display; /* its update is NULL: the machine has no display */
    struct screen_view *views;
};

void screen_add(struct screen *s, struct screen_view *v);
void screen_remove(struct screen *s, struct screen_view *v);
/* Bring the picture up to date and add what changed to every viewer's rows; NULL: no display, or no
 * picture yet. */
const struct surface *screen_look(struct screen *s);

#endif
