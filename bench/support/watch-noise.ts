import type { Block } from "../../src/watch/statistics/block-evidence.ts";
import type { SeededRandom } from "../../src/watch/statistics/seeded-random.ts";

/**
 * How errors and traffic come. The mean share of bad requests is the stated one in all of them.
 * - independent: a Poisson stream, every request bad with the same odds.
 * - clustered: errors come from clients that retry each second, in clusters of a mean size of 4 (geometric).
 * - diurnal: traffic between 20 % and 180 % of its mean over a day that begins at a random hour; the share of bad
 *   requests swings with it by a tenth, so that 0.9 % comes up to 0.99 %.
 * - bursty: the error rate is another one each minute (gamma, shape 0.3), and minutes begin at a random second.
 */
export const NOISES = ["independent", "clustered", "diurnal", "bursty"] as const;
export type Noise = (typeof NOISES)[number];

/** One service, block after block. */
export interface Traffic {
  block(fromMs: number, lengthMs: number): Block;
}

export function trafficOf(
  noise: Noise,
  random: SeededRandom,
  requestsPerMinute: number,
  share: number,
): Traffic {
  const meanOf = (lengthMs: number): number => (requestsPerMinute * lengthMs) / MINUTE_MS;
  const blockOf = (mean: number, bad: number, badShare: number): Block => ({
    bad,
    total: bad + random.poisson(mean * (1 - badShare)),
  });
  if (noise === "clustered") {
    let late = 0;
    return {
      block(_, lengthMs) {
        const mean = meanOf(lengthMs);
        let bad = late;
        late = 0;
        for (let clusters = random.poisson((mean * share) / CLUSTER_SIZE); clusters > 0; clusters--) {
          const size = random.geometric(CLUSTER_SIZE);
          const inside = Math.min(size, Math.ceil((random.uniform() * lengthMs) / RETRY_MS));
          bad += inside;
          late += size - inside;
        }
        return blockOf(mean, bad, share);
      },
    };
  }
  if (noise === "diurnal") {
    const phase = random.uniform();
    return {
      block(fromMs, lengthMs) {
        const swing = Math.sin(2 * Math.PI * (fromMs / DAY_MS + phase));
        const mean = meanOf(lengthMs) * (1 + 0.8 * swing);
        const badShare = share * (1 + 0.1 * swing);
        return blockOf(mean, random.poisson(mean * badShare), badShare);
      },
    };
  }
  if (noise === "bursty") {
    const offsetMs = random.uniform() * MINUTE_MS;
    let minute = -1;
    let level = 1;
    return {
      block(fromMs, lengthMs) {
        let badShare = 0;
        for (let atMs = fromMs; atMs < fromMs + lengthMs;) {
          const now = Math.floor((atMs + offsetMs) / MINUTE_MS);
          if (now !== minute) level = random.gamma(BURST_SHAPE);
          minute = now;
          const untilMs = Math.min(fromMs + lengthMs, (now + 1) * MINUTE_MS - offsetMs);
          badShare += (Math.min(1, share * level) * (untilMs - atMs)) / lengthMs;
          atMs = untilMs;
        }
        const mean = meanOf(lengthMs);
        return blockOf(mean, random.poisson(mean * badShare), badShare);
      },
    };
  }
  return {
    block(_, lengthMs) {
      const mean = meanOf(lengthMs);
      return blockOf(mean, random.poisson(mean * share), share);
    },
  };
}

export const CLUSTER_SIZE = 4;
const RETRY_MS = 1000;
const BURST_SHAPE = 0.3;
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
