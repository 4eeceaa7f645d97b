/* Fixed-width integer names and the handful of macros every file uses. */
#ifndef DEVICES_CORE_TYPES_H
#define DEVICES_CORE_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int8_t s8;
typedef int16_t s16;
typedef int32_t s32;
typedef int64_t s64;

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define BIT(n)       (1u << (n))
#define BIT64(n)     (1ull << (n))
#define MIN(a, b)    ((a) < (b) ? (a) : (b))
#define MAX(a, b)    ((a) > (b) ? (a) : (b))
#define KIB          ((u64)1 << 10)
#define MIB          ((u64)1 << 20)
#define GIB          ((u64)1 << 30)

/* The struct of type `type` whose member `member` is at `ptr`. */
#define container_of(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))

#define LIKELY(x)              __builtin_expect(!!(x), 1)
#define UNLIKELY(x)            __builtin_expect(!!(x), 0)
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN               __attribute__((noreturn))

/* Behind a struct or union: its members are little-endian in memory on every host, as guests see them. On big-endian
 * hosts the compiler exchanges the bytes, which gcc alone can. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define LITTLE_ENDIAN_MEMBERS
#elif defined(__clang__)
#error "big-endian hosts need gcc"
#else
#define LITTLE_ENDIAN_MEMBERS __attribute__((scalar_storage_order("little-endian")))
#endif

#endif
