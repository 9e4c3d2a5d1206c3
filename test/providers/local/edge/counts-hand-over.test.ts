import { createServer } from "node:http";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { columnsVersion } from "../../../../src/providers/local/edge/columns.ts";
import { CountsHandOver } from "../../../../src/providers/local/edge/counts-hand-over.ts";
import { EdgeMetrics } from "../../../../src/providers/local/edge/metrics.ts";
import { HistoryFile } from "../../../../src/providers/local/edge/history-file.ts";
import { takeHistory } from "../../../../src/providers/local/edge/inheritance.ts";
import { SpanKeeper } from "../../../../src/providers/local/edge/span-keeper.ts";
import { documentOf, Rig } from "../rig.ts";
import { openEdge } from "./in-process.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());

function counting(sinceMs = Date.now()) {
  const metrics = new EdgeMetrics();
  const spans = new SpanKeeper(metrics, sinceMs);
  return { counts: new CountsHandOver(metrics, spans), spans, v1: metrics.of("v1") };
}

/** A control socket that gives these counts away. */
async function giving(counts: CountsHandOver): Promise<string> {
  const socketPath = join(await rig.folder(), "control.sock");
  const server = createServer((_req, res) => void res.end(JSON.stringify(counts.give(0))));
  await new Promise<void>((resolve) => void server.listen(socketPath, resolve));
  rig.defer(() => server.close());
  return socketPath;
}

describe("handing counts over", () => {
  it("adds a message once, however often it is sent, and each of another process", () => {
    const { counts, v1 } = counting();
    const message = { pid: 1, number: 1, rows: { v1: [2, 1] } };
    counts.add(message);
    counts.add(message);
    expect(v1).toMatchObject({ requests: 2, errors: 1 });
    counts.add({ ...message, number: 2 });
    counts.add(message);
    counts.add({ ...message, pid: 2 });
    expect(v1).toMatchObject({ requests: 6, errors: 3 });
  });

  it.each([
    { pid: 1, number: 1 },
    { pid: 1, number: 1, rows: { v1: [-1] } },
    { pid: 1, number: 1, rows: { v1: Array(100).fill(1) } },
    { pid: 1, number: 1, rows: { v1: [null] } },
    { number: 1, rows: { v1: [1] } },
  ])("takes nothing from a message that cannot be: %j", (message) => {
    const { counts, v1 } = counting();
    expect(() => counts.add(message)).toThrow(/row|count|pid/);
    expect(v1.requests).toBe(0);
  });

  it("takes over what was counted of late, also in a span that the predecessor does not know to its beginning", async () => {
    const nowMs = Date.now();
    const predecessor = counting(nowMs - 10_000);
    predecessor.v1.count(1);
    predecessor.spans.roll(nowMs);
    predecessor.v1.count(1);
    expect(predecessor.spans.recent("v1")).toMatchObject({ sinceMs: nowMs - 10_000 });
    const successor = counting();
    await successor.counts.takeCounts(await giving(predecessor.counts), 0);
    expect(successor.v1.requests).toBe(2);
    expect(successor.spans.recent("v1")).toEqual(predecessor.spans.recent("v1"));
  });

  it("answers no question while a successor is on its way, and none again once it has come", async () => {
    const { counts } = counting();
    expect(await counts.mayAnswer()).toBe(true);
    counts.give(0);
    const asked = [counts.mayAnswer(), counts.mayAnswer()];
    counts.complete();
    expect(await Promise.all(asked)).toEqual([false, false]);
    expect(await counts.mayAnswer()).toBe(false);
  });

  it("answers on when no successor came", async () => {
    const { counts } = counting();
    counts.give(0);
    const asked = counts.mayAnswer();
    counts.takeBack();
    expect([await asked, await counts.mayAnswer(), counts.isGiven]).toEqual([true, true, false]);
  });

  it("leaves without a successor as one that still answers", async () => {
    const { counts } = counting();
    counts.complete();
    expect(await counts.mayAnswer()).toBe(true);
  });

  it("knows nothing, and not zero, of the time of an edge that counted by other columns", async () => {
    const folder = await rig.folder();
    const asked: unknown[] = [];
    const former = createServer(async (req, res) => {
      let body = "";
      for await (const chunk of req as AsyncIterable<Buffer>) body += chunk.toString();
      asked.push(JSON.parse(body));
      res.writeHead(409).end();
    });
    const socket = join(folder, "former.sock");
    await new Promise<void>((resolve) => void former.listen(socket, resolve));
    rig.defer(() => void former.close());
    const { edge } = await openEdge(rig, documentOf(1, []));
    const said: string[] = [];
    const history = new HistoryFile(join(folder, "history"), expect.fail);
    expect(await takeHistory(edge, socket, history, (text) => said.push(text))).toBeUndefined();
    expect(asked).toEqual([{ version: columnsVersion, after: 0 }]);
    expect(said).toEqual([expect.stringContaining("the former edge gave no history")]);
    const { index } = edge.spans.open;
    expect(edge.spans.history.sum("v1", index - 1, 1)).toBeUndefined();
  });
});
