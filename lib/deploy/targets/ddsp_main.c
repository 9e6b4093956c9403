/* Play a score through a generated DDSP decoder, a frame at a time, with marks around every frame. */
#include "host.h"
#include "mark.h"
#include "model.h"
#include "score.h" /* N_FRAMES, F0_HZ, LOUDNESS_DB, Z, SEED */

int main(void)
{
    static model_state state;
    static float noise[MODEL_HOP], out[MODEL_HOP];
    uint32_t seed = SEED;
    model_init(&state);
    for (int t = 0; t < N_FRAMES; t++) {
        MARK_BEGIN();
        model_noise(&seed, noise);
        model_frame(&state, F0_HZ[t], LOUDNESS_DB[t], Z[N_Z == 1 ? 0 : t], noise, out);
        MARK_END();
        if (t > 0) host_write(out, sizeof out); /* a frame late: the first is silence */
    }
    model_finish(&state, out);
    host_write(out, sizeof out);
    return 0;
}
