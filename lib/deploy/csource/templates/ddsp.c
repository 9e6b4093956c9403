/* ---- The network ------------------------------------------------------------------------------------------------- */

/* What was learnt: at the end of this file. */
static const hidden_layer PITCH[3], LOUDNESS[3], AFTER[3];
static const dense_layer GRU_INPUT, GRU_MEMORY, HEAD;
static const float COSINE[MODEL_N_TAPS]; /* of one turn, for the noise */
/*@if reverb */
static const float ROOM[MODEL_N_ROOM];
/*@end*/

#define F0_LOW 10.0f
#define F0_HIGH 7900.0f

/* Three hidden layers in a row. */
static void hidden_block(const hidden_layer layer[3], const float *x, float *y)
{
    float a[PAD(MODEL_WIDEST)], b[PAD(MODEL_WIDEST)];
    hidden(&layer[0], x, a);
    hidden(&layer[1], a, b);
    hidden(&layer[2], b, y);
}

/* One step of a gated recurrent unit: how much to forget (reset), how much to keep (update), what is new. */
static void gru(const float *x, float *memory)
{
    enum { N = MODEL_N_HIDDEN };
    float from_input[PAD(3 * N)], from_memory[PAD(3 * N)];
    dense(&GRU_INPUT, x, from_input);
    dense(&GRU_MEMORY, memory, from_memory);
    for (int i = 0; i < N; i++) {
        const float reset = sigmoid(from_input[i] + from_memory[i]);
        const float update = sigmoid(from_input[N + i] + from_memory[N + i]);
        const float fresh = tangent(from_input[2 * N + i] + reset * from_memory[2 * N + i]);
        memory[i] = (1.0f - update) * fresh + update * memory[i];
    }
}

/* Any number to 1e-7 .. 2: 2 sigmoid(x)^ln(10) + 1e-7 */
static float positive(float x) { return 2.0f * exponential(-2.30258509f * logarithm(1.0f + exponential(-x))) + 1e-7f; }

int model_network(model_state *state, float f0_hz, float loudness_db, const float z[MODEL_N_LATENT],
        float partials[MODEL_N_PARTIALS], float bands[MODEL_N_BANDS])
{
    f0_hz = sane(f0_hz, F0_LOW, F0_HIGH, F0_LOW);
    const float pitch = logarithm(f0_hz / 440.0f) / (4.0f * LN2); /* four octaves around A4 make -1 to 1 */
    const float loudness = sane(loudness_db, -120.0f, 20.0f, -120.0f) / 40.0f + 1.0f;

    float joined[N_PITCH + N_LOUDNESS + MODEL_N_LATENT + LANES]; /* each part overwrites the padding of the last */
    hidden_block(PITCH, &pitch, joined);
    hidden_block(LOUDNESS, &loudness, joined + N_PITCH);
    for (int i = 0; i < MODEL_N_LATENT; i++) joined[N_PITCH + N_LOUDNESS + i] = sane(z[i], -10.0f, 10.0f, 0.0f);
    gru(joined, state->hidden);
    float after[PAD(MODEL_WIDEST)], told[PAD(1 + MODEL_N_PARTIALS + MODEL_N_BANDS)];
    hidden_block(AFTER, state->hidden, after);
    dense(&HEAD, after, told);

    /* how loud, and how that is shared among the partials below half the sample rate */
    int n_audible = 0;
    while (n_audible < MODEL_N_PARTIALS && f0_hz * (float)(n_audible + 1) < MODEL_SAMPLE_RATE / 2.0f) n_audible++;
    float total = 0.0f;
    for (int k = 0; k < MODEL_N_PARTIALS; k++) {
        partials[k] = k < n_audible ? positive(told[1 + k]) : 0.0f;
        total += partials[k];
    }
    const float share = positive(told[0]) / (total > 1e-7f ? total : 1e-7f);
    for (int k = 0; k < MODEL_N_PARTIALS; k++) partials[k] *= share;
    for (int k = 0; k < MODEL_N_BANDS; k++) bands[k] = positive(told[1 + MODEL_N_PARTIALS + k] - 5.0f);
    return n_audible;
}

/* ---- The synthesiser --------------------------------------------------------------------------------------------- */

