// The Fourier transform of any length: Stockham's self-sorting form with radices 4, 2, 3, 5, 7, 11, 13 (it needs no
// bit reversal), and Bluestein's chirp when a larger prime is left over. Complex numbers are two Float64Arrays.

const plans = new Map();

// A plan for length n, kept for next time: forward(re, im) and inverse(re, im) work in place; inverse divides by n.
export function plan(n) {
  if (!plans.has(n)) {
    if (plans.size > 600) plans.clear();
    const radices = factor(n);
    plans.set(n, radices ? stockham(n, radices) : bluestein(n));
  }
  return plans.get(n);
}

// Spectrum of real x: { re, im }, each floor(n / 2) + 1 long.
export function rfft(x) {
  const n = x.length;
  const bins = Math.floor(n / 2) + 1;
  if (n % 2 || n < 4) {
    const re = Float64Array.from(x);
    const im = new Float64Array(n);
    plan(n).forward(re, im);
    return { re: re.slice(0, bins), im: im.slice(0, bins) };
  }
  // Even samples as real part, odd ones as imaginary part of one transform of half the length; then untangle.
  const half = n / 2;
  const a = new Float64Array(half);
  const b = new Float64Array(half);
  for (let i = 0; i < half; i++) {
    a[i] = x[2 * i];
    b[i] = x[2 * i + 1];
  }
  plan(half).forward(a, b);
  const { cos, sin } = turns(n);
  const re = new Float64Array(bins);
  const im = new Float64Array(bins);
  for (let k = 0; k <= half; k++) {
    const i = k === half ? 0 : k;
    const j = k === 0 ? 0 : half - k;
    const evenRe = (a[i] + a[j]) / 2;
    const evenIm = (b[i] - b[j]) / 2;
    const oddRe = (b[i] + b[j]) / 2;
    const oddIm = (a[j] - a[i]) / 2;
    re[k] = evenRe + cos[k] * oddRe - sin[k] * oddIm;
    im[k] = evenIm + cos[k] * oddIm + sin[k] * oddRe;
  }
  return { re, im };
}

// Real signal of length n whose spectrum is (re, im); the imaginary part of the edges is ignored.
export function irfft(re, im, n) {
  const half = n / 2;
  if (n % 2 || n < 4) {
    const a = new Float64Array(n);
    const b = new Float64Array(n);
    a[0] = re[0];
    for (let k = 1; k <= Math.floor((n - 1) / 2); k++) {
      a[k] = a[n - k] = re[k];
      b[k] = im[k];
      b[n - k] = -im[k];
    }
    if (n === 2) a[1] = re[1];
    plan(n).inverse(a, b);
    return a;
  }
  const { cos, sin } = turns(n);
  const a = new Float64Array(half);
  const b = new Float64Array(half);
  for (let k = 0; k < half; k++) {
    const j = half - k;
    const kIm = k === 0 ? 0 : im[k];
    const jIm = j === half ? 0 : im[j];
    const evenRe = (re[k] + re[j]) / 2;
    const evenIm = (kIm - jIm) / 2;
    const differenceRe = (re[k] - re[j]) / 2;
    const differenceIm = (kIm + jIm) / 2;
    const oddRe = differenceRe * cos[k] + differenceIm * sin[k];
    const oddIm = differenceIm * cos[k] - differenceRe * sin[k];
    a[k] = evenRe - oddIm;
    b[k] = evenIm + oddRe;
  }
  plan(half).inverse(a, b);
  const x = new Float64Array(n);
  for (let i = 0; i < half; i++) {
    x[2 * i] = a[i];
    x[2 * i + 1] = b[i];
  }
  return x;
}

export function nextPowerOfTwo(n) {
  return 2 ** Math.ceil(Math.log2(Math.max(1, n)));
}

const tables = new Map();

// cos and sin of -2 pi k / n for k = 0 ... n - 1.
function turns(n) {
  if (!tables.has(n)) {
    if (tables.size > 600) tables.clear();
    const cos = new Float64Array(n);
    const sin = new Float64Array(n);
    for (let k = 0; k < n; k++) {
      cos[k] = Math.cos((2 * Math.PI * k) / n);
      sin[k] = -Math.sin((2 * Math.PI * k) / n);
    }
    tables.set(n, { cos, sin });
  }
  return tables.get(n);
}

function factor(n) {
  const radices = [];
  let rest = n;
  for (const p of [4, 2, 3, 5, 7, 11, 13]) {
    while (rest % p === 0) {
      radices.push(p);
      rest /= p;
    }
  }
  return rest === 1 ? radices : null;
}

function withInverse(n, forward) {
  // Swapping real and imaginary parts turns the forward transform into n times the inverse.
  const inverse = (re, im) => {
    forward(im, re);
    for (let i = 0; i < n; i++) {
      re[i] /= n;
      im[i] /= n;
    }
  };
  return { n, forward, inverse };
}

