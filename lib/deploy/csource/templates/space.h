/* The decoder of a timbre space: a point and a pitch in, a spectrum out. It remembers nothing.
 *
 * @about@
 *
 * No memory is allocated and nothing is global. Inputs are brought within limits first, so no input makes an output
 * that is no number: z -20 to 20 (NaN: 0), midi 12 to 119 (NaN: 12). */

#ifndef MODEL_H
#define MODEL_H

#include <stdint.h>

#define MODEL_N_DIMS @n_dims@
#define MODEL_N_BINS @n_bins@

#ifdef __cplusplus
extern "C" {
#endif

/* Magnitudes of a spectrum relative to its level (their squares sum to about 1), at the frequencies of the space.
 * midi: 69 is A4; fractions are welcome. */
void model_decode(const float z[MODEL_N_DIMS], float midi, float magnitudes[MODEL_N_BINS]);

/* The network alone: standardised, compressed values. */
void model_network(const float z[MODEL_N_DIMS], float midi, float values[MODEL_N_BINS]);

/* Centre frequencies in Hz. */
extern const float model_frequencies_hz[MODEL_N_BINS];

#ifdef __cplusplus
}
#endif
#endif
