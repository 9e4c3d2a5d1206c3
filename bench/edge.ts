import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "../src/lib/clock.ts";
import { freePort } from "../src/providers/local/free-port.ts";
import type { Benchmark } from "./benchmark.ts";
import { cpuMicros } from "./support/cpu-time.ts";
import { fence, openEdgeRig, startPlainUpstream, untilAnswering, type EdgeRig } from "./support/edge-rig.ts";
import { findHaproxy, startHaproxy } from "./support/haproxy.ts";
import { runChild } from "./support/run-child.ts";
import { median, rounded } from "./support/statistics.ts";
import { temporaryFolder } from "./support/temporary-folder.ts";

const ROUNDS = 5;
const ROUND_MS = 2_000;
const WARM_UP_MS = 1_000;
const VISITORS = 32;

const FLIPS = 100;
const FLIP_PAUSE_MS = 30;
const FLIP_RATE = 400;
const SHARES = [100, 95, 75, 50, 0];
const ROLLBACKS = 20;
const BAD_FOR_MS = 100;
const SETTLE_MS = 250;
const BAD = "v2";

/** What the edge costs and how fast it turns: CPU time per request against the peers, and flips under load. */
export const edge: Benchmark = {
  name: "edge",
  summary: "CPU per request of the edge over HAProxy and over a plain upstream; weight flips under load.",
  async run(say, signal) {
    await using cleanUp = new AsyncDisposableStack();
    const folder = await temporaryFolder(cleanUp);
    const rig = await openEdgeRig(folder, cleanUp, signal);
    const contenders = await openContenders(rig, folder, cleanUp, say);
    for (const contender of contenders) await measure(contender, WARM_UP_MS, signal);
    const costs = new Map<string, { micros: number; requests: number }>(
      contenders.map(({ name }) => [name, { micros: 0, requests: 0 }]),
    );
    for (let round = 1; round <= ROUNDS; round++) {
      for (const contender of contenders) {
        const { micros, requests } = await measure(contender, ROUND_MS, signal);
        const cost = costs.get(contender.name)!;
        cost.micros += micros;
        cost.requests += requests;
        say(
          `round ${round} of ${ROUNDS}: ${contender.name} ${(micros / requests).toFixed(1)} µs per request`,
        );
      }
    }
    const micros = (name: string): number => costs.get(name)!.micros / costs.get(name)!.requests;
    say(`${FLIPS} weight flips and ${ROLLBACKS} rollbacks at ${FLIP_RATE} requests per second`);
    const turned = await turnUnderLoad(rig, folder, signal);
    const hasHaproxy = costs.has("haproxy");
    return {
      ratios: {
        edgeOverPlainUpstream: rounded(micros("edge") / micros("plain"), 2),
        ...(hasHaproxy ? { edgeOverHaproxy: rounded(micros("edge") / micros("haproxy"), 2) } : {}),
      },
      figures: {
        edgeCpuMicrosPerRequest: rounded(micros("edge"), 1),
        plainCpuMicrosPerRequest: rounded(micros("plain"), 1),
        ...(hasHaproxy ? { haproxyCpuMicrosPerRequest: rounded(micros("haproxy"), 1) } : {}),
        ...turned,
      },
    };
  },
};

/** What is asked in turn, and whose CPU time counts. */
interface Contender {
  name: "plain" | "edge" | "haproxy";
  port: number;
  pid: number;
}

async function openContenders(
  rig: EdgeRig,
  folder: string,
  cleanUp: AsyncDisposableStack,
  say: (line: string) => void,
): Promise<Contender[]> {
  const plain = await startPlainUpstream(folder, cleanUp);
  const contenders: Contender[] = [
    { name: "plain", ...plain },
    { name: "edge", port: rig.port, pid: rig.status.pid },
  ];
  const program = await findHaproxy();
  if (program === undefined) {
    say("HAProxy is not installed, so there is no comparison with it (Debian: apt-get install haproxy)");
  } else {
    const port = await freePort("127.0.0.1", `${folder}/haproxy`);
    const pid = await startHaproxy(program, port, rig.upstreamPorts, folder, cleanUp);
    contenders.push({ name: "haproxy", port, pid });
  }
  for (const { port } of contenders) await untilAnswering(port);
  return contenders;
}

