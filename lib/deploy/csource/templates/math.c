/* ---- A little mathematics -------------------------------------------------------------------------------------------
 * Of our own, not the library's: the C standard lets every exp() round differently, and these take plain
 * arithmetic only. So every machine with IEEE floats gets the same bits, and compilers can do several at once. */

#define LN2 0.693147181f

/* A number within limits; what is no number becomes `otherwise`. */
static float sane(float x, float low, float high, float otherwise)
{
    if (x != x) return otherwise;
    return x < low ? low : x > high ? high : x;
}

/* 2 to a whole power between -126 and 127, by writing the exponent of a float. */
static float power_of_two(int32_t n)
{
    const uint32_t bits = (uint32_t)(n + 127) << 23;
    float x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

/* e to the x: whole powers of two are taken out, the rest (less than 0.35) is a Taylor series. */
static inline float exponential(float x)
{
    x = x > -87.0f ? x : -87.0f; /* also what is no number */
    x = x < 88.0f ? x : 88.0f;
    const int32_t n = (int32_t)(x * (1.0f / LN2) + 128.5f) - 128; /* the nearest, by way of a positive number */
    /* ln 2 in two parts, the first short enough that n times it is exact */
    const float r = (x - (float)n * 0.693359375f) + (float)n * 2.12194440e-4f;
    const float series =
        1.0f + r * (1.0f + r * (1.0f / 2 + r * (1.0f / 6 + r * (1.0f / 24 + r * (1.0f / 120 + r * (1.0f / 720))))));
    return series * power_of_two(n);
}

/* Natural logarithm of a positive number: 2 artanh((m - 1) / (m + 1)) of the mantissa, and the exponent. */
static inline float logarithm(float x)
{
    uint32_t bits;
    memcpy(&bits, &x, sizeof bits);
    int32_t exponent = (int32_t)(bits >> 23) - 127;
    bits = (bits & 0x007fffffu) | 0x3f800000u;
    float mantissa;
    memcpy(&mantissa, &bits, sizeof mantissa); /* 1 to 2 */
    if (mantissa > 1.41421356f) {
        mantissa *= 0.5f;
        exponent++;
    }
    const float t = (mantissa - 1.0f) / (mantissa + 1.0f), tt = t * t;
    const float series = 1.0f + tt * (1.0f / 3 + tt * (1.0f / 5 + tt * (1.0f / 7 + tt * (1.0f / 9))));
    return 2.0f * t * series + (float)exponent * LN2;
}

/*@if sigmoid */
static inline float sigmoid(float x) { return 1.0f / (1.0f + exponential(-x)); }

/* The hyperbolic tangent is a sigmoid drawn twice as high and twice as steep. */
static inline float tangent(float x) { return 1.0f - 2.0f / (1.0f + exponential(2.0f * x)); }

/*@end*/
