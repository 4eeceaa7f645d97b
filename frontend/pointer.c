/* The host's pointer as the guest takes it. */
#include "frontend/pointer.h"

/* The range of a tablet's coordinates. */
enum { TABLET_MAX = 32767 };

bool pointer_absolute(const struct pointer *p)
{
    const struct tablet_sink *t = &p->pc->tablet;

    return t->point && (!t->wanted || t->wanted(t->dev));
}

static u32 scaled(int v, u32 size)
{
    s64 max = size > 1 ? size - 1 : 1;

    return (u32)(MIN(MAX((s64)v, (s64)0), max) * TABLET_MAX / max);
}

void pointer_at(struct pointer *p, int x, int y, u32 w, u32 h, int dz, u32 buttons)
{
    int dx = p->known ? x - p->x : 0, dy = p->known ? y - p->y : 0;

    p->known = true;
    p->x = x;
    p->y = y;
    if (pointer_absolute(p))
        p->pc->tablet.point(p->pc->tablet.dev, scaled(x, w), scaled(y, h), dz, buttons);
    else
        pointer_by(p, dx, dy, dz, buttons);
}

void pointer_by(struct pointer *p, int dx, int dy, int dz, u32 buttons)
{
    if (p->pc->mouse.move)
        p->pc->mouse.move(p->pc->mouse.dev, dx, dy, dz, buttons);
}