function stockham(n, radices) {
  const { cos, sin } = turns(n);
  const scratchRe = new Float64Array(n);
  const scratchIm = new Float64Array(n);
  const forward = (re, im) => {
    let [xr, xi, yr, yi] = [re, im, scratchRe, scratchIm];
    let stride = 1;
    for (const p of radices) {
      const m = n / stride / p;
      if (p === 4) radix4(xr, xi, yr, yi, m, stride, cos, sin);
      else if (p === 2) radix2(xr, xi, yr, yi, m, stride, cos, sin);
      else anyRadix(p, xr, xi, yr, yi, m, stride, cos, sin);
      [xr, xi, yr, yi] = [yr, yi, xr, xi];
      stride *= p;
    }
    if (xr !== re) {
      re.set(xr);
      im.set(xi);
    }
  };
  return withInverse(n, forward);
}

function radix2(xr, xi, yr, yi, m, s, cos, sin) {
  for (let k = 0; k < m; k++) {
    const c = cos[k * s];
    const d = sin[k * s];
    for (let q = 0; q < s; q++) {
      const i = q + s * k;
      const j = i + s * m;
      const o = q + s * 2 * k;
      const br = xr[i] - xr[j];
      const bi = xi[i] - xi[j];
      yr[o] = xr[i] + xr[j];
      yi[o] = xi[i] + xi[j];
      yr[o + s] = br * c - bi * d;
      yi[o + s] = br * d + bi * c;
    }
  }
}

function radix4(xr, xi, yr, yi, m, s, cos, sin) {
  const step = s * m;
  for (let k = 0; k < m; k++) {
    const c1 = cos[k * s];
    const d1 = sin[k * s];
    const c2 = cos[2 * k * s];
    const d2 = sin[2 * k * s];
    const c3 = cos[3 * k * s];
    const d3 = sin[3 * k * s];
    for (let q = 0; q < s; q++) {
      const i = q + s * k;
      const i1 = i + step;
      const i2 = i1 + step;
      const i3 = i2 + step;
      const o = q + s * 4 * k;
      const sumRe = xr[i] + xr[i2];
      const sumIm = xi[i] + xi[i2];
      const difRe = xr[i] - xr[i2];
      const difIm = xi[i] - xi[i2];
      const oddRe = xr[i1] + xr[i3];
      const oddIm = xi[i1] + xi[i3];
      const turnRe = xi[i1] - xi[i3];
      const turnIm = xr[i3] - xr[i1];
      yr[o] = sumRe + oddRe;
      yi[o] = sumIm + oddIm;
      let r = difRe + turnRe;
      let t = difIm + turnIm;
      yr[o + s] = r * c1 - t * d1;
      yi[o + s] = r * d1 + t * c1;
      r = sumRe - oddRe;
      t = sumIm - oddIm;
      yr[o + 2 * s] = r * c2 - t * d2;
      yi[o + 2 * s] = r * d2 + t * c2;
      r = difRe - turnRe;
      t = difIm - turnIm;
      yr[o + 3 * s] = r * c3 - t * d3;
      yi[o + 3 * s] = r * d3 + t * c3;
    }
  }
}

function anyRadix(p, xr, xi, yr, yi, m, s, cos, sin) {
  const step = s * m;
  const root = step; // n / p: w_p^j is entry j * n / p of the table
  for (let k = 0; k < m; k++) {
    for (let r = 0; r < p; r++) {
      const c = cos[k * r * s];
      const d = sin[k * r * s];
      for (let q = 0; q < s; q++) {
        let i = q + s * k;
        let re = xr[i];
        let im = xi[i];
        for (let j = 1, t = r; j < p; j++, t += r) {
          i += step;
          if (t >= p) t -= p;
          const wr = cos[t * root];
          const wi = sin[t * root];
          re += xr[i] * wr - xi[i] * wi;
          im += xr[i] * wi + xi[i] * wr;
        }
        const o = q + s * (p * k + r);
        yr[o] = re * c - im * d;
        yi[o] = re * d + im * c;
      }
    }
  }
}

function bluestein(n) {
  const size = nextPowerOfTwo(2 * n - 1);
  const inner = plan(size);
  const cos = new Float64Array(n);
  const sin = new Float64Array(n);
  const kernelRe = new Float64Array(size);
  const kernelIm = new Float64Array(size);
  for (let k = 0; k < n; k++) {
    const angle = (Math.PI * ((k * k) % (2 * n))) / n;
    cos[k] = Math.cos(angle);
    sin[k] = Math.sin(angle);
    const mirror = (size - k) % size;
    kernelRe[k] = kernelRe[mirror] = cos[k];
    kernelIm[k] = kernelIm[mirror] = sin[k];
  }
  inner.forward(kernelRe, kernelIm);
  const a = new Float64Array(size);
  const b = new Float64Array(size);
  const forward = (re, im) => {
    a.fill(0);
    b.fill(0);
    for (let k = 0; k < n; k++) {
      a[k] = re[k] * cos[k] + im[k] * sin[k];
      b[k] = im[k] * cos[k] - re[k] * sin[k];
    }
    inner.forward(a, b);
    for (let k = 0; k < size; k++) {
      const t = a[k] * kernelRe[k] - b[k] * kernelIm[k];
      b[k] = a[k] * kernelIm[k] + b[k] * kernelRe[k];
      a[k] = t;
    }
    inner.inverse(a, b);
    for (let k = 0; k < n; k++) {
      re[k] = a[k] * cos[k] + b[k] * sin[k];
      im[k] = b[k] * cos[k] - a[k] * sin[k];
    }
  };
  return withInverse(n, forward);
}
