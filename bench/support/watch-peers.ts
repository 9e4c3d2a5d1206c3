import { logMixtureEvidence } from "../../src/watch/statistics/mixture-evidence.ts";
import { epochAt, epochsOf, ROLLBACK_ALPHA } from "../../src/watch/statistics/spending.ts";

/** What the minutes of a watch brought so far, added up: index m is the sum of the first m minutes. */
export interface Minutes {
  bad: Float64Array;
  total: Float64Array;
}

/** Another rule for "errors above 1 %". */
export interface Peer {
  name: string;
  /** Asked after each minute, counted from 1; true rolls back. One rule serves one watch. */
  start(): (minutes: Minutes, minute: number) => boolean;
}

const TARGET = 0.01;

/** Every one looks once a minute, at minutes of this watch only. */
export const PEERS: readonly Peer[] = [
  {
    name: "> 1 % in 5 minutes in a row",
    start() {
      let row = 0;
      return (minutes, minute) => (row = isAbove(minutes, minute, 1, TARGET) ? row + 1 : 0) >= 5;
    },
  },
  {
    name: "> 1 % over 5 minutes",
    start: () => (minutes, minute) => minute >= 5 && isAbove(minutes, minute, 5, TARGET),
  },
  {
    name: "> 5 % in a minute",
    start: () => (minutes, minute) => isAbove(minutes, minute, 1, 0.05),
  },
  {
    name: "> 10 % in a minute",
    start: () => (minutes, minute) => isAbove(minutes, minute, 1, 0.1),
  },
  {
    // failureLimit 3: all failed measurements of a run count, and the fourth breaks the limit.
    name: "Argo: 4 failed minutes",
    start() {
      let failed = 0;
      return (minutes, minute) => (failed += isAbove(minutes, minute, 1, TARGET) ? 1 : 0) > 3;
    },
  },
  {
    // Failed checks are never taken back, no traffic is a failed check, and it acts at the next check.
    name: "Flagger: threshold 5",
    start() {
      let failed = 0;
      return (minutes, minute) => {
        const isOver = failed >= 5;
        if (sum(minutes.total, minute, 1) === 0 || isAbove(minutes, minute, 1, TARGET)) failed++;
        return isOver;
      };
    },
  },
  {
    name: "Wilson 95 %, 5 minutes",
    start: () => (minutes, minute) =>
      wilsonLower(sum(minutes.bad, minute, 5), sum(minutes.total, minute, 5)) > TARGET,
  },
  {
    // https://sre.google/workbook/alerting-on-slos/, table 5-8, for an objective of 99.9 %.
    name: "SRE burn rate 14.4 and 6",
    start: () => (minutes, minute) =>
      (isAbove(minutes, minute, 60, 0.0144) && isAbove(minutes, minute, 5, 0.0144)) ||
      (isAbove(minutes, minute, 360, 0.006) && isAbove(minutes, minute, 30, 0.006)),
  },
  {
    // The e-value of k of n since the beginning of the epoch: every request is a witness of its own.
    name: "e-value, request by request",
    start: () => (minutes, minute) => {
      const epoch = EPOCH_OF_MINUTE[minute - 1]!;
      const length = minute - epoch.fromMs / MINUTE_MS;
      const bad = sum(minutes.bad, minute, length);
      const total = sum(minutes.total, minute, length);
      const needed = -Math.log(ROLLBACK_ALPHA * epoch.share);
      return mostEvidence(bad, total) >= needed && logMixtureEvidence(bad, total, TARGET) >= needed;
    },
  },
];

const MINUTE_MS = 60_000;
const EPOCHS = epochsOf(24 * 60 * MINUTE_MS);
const EPOCH_OF_MINUTE = Array.from({ length: 24 * 60 }, (_, minute) => epochAt(EPOCHS, minute * MINUTE_MS)!);

function sum(sums: Float64Array, minute: number, length: number): number {
  return sums[minute]! - sums[Math.max(0, minute - length)]!;
}

function isAbove(minutes: Minutes, minute: number, length: number, share: number): boolean {
  return sum(minutes.bad, minute, length) > share * sum(minutes.total, minute, length);
}

/** The lower end of the two-sided interval of 95 % (https://doi.org/10.1080/01621459.1927.10502953). */
function wilsonLower(bad: number, total: number): number {
  if (total === 0) return 0;
  const z = 1.96;
  const share = bad / total;
  const centre = share + (z * z) / (2 * total);
  const spread = z * Math.sqrt((share * (1 - share)) / total + (z * z) / (4 * total * total));
  return (centre - spread) / (1 + (z * z) / total);
}

/** No mixture has more evidence than the best share has; much faster to compute. */
function mostEvidence(bad: number, total: number): number {
  const share = bad / total;
  if (!(share > TARGET)) return 0;
  const rest = share < 1 ? (total - bad) * Math.log((1 - share) / (1 - TARGET)) : 0;
  return bad * Math.log(share / TARGET) + rest;
}
