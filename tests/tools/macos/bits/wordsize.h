/* This system's headers ask for the processor here; both of macOS have 64 bits (../../macos.sh). */
#define __WORDSIZE 64
#define __WORDSIZE_TIME64_COMPAT32 0
#define __SYSCALL_WORDSIZE 64
