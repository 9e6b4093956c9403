/* host.h on an emulated Cortex-M: semihosting, as Arm's specification numbers it. No printf: it would be the program. */
#include <stdint.h>

#include "host.h"

enum { SYS_OPEN = 0x01, SYS_CLOSE = 0x02, SYS_WRITE0 = 0x04, SYS_WRITE = 0x05, SYS_EXIT = 0x18 };
enum { OPEN_WB = 5, EXIT_OK = 0x20026, EXIT_ERROR = 0x20023 };

static int32_t file = -1;

static int32_t call(int32_t number, const void *argument)
{
    register int32_t r0 __asm__("r0") = number;
    register const void *r1 __asm__("r1") = argument;
    __asm__ volatile("bkpt 0xab" : "+r"(r0) : "r"(r1) : "memory");
    return r0;
}

void host_say(const char *line)
{
    call(SYS_WRITE0, line);
    call(SYS_WRITE0, "\n");
}

void host_write(const void *data, unsigned size)
{
    static const char name[] = "result.bin";
    if (file < 0) {
        uintptr_t open[3] = {(uintptr_t)name, OPEN_WB, sizeof name - 1};
        file = call(SYS_OPEN, open);
    }
    uintptr_t write[3] = {(uintptr_t)file, (uintptr_t)data, size};
    if (file < 0 || call(SYS_WRITE, write)) host_exit(1);
}

int host_report(int status, unsigned stack)
{
    char line[] = "stack           ";
    char *end = line + sizeof line - 1;
    do *--end = (char)('0' + stack % 10); while (stack /= 10);
    host_say(line);
    return status;
}

void host_exit(int status)
{
    uintptr_t handle[1] = {(uintptr_t)file};
    if (file >= 0) call(SYS_CLOSE, handle);
    call(SYS_EXIT, (const void *)(uintptr_t)(status ? EXIT_ERROR : EXIT_OK));
    for (;;) {}
}
