import { chmodSync, statSync } from "node:fs";
import { rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { createLayout } from "../../../src/providers/local/layout.ts";
import { Rig } from "./rig.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());

describe("createLayout", () => {
  it("keeps everything private below the state folder", async () => {
    const folder = await rig.folder();
    const layout = createLayout(folder, "production");
    for (const path of [layout.instances, layout.logs, layout.sockets]) {
      expect(path.startsWith(join(folder, "local", "production"))).toBe(true);
      expect(statSync(path).mode & 0o777).toBe(0o700);
    }
  });

  it("moves the sockets to a short private folder when their path would be too long", async () => {
    const deep = join(await rig.folder(), "x".repeat(100));
    const { sockets } = createLayout(deep, "production");
    rig.defer(() => rm(sockets, { recursive: true, force: true }));
    expect(sockets.startsWith(tmpdir())).toBe(true);
    expect(statSync(sockets).mode & 0o777).toBe(0o700);
    expect(createLayout(deep, "production").sockets).toBe(sockets);
    expect(createLayout(deep, "staging").sockets).not.toBe(sockets);
    await rm(createLayout(deep, "staging").sockets, { recursive: true });
  });

  it("refuses a socket folder that others can enter", async () => {
    const folder = await rig.folder();
    chmodSync(createLayout(folder, "production").sockets, 0o777);
    expect(() => createLayout(folder, "production")).toThrow(
      expect.objectContaining({ code: "TARGET_CONFLICT" }),
    );
  });
});
