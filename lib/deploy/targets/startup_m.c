/*
 * What a Cortex-M does before and after main: vectors, floating-point unit, initialised memory, and the stack painted
 * so that its deepest use can be read afterwards. Ends by telling the emulator (semihosting) through host.h.
 */
#include <stdint.h>

#include "host.h"

extern uint32_t stack_top, data_source, data_start, data_end, bss_start, bss_end;
int main(void);
void reset(void);

#define PAINT 0xa5c3a5c3u

static void fault(void)
{
    host_say("fault");
    host_exit(1);
}

__attribute__((section(".vectors"), used)) static void *const vectors[16] = {
    &stack_top, (void *)reset, (void *)fault, (void *)fault, (void *)fault, (void *)fault, (void *)fault,
};

/* Below the lowest address that was written, the paint is still there. */
static unsigned deepest_stack(void)
{
    const volatile uint32_t *word = &bss_end;
    while (word < &stack_top && *word == PAINT) word++;
    return (unsigned)((uintptr_t)&stack_top - (uintptr_t)word);
}

void reset(void)
{
    volatile uint32_t *word, *from = &data_source;
    volatile uint32_t here; /* the stack begins just above this frame */
#if defined(__ARM_FP)
    *(volatile uint32_t *)0xe000ed88u |= 0xfu << 20; /* CPACR: full access to coprocessors 10 and 11 */
    __asm__ volatile("dsb\n isb");
#endif
    for (word = &data_start; word < &data_end;) *word++ = *from++;
    for (word = &bss_start; word < &bss_end;) *word++ = 0;
    for (word = &bss_end; word < &here - 16;) *word++ = PAINT;
    host_exit(host_report(main(), deepest_stack()));
}
