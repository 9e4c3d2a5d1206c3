import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { sendSignal } from "../../../src/lib/process.ts";
import { EdgeClient } from "../../../src/providers/local/edge-client.ts";
import { freePort } from "../../../src/providers/local/free-port.ts";
import {
  createLocalTarget,
  localTargetSchema,
  type LocalTargetHandle,
} from "../../../src/providers/local/index.ts";
import { InstanceStore } from "../../../src/providers/local/instance-store.ts";
import { createLayout } from "../../../src/providers/local/layout.ts";
import { appFile, ask, Rig, until } from "./rig.ts";

const rig = new Rig();
const signal = new AbortController().signal;
const options = {
  fence: { environment: "test", token: 1 },
  signal,
  variables: {},
  progress: () => undefined,
};
let folder: string;
let port: number;
let handle: LocalTargetHandle;

beforeEach(async () => {
  folder = await rig.folder();
  await mkdir(join(folder, "v1"));
  await mkdir(join(folder, "v2"));
  port = await freePort("127.0.0.1", folder);
  handle = createLocalTarget({
    environment: "test",
    config: localTargetSchema.parse({
      kind: "local",
      port,
      directory: "{release}",
      command: [process.execPath, appFile],
    }),
    stateDirectory: join(folder, "state"),
    projectDirectory: folder,
    clock: systemClock,
    redact: (text) => text,
  });
  rig.defer(() => handle.shutdown());
});
afterEach(() => rig.cleanUp());

async function goLive(release: string): Promise<void> {
  await handle.target.stage(release, release, options);
  await handle.target.shift([{ release, percent: 100 }], options.fence, signal);
}

async function processOf(key: string): Promise<{ pid: number; startedAt: string }> {
  const record = await new InstanceStore(createLayout(join(folder, "state"), "test").instances).read(key);
  return record!.process!;
}

/** As during a run: called again and again, because a killed process may take a moment to be gone. */
async function serveUntil(condition: () => Promise<boolean>): Promise<void> {
  await until(async () => {
    await handle.keepServing({});
    return condition();
  });
}

async function killAndWait(key: string): Promise<void> {
  const identity = await processOf(key);
  sendSignal(identity, "SIGKILL");
  await until(async () => (await handle.target.findStaged(key)).state === "absent");
}

describe("keep serving", () => {
  it("starts an instance that has traffic again at its old place", async () => {
    await goLive("v1");
    await killAndWait("v1");
    await serveUntil(async () => (await ask(port, "/")).body === "v1");
    expect(await handle.target.traffic()).toMatchObject({
      value: { routes: [{ release: "v1", percent: 100 }] },
    });
  });

  it("starts the instance again that stands by for a rollback", async () => {
    await goLive("v1");
    await goLive("v2");
    await killAndWait("v1");
    await serveUntil(async () => (await handle.target.findRelease("v1")).state === "present");
    expect((await ask(port, "/")).body).toBe("v2");
  });

  it("leaves alone what runs, and what never had traffic", async () => {
    await goLive("v1");
    await handle.target.stage("v2", "v2", options);
    const running = await processOf("v1");
    await killAndWait("v2");
    await handle.keepServing({});
    expect(await processOf("v1")).toEqual(running);
    expect((await handle.target.findStaged("v2")).state).toBe("absent");
  });

  it("does not start an instance that ends at once again and again without a pause", async () => {
    await goLive("v1");
    const first = await processOf("v1");
    await killAndWait("v1");
    await serveUntil(async () => (await processOf("v1")).pid !== first.pid);
    const second = await processOf("v1");
    sendSignal(second, "SIGKILL");
    await until(async () => (await handle.target.findStaged("v1")).state === "absent");
    await handle.keepServing({});
    expect(await processOf("v1")).toEqual(second);
  });

  it("brings the edge and every instance back after all of them were killed", async () => {
    await goLive("v1");
    await goLive("v2");
    await killAndWait("v1");
    await killAndWait("v2");
    const client = new EdgeClient(createLayout(join(folder, "state"), "test").sockets);
    process.kill((await client.status())!.pid, "SIGKILL");
    await until(async () => (await ask(port, "/")).status === 0);
    await serveUntil(async () => {
      const isUp = (await ask(port, "/")).body === "v2";
      return isUp && (await handle.target.findRelease("v1")).state === "present";
    });
  });
});
