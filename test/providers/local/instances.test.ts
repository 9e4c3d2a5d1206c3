import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { isAlive, sendSignal } from "../../../src/lib/process.ts";
import { InstanceStore } from "../../../src/providers/local/instance-store.ts";
import { Instances } from "../../../src/providers/local/instances.ts";
import { createLayout } from "../../../src/providers/local/layout.ts";
import { localTargetSchema } from "../../../src/providers/local/schema.ts";
import { appFile, Rig, until } from "./rig.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());

const options = {
  fence: { environment: "test", token: 1 },
  signal: new AbortController().signal,
  variables: {},
  progress: () => undefined,
};

async function open(command: string[] = [process.execPath, appFile]) {
  const projectDirectory = await rig.folder();
  await mkdir(join(projectDirectory, "v1"));
  const config = localTargetSchema.parse({ kind: "local", port: 1, directory: "{release}", command });
  const layout = createLayout(projectDirectory, "test");
  const instances = new Instances({
    config,
    layout,
    projectDirectory,
    clock: systemClock,
    redact: (text) => text,
  });
  rig.defer(async () => {
    for (const record of await instances.list()) await instances.stop(record);
  });
  return { instances, store: new InstanceStore(layout.instances) };
}

describe("instances", () => {
  it("adopt a process whose start was not recorded, because its worker died in between", async () => {
    const { instances, store } = await open();
    const record = await instances.start("key", "v1", options);
    const { process: _, ...intended } = record;
    await store.write(intended);
    expect(await instances.start("key", "v1", options)).toEqual(record);
  });

  it("start a process anew whose former one ended, under the same name", async () => {
    const { instances } = await open();
    const record = await instances.start("key", "v1", options);
    sendSignal(record.process!, "SIGKILL");
    await until(() => !isAlive(record.process!));
    expect(await instances.isHealthy(record)).toBe(false);
    const again = await instances.start("key", "v1", options);
    expect(again.instance).toBe(record.instance);
    expect(again.process).not.toEqual(record.process);
    expect(await instances.isHealthy(again)).toBe(true);
  });

  it("end with the children that a wrapper left behind", async () => {
    const { instances } = await open(["/bin/sh", "-c", `"${process.execPath}" "${appFile}" & wait`]);
    const record = await instances.start("key", "v1", options);
    expect(await instances.isHealthy(record)).toBe(true);
    await instances.stop(record);
    expect(await instances.isHealthy({ ...record, process: { pid: process.pid, startedAt: "" } })).toBe(
      false,
    );
  });
});
