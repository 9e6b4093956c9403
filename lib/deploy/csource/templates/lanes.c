/* Inner loops go over LANES neighbours. With a vector unit they are one or two instructions if the compiler leaves
 * the loop whole until it looks for vectors; without one they should be written out. Other compilers decide alone. */
#if defined(__GNUC__) && !defined(__clang__)
#define WRITTEN_OUT _Pragma("GCC unroll 8")
#if defined(__SSE__) || defined(__ARM_NEON)
#define EACH_LANE _Pragma("GCC unroll 1") for (int lane = 0; lane < LANES; lane++)
#else
#define EACH_LANE WRITTEN_OUT for (int lane = 0; lane < LANES; lane++)
#endif
#else
#define WRITTEN_OUT
#define EACH_LANE for (int lane = 0; lane < LANES; lane++)
#endif
/* Room for n values and whole panels of lanes. */
#define PAD(n) (((n) + LANES - 1) / LANES * LANES)
