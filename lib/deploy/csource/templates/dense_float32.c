/* ---- Layers, float32 ------------------------------------------------------------------------------------------------
 * Weights lie in panels of LANES outputs: w[panel][input][lane]. The inner loop then runs over neighbours in
 * memory and its sums stay in registers, on a vector unit as on a microcontroller. A last panel that is not full
 * is filled with zeros, so vectors that layers write to are PADded. */

typedef struct {
    int n_in, n_out;
    const float *weight, *bias;
} dense_layer;

/* y = W x + b */
static void dense(const dense_layer *layer, const float *x, float *y)
{
    const float *w = layer->weight;
    for (int first = 0; first < layer->n_out; first += LANES) {
        float sum[LANES];
        memcpy(sum, layer->bias + first, sizeof sum);
        for (int i = 0; i < layer->n_in; i++, w += LANES)
            EACH_LANE sum[lane] += w[lane] * x[i];
        memcpy(y + first, sum, sizeof sum);
    }
}

/*@if lookup */
typedef struct {
    const float *row; /* row[choice][unit] */
} lookup_table;

/* y += the row of a choice: what a dense layer makes of a vector that is 1 at one place and 0 elsewhere */
static void add_row(const lookup_table *table, int choice, int n, float *y)
{
    const float *row = table->row + (size_t)choice * (size_t)n;
    for (int i = 0; i < n; i++) y[i] += row[i];
}

/*@end*/
