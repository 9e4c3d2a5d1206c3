import { statSync } from "node:fs";
import { Agent } from "node:http";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { identify, isAlive, sendSignal } from "../../../../src/lib/process.ts";
import { columnsVersion } from "../../../../src/providers/local/edge/columns.ts";
import { callEdge } from "../../../../src/providers/local/edge/predecessor.ts";
import { replaceEdge, startEdge } from "../../../../src/providers/local/edge-launcher.ts";
import { EdgeClient } from "../../../../src/providers/local/edge-client.ts";
import { freePort } from "../../../../src/providers/local/free-port.ts";
import { createLayout } from "../../../../src/providers/local/layout.ts";
import { ask, documentOf, failuresOf, Rig, routeTo, startLoad, until } from "../rig.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());

async function twoReleases() {
  const folder = await rig.folder();
  const [v1, v2] = [await rig.app("v1", folder), await rig.app("v2", folder)];
  const edge = await rig.edge(folder);
  const { client } = edge.context;
  const put = (generation: number, percentOfV2: number) =>
    client.putDocument(
      documentOf(generation, [
        routeTo("v2", v2.port, percentOfV2),
        routeTo("v1", v1.port, 100 - percentOfV2, true),
      ]),
    );
  return { ...edge, client, folder, v1, v2, put };
}

