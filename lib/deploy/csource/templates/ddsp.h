/* A DDSP decoder with its synthesiser: pitch, loudness and a latent code in, sound out, a frame at a time.
 *
 * @about@
 *
 * No memory is allocated and nothing is global: all that is remembered lies in one model_state of the caller's.
 * Inputs are brought within limits first, so no input makes an output that is no number:
 *   f0_hz 10 to 7900 (NaN: 10), loudness_db -120 to 20 (NaN: -120), z -10 to 10 (NaN: 0), noise -1 to 1 (NaN: 0). */

#ifndef MODEL_H
#define MODEL_H

#include <stdint.h>

#define MODEL_SAMPLE_RATE @sample_rate@
#define MODEL_HOP @hop@ /* samples in a frame */
#define MODEL_N_LATENT @n_latent@
#define MODEL_N_PARTIALS @n_partials@
#define MODEL_N_BANDS @n_bands@ /* of the noise, from 0 Hz to half the sample rate */
#define MODEL_N_TAPS (2 * (MODEL_N_BANDS - 1))
#define MODEL_N_HIDDEN @n_hidden@ /* memory of the recurrent layer */
/*@if reverb */
#define MODEL_N_ROOM @n_room@ /* taps of the room */
/*@end*/

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    uint64_t phase; /* of the fundamental; 2^64 is one turn */
    float hidden[MODEL_N_HIDDEN]; /* memory of the recurrent layer */
    float f0_hz, partials[MODEL_N_PARTIALS]; /* of the frame before */
    float pending[MODEL_HOP + MODEL_N_TAPS / 2]; /* noise that has begun and not been heard yet */
    int32_t n_audible; /* partials of the frame before that are below Nyquist */
    int32_t started;
/*@if reverb */
    float room[MODEL_N_ROOM - 1 + MODEL_HOP]; /* the dry sound of the past, and of the frame being made */
/*@end*/
} model_state;

/* Begin: call it once before anything else, and again to forget all. */
void model_init(model_state *state);

/* Play one frame. Lines are drawn between frames, so out[] is the frame *before* the one given (the first call gives
 * silence): a delay of MODEL_HOP samples.
 * noise[]: as many numbers as samples, evenly spread between -1 and 1; see model_noise. */
void model_frame(model_state *state, float f0_hz, float loudness_db, const float z[MODEL_N_LATENT],
        const float noise[MODEL_HOP], float out[MODEL_HOP]);

/* Give the last frame: as if it were held, without new noise. */
void model_finish(model_state *state, float out[MODEL_HOP]);

/* The network alone: amplitudes of the partials and gains of the noise bands for one frame. Moves the memory of
 * the recurrent layer on; do not mix with model_frame on one state. Gives the number of audible partials. */
int model_network(model_state *state, float f0_hz, float loudness_db, const float z[MODEL_N_LATENT],
        float partials[MODEL_N_PARTIALS], float bands[MODEL_N_BANDS]);

/* Fill a frame with noise from a seed that is not 0, and move the seed on (Marsaglia's xorshift, 13-17-5). */
void model_noise(uint32_t *seed, float noise[MODEL_HOP]);

/* sizeof(model_state), for callers in other languages. */
uint32_t model_state_bytes(void);

#ifdef __cplusplus
}
#endif
#endif
