import { mkdtemp, rm } from "node:fs/promises";
import type { Server } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import type { SignalSource } from "../../../src/model/signal-source.ts";
import {
  createControlServer,
  listenControl,
  type Lifecycle,
} from "../../../src/providers/local/edge/control-server.ts";
import { Edge } from "../../../src/providers/local/edge/edge.ts";
import { EdgeClient } from "../../../src/providers/local/edge-client.ts";
import { EdgeSource } from "../../../src/providers/local/edge-source.ts";
import type { FakeClock } from "../../../src/testing/fake-clock.ts";
import { resolve, sceneOf, steady } from "./scene.ts";

const undo: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const one of undo.splice(0).reverse()) await one();
});

/** No whole tens of seconds: these the edge answers from its history, which goes by the real time. */
const EVERY = "7s";
const CLIENTS = 300;
const GOOD_PER_SECOND = 5;
const BAD_PER_SECOND = 5;

const lifecycle: Lifecycle = {
  host: "127.0.0.1",
  port: 0,
  startSuccessor: () => Promise.reject(new Error("nothing follows")),
  handOver: () => Promise.resolve(),
  quit: () => undefined,
};

/** The edge's own counting, control socket and source, by the time of the test. */
async function edgeSource(
  whoFails: (index: number) => string,
  servedBefore: string[],
  goodPerSecond: number,
) {
  const folder = await mkdtemp(join(tmpdir(), "tminus-test-"));
  const edge = new Edge({ documentFile: join(folder, "document.json"), trustForwarded: false });
  const server: Server = createControlServer(edge, lifecycle);
  await listenControl(server, folder);
  undo.push(async () => {
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
    await rm(folder, { recursive: true, force: true });
  });
  for (const client of servedBefore) edge.metrics.clients.noteGood(client);
  const metrics = edge.metrics.of("v2");
  return (clock: FakeClock): SignalSource => {
    const source = new EdgeSource(new EdgeClient(folder), clock);
    const startMs = clock.monotonicMs();
    let second = 0;
    let failures = 0;
    const serve = (): void => {
      for (; second < (clock.monotonicMs() - startMs) / 1000; second++) {
        for (let good = 0; good < goodPerSecond; good++) {
          metrics.count(5);
          edge.metrics.clients.noteGood(`client ${(goodPerSecond * second + good) % CLIENTS}`);
        }
        for (let bad = 0; bad < BAD_PER_SECOND; bad++) metrics.count(5, whoFails(failures++));
      }
    };
    return {
      name: "edge",
      kind: "edge",
      traits: source.traits,
      gives: (metric) => source.gives(metric),
      check: (metric, release, signal) => source.check(metric, release, signal),
      query(question, signal) {
        serve();
        return source.query(question, signal);
      },
    };
  };
}

async function outcomeOf(
  whoFails: (index: number) => string,
  servedBefore: string[],
  goodPerSecond = GOOD_PER_SECOND,
): Promise<string> {
  const source = await edgeSource(whoFails, servedBefore, goodPerSecond);
  const scene = sceneOf(steady(1, 0), {
    settings: {
      duration: "70m",
      every: EVERY,
      rules: ["errors: when error_rate from edge > 1% -> rollback"],
    },
    more: (clock) => [source(clock)],
    at: [[4_300, ({ world }) => resolve(world, "failed", "it asks")]],
  });
  const { outcome, reason } = await scene.run();
  return `${outcome}: ${reason}`;
}

const ordinary = Array.from({ length: 1000 }, (_, index) => `client ${index % CLIENTS}`);

describe("the errors of one client, in a watch of what the edge counts", () => {
  it("do not roll a release back, however many they are, and its good requests count on", async () => {
    expect(await outcomeOf(() => "one client", ordinary)).toMatch(/^done: watched for 1h 10m/);
  });

  it("roll it back when they are of many clients", async () => {
    expect(await outcomeOf((index) => `client ${index % CLIENTS}`, ordinary)).toMatch(/^failed: errors:/);
  });

  it("roll it back when the one is a proxy, behind which many are", async () => {
    const served = Array.from({ length: 1000 }, () => "one client");
    expect(await outcomeOf(() => "one client", served)).toMatch(/^failed: errors:/);
  });

  it("roll it back when nobody was ever served well, so that nothing is known of who asks", async () => {
    expect(await outcomeOf(() => "one client", [], 0)).toMatch(/^failed: errors:/);
  });
});
