/* An incremental WaveNet: one sample a call. Every layer keeps what it has computed in a ring, so a sample costs one
 * column of the network and not its whole past.
 *
 * @about@
 *
 * No memory is allocated and nothing is global: all that is remembered lies in one model_state of the caller's.
 * Inputs are brought within limits first, so no input makes an output that is no number:
 *   mel -10 to 10 (NaN: 0), uniform 0 to just below 1 (NaN: 0.5), classes 0 to MODEL_N_CLASSES - 1. */

#ifndef MODEL_H
#define MODEL_H

#include <stdint.h>

#define MODEL_SAMPLE_RATE @sample_rate@
#define MODEL_N_MELS @n_mels@
#define MODEL_MEL_HOP @mel_hop@ /* samples that share one mel frame */
#define MODEL_N_CLASSES @n_classes@
#define MODEL_N_STREAM @n_stream@ /* channels of the residual stream */
#define MODEL_N_GATED @n_gated@ /* gates of all layers */
#define MODEL_PAST @past@ /* sum of the dilations */

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    float ring[MODEL_PAST * MODEL_N_STREAM]; /* the stream at the entrance of every layer, one dilation back */
    float condition[2 * MODEL_N_GATED]; /* what the mel frame adds to filters and switches */
    int32_t previous, current; /* the last two samples, as classes */
    uint32_t n_samples; /* so many were taken */
    int32_t started;
} model_state;

/* Begin: call it once before anything else, and again to forget all. */
void model_init(model_state *state);

/* Give a mel frame. The first one is needed before the first sample, and fills the rings with a silence that has
 * lasted for ever; the others when model_wants_mel says so (before samples MODEL_MEL_HOP + 1, 2 MODEL_MEL_HOP + 1, ...
 * counted from 0), or never, if the sound is to stay as it is. */
void model_mel(model_state *state, const float mel[MODEL_N_MELS]);
int model_wants_mel(const model_state *state);

/* One sample in [-1, 1], drawn with a number that is evenly spread in [0, 1). */
float model_sample(model_state *state, float uniform);

/* The same in three steps: score every class of the next sample (once, and only once, for each sample), choose one,
 * and say which it was. Known samples can be fed through model_take as well. */
void model_step(model_state *state, float logits[MODEL_N_CLASSES]);
int model_choose(const float logits[MODEL_N_CLASSES], float uniform);
void model_take(model_state *state, int chosen);

/* n samples at once, conditioned on mel[n_frames][MODEL_N_MELS]; the last frame holds. */
void model_play(model_state *state, const float *mel, int n_frames, const float *uniform, int n, float *out);

/* Mu-law: class to amplitude, amplitude (NaN: 0) to class. */
float model_decode(int chosen);
int model_encode(float amplitude);

/* sizeof(model_state), for callers in other languages. */
uint32_t model_state_bytes(void);

#ifdef __cplusplus
}
#endif
#endif
