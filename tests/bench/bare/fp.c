/* Floating-point kernels in C. Built twice: for the x87 (FP_X87), and for SSE2, where a kernel in
 * packed floats is added. */
#include "tests/bench/bare/bare.h"

enum { SIDE = 16, LIMIT = 64, ORDER = 24, VECTOR = 4096 };

/* Mandelbrot over a coarse grid; reports steps of the inner loop as it counts them for this grid.
 */
static u32 mandel_steps(void)
{
    u32 steps = 0;

    for (int py = 0; py < SIDE; py++) {
        for (int px = 0; px < SIDE; px++) {
            double cx = px * (3.0 / SIDE) - 2.25, cy = py * (2.5 / SIDE) - 1.25, x = 0, y = 0;
            int i = 0;

            while (i < LIMIT && x * x + y * y < 4.0) {
                double t = x * x - y * y + cx;

                y = 2 * x * y + cy;
                x = t;
                i++;
            }
            steps += (u32)i;
        }
    }
    return steps;
}

static void mandel(u32 n)
{
    for (; n != 0; n--)
        bare_sink = mandel_steps();
}

static double (*matrix(unsigned i))[ORDER]
{
    return (double(*)[ORDER])(AREA + i * 65536);
}

static void matrix_prepare(void)
{
    for (int i = 0; i < ORDER; i++) {
        for (int j = 0; j < ORDER; j++) {
            matrix(0)[i][j] = i + j * 0.5;
            matrix(1)[i][j] = i - j * 0.25;
        }
    }
}

static void matmul(u32 n)
{
    double(*a)[ORDER] = matrix(0), (*b)[ORDER] = matrix(1), (*c)[ORDER] = matrix(2);

    for (; n != 0; n--) {
        for (int i = 0; i < ORDER; i++) {
            for (int j = 0; j < ORDER; j++) {
                double s = 0;

                for (int k = 0; k < ORDER; k++)
                    s += a[i][k] * b[k][j];
                c[i][j] = s;
            }
        }
        __asm__ volatile("" : : : "memory");
    }
}

#ifdef FP_X87
/* The same with 53 bits of precision, as Windows and most Unix systems but Linux have it. */
static void precision(u16 control)
{
    __asm__ volatile("fldcw %0" : : "m"(control));
}
static void mandel53(u32 n)
{
    precision(0x27f);
    mandel(n);
    precision(0x37f);
}
static void matmul53(u32 n)
{
    precision(0x27f);
    matmul(n);
    precision(0x37f);
}

const struct kernel x87_kernels[] = {
    {"x87_mandel", "point/s", mandel, SIDE *SIDE, 1, NULL, false},
    {"x87_matmul", "madd/s", matmul, ORDER *ORDER *ORDER, 1, matrix_prepare, false},
    {"x87_mandel53", "point/s", mandel53, SIDE *SIDE, 1, NULL, false},
    {"x87_matmul53", "madd/s", matmul53, ORDER *ORDER *ORDER, 1, matrix_prepare, false},
    {NULL, NULL, NULL, 0, 0, NULL, false},
};
#else
typedef float v4 __attribute__((vector_size(16)));

static void saxpy_prepare(void)
{
    float *x = (float *)AREA, *y = x + VECTOR;

    for (int i = 0; i < VECTOR; i++) {
        x[i] = (float)i;
        y[i] = 1.0f;
    }
}

/* y += a*x in packed single precision. */
static void saxpy(u32 n)
{
    const v4 *x = (const v4 *)AREA;
    v4 *y = (v4 *)(AREA + VECTOR * sizeof(float)), a = {1e-6f, 2e-6f, 3e-6f, 4e-6f};

    for (; n != 0; n--) {
        for (int i = 0; i < VECTOR / 4; i++)
            y[i] += a * x[i];
        __asm__ volatile("" : : : "memory");
    }
}

const struct kernel sse2_kernels[] = {
    {"sse2_mandel", "point/s", mandel, SIDE *SIDE, 1, NULL, true},
    {"sse2_matmul", "madd/s", matmul, ORDER *ORDER *ORDER, 1, matrix_prepare, true},
    {"sse2_saxpy", "madd/s", saxpy, VECTOR, 1, saxpy_prepare, true},
    {NULL, NULL, NULL, 0, 0, NULL, false},
};
#endif
