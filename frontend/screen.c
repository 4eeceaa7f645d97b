/* One picture for several viewers. */
#include "frontend/screen.h"

void screen_add(struct screen *s, struct screen_view *v)
{
    v->gen = ~0u;
    v->y0 = v->y1 = 0;
    v->next = s->views;
    s->views = v;
}

void screen_remove(struct screen *s, struct screen_view *v)
{
    for (struct screen_view **p = &s->views; *p; p = &(*p)->next) {
        if (*p == v) {
            *p = v->next;
            return;
        }
    }
}

const struct surface *screen_look(struct screen *s)
{
    const struct surface *f;

    if (!s->display || !s->display->update)
        return NULL;
    f = s->display->update(s->display->dev, false);
    if (!f || !f->pixels)
        return NULL;
    for (struct screen_view *v = s->views; v; v = v->next) {
        if (v->gen != f->gen) {
            v->gen = f->gen;
            v->y0 = 0;
            v->y1 = f->h;
        } else if (f->dirty_y0 < f->dirty_y1) {
            bool none = v->y0 >= v->y1;

            v->y0 = none ? f->dirty_y0 : MIN(v->y0, f->dirty_y0);
            v->y1 = none ? f->dirty_y1 : MAX(v->y1, f->dirty_y1);
        }
    }
    return f;
}
