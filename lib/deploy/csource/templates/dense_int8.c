/* ---- Layers, int8 ---------------------------------------------------------------------------------------------------
 * y = scale * step * (Wq xq) + b. Every output has its own `scale` for its row of weights Wq, found when this file
 * was made; every input vector its own `step`, found when it comes: its largest value is 127 steps. Products are
 * summed in 32-bit integers, which is exact in any order, so that every machine gets the same sums.
 * Four weights of one output that meet four neighbouring inputs make one word: w[panel][input / 4][lane][4]. */

#define PAD(n) (((n) + LANES - 1) / LANES * LANES)
#define QUADS(n) (((n) + 3) / 4)

#if defined(__ARM_FEATURE_SIMD32)
#include <arm_acle.h>
#endif

typedef struct {
    int n_in, n_out;
    const int8_t *weight;
    const float *scale, *bias;
} dense_layer;

/* Round a vector to whole steps, filled with zeros to whole words; give the step. */
static float quantise(int n, const float *x, int8_t *q)
{
    float largest = 1e-30f;
    for (int i = 0; i < n; i++) {
        const float size = x[i] < 0.0f ? -x[i] : x[i];
        if (size > largest) largest = size;
    }
    const float steps = 127.0f / largest;
    for (int i = 0; i < n; i++) q[i] = (int8_t)(x[i] * steps + (x[i] < 0.0f ? -0.5f : 0.5f));
    for (int i = n; i < 4 * QUADS(n); i++) q[i] = 0;
    return largest / 127.0f;
}

/* sum + a[0] b[0] + ... + a[3] b[3] */
static inline int32_t dot4(int32_t sum, const int8_t *a, const int8_t *b)
{
#if defined(__ARM_FEATURE_SIMD32) /* Cortex-M4 and up: two products at once, of bytes 0 and 2, then of 1 and 3 */
    uint32_t left, right;
    memcpy(&left, a, 4);
    memcpy(&right, b, 4);
    sum = __smlad(__sxtb16((int8x4_t)left), __sxtb16((int8x4_t)right), sum);
    return __smlad(__sxtb16((int8x4_t)(left >> 8 | left << 24)), __sxtb16((int8x4_t)(right >> 8 | right << 24)), sum);
#else
    for (int i = 0; i < 4; i++) sum += a[i] * b[i];
    return sum;
#endif
}

/* y = W x + b */
static void dense(const dense_layer *layer, const float *x, float *y)
{
    int8_t q[4 * QUADS(MODEL_WIDEST)];
    const float step = quantise(layer->n_in, x, q);
    const int8_t *w = layer->weight;
    for (int first = 0; first < layer->n_out; first += LANES) {
        int32_t sum[LANES] = {0};
        for (int i = 0; i < layer->n_in; i += 4, w += 4 * LANES)
            for (int lane = 0; lane < LANES; lane++) sum[lane] = dot4(sum[lane], w + 4 * lane, q + i);
        for (int lane = 0; lane < LANES; lane++)
            y[first + lane] = step * layer->scale[first + lane] * (float)sum[lane] + layer->bias[first + lane];
    }
}

/*@if lookup */
typedef struct {
    const int8_t *row; /* row[choice][unit] */
    const float *scale;
} lookup_table;

/* y += the row of a choice: what a dense layer makes of a vector that is 1 at one place and 0 elsewhere */
static void add_row(const lookup_table *table, int choice, int n, float *y)
{
    const int8_t *row = table->row + (size_t)choice * (size_t)n;
    for (int i = 0; i < n; i++) y[i] += table->scale[i] * (float)row[i];
}

/*@end*/