/* Sine and cosine of half a phase (2^32 is one turn), by their series around a quarter turn. */
static void half_angle(uint32_t phase, float *sine, float *cosine)
{
    const float x = (float)(int32_t)(phase ^ 0x80000000u) * (3.14159265f / 4294967296.0f), xx = x * x;
    *sine = 1.0f + xx * (-1.0f / 2 + xx * (1.0f / 24 + xx * (-1.0f / 720 + xx * (1.0f / 40320 +
            xx * (-1.0f / 3628800 + xx * (1.0f / 479001600))))));
    *cosine = -x * (1.0f + xx * (-1.0f / 6 + xx * (1.0f / 120 + xx * (-1.0f / 5040 + xx * (1.0f / 362880 +
              xx * (-1.0f / 39916800))))));
}

/* The sum of a[k] sin((k + 1) x), with a[k] = from[k] + at * step[k].
 * Sines of whole multiples follow from one another, s[k+1] = 2 cos(x) s[k] - s[k-1], and Clenshaw's way of summing
 * them needs one product a partial. Near 0 and half a turn the plain form loses digits; Reinsch's form sums
 * differences (or, beyond a quarter turn, sums) of neighbours and does not. */
static float sum_of_sines(int n, const float *from, const float *step, float at, uint32_t phase)
{
    float sine, cosine, sum = 0.0f, change = 0.0f;
    half_angle(phase, &sine, &cosine);
    if (sine * sine < 0.5f) { /* cos x > 0 */
        const float bend = -4.0f * sine * sine; /* 2 cos x - 2 */
        WRITTEN_OUT for (int k = n - 1; k >= 0; k--) {
            change += bend * sum + (from[k] + at * step[k]);
            sum += change;
        }
    } else {
        const float bend = 4.0f * cosine * cosine; /* 2 cos x + 2 */
        WRITTEN_OUT for (int k = n - 1; k >= 0; k--) {
            change = bend * sum + (from[k] + at * step[k]) - change;
            sum = change - sum;
        }
    }
    return sum * 2.0f * sine * cosine;
}

/* The partials of the frame before, on their way to this one. */
static void play_partials(model_state *state, float f0_hz, const float *partials, int n_audible, float *out)
{
    const double per_hz = 18446744073709551616.0 / MODEL_SAMPLE_RATE; /* 2^64 is one turn */
    const float rise = (f0_hz - state->f0_hz) / MODEL_HOP;
    uint64_t speed = (uint64_t)(state->f0_hz * per_hz);
    const uint64_t faster = (uint64_t)(int64_t)(rise * per_hz); /* negative ones wrap around, as they should */
    const int n = n_audible > state->n_audible ? n_audible : state->n_audible;
    float step[MODEL_N_PARTIALS];
    for (int k = 0; k < n; k++) step[k] = partials[k] - state->partials[k];
    for (int i = 0; i < MODEL_HOP; i++) {
        state->phase += speed;
        speed += faster;
        out[i] = sum_of_sines(n, state->partials, step, (float)i / MODEL_HOP, (uint32_t)(state->phase >> 32));
    }
}

/* y[i] += the sum of taps[j] x[i - j]; writes PAD(n) values, reads PAD(n_taps) taps. In blocks of LANES outputs and as
 * many taps: what one product reads, its neighbours read too. */
static void filter(int n_taps, const float *taps, const float *x, int n, float *y)
{
    for (int first = 0; first < n; first += LANES) {
        float sum[LANES];
        memcpy(sum, y + first, sizeof sum);
        for (int j = 0; j < n_taps; j += LANES)
            WRITTEN_OUT for (int tap = 0; tap < LANES; tap++)
                EACH_LANE sum[lane] += taps[j + tap] * x[first - j - tap + lane];
        memcpy(y + first, sum, sizeof sum);
    }
}