/** CPU time is counted in steps of 10 ms, so callers add up rounds instead of taking the median of quotients. */
async function measure(
  { name, port, pid }: Contender,
  durationMs: number,
  signal: AbortSignal,
): Promise<{ micros: number; requests: number }> {
  const before = cpuMicros(pid);
  const line = await runChild(
    new URL("./support/tight-load-child.ts", import.meta.url),
    [port, VISITORS, durationMs],
    signal,
  );
  const { requests, failed } = JSON.parse(line) as { requests: number; failed: number };
  if (failed > 0) throw new Error(`${failed} of ${requests} requests to ${name} failed`);
  return { micros: cpuMicros(pid) - before, requests };
}

/** Flips weights, then rolls back from the bad release again and again, all under one load. */
async function turnUnderLoad(
  rig: EdgeRig,
  folder: string,
  signal: AbortSignal,
): Promise<Record<string, number>> {
  const stopFile = join(folder, "stop-load");
  const load = runChild(
    new URL("./support/watching-load-child.ts", import.meta.url),
    [rig.url, FLIP_RATE, BAD, stopFile],
    signal,
  );
  // Awaited below; a failure before that is not to end the process.
  load.catch(() => undefined);
  let windows: Window[];
  try {
    await untilCounting(rig, signal);
    for (let flip = 0; flip < FLIPS; flip++) {
      await shiftTo(rig, SHARES[flip % SHARES.length]!, signal);
      await systemClock.sleep(FLIP_PAUSE_MS, signal);
    }
    windows = await rollBackRepeatedly(rig, signal);
  } finally {
    await writeFile(stopFile, "");
  }
  const { requests, failed, badAt } = JSON.parse(await load) as {
    requests: number;
    failed: number;
    badAt: number[];
  };
  const times = windows.map(({ from, to }) => {
    const last = badAt.findLast((at) => at >= from && at < to);
    return last === undefined ? 0 : last - from;
  });
  return {
    flips: FLIPS,
    failedInFlips: failed,
    requestsInFlips: requests,
    rollbacks: ROLLBACKS,
    rollbackMsP50: median(times),
    rollbackMsMax: Math.max(...times),
  };
}

/** From the decision to roll back to the next time that the bad release gets traffic, in epoch milliseconds. */
interface Window {
  from: number;
  to: number;
}

async function rollBackRepeatedly(rig: EdgeRig, signal: AbortSignal): Promise<Window[]> {
  const windows: Window[] = [];
  for (let count = 0; count < ROLLBACKS; count++) {
    await shiftTo(rig, 0, signal);
    await systemClock.sleep(BAD_FOR_MS, signal);
    const from = systemClock.now().getTime();
    await shiftTo(rig, 100, signal);
    await systemClock.sleep(SETTLE_MS, signal);
    windows.push({ from, to: systemClock.now().getTime() });
  }
  return windows;
}

/** Gives the good release this share and the bad one the rest. */
async function shiftTo({ target }: EdgeRig, percent: number, signal: AbortSignal): Promise<void> {
  const shares = [
    { release: "v1", percent },
    { release: BAD, percent: 100 - percent },
  ];
  await target.shift(shares, fence, signal);
}

/** Resolves when the load has begun. */
async function untilCounting({ client }: EdgeRig, signal: AbortSignal): Promise<void> {
  const requests = async (): Promise<number> =>
    ((await client.counters()) ?? []).reduce((sum, release) => sum + release.requests, 0);
  const before = await requests();
  const until = systemClock.monotonicMs() + 10_000;
  while ((await requests()) === before) {
    if (systemClock.monotonicMs() > until) throw new Error("the load did not begin");
    await systemClock.sleep(20, signal);
  }
}
