/* The host's pointer as the guest takes it: a place when something in the machine listens to places,
 * else steps from the last place. */
#ifndef FRONTEND_POINTER_H
#define FRONTEND_POINTER_H

#include "devices/board/pc.h"

struct pointer {
    struct pc *pc;
    bool known; /* the last place is one */
    int x, y;
};

/* Does the guest want places? Then the host's pointer need not be captured. */
bool pointer_absolute(const struct pointer *p);
/* The pointer is at (x, y) of a picture of w by h; wheel steps and the buttons that are down. */
void pointer_at(struct pointer *p, int x, int y, u32 w, u32 h, int dz, u32 buttons);
/* It went by (dx, dy): with the pointer captured. */
void pointer_by(struct pointer *p, int dx, int dy, int dz, u32 buttons);

#endif
