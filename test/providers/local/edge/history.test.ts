import { readFile } from "node:fs/promises";
import { afterEach, describe, expect, it } from "vitest";
import { identify, sendSignal } from "../../../../src/lib/process.ts";
import type { EdgeClient, EdgeHistory } from "../../../../src/providers/local/edge-client.ts";
import { replaceEdge, startEdge } from "../../../../src/providers/local/edge-launcher.ts";
import { startLoad } from "../../../../src/testing/load-generator.ts";
import type { LoadRequest } from "../../../../src/testing/load-client.ts";
import { openApp } from "./in-process.ts";
import { ask, documentOf, Rig, routeTo, until } from "../rig.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());

const SPAN = 10_000;
const RELEASE = "v1";

async function serving() {
  const folder = await rig.folder();
  const app = await rig.app(RELEASE, folder);
  const edge = await rig.edge(folder);
  const { client } = edge.context;
  await client.putDocument(documentOf(1, [routeTo(RELEASE, app.port, 100)]));
  return { ...edge, client };
}

/** In turn good, failing and slow ones; the slow ones are still under way when an edge is replaced. */
function mixed(): { next: () => LoadRequest } {
  const paths = ["/", "/status?code=500", "/slow?ms=700", "/status?code=404", "/"];
  let turn = 0;
  return { next: () => ({ name: "any", method: "GET", path: paths[turn++ % paths.length]! }) };
}

async function closedTo(client: EdgeClient): Promise<number> {
  return (await client.history(RELEASE, undefined))!.closedToMs;
}

async function pointsOf(client: EdgeClient, fromMs: number, toMs: number): Promise<EdgeHistory["points"]> {
  return (await client.history(RELEASE, { fromMs, toMs, stepMs: SPAN }))!.points;
}

function sum(points: EdgeHistory["points"], key: "requests" | "errors"): number {
  return points.reduce((total, point) => total + point[key], 0);
}

function answered(points: EdgeHistory["points"]): number {
  return points.flatMap(({ latency }) => latency).reduce((total, count) => total + count, 0);
}

describe("the history of an edge", () => {
  it(
    "agrees to the request with what clients counted, over replacements and a kill",
    { timeout: 120_000 },
    async () => {
      const { client, port, context, settings } = await serving();
      const startMs = await closedTo(client);
      await until(async () => (await closedTo(client)) > startMs);
      const fromMs = startMs + SPAN;
      const pids = new Set<number>([(await client.status())!.pid]);
      const load = startLoad({
        baseUrl: `http://127.0.0.1:${port}`,
        requestsPerSecond: 80,
        connections: 8,
        scenario: mixed(),
      });
      const totals: number[] = [];
      while ((await closedTo(client)) <= fromMs) {
        const before = load.snapshot().total.requests;
        pids.add((await replaceEdge(context, settings)).pid);
        await until(async () => {
          const [counted] = (await client.counters())!;
          totals.push(counted!.requests);
          return load.snapshot().total.requests > before + 120;
        });
      }
      const { total, notSent } = await load.stop();
      expect(pids.size).toBeGreaterThanOrEqual(4);
      expect(totals).toEqual(totals.toSorted((a, b) => a - b));
      expect([total.networkErrors, total.timeouts, notSent]).toEqual([0, 0, 0]);

      const endMs = (await closedTo(client)) + SPAN;
      await until(async () => (await closedTo(client)) >= endMs);
      const points = await pointsOf(client, fromMs, endMs);
      expect(points.map((point) => point.fromMs)).toEqual(spans(fromMs, endMs));
      expect([sum(points, "requests"), sum(points, "errors")]).toEqual([total.requests, total.failed]);
      expect(answered(points)).toBe(total.requests);
      expect((await client.counters())![0]).toMatchObject({ requests: total.requests, errors: total.failed });
      expect(await pointsOf(client, startMs, fromMs)).toEqual([]); // it was started in the middle of it

      sendSignal(identify((await client.status())!.pid)!, "SIGKILL");
      await until(async () => (await client.status()) === undefined);
      await startEdge(context, settings);
      expect(await pointsOf(client, fromMs, endMs)).toEqual(points);
      expect((await client.counters())![0]).toMatchObject({ requests: 0, errors: 0 });
      await until(async () => (await closedTo(client)) >= endMs + SPAN);
      expect(await pointsOf(client, endMs, endMs + SPAN)).toEqual([]); // it was killed and started in it
      expect(await readFile(context.layout.edgeLog, "utf8")).not.toMatch(/unexpected|history|counters/);
    },
  );

  it("goes on when an edge is started while the one before still answers what it has accepted", async () => {
    const { context, settings, status, port } = await rig.edge(await rig.folder());
    const { client } = context;
    let end = (): void => undefined;
    const app = await openApp(rig, (req, res) => {
      if (req.url === "/held") end = () => void res.end("held");
      else res.writeHead(500).end();
    });
    await client.putDocument(documentOf(1, [routeTo(RELEASE, app.port, 100)]));
    await ask(port, "/");
    const held = ask(port, "/held");
    await until(async () => (await client.inFlight()).get("v1-1") === 1);
    await client.quit(60_000);
    await until(async () => (await client.status())?.draining === true);
    await startEdge(context, settings);
    expect((await client.counters())![0]).toMatchObject({ requests: 1, errors: 1 });
    end();
    expect(await held).toMatchObject({ status: 200, body: "held" });
    await until(async () => (await client.counters())![0]!.requests === 2);
    await until(() => identify(status.pid) === undefined);
    expect((await client.counters())![0]).toMatchObject({ requests: 2, errors: 1 });
  });

  it("refuses questions that are not about whole spans", async () => {
    const { client } = await serving();
    const toMs = await closedTo(client);
    for (const range of [
      { fromMs: toMs - SPAN + 1, toMs, stepMs: SPAN },
      { fromMs: toMs, toMs, stepMs: SPAN },
      { fromMs: toMs - 3 * SPAN, toMs, stepMs: 2 * SPAN },
    ])
      await expect(client.history(RELEASE, range)).rejects.toMatchObject({ code: "TARGET_UNREACHABLE" });
  });
});

function spans(fromMs: number, toMs: number): number[] {
  return Array.from({ length: (toMs - fromMs) / SPAN }, (_, index) => fromMs + index * SPAN);
}