describe("the edge process", () => {
  it("loses no request in 100 changes of the weights, and serves by the new ones once a change is accepted", async () => {
    const { port, put } = await twoReleases();
    await put(1, 0);
    const load = startLoad(port, 12);
    const shares = [5, 25, 50, 100, 0];
    const exclusive: { fromMs: number; toMs: number; release: string }[] = [];
    for (let flip = 0; flip < 100; flip++) {
      const percent = shares[flip % shares.length]!;
      expect(await put(flip + 2, percent)).toEqual({ result: "accepted" });
      const fromMs = performance.now();
      const seen = load.answers.length;
      await until(() => load.answers.length > seen + 12);
      const toMs = performance.now();
      if (percent === 100) exclusive.push({ fromMs, toMs, release: "v2" });
      if (percent === 0) exclusive.push({ fromMs, toMs, release: "v1" });
    }
    const answers = await load.stop();
    expect(failuresOf(answers)).toEqual([]);
    expect(answers.length).toBeGreaterThan(1_000);
    const misled = exclusive.flatMap(({ fromMs, toMs, release }) =>
      answers.filter((one) => one.startedMs >= fromMs && one.endedMs <= toMs && one.release !== release),
    );
    expect(misled).toEqual([]);
    expect(exclusive).toHaveLength(40);
  });

  it.each([5, 25, 50])(
    "gives new clients to a release with a weight of %i percent in that share",
    async (percent) => {
      const { port, put } = await twoReleases();
      await put(1, percent);
      const load = startLoad(port, 16);
      await until(() => load.answers.length >= 2_000);
      const answers = await load.stop();
      const share = (100 * answers.filter((one) => one.release === "v2").length) / answers.length;
      const deviation = Math.sqrt((percent * (100 - percent)) / answers.length);
      expect(Math.abs(share - percent)).toBeLessThan(5 * deviation);
    },
  );

  it("loses at most the requests under way when the active instance is killed, and serves on from the warm one", async () => {
    const { port, put, v2 } = await twoReleases();
    await put(1, 100);
    const connections = 12;
    const load = startLoad(port, connections);
    await until(() => load.answers.length > 100);
    sendSignal(v2.identity, "SIGKILL");
    await until(() => load.answers.filter((one) => one.release === "v1" && one.status === 200).length > 200);
    const answers = await load.stop();
    expect(failuresOf(answers).length).toBeLessThanOrEqual(connections);
    expect(answers.at(-1)).toMatchObject({ status: 200, release: "v1" });
  });

  it("returns to an instance that takes connections again", async () => {
    const { port, put, v2, client, folder } = await twoReleases();
    await put(1, 100);
    sendSignal(v2.identity, "SIGKILL");
    await until(async () => (await ask(port, "/")).body === "v1");
    await until(
      async () => (await client.status())?.instances.find((one) => one.release === "v2")?.healthy === false,
    );
    expect((await rig.app("v2", folder)).port).toBe(v2.port);
    await until(async () => (await ask(port, "/")).body === "v2");
  });

  it("serves with the same weights when it is started again after a kill", async () => {
    const { port, put, status, context, settings, client } = await twoReleases();
    await put(1, 100);
    sendSignal(identify(status.pid)!, "SIGKILL");
    await until(async () => (await client.status()) === undefined);
    const again = await startEdge(context, settings);
    expect(again.pid).not.toBe(status.pid);
    expect(again.document).toMatchObject({
      generation: 1,
      routes: [{ weightPercent: 100 }, { weightPercent: 0 }],
    });
    expect((await ask(port, "/")).body).toBe("v2");
  });

  it("is replaced several times under load without losing a request", async () => {
    const { port, put, context, settings, client } = await twoReleases();
    await put(1, 50);
    const load = startLoad(port, 12);
    const pids = new Set([(await client.status())!.pid]);
    for (let round = 0; round < 4; round++) {
      pids.add((await replaceEdge(context, settings)).pid);
      const seen = load.answers.length;
      await until(() => load.answers.length > seen + 100);
      expect(await put(round + 2, 50 + round)).toEqual({ result: "accepted" });
    }
    const answers = await load.stop();
    expect(failuresOf(answers)).toEqual([]);
    expect(pids.size).toBe(5);
    const current = (await client.status())!.pid;
    await until(() => [...pids].every((pid) => pid === current || identify(pid) === undefined));
  });

  it("leaves an idle connection open while it hands over, so that the next request on it is answered", async () => {
    const { port, put, context, settings, status } = await twoReleases();
    await put(1, 100);
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    rig.defer(() => agent.destroy());
    expect((await ask(port, "/", { agent })).status).toBe(200);
    await replaceEdge(context, settings);
    const answer = await ask(port, "/", { agent });
    expect(answer).toMatchObject({ status: 200, headers: { connection: "close" } });
    await until(() => identify(status.pid) === undefined);
  });

  it("runs once per folder: a second start gives way to the first", async () => {
    const { context, settings, status } = await twoReleases();
    const [one, two] = await Promise.all([startEdge(context, settings), startEdge(context, settings)]);
    expect([one.pid, two.pid]).toEqual([status.pid, status.pid]);
  });

  it("leaves one edge when three are started at the same moment", async () => {
    const { context, settings, status, client } = await twoReleases();
    sendSignal(identify(status.pid)!, "SIGKILL");
    await until(async () => (await client.status()) === undefined);
    const started = await Promise.all([1, 2, 3].map(() => startEdge(context, settings)));
    expect(new Set(started.map((one) => one.pid)).size).toBe(1);
    const log = () => readFile(context.layout.edgeLog, "utf8");
    await until(async () => (await log()).match(/another edge already runs/g)?.length === 2);
    expect((await log()).match(/listening/g)).toHaveLength(2);
  });

  it("gives its counts to no edge that counts by other columns, and takes none of such a one", async () => {
    const { port, put, client, context } = await twoReleases();
    await put(1, 50);
    await ask(port, "/");
    const socket = join(context.layout.sockets, "control.sock");
    const later = { pid: 1, number: 1, rows: { v1: [5] }, after: 0 };
    for (const path of ["/spans", "/give-counts", "/add-counts"])
      for (const version of [columnsVersion - 1, columnsVersion + 1])
        await expect(callEdge(socket, path, { ...later, version })).rejects.toThrow(
          `this edge counts by version ${columnsVersion}`,
        );
    const counted = (await client.counters())!;
    expect(counted.reduce((sum, { requests }) => sum + requests, 0)).toBe(1);
    expect(counted.reduce((sum, { newClients }) => sum + newClients!, 0)).toBe(1);
  });

  it("listens for control on a socket that only its user can open", async () => {
    const { context, status } = await twoReleases();
    const folder = context.layout.sockets;
    expect(statSync(folder).mode & 0o777).toBe(0o700);
    expect(statSync(join(folder, "control.sock")).mode & 0o777).toBe(0o600);
    expect((await readdir(folder)).toSorted()).toEqual(["control.sock", `edge-${status.pid}.sock`]);
  });

  it("refuses documents with an older fence or a generation out of order, and repeats itself harmlessly", async () => {
    const { client, v1 } = await twoReleases();
    const route = routeTo("v1", v1.port, 100);
    const accepted = documentOf(1, [route], { fence: 5 });
    expect(await client.putDocument(accepted)).toEqual({ result: "accepted" });
    expect(await client.putDocument(accepted)).toEqual({ result: "accepted" });
    for (const refused of [
      documentOf(2, [route], { fence: 4 }),
      documentOf(1, [route], { fence: 6 }),
      documentOf(3, [route], { fence: 5 }),
      documentOf(0, [], { fence: 5 }),
    ]) {
      expect(await client.putDocument(refused)).toMatchObject({ result: "conflict" });
    }
    expect((await client.status())?.document).toEqual(accepted);
  });

  it("stores a document before it answers for it", async () => {
    const { client, context, v1 } = await twoReleases();
    const document = documentOf(1, [routeTo("v1", v1.port, 100)]);
    await client.putDocument(document);
    expect(JSON.parse(await readFile(context.layout.document, "utf8"))).toEqual(document);
  });

  it("ends on SIGTERM after the answers under way, without a new connection", async () => {
    const { port, put, status } = await twoReleases();
    await put(1, 100);
    const slow = ask(port, "/slow?ms=300");
    await until(async () => (await ask(port, "/")).status === 200);
    const identity = identify(status.pid)!;
    sendSignal(identity, "SIGTERM");
    expect(await slow).toMatchObject({ status: 200, body: "v2" });
    await until(() => !isAlive(identity));
    expect((await ask(port, "/")).status).toBe(0);
  });

  it("lets a new one start while it still answers after SIGTERM", async () => {
    const { port, put, status, context, settings, client, v2 } = await twoReleases();
    await put(1, 100);
    const slow = ask(port, "/slow?ms=500");
    await until(async () => (await client.inFlight()).get("v2-1") === 1);
    sendSignal(identify(status.pid)!, "SIGTERM");
    await until(async () => (await client.status())?.draining === true);
    const next = await startEdge(context, settings);
    expect(next.pid).not.toBe(status.pid);
    expect(await ask(port, "/")).toMatchObject({ status: 200, body: "v2" });
    expect(await slow).toMatchObject({ status: 200, body: "v2" });
    expect(isAlive(v2.identity)).toBe(true);
  });

  it("does not share its port with the edge of another folder", async () => {
    const { context, settings } = await twoReleases();
    const other = createLayout(await rig.folder(), "other");
    const started = startEdge({ ...context, layout: other, client: new EdgeClient(other.sockets) }, settings);
    await expect(started).rejects.toMatchObject({ code: "TARGET_CONFLICT" });
  });

  it("serves its metrics to Prometheus on a port of its own, over a replacement too", async () => {
    const { port, put, context, settings } = await twoReleases();
    const metricsPort = await freePort("127.0.0.1", `${context.layout.root} metrics`);
    await replaceEdge(context, { ...settings, metricsPort });
    await put(1, 100);
    await ask(port, "/");
    await until(async () =>
      (await ask(metricsPort, "/metrics")).body.includes('requests_total{release="v2"} 1'),
    );
    expect((await ask(metricsPort, "/document")).status).toBe(404);
    await replaceEdge(context, { ...settings, metricsPort });
    await ask(port, "/");
    await until(async () =>
      (await ask(metricsPort, "/metrics")).body.includes('requests_total{release="v2"} 2'),
    );
  });
});
