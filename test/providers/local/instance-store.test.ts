import { readdir } from "node:fs/promises";
import { afterEach, describe, expect, it } from "vitest";
import { InstanceStore, type InstanceRecord } from "../../../src/providers/local/instance-store.ts";
import { Rig } from "./rig.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());

function record(key: string, stagedAtMs: number): InstanceRecord {
  return { key, instance: `${key}-1`, release: "v1", host: "127.0.0.1", port: 1, stagedAtMs };
}

describe("the instance store", () => {
  it("gives back what was written last for a key, from another object too", async () => {
    const folder = await rig.folder();
    const store = new InstanceStore(folder);
    expect(await store.read("a")).toBeUndefined();
    await store.write(record("a", 1));
    const started = { ...record("a", 1), process: { pid: 7, startedAt: "99" } };
    await store.write(started);
    expect(await new InstanceStore(folder).read("a")).toEqual(started);
    expect(await readdir(folder)).toHaveLength(1);
  });

  it("lists the newest first", async () => {
    const store = new InstanceStore(await rig.folder());
    for (const [key, at] of [
      ["a", 2],
      ["b", 3],
      ["c", 1],
    ] as const)
      await store.write(record(key, at));
    expect((await store.list()).map((one) => one.key)).toEqual(["b", "a", "c"]);
  });

  it("forgets a key, and does not mind being told again", async () => {
    const store = new InstanceStore(await rig.folder());
    await store.write(record("../../a", 1));
    await store.remove("../../a");
    await store.remove("../../a");
    expect(await store.list()).toEqual([]);
  });
});
