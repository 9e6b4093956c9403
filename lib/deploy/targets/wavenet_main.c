/*
 * Let a generated WaveNet score known samples (to compare logits), then draw blocks of its own, with marks around every
 * block. A mel frame is taken in where the block needs one.
 */
#include "host.h"
#include "mark.h"
#include "model.h"
#include "score.h" /* N_MEL, MEL, N_KNOWN, KNOWN, N_BLOCKS, BLOCK, SEED */

static float draw(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return (float)(*seed >> 8) * (1.0f / 16777216.0f);
}

int main(void)
{
    static model_state state;
    static float logits[MODEL_N_CLASSES], out[BLOCK];
    uint32_t seed = SEED;
    int frame = 0;
    model_init(&state);
    model_mel(&state, MEL[0]);
    for (int t = 0; t < N_KNOWN; t++) {
        if (model_wants_mel(&state) && frame + 1 < N_MEL) model_mel(&state, MEL[++frame]);
        model_step(&state, logits);
        model_take(&state, KNOWN[t]);
        host_write(logits, sizeof logits);
    }
    for (int block = 0; block < N_BLOCKS; block++) {
        MARK_BEGIN();
        for (int i = 0; i < BLOCK; i++) {
            if (model_wants_mel(&state) && frame + 1 < N_MEL) model_mel(&state, MEL[++frame]);
            out[i] = model_sample(&state, draw(&seed));
        }
        MARK_END();
        host_write(out, sizeof out);
    }
    return 0;
}
