/* Marks between which the plugin counts instructions: they do nothing on a real core. See lib/deploy/plugin/count.c. */
#ifndef MARK_H
#define MARK_H
#if defined(__aarch64__)
#define MARK_BEGIN() __asm__ volatile("hint #112" ::: "memory")
#define MARK_END() __asm__ volatile("hint #113" ::: "memory")
#elif defined(__arm__)
#define MARK_BEGIN() __asm__ volatile("dbg #12" ::: "memory")
#define MARK_END() __asm__ volatile("dbg #13" ::: "memory")
#else /* the host: nothing counts */
#define MARK_BEGIN() ((void)0)
#define MARK_END() ((void)0)
#endif
#endif