/* The impulse response that has these gains: an inverse Fourier transform, centred, under a Hann window. */
static void impulse_response(const float *bands, float *taps)
{
    enum { HALF = MODEL_N_TAPS / 2 };
    for (int i = 0; i <= HALF; i++) {
        float sum = bands[0] + (i % 2 ? -bands[HALF] : bands[HALF]);
        for (int k = 1, turn = i; k < HALF; k++) {
            sum += 2.0f * bands[k] * COSINE[turn];
            turn += i;
            if (turn >= MODEL_N_TAPS) turn -= MODEL_N_TAPS;
        }
        const float tap = sum / MODEL_N_TAPS * (0.5f + 0.5f * COSINE[i]);
        taps[HALF - i] = tap;
        if (i < HALF) taps[HALF + i] = tap;
    }
}

/* Shape a frame of noise and add it to what is pending: it begins where this frame does, half the taps early. */
static void add_noise(const float *bands, const float *noise, float *pending)
{
    enum { LEAD = PAD(MODEL_N_TAPS) - 1, LENGTH = PAD(MODEL_HOP + MODEL_N_TAPS - 1) };
    float taps[PAD(MODEL_N_TAPS)] = {0}, surrounded[LEAD + LENGTH] = {0};
    impulse_response(bands, taps);
    for (int i = 0; i < MODEL_HOP; i++) surrounded[LEAD + i] = sane(noise[i], -1.0f, 1.0f, 0.0f);
    filter(MODEL_N_TAPS, taps, surrounded + LEAD, MODEL_HOP + MODEL_N_TAPS - 1, pending + MODEL_HOP - MODEL_N_TAPS / 2);
}

/*@if reverb */
/* Put a frame into the room: the direct sound, and a tail. */
static void play_room(model_state *state, float *out)
{
    enum { PAST = MODEL_N_ROOM - 1 };
    float wet[PAD(MODEL_HOP)] = {0};
    memcpy(state->room + PAST, out, MODEL_HOP * sizeof *out);
    filter(MODEL_N_ROOM, ROOM, state->room + PAST, MODEL_HOP, wet);
    memmove(state->room, state->room + MODEL_HOP, PAST * sizeof *state->room);
    memcpy(out, wet, MODEL_HOP * sizeof *out);
}

/*@end*/
/* Sound of the frame before; `noise` is that of this frame, or nothing. */
static void play(model_state *state, float f0_hz, const float *partials, int n_audible, const float *bands,
        const float *noise, float *out)
{
    enum { KEPT = MODEL_HOP + MODEL_N_TAPS / 2 };
    float pending[MODEL_HOP + KEPT + LANES] = {0};
    memcpy(pending, state->pending, sizeof state->pending);
    if (noise) add_noise(bands, noise, pending);
    memcpy(state->pending, pending + MODEL_HOP, sizeof state->pending);
    memset(out, 0, MODEL_HOP * sizeof *out);
    if (!state->started) return; /* nothing came before the first frame */
    play_partials(state, f0_hz, partials, n_audible, out);
    for (int i = 0; i < MODEL_HOP; i++) out[i] += pending[i];
/*@if reverb */
    play_room(state, out);
/*@end*/
}

void model_frame(model_state *state, float f0_hz, float loudness_db, const float z[MODEL_N_LATENT],
        const float noise[MODEL_HOP], float out[MODEL_HOP])
{
    float partials[MODEL_N_PARTIALS], bands[MODEL_N_BANDS];
    const int n_audible = model_network(state, f0_hz, loudness_db, z, partials, bands);
    f0_hz = sane(f0_hz, F0_LOW, F0_HIGH, F0_LOW);
    play(state, f0_hz, partials, n_audible, bands, noise, out);
    state->f0_hz = f0_hz;
    state->n_audible = n_audible;
    state->started = 1;
    memcpy(state->partials, partials, sizeof partials);
}

void model_finish(model_state *state, float out[MODEL_HOP])
{
    play(state, state->f0_hz, state->partials, state->n_audible, NULL, NULL, out);
}

void model_init(model_state *state) { memset(state, 0, sizeof *state); }

void model_noise(uint32_t *seed, float noise[MODEL_HOP])
{
    for (int i = 0; i < MODEL_HOP; i++) {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 17;
        *seed ^= *seed << 5;
        noise[i] = (float)(int32_t)*seed * (1.0f / 2147483648.0f);
    }
}

uint32_t model_state_bytes(void) { return (uint32_t)sizeof(model_state); }
