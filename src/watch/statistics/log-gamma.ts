/**
 * The natural logarithm of the gamma function for x > 0; NaN otherwise. Relative error about 1e-15. Stirling's series
 * (https://dlmf.nist.gov/5.11.E1), after shifting small arguments up by the recurrence (https://dlmf.nist.gov/5.5.E1).
 */
export function logGamma(x: number): number {
  if (!(x > 0)) return NaN;
  if (x === Infinity) return Infinity;
  let shifted = x;
  let product = 1;
  while (shifted < SHIFT_TO) {
    product *= shifted;
    shifted += 1;
  }
  return stirling(shifted) - Math.log(product);
}

/** The natural logarithm of the beta function B(a, b) for a, b > 0. */
export function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

/** From here on the terms below reach the precision of a double. */
const SHIFT_TO = 15;
const HALF_LOG_TWO_PI = 0.5 * Math.log(2 * Math.PI);
/** B(2j) / (2j (2j − 1)) with the Bernoulli numbers B, for the powers 1/x, 1/x³, 1/x⁵, … */
const SERIES = [1 / 12, -1 / 360, 1 / 1260, -1 / 1680, 1 / 1188, -691 / 360_360, 1 / 156] as const;

function stirling(x: number): number {
  const inverse = 1 / x;
  const square = inverse * inverse;
  const series = SERIES.reduceRight((sum, term) => sum * square + term, 0) * inverse;
  return (x - 0.5) * Math.log(x) - x + HALF_LOG_TWO_PI + series;
}
