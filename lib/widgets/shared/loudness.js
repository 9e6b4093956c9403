// ITU-R BS.1770 loudness of sounds made in the page; the same measure as lib/widgets/loudness.py.

export const TARGET_LUFS = -23;
export const PEAK_DBFS = -1;

// Gated loudness of one channel in LUFS; -Infinity for silence.
export function lufs(samples, sampleRate) {
  const weighted = Float64Array.from(samples);
  for (const filter of kWeighting(sampleRate)) applyFilter(weighted, filter);
  const block = Math.min(weighted.length, Math.round(0.4 * sampleRate));
  const hop = Math.max(1, Math.round(0.1 * sampleRate));
  const powers = [];
  for (let start = 0; start + block <= weighted.length; start += hop) {
    let sum = 0;
    for (let i = start; i < start + block; i++) sum += weighted[i] * weighted[i];
    powers.push(sum / block);
  }
  const loud = powers.filter((power) => level(power) > -70);
  if (!loud.length) return -Infinity;
  const gate = level(mean(loud)) - 10;
  return level(mean(loud.filter((power) => level(power) > gate)));
}

// Gains in dB that make the sounds equally loud at TARGET_LUFS, all turned down alike if a peak would pass PEAK_DBFS.
export function matchedGainsDb(list, sampleRate) {
  const gains = list.map((samples) => {
    const loudness = lufs(samples, sampleRate);
    return Number.isFinite(loudness) ? TARGET_LUFS - loudness : 0;
  });
  const highest = Math.max(...list.map((samples, i) => 20 * Math.log10(peak(samples) || 1e-12) + gains[i]));
  const excess = Math.max(0, highest - PEAK_DBFS);
  return gains.map((gain) => gain - excess);
}

export function peak(samples) {
  let highest = 0;
  for (let i = 0; i < samples.length; i++) highest = Math.max(highest, Math.abs(samples[i]));
  return highest;
}

function level(power) {
  return -0.691 + 10 * Math.log10(power);
}

function mean(values) {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function kWeighting(sampleRate) {
  let k = Math.tan((Math.PI * 1681.974450955533) / sampleRate);
  let q = 0.7071752369554196;
  const high = 10 ** (3.999843853973347 / 20);
  const band = high ** 0.4996667741545416;
  let a0 = 1 + k / q + k * k;
  const feedback = () => [(2 * (k * k - 1)) / a0, (1 - k / q + k * k) / a0];
  const shelf = {
    b: [high + (band * k) / q + k * k, 2 * (k * k - high), high - (band * k) / q + k * k].map((x) => x / a0),
    a: feedback(),
  };
  k = Math.tan((Math.PI * 38.13547087602444) / sampleRate);
  q = 0.5003270373238773;
  a0 = 1 + k / q + k * k;
  return [shelf, { b: [1, -2, 1], a: feedback() }];
}

function applyFilter(x, { b, a }) {
  let [x1, x2, y1, y2] = [0, 0, 0, 0];
  for (let i = 0; i < x.length; i++) {
    const y = b[0] * x[i] + b[1] * x1 + b[2] * x2 - a[0] * y1 - a[1] * y2;
    [x2, x1, y2, y1] = [x1, x[i], y1, y];
    x[i] = y;
  }
}
