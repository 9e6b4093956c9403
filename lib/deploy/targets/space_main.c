/* Decode points of a timbre space, with marks around each. */
#include "host.h"
#include "mark.h"
#include "model.h"
#include "score.h" /* N_POINTS, Z, MIDI */

int main(void)
{
    static float magnitudes[MODEL_N_BINS];
    for (int k = 0; k < N_POINTS; k++) {
        MARK_BEGIN();
        model_decode(Z[k], MIDI[k], magnitudes);
        MARK_END();
        host_write(magnitudes, sizeof magnitudes);
    }
    return 0;
}
