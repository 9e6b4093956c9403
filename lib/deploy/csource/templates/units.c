static void rectify(int n, float *x)
{
    for (int i = 0; i < n; i++) x[i] = x[i] > 0.0f ? x[i] : 0.0f;
}

/*@if layer_norm */
/* Layer normalisation: to zero mean and unit variance, then a gain and an offset of each unit's own. */
static void normalise(int n, const float *gain, const float *offset, float *x)
{
    float mean = 0.0f, variance = 0.0f;
    for (int i = 0; i < n; i++) mean += x[i];
    mean /= (float)n;
    for (int i = 0; i < n; i++) variance += (x[i] - mean) * (x[i] - mean);
    const float steepness = 1.0f / sqrtf(variance / (float)n + 1e-5f);
    for (int i = 0; i < n; i++) x[i] = (x[i] - mean) * steepness * gain[i] + offset[i];
}

/*@end*/
/*@if hidden_layer */
/* A hidden layer. */
typedef struct {
    dense_layer linear;
/*@if layer_norm */
    const float *gain, *offset;
/*@end*/
} hidden_layer;

static void hidden(const hidden_layer *layer, const float *x, float *y)
{
    dense(&layer->linear, x, y);
/*@if layer_norm */
    normalise(layer->linear.n_out, layer->gain, layer->offset, y);
/*@end*/
    rectify(layer->linear.n_out, y);
}

/*@end*/
