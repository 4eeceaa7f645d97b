/* Code that changes, and data beside code: what just-in-time compilers and old programs do. */
#include "tests/bench/bare/bare.h"
#include "roms/lib/mem.h"

enum {
    OP_MOV_EAX = 0xb8,
    OP_RET = 0xc3,
    OP_INC_MEM_1 = 0xff,
    OP_INC_MEM_2 = 0x05,
    SAME_PAGE = CODE_AREA + 2048, /* data in the page of the code, far from it */
    SAME_LINE = CODE_AREA + 32,   /* data in the code's cache line */
};

typedef u32 code_fn(void);

static u32 call_area(void)
{
    return ((code_fn *)CODE_AREA)();
}

static void patch_prepare(void)
{
    u8 *p = (u8 *)CODE_AREA;

    p[0] = OP_MOV_EAX;
    p[5] = OP_RET;
}

/* A new constant in a function, then a call of it. */
static void patch(u32 n)
{
    u8 *p = (u8 *)CODE_AREA;
    u32 sum = 0;

    for (; n != 0; n--) {
        memcpy(p + 1, &n, 4);
        sum += call_area();
    }
    bare_sink = sum;
}

/* incl TARGET; mov $1, %eax; ret */
static void beside_prepare(u32 target)
{
    u8 *p = (u8 *)CODE_AREA;

    p[0] = OP_INC_MEM_1;
    p[1] = OP_INC_MEM_2;
    memcpy(p + 2, &target, 4);
    p[6] = OP_MOV_EAX;
    p[7] = 1;
    p[8] = p[9] = p[10] = 0;
    p[11] = OP_RET;
}

static void beside_prepare_page(void)
{
    beside_prepare(SAME_PAGE);
}

static void beside_prepare_line(void)
{
    beside_prepare(SAME_LINE);
}

static void beside(u32 n)
{
    u32 sum = 0;

    for (; n != 0; n--)
        sum += call_area();
    bare_sink = sum;
}

const struct kernel code_kernels[] = {
    {"patch_call", "patch/s", patch, 1, 1, patch_prepare, false},
    {"data_page", "store/s", beside, 1, 1, beside_prepare_page, false},
    {"data_line", "store/s", beside, 1, 1, beside_prepare_line, false},
    {NULL, NULL, NULL, 0, 0, NULL, false},
};
