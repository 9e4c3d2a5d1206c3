import { createServer } from "node:net";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { EdgeClient } from "../../../src/providers/local/edge-client.ts";
import { EdgeSignals } from "../../../src/providers/local/edge-signals.ts";
import { ask, documentOf, Rig, routeTo } from "./rig.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());
const { signal } = new AbortController();

describe("the edge as a signal source", () => {
  it("gives the counters of each release", async () => {
    const folder = await rig.folder();
    const app = await rig.app("v1", folder);
    const { context, port } = await rig.edge(folder);
    await context.client.putDocument(documentOf(1, [routeTo("v1", app.port, 100)]));
    for (const code of [200, 500, 503]) await ask(port, `/status?code=${code}`);
    const reading = await new EdgeSignals(context.client, systemClock).read(signal);
    expect(reading).toMatchObject({ state: "counters", releases: { v1: { requests: 3, errors: 2 } } });
    if (reading.state !== "counters") throw new Error("unreachable");
    expect(reading.releases.v1?.latency.at(-1)).toEqual({ leMs: Infinity, count: 3 });
  });

  it("counts what went elsewhere because a release was down as its errors", async () => {
    const folder = await rig.folder();
    const app = await rig.app("v1", folder);
    const { context, port } = await rig.edge(folder);
    const routes = [routeTo("v2", 1, 100), routeTo("v1", app.port, 0, true)];
    await context.client.putDocument(documentOf(1, routes));
    for (let turn = 0; turn < 4; turn++) expect((await ask(port, "/")).status).toBe(200);
    expect(await new EdgeSignals(context.client, systemClock).read(signal)).toMatchObject({
      releases: { v1: { requests: 4, errors: 0 }, v2: { requests: 4, errors: 4 } },
    });
  });

  it("says that there is no data when no edge runs or it knows no release", async () => {
    const folder = await rig.folder();
    expect(await new EdgeSignals(new EdgeClient(folder), systemClock).read(signal)).toMatchObject({
      state: "no-data",
    });
    const { context } = await rig.edge(folder);
    expect(await new EdgeSignals(context.client, systemClock).read(signal)).toMatchObject({
      state: "no-data",
    });
  });

  it("says that it could not find out when the socket gives no proper answer", async () => {
    const folder = await rig.folder();
    const server = createServer((socket) => socket.end("nonsense\r\n\r\n"));
    const path = join(folder, "control.sock");
    await new Promise<void>((resolve) => void server.listen(path, resolve));
    rig.defer(() => rm(path, { force: true }));
    rig.defer(() => server.close());
    expect(await new EdgeSignals(new EdgeClient(folder), systemClock).read(signal)).toMatchObject({
      state: "error",
    });
    const aborted = await new EdgeSignals(new EdgeClient(folder), systemClock).read(AbortSignal.abort());
    expect(aborted.state).toBe("error");
  });
});
