import { logGamma } from "./log-gamma.ts";

/** Random numbers that are the same for the same seed, on every machine. For simulations, not for secrets. */
export interface SeededRandom {
  /** At least 0 and less than 1. */
  uniform(): number;
  poisson(mean: number): number;
  /** 1, 2, 3, … with this mean, at least 1. */
  geometric(mean: number): number;
  /** Of mean 1 and variance 1 / shape. */
  gamma(shape: number): number;
}

/** The generator is sfc32 by Chris Doty-Humphrey (https://pracrand.sourceforge.net/RNG_engines.txt). */
export function seededRandom(seed: number): SeededRandom {
  const uniform = sfc32(seed);
  return {
    uniform,
    poisson: (mean) => (mean < SMALL_MEAN ? smallPoisson(uniform, mean) : largePoisson(uniform, mean)),
    geometric: (mean) => (mean <= 1 ? 1 : 1 + Math.floor(Math.log(1 - uniform()) / Math.log1p(-1 / mean))),
    gamma: (shape) => gammaOf(uniform, shape) / shape,
  };
}

const SMALL_MEAN = 10;
const WARM_UP = 15;

function sfc32(seed: number): () => number {
  let [a, b, c, counter] = [0, seed | 0, Math.floor(seed / 2 ** 32) | 0, 1];
  const next = (): number => {
    const sum = (((a + b) | 0) + counter) | 0;
    counter = (counter + 1) | 0;
    a = b ^ (b >>> 9);
    b = (c + (c << 3)) | 0;
    c = (((c << 21) | (c >>> 11)) + sum) | 0;
    return (sum >>> 0) / 2 ** 32;
  };
  for (let round = 0; round < WARM_UP; round++) next();
  return next;
}

/** Multiplying uniform numbers until they fall below e^−mean (Knuth). */
function smallPoisson(uniform: () => number, mean: number): number {
  if (!(mean > 0)) return 0;
  const limit = Math.exp(-mean);
  let count = 0;
  for (let product = uniform(); product > limit; product *= uniform()) count++;
  return count;
}

/** Transformed rejection, PTRS of Hörmann (https://doi.org/10.1016/0167-6687(93)90997-4). */
function largePoisson(uniform: () => number, mean: number): number {
  const b = 0.931 + 2.53 * Math.sqrt(mean);
  const a = -0.059 + 0.02483 * b;
  const scale = 1.1239 + 1.1328 / (b - 3.4);
  const accept = 0.9277 - 3.6224 / (b - 2);
  for (;;) {
    const u = uniform() - 0.5;
    const v = uniform();
    const edge = 0.5 - Math.abs(u);
    const count = Math.floor(((2 * a) / edge + b) * u + mean + 0.43);
    if (edge >= 0.07 && v <= accept) return count;
    if (count < 0 || (edge < 0.013 && v > edge)) continue;
    const left = Math.log(v) + Math.log(scale) - Math.log(a / (edge * edge) + b);
    if (left <= count * Math.log(mean) - mean - logGamma(count + 1)) return count;
  }
}

/** Marsaglia and Tsang (https://doi.org/10.1145/358407.358414). */
function gammaOf(uniform: () => number, shape: number): number {
  if (shape < 1) return gammaOf(uniform, shape + 1) * (1 - uniform()) ** (1 / shape);
  const d = shape - 1 / 3;
  const c = 1 / Math.sqrt(9 * d);
  for (;;) {
    const x = Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
    const v = (1 + c * x) ** 3;
    if (v > 0 && Math.log(1 - uniform()) < 0.5 * x * x + d - d * v + d * Math.log(v)) return d * v;
  }
}
