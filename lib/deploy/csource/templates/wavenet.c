/* ---- The network ------------------------------------------------------------------------------------------------- */

typedef struct {
    int dilation, n_gates;
    dense_layer dilated;   /* [the past, now] -> filter and switch of every gate */
    dense_layer condition; /* mel frame -> what is added to them */
    dense_layer residual;  /* gates -> what is added to the stream */
} gated_layer;

/* What was learnt: at the end of this file. */
static const gated_layer LAYER[N_LAYERS];
static const lookup_table BEFORE, NOW;
static const float FIRST_BIAS[MODEL_N_STREAM];
static const dense_layer SKIP, HIDDEN, OUTPUT;
static const float AMPLITUDE[MODEL_N_CLASSES];

/* The last two samples enter the stream. */
static void enter(const model_state *state, float *stream)
{
    memcpy(stream, FIRST_BIAS, sizeof FIRST_BIAS);
    add_row(&BEFORE, state->previous, MODEL_N_STREAM, stream);
    add_row(&NOW, state->current, MODEL_N_STREAM, stream);
    for (int i = 0; i < MODEL_N_STREAM; i++) stream[i] = tangent(stream[i]);
}

/* Filters, each let through by its switch. */
static void gate(int n, const float *both, const float *condition, float *gated)
{
    for (int i = 0; i < n; i++) gated[i] = tangent(both[i] + condition[i]) * sigmoid(both[n + i] + condition[n + i]);
}

/* One layer: the stream meets its own past, passes the gates, and goes on changed. */
static void pass(const gated_layer *layer, const float *past, const float *condition, float *stream, float *gated)
{
    float met[2 * MODEL_N_STREAM], both[PAD(2 * N_WIDEST_GATE)], change[PAD(MODEL_N_STREAM)];
    memcpy(met, past, MODEL_N_STREAM * sizeof *met);
    memcpy(met + MODEL_N_STREAM, stream, MODEL_N_STREAM * sizeof *met);
    dense(&layer->dilated, met, both);
    gate(layer->n_gates, both, condition, gated);
    if (!layer->residual.n_out) return; /* nobody hears the stream after the last layer */
    dense(&layer->residual, gated, change);
    for (int i = 0; i < MODEL_N_STREAM; i++) stream[i] += change[i];
}

/* All layers. `fresh`: there was silence for ever, so the past of every layer is what enters it now. */
static void run_layers(model_state *state, int fresh, float *gated)
{
    float stream[MODEL_N_STREAM];
    float *ring = state->ring;
    const float *condition = state->condition;
    enter(state, stream);
    for (int i = 0; i < N_LAYERS; i++) {
        const gated_layer *layer = &LAYER[i];
        const size_t slots = (size_t)layer->dilation, slot = state->n_samples % slots;
        for (size_t k = 0; fresh && k < slots; k++) memcpy(ring + k * MODEL_N_STREAM, stream, sizeof stream);
        float *place = ring + slot * MODEL_N_STREAM, now[MODEL_N_STREAM];
        memcpy(now, stream, sizeof stream);
        pass(layer, place, condition, stream, gated);
        memcpy(place, now, sizeof now);
        ring += slots * MODEL_N_STREAM;
        condition += 2 * layer->n_gates;
        gated += layer->n_gates;
    }
}

void model_step(model_state *state, float logits[MODEL_N_CLASSES])
{
    float gated[MODEL_N_GATED], total[PAD(N_SKIP)], hidden[PAD(N_HIDDEN)], scores[PAD(MODEL_N_CLASSES)];
    run_layers(state, 0, gated);
    dense(&SKIP, gated, total); /* the skip outputs of all layers, added up */
    rectify(N_SKIP, total);
    dense(&HIDDEN, total, hidden);
    rectify(N_HIDDEN, hidden);
    dense(&OUTPUT, hidden, scores);
    memcpy(logits, scores, MODEL_N_CLASSES * sizeof *logits);
}

/* ---- The sampler ------------------------------------------------------------------------------------------------- */

void model_init(model_state *state)
{
    memset(state, 0, sizeof *state);
    state->previous = state->current = MODEL_N_CLASSES / 2; /* silence */
}

void model_mel(model_state *state, const float mel[MODEL_N_MELS])
{
    float frame[MODEL_N_MELS], added[PAD(2 * N_WIDEST_GATE)], gated[MODEL_N_GATED];
    float *condition = state->condition;
    for (int i = 0; i < MODEL_N_MELS; i++) frame[i] = sane(mel[i], -10.0f, 10.0f, 0.0f);
    for (int i = 0; i < N_LAYERS; i++) {
        const int n = 2 * LAYER[i].n_gates;
        dense(&LAYER[i].condition, frame, added);
        memcpy(condition, added, (size_t)n * sizeof *added);
        condition += n;
    }
    if (!state->started) run_layers(state, 1, gated);
    state->started = 1;
}

int model_wants_mel(const model_state *state)
{
    return !state->started || (state->n_samples > 1 && (state->n_samples - 1) % MODEL_MEL_HOP == 0);
}

/* The first class at which the summed chances pass the number drawn. */
int model_choose(const float logits[MODEL_N_CLASSES], float uniform)
{
    float chance[MODEL_N_CLASSES], highest = logits[0], total = 0.0f, sum = 0.0f;
    for (int i = 1; i < MODEL_N_CLASSES; i++) highest = logits[i] > highest ? logits[i] : highest;
    for (int i = 0; i < MODEL_N_CLASSES; i++) chance[i] = exponential(logits[i] - highest);
    for (int i = 0; i < MODEL_N_CLASSES; i++) total += chance[i];
    const float mark = total * sane(uniform, 0.0f, 0.99999994f, 0.5f);
    for (int i = 0; i < MODEL_N_CLASSES; i++) {
        sum += chance[i];
        if (sum > mark) return i;
    }
    return MODEL_N_CLASSES - 1;
}

static int known(int chosen) { return chosen < 0 ? 0 : chosen < MODEL_N_CLASSES ? chosen : MODEL_N_CLASSES - 1; }

void model_take(model_state *state, int chosen)
{
    state->previous = state->current;
    state->current = known(chosen);
    state->n_samples++;
}

float model_sample(model_state *state, float uniform)
{
    float logits[MODEL_N_CLASSES];
    model_step(state, logits);
    const int chosen = model_choose(logits, uniform);
    model_take(state, chosen);
    return AMPLITUDE[chosen];
}

void model_play(model_state *state, const float *mel, int n_frames, const float *uniform, int n, float *out)
{
    for (int i = 0; i < n; i++) {
        const uint32_t frame = state->n_samples ? (state->n_samples - 1) / MODEL_MEL_HOP : 0;
        if (model_wants_mel(state) && frame < (uint32_t)n_frames) model_mel(state, mel + frame * MODEL_N_MELS);
        out[i] = model_sample(state, uniform[i]);
    }
}

float model_decode(int chosen) { return AMPLITUDE[known(chosen)]; }

int model_encode(float amplitude)
{
    const float mu = MODEL_N_CLASSES - 1.0f, x = sane(amplitude, -1.0f, 1.0f, 0.0f);
    const float bent = logarithm(1.0f + mu * (x < 0.0f ? -x : x)) / logarithm(1.0f + mu);
    return (int)(((x < 0.0f ? -bent : bent) + 1.0f) * 0.5f * mu + 0.5f);
}

uint32_t model_state_bytes(void) { return (uint32_t)sizeof(model_state); }
