import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { isAlive, run, sendSignal } from "../../../src/lib/process.ts";
import type { StageOptions } from "../../../src/model/ports.ts";
import { createLocalTarget, localTargetSchema } from "../../../src/providers/local/index.ts";
import { callEdge } from "../../../src/providers/local/edge/predecessor.ts";
import { EdgeClient } from "../../../src/providers/local/edge-client.ts";
import { InstanceStore } from "../../../src/providers/local/instance-store.ts";
import { findMarked } from "../../../src/providers/local/marked-processes.ts";
import { sha256 } from "../../../src/lib/hash.ts";
import { freePort } from "../../../src/providers/local/free-port.ts";
import { appFile, ask, failuresOf, Rig, startLoad, until } from "./rig.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());

const signal = new AbortController().signal;

async function project(extra: Record<string, unknown> = {}) {
  const folder = await rig.folder();
  await copyFile(appFile, join(folder, "plain.mjs"));
  for (const release of ["v1", "v2", "v3"])
    await mkdir(join(folder, "releases", release), { recursive: true });
  const port = await freePort("127.0.0.1", folder);
  const config = localTargetSchema.parse({
    kind: "local",
    port,
    directory: "releases/{release}",
    command: [process.execPath, "../../plain.mjs"],
    healthDeadline: "10s",
    drainDeadline: "5s",
    ...extra,
  });
  const stateDirectory = join(folder, "state");
  const open = () => {
    const redact = (text: string): string => text.replaceAll("hunter2secret", "***");
    return createLocalTarget({
      environment: "test",
      config,
      stateDirectory,
      projectDirectory: folder,
      clock: systemClock,
      redact,
    });
  };
  const first = open();
  rig.defer(() => first.shutdown());
  const store = new InstanceStore(join(stateDirectory, "local", "test", "instances"));
  const mark = (key: string) => `${sha256(join(stateDirectory, "local", "test")).slice(0, 16)}:${key}`;
  const client = new EdgeClient(join(stateDirectory, "local", "test", "sockets"));
  return { ...first, client, folder, port, open, store, stateDirectory, mark };
}

function options(token = 1, variables: Record<string, string> = {}): StageOptions {
  return { fence: { environment: "test", token }, signal, variables, progress: () => undefined };
}
const { fence } = options();
const all = (release: string) => [{ release, percent: 100 }];

