/* ---- The network ------------------------------------------------------------------------------------------------- */

/* What was learnt: at the end of this file. */
static const hidden_layer LAYER[N_LAYERS];
static const dense_layer OUTPUT;

static float closeness(float gap)
{
    gap = gap < 0.0f ? -gap : gap;
    return gap < 1.0f ? 1.0f - gap : 0.0f;
}

/* A pitch as a pitch class and an octave, fractions shared between neighbours. */
static void pitch_code(float midi, float *code)
{
    midi = sane(midi, 12.0f, 12.0f * N_OCTAVES + 11.0f, 12.0f);
    const float in_octave = midi - 12.0f * (float)(int)(midi / 12.0f);
    for (int i = 0; i < 12; i++) {
        const float gap = in_octave - (float)i;
        code[i] = closeness(gap < -6.0f ? gap + 12.0f : gap > 6.0f ? gap - 12.0f : gap);
    }
    const float octave = sane((midi - 18.0f) / 12.0f, 0.0f, N_OCTAVES - 1.0f, 0.0f); /* centred on its F sharp */
    for (int i = 0; i < N_OCTAVES; i++) code[12 + i] = closeness(octave - (float)i);
}

void model_network(const float z[MODEL_N_DIMS], float midi, float values[MODEL_N_BINS])
{
    float a[PAD(MODEL_WIDEST)], b[PAD(MODEL_WIDEST)];
    for (int i = 0; i < MODEL_N_DIMS; i++) a[i] = sane(z[i], -20.0f, 20.0f, 0.0f);
    pitch_code(midi, a + MODEL_N_DIMS);
    for (int i = 0; i < N_LAYERS; i++) {
        hidden(&LAYER[i], a, b);
        memcpy(a, b, sizeof a);
    }
    dense(&OUTPUT, a, b);
    memcpy(values, b, MODEL_N_BINS * sizeof *values);
}

void model_decode(const float z[MODEL_N_DIMS], float midi, float magnitudes[MODEL_N_BINS])
{
    model_network(z, midi, magnitudes);
    for (int i = 0; i < MODEL_N_BINS; i++) { /* undo what was done to spectra before they were learnt */
        const float x = magnitudes[i] * SPREAD + CENTRE;
        magnitudes[i] = x > 1e-30f ? exponential(logarithm(x) / EXPONENT) : 0.0f;
    }
}
