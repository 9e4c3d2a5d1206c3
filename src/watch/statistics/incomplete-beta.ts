import { logBeta } from "./log-gamma.ts";

/**
 * The natural logarithm of the regularised incomplete beta function I_x(a, b), the mass of Beta(a, b) below x, for
 * a, b > 0 and 0 ≤ x ≤ 1. −∞ where there is none; NaN for arguments outside. A mass far too small for a double still
 * has its right logarithm. The continued fraction is https://dlmf.nist.gov/8.17.E22.
 */
export function logBetaBelow(x: number, a: number, b: number): number {
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) return NaN;
  if (x === 0) return -Infinity;
  if (x === 1) return 0;
  // The fraction converges fast on this side of the mean; the other side is the rest of the mass.
  if (x <= (a + 1) / (a + b + 2)) return logTail(x, a, b);
  return logOneMinusExp(logTail(1 - x, b, a));
}

/** The natural logarithm of the mass of Beta(a, b) above x: 1 − I_x(a, b), without cancellation. */
export function logBetaAbove(x: number, a: number, b: number): number {
  if (!(a > 0 && b > 0 && x >= 0 && x <= 1)) return NaN;
  if (x === 0) return 0;
  if (x === 1) return -Infinity;
  if (x <= (a + 1) / (a + b + 2)) return logOneMinusExp(logTail(x, a, b));
  return logTail(1 - x, b, a);
}

/** The x below which Beta(a, b) has the mass `share`, for 0 ≤ share ≤ 1, by bisection to the last bits of a double. */
export function betaQuantile(share: number, a: number, b: number): number {
  if (!(a > 0 && b > 0 && share >= 0 && share <= 1)) return NaN;
  if (share === 0 || share === 1) return share;
  const goal = Math.log(share);
  let low = 0;
  let high = 1;
  for (let step = 0; step < MAX_BISECTIONS; step++) {
    // Small roots are bisected by their magnitude, so that 1e-12 gets as many right digits as 0.5.
    const middle = low > 0 && high / low > 2 ? Math.sqrt(low * high) : (low + high) / 2;
    if (middle <= low || middle >= high) break;
    if (logBetaBelow(middle, a, b) < goal) low = middle;
    else high = middle;
  }
  return high;
}

const MAX_BISECTIONS = 200;
const MAX_TERMS = 100_000;
const PRECISION = 1e-15;
/** Stands for 0 in a denominator, as in the method of Lentz. */
const TINY = 1e-300;

function logTail(x: number, a: number, b: number): number {
  const front = a * Math.log(x) + b * Math.log1p(-x) - Math.log(a) - logBeta(a, b);
  return Math.min(0, front + Math.log(continuedFraction(x, a, b)));
}

/** Evaluated from the front by the modified method of Lentz (https://dlmf.nist.gov/3.10.iii). */
function continuedFraction(x: number, a: number, b: number): number {
  let c = 1;
  let d = 1 / notZero(1 - ((a + b) * x) / (a + 1));
  let result = d;
  for (let m = 1; m <= MAX_TERMS; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / notZero(1 + even * d);
    c = notZero(1 + even / c);
    result *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / notZero(1 + odd * d);
    c = notZero(1 + odd / c);
    const factor = d * c;
    result *= factor;
    if (Math.abs(factor - 1) < PRECISION) break;
  }
  return result;
}

function notZero(value: number): number {
  return Math.abs(value) < TINY ? TINY : value;
}

/** log(1 − e^y) for y ≤ 0. */
function logOneMinusExp(y: number): number {
  return y > -Math.LN2 ? Math.log(-Math.expm1(y)) : Math.log1p(-Math.exp(y));
}