describe("the local target", () => {
  it("says that nothing was ever deployed before the first shift, also when something is staged", async () => {
    const { target } = await project();
    expect(await target.traffic()).toEqual({ state: "absent" });
    await target.stage("key-1", "v1", options());
    expect(await target.traffic()).toEqual({ state: "absent" });
    expect((await target.findRelease("v2")).state).toBe("absent");
  });

  it("starts a release once per key, and answers for it through the edge only with the pin", async () => {
    const { target, store, port } = await project();
    const staged = await target.stage("key-1", "v1", options());
    const process = (await store.read("key-1"))?.process;
    expect(await target.stage("key-1", "v1", options())).toEqual(staged);
    expect((await store.read("key-1"))?.process).toEqual(process);
    expect(await target.findStaged("key-1")).toEqual({ state: "present", value: staged });
    expect(await target.findRelease("v1")).toEqual({ state: "present", value: staged });
    expect(staged.url).toBe(`http://127.0.0.1:${port}`);
    expect((await ask(port, "/", { headers: staged.headers })).body).toBe("v1");
    expect((await ask(port, "/")).status).toBe(503);
    expect((await ask(port, "/", { headers: { "x-tminus-release": "v1" } })).status).toBe(503);
  });

  it("gives the application its variables, its address and its release, and nothing else of its own", async () => {
    const { target, port } = await project();
    process.env.TMINUS_TEST_OWN_SECRET = "not for the application";
    rig.defer(() => delete process.env.TMINUS_TEST_OWN_SECRET);
    const { headers } = await target.stage(
      "key-1",
      "v1",
      options(1, { DATABASE_URL: "postgres://x", PORT: "1" }),
    );
    const seen = JSON.parse((await ask(port, "/environment", { headers })).body) as Record<string, string>;
    expect(seen).toMatchObject({ DATABASE_URL: "postgres://x", HOST: "127.0.0.1", RELEASE_ID: "v1" });
    expect(seen.PORT).not.toBe("1");
    expect(seen).not.toHaveProperty("TMINUS_TEST_OWN_SECRET");
  });

  it("replaces the whole process several times under load without a failed request", async () => {
    const { target, port } = await project({ keepWarm: 0 });
    await target.stage("key-0", "v1", options());
    await target.shift(all("v1"), fence, signal);
    const load = startLoad(port, 10);
    for (let cycle = 1; cycle <= 4; cycle++) {
      const release = cycle % 2 === 0 ? "v1" : "v2";
      await target.stage(`key-${cycle}`, release, options());
      await target.shift(all(release), fence, signal);
      expect(await target.retire([], options())).toEqual([cycle % 2 === 0 ? "v2" : "v1"]);
    }
    const answers = await load.stop();
    expect(failuresOf(answers)).toEqual([]);
    expect(new Set(answers.map((one) => one.release))).toEqual(new Set(["v1", "v2"]));
  });

  it("rolls back by moving traffic only: no request that starts afterwards reaches the bad release", async () => {
    const { target, port } = await project();
    await target.stage("key-1", "v1", options());
    await target.shift(all("v1"), fence, signal);
    await target.stage("key-2", "v2", options());
    await target.shift(all("v2"), fence, signal);
    const load = startLoad(port, 10);
    await until(() => load.answers.length > 200);
    await target.shift(all("v1"), fence, signal);
    const shiftedMs = performance.now();
    await until(() => load.answers.filter((one) => one.startedMs > shiftedMs).length > 200);
    const answers = await load.stop();
    expect(failuresOf(answers)).toEqual([]);
    expect(answers.filter((one) => one.startedMs > shiftedMs && one.release !== "v1")).toEqual([]);
    expect(answers[0]?.release).toBe("v2");
  });

  it("refuses to give traffic to a release that does not run, and changes nothing", async () => {
    const { target } = await project();
    await target.stage("key-1", "v1", options());
    const state = await target.shift(all("v1"), fence, signal);
    await expect(target.shift(all("v2"), fence, signal)).rejects.toMatchObject({ code: "TARGET_CONFLICT" });
    expect(await target.traffic()).toEqual({ state: "present", value: state });
  });

  it.each([
    [[{ release: "v1", percent: 99 }]],
    [
      [
        { release: "v1", percent: 50.5 },
        { release: "v2", percent: 49.5 },
      ],
    ],
    [
      [
        { release: "v1", percent: 50 },
        { release: "v1", percent: 50 },
      ],
    ],
    [
      [
        { release: "v1", percent: 150 },
        { release: "v2", percent: -50 },
      ],
    ],
    [[]],
  ])("refuses shares that are not whole percents of different releases: %j", async (shares) => {
    const { target } = await project();
    await expect(target.shift(shares, fence, signal)).rejects.toMatchObject({ code: "TARGET_CONFLICT" });
  });

  it("repeats a shift without a new generation, and raises the fence when a newer execution repeats it", async () => {
    const { target, store } = await project();
    await target.stage("key-1", "v1", options());
    const first = await target.shift(all("v1"), fence, signal);
    expect(await target.shift(all("v1"), fence, signal)).toEqual(first);
    const taken = await target.shift(all("v1"), options(2).fence, signal);
    expect(taken.generation).toBe(first.generation + 1);
    await expect(target.shift(all("v1"), fence, signal)).rejects.toMatchObject({ code: "TARGET_CONFLICT" });
    await expect(target.stage("key-9", "v2", options(1))).rejects.toMatchObject({ code: "TARGET_CONFLICT" });
    await expect(target.retire([], options(1))).rejects.toMatchObject({ code: "TARGET_CONFLICT" });
    expect((await target.findStaged("key-9")).state).toBe("absent");
    expect(await store.read("key-9")).toBeUndefined();
  });

  it("reports a release that ends at once with its last lines, masked, and leaves nothing of it", async () => {
    const { target, store, mark } = await project();
    const failure = target.stage("key-1", "v1", options(1, { HEALTH: "exit" }));
    await expect(failure).rejects.toMatchObject({
      code: "TARGET_UNHEALTHY",
      message: expect.stringMatching(/process ended[^]*licence key \*\*\* is wrong/),
    });
    expect(await store.list()).toEqual([]);
    expect(await findMarked(mark("key-1"))).toEqual([]);
  });

  it("stops a release that does not become healthy before the deadline", async () => {
    const { target, store, mark } = await project({ healthDeadline: "3s" });
    await expect(target.stage("key-1", "v1", options(1, { HEALTH: "bad" }))).rejects.toMatchObject({
      code: "TARGET_UNHEALTHY",
      message: expect.stringContaining("/health answered 503"),
    });
    expect(await store.list()).toEqual([]);
    expect(await findMarked(mark("key-1"))).toEqual([]);
  });

  it("reports a program that cannot be started", async () => {
    const { target, store } = await project({ command: ["./no-such-program"] });
    expect(await target.precheck("v1")).toMatchObject({ verdict: "fail" });
    await expect(target.stage("key-1", "v1", options())).rejects.toMatchObject({ code: "TARGET_UNHEALTHY" });
    expect(await store.list()).toEqual([]);
  });

  it("leaves a starting process to its successor when it is told to stop waiting", async () => {
    const { target, store } = await project();
    const controller = new AbortController();
    const waiting = target.stage("key-1", "v1", {
      ...options(1, { HEALTH: "bad" }),
      signal: controller.signal,
    });
    const aborted = expect(waiting).rejects.toThrow("lease lost");
    await until(async () => (await store.read("key-1"))?.process !== undefined);
    controller.abort(new Error("lease lost"));
    await aborted;
    const process = (await store.read("key-1"))?.process;
    expect(process !== undefined && isAlive(process)).toBe(true);
    expect((await target.findStaged("key-1")).state).toBe("absent");
    await target.unstage("key-1", options());
    expect(process !== undefined && isAlive(process)).toBe(false);
  });

  it("unstages only without traffic, after the answers under way, and repeats that harmlessly", async () => {
    const { target, port, store, client } = await project();
    const { headers } = await target.stage("key-1", "v1", options(1, { ON_TERM: "exit" }));
    await target.shift(all("v1"), fence, signal);
    await expect(target.unstage("key-1", options())).rejects.toMatchObject({ code: "TARGET_CONFLICT" });
    await target.stage("key-2", "v2", options());
    await target.shift(all("v2"), fence, signal);
    const slow = ask(port, "/slow?ms=300", { headers });
    const staged = await store.read("key-1");
    await until(async () => (await client.inFlight()).get(staged!.instance) === 1);
    await target.unstage("key-1", options());
    expect(await slow).toMatchObject({ status: 200, body: "v1" });
    await target.unstage("key-1", options());
    expect((await store.list()).map((record) => record.release)).toEqual(["v2"]);
  });

  it("keeps the named release warm and stops the others, those whose process died too", async () => {
    const { target, store } = await project();
    for (const release of ["v1", "v2", "v3"]) await target.stage(`key-${release}`, release, options());
    await target.shift(all("v3"), fence, signal);
    sendSignal((await store.read("key-v1"))!.process!, "SIGKILL");
    expect(await target.retire(["v2", "v1"], options())).toEqual(["v1"]);
    expect((await store.list()).map((record) => record.release).toSorted()).toEqual(["v2", "v3"]);
    expect((await target.findRelease("v2")).state).toBe("present");
    expect(await target.retire([], options())).toEqual(["v2"]);
    expect(await target.traffic()).toMatchObject({ state: "present", value: { routes: all("v3") } });
  });

  it("finds everything again from another process's state, and starts nothing anew", async () => {
    const { target, open, store } = await project();
    const staged = await target.stage("key-1", "v1", options());
    await target.shift(all("v1"), fence, signal);
    const before = await store.list();
    const second = open();
    expect(await second.target.findStaged("key-1")).toEqual({ state: "present", value: staged });
    expect(await second.target.stage("key-1", "v1", options())).toEqual(staged);
    expect(await store.list()).toEqual(before);
  });

  it("knows the shares while no edge runs, and starts one to change them", async () => {
    const { target, port, client } = await project();
    await target.stage("key-1", "v1", options());
    const shifted = await target.shift(all("v1"), fence, signal);
    const pid = (await client.status())!.pid;
    sendSignal({ pid, startedAt: "" }, "SIGKILL");
    await until(async () => (await ask(port, "/")).status === 0);
    expect(await target.traffic()).toEqual({ state: "present", value: shifted });
    await target.shift(all("v1"), options(2).fence, signal);
    expect((await ask(port, "/")).body).toBe("v1");
  });

  it("starts the edge again when it should serve, and only then", async () => {
    const { target, port, client, restoreEdge } = await project();
    await target.stage("key-1", "v1", options());
    const kill = async () => {
      sendSignal({ pid: (await client.status())!.pid, startedAt: "" }, "SIGKILL");
      await until(async () => (await client.status()) === undefined);
    };
    await kill();
    expect(await restoreEdge()).toBe(false);
    await target.shift(all("v1"), fence, signal);
    expect(await restoreEdge()).toBe(false);
    await kill();
    expect(await restoreEdge()).toBe(true);
    expect((await ask(port, "/")).body).toBe("v1");
  });

  it("changes traffic although the edge is just being replaced", async () => {
    const { target, port, client, replaceEdge, stateDirectory } = await project();
    await target.stage("key-1", "v1", options());
    await callEdge(join(stateDirectory, "local", "test", "sockets", "control.sock"), "/hand-over", {});
    const { document } = (await client.status())!;
    const next = { ...document, generation: document.generation + 1 };
    expect(await client.putDocument(next)).toMatchObject({ result: "busy" });
    const [shifted] = await Promise.all([target.shift(all("v1"), fence, signal), replaceEdge()]);
    expect(shifted.routes).toEqual(all("v1"));
    expect((await ask(port, "/")).body).toBe("v1");
  });

  it("sets the mode and keeps it over a shift", async () => {
    const { target, port } = await project();
    await target.stage("key-1", "v1", options());
    await target.setMode("readonly", 1_000, fence, signal);
    await target.shift(all("v1"), fence, signal);
    expect((await ask(port, "/")).status).toBe(200);
    expect((await ask(port, "/", { method: "POST" })).status).toBe(503);
    await target.setMode("normal", 1_000, fence, signal);
    expect((await ask(port, "/", { method: "POST" })).status).toBe(200);
  });

  it("changes its fingerprint with a file, and not with time", async () => {
    const { target, folder } = await project({ shared: ["plain.mjs"] });
    await writeFile(join(folder, "releases", "v1", "server.mjs"), "one");
    const one = await target.fingerprint("v1");
    expect(await target.fingerprint("v1")).toBe(one);
    await writeFile(join(folder, "releases", "v1", "server.mjs"), "two");
    const two = await target.fingerprint("v1");
    expect(two).not.toBe(one);
    await writeFile(join(folder, "plain.mjs"), "three");
    expect(await target.fingerprint("v1")).not.toBe(two);
  });

  it.each(["../v1", "a/b", "", ".hidden", "v1\0"])("refuses %j as the name of a release", async (release) => {
    const { target } = await project();
    expect(await target.precheck(release)).toMatchObject({ verdict: "fail" });
    await expect(target.stage("key", release, options())).rejects.toMatchObject({ code: "TARGET_CONFLICT" });
  });

  it("finds in advance that another program has its port, or that the release is not there", async () => {
    const { target, port } = await project();
    expect(await target.precheck("v1")).toMatchObject({ verdict: "pass" });
    expect(await target.precheck("v9")).toMatchObject({ verdict: "fail" });
    const server = createServer();
    await new Promise<void>((resolve) => void server.listen(port, "127.0.0.1", resolve));
    rig.defer(() => server.close());
    expect(await target.precheck("v1")).toMatchObject({ verdict: "fail" });
    await expect(target.stage("key-1", "v1", options())).rejects.toMatchObject({ code: "TARGET_CONFLICT" });
  });

  it("does everything exactly once although its worker is killed at every crash point", async () => {
    const { target, store, folder, port, stateDirectory, mark } = await project({ keepWarm: 0 });
    await target.stage("key-v1", "v1", options());
    await target.shift(all("v1"), fence, signal);
    const load = startLoad(port, 4);
    const crashLog = join(folder, "crashes.log");
    const worker = join(import.meta.dirname, "../../fixtures/apps/local-target-worker.ts");
    let kills = 0;
    for (;;) {
      const result = await run([process.execPath, worker, stateDirectory, folder, String(port)], {
        env: { PATH: process.env.PATH ?? "", TMINUS_CRASH_LOG: crashLog },
        timeoutMs: 20_000,
      });
      if (result.exitCode === 0) break;
      expect(result).toMatchObject({ signalName: "SIGKILL", output: "" });
      kills += 1;
      expect((await findMarked(mark("key-v2")))?.length).toBeLessThanOrEqual(1);
    }
    expect(kills).toBe(7);
    expect(failuresOf(await load.stop())).toEqual([]);
    expect(await target.traffic()).toMatchObject({ state: "present", value: { routes: all("v2") } });
    expect((await store.list()).map((record) => record.key)).toEqual(["key-v2"]);
    expect(await findMarked(mark("key-v1"))).toEqual([]);
    expect(await findMarked(mark("key-v2"))).toHaveLength(1);
    const started = await readFile(join(stateDirectory, "local", "test", "logs", "edge.log"), "utf8");
    expect(started.match(/listening/g)).toHaveLength(1);
  });
});
