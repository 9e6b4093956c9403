import * as chance from "../shared/chance.js";

// What a blind test draws, counts and concludes. Nothing here knows of the page.

// Which sound (0 or 1) is called A in this session, and which is X in each trial: independent fair coins.
export function abx(seed, trials) {
  const next = chance.generator(seed);
  return { a: next() < 0.5 ? 0 : 1, x: Array.from({ length: trials }, () => (next() < 0.5 ? 0 : 1)) };
}

// Probability that a guesser has `right` or more of `trials` right: the exact upper tail of the binomial at 1/2.
export function tail(right, trials) {
  let term = 0.5 ** trials; // of "all right"
  let sum = 0;
  for (let k = trials; k >= right; k--) {
    sum += term;
    term *= k / (trials - k + 1);
  }
  return Math.min(1, sum);
}

// The fewest right answers that a guesser reaches in at most 5 % of sessions.
export function needed(trials, alpha = 0.05) {
  for (let k = Math.ceil(trials / 2); k <= trials; k++) if (tail(k, trials) <= alpha) return k;
  return trials + 1;
}

export function formatP(p) {
  return p < 0.001 ? "p < 0.001" : `p = ${p.toFixed(p < 0.1 ? 3 : 2)}`;
}

// { right, p, heard, text }
export function verdict(answers, x) {
  const trials = x.length;
  const right = answers.filter((answer, i) => answer === x[i]).length;
  const p = tail(right, trials);
  const often = Math.round(1 / p);
  const text =
    p <= 0.05
      ? `You hear the difference: of people who only guess, one in ${often.toLocaleString("en")} gets ${right === trials ? "all" : `${right} or more`} of ${trials} right.`
      : `No difference shown: a guesser gets ${right} or more of ${trials} right in ${Math.round(100 * p)} of 100 sessions. ` +
        "That does not prove the sounds are alike to you; more trials could still tell.";
  return { right, trials, p, heard: p <= 0.05, text };
}

// Ratings of a MUSHRA session: { flagged, text }. The reference is condition 0.
export function screening(ratings, anchor, limit) {
  const reference = ratings[0];
  if (reference < limit) {
    return { flagged: true, text: `You rated the hidden reference ${reference}, below ${limit}: by the rule of BS.1534 this session would not count. The others may be closer to it than you can hear, or a slider slipped.` };
  }
  if (anchor >= 0 && ratings[anchor] >= limit) {
    return { flagged: true, text: `You found the hidden reference, but rated the low-passed anchor ${ratings[anchor]}. Loudspeakers of a phone or laptop can hide what it lacks; try headphones.` };
  }
  return { flagged: false, text: `You rated the hidden reference ${reference}: you found it, and the session counts.` };
}
