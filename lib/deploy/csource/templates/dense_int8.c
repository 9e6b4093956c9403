/* ---- Layers, int8 ---------------------------------------------------------------------------------------------------
 * y = scale * step * (Wq xq) + b. Every output has its own `scale` for its row of weights Wq, found when this file
 * was made; every input vector its own `step`, found when it comes: its largest value is 127 steps. Products are
 * summed in 32-bit integers, which is exact in any order, so that every machine gets the same sums.
 * Four weights of one output that meet four neighbouring inputs make one word: w[panel][input / 4][lane][4]. */

#define QUADS(n) (((n) + 3) / 4)

#if defined(__aarch64__)
#include <arm_neon.h>
#elif defined(__ARM_FEATURE_SIMD32)
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
    for (int i = 0; i < n; i++) q[i] = (int8_t)((int)(x[i] * steps + 128.5f) - 128); /* the nearest */
    for (int i = n; i < 4 * QUADS(n); i++) q[i] = 0;
    return largest / 127.0f;
}

/* For each lane: sum += w[0] x[0] + ... + w[3] x[3], with four weights of its own. The last way says what happens;
 * the others get the same sums from instructions that multiply several bytes at once. */
static inline void add_products(int32_t sum[LANES], const int8_t *w, const int8_t *x)
{
#if defined(__aarch64__) /* Raspberry Pi */
    const int8x16_t weights = vld1q_s8(w);
    const int8x16_t inputs = vreinterpretq_s8_s32(vld1q_dup_s32((const int32_t *)(const void *)x));
#if defined(__ARM_FEATURE_DOTPROD) /* Cortex-A76: all sixteen products, and their sums */
    vst1q_s32(sum, vdotq_s32(vld1q_s32(sum), weights, inputs));
#else /* Cortex-A53 and A72: eight products at once, then sums of neighbours */
    const int32x4_t low = vpaddlq_s16(vmull_s8(vget_low_s8(weights), vget_low_s8(inputs)));
    const int32x4_t high = vpaddlq_s16(vmull_high_s8(weights, inputs));
    vst1q_s32(sum, vaddq_s32(vld1q_s32(sum), vpaddq_s32(low, high)));
#endif
#elif defined(__ARM_FEATURE_SIMD32) /* Cortex-M4 and M7: two products at once, of bytes 0 and 2, then of 1 and 3 */
    uint32_t inputs, weights;
    memcpy(&inputs, x, 4);
    const int16x2_t even = __sxtb16((int8x4_t)inputs), odd = __sxtb16((int8x4_t)(inputs >> 8));
    EACH_LANE {
        memcpy(&weights, w + 4 * lane, 4);
        sum[lane] = __smlad(__sxtb16((int8x4_t)weights), even, sum[lane]);
        sum[lane] = __smlad(__sxtb16((int8x4_t)(weights >> 8)), odd, sum[lane]);
    }
#else
    EACH_LANE for (int i = 0; i < 4; i++) sum[lane] += w[4 * lane + i] * x[i];
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
            add_products(sum, w, q + i);
        EACH_LANE
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
