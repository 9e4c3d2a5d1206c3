import { expect, it } from "vitest";
import { createFakeTarget } from "../../src/testing/fake-target.ts";

const fence = { environment: "production", token: 1 };
const signal = new AbortController().signal;
const options = { fence, signal, variables: {}, progress: () => undefined };

it("stages once per key, and finds what it staged", async () => {
  const target = createFakeTarget({ routes: [{ release: "v1", percent: 100 }] });
  expect(await target.findStaged("k")).toEqual({ state: "absent" });
  await target.stage("k", "v2", options);
  await target.stage("k", "v2", options);
  expect(target.changes).toEqual(["stage v2"]);
  expect(await target.findStaged("k")).toMatchObject({ state: "present", value: { release: "v2" } });
});

it("refuses old fencing tokens, traffic for what does not run, and stopping what has traffic", async () => {
  const target = createFakeTarget();
  await target.stage("k", "v1", { ...options, fence: { ...fence, token: 5 } });
  const newer = { ...fence, token: 5 };
  await expect(target.shift([{ release: "v1", percent: 100 }], fence, signal)).rejects.toMatchObject({
    code: "TARGET_CONFLICT",
  });
  await expect(target.shift([{ release: "v2", percent: 100 }], newer, signal)).rejects.toMatchObject({
    code: "TARGET_CONFLICT",
  });
  await target.shift([{ release: "v1", percent: 100 }], newer, signal);
  await expect(target.unstage("k", { ...options, fence: newer })).rejects.toMatchObject({
    code: "TARGET_CONFLICT",
  });
  expect(await target.traffic()).toMatchObject({ state: "present", value: { generation: 1 } });
});

it("fails once where it is told to, before or after the effect", async () => {
  const target = createFakeTarget();
  target.failNext("stage", "before", "TARGET_UNREACHABLE");
  await expect(target.stage("k", "v1", options)).rejects.toMatchObject({ code: "TARGET_UNREACHABLE" });
  expect(target.instances()).toEqual([]);
  target.failNext("stage", "after", "TARGET_UNREACHABLE");
  await expect(target.stage("k", "v1", options)).rejects.toMatchObject({ code: "TARGET_UNREACHABLE" });
  expect(target.instances()).toHaveLength(1);
  target.failNext("traffic", "before", "TARGET_UNREACHABLE");
  expect((await target.traffic()).state).toBe("unknown");
  expect((await target.traffic()).state).toBe("absent");
});
