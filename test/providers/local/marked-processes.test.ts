import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { isAlive, spawnDetached, terminate } from "../../../src/lib/process.ts";
import { findMarked, markVariable } from "../../../src/providers/local/marked-processes.ts";
import { Rig, until } from "./rig.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());

describe.runIf(process.platform === "linux")("findMarked", () => {
  it("finds a process and its children by their mark, the process itself first, and no other", async () => {
    const folder = await rig.folder();
    const script = `
      const { spawn } = require("node:child_process");
      spawn(process.execPath, ["-e", "setInterval(() => {}, 1000)"], { stdio: "ignore" });
      setInterval(() => {}, 1000);`;
    const start = (mark: string) =>
      spawnDetached([process.execPath, "-e", script], {
        env: { [markVariable]: mark },
        logFile: join(folder, "log"),
      });
    const mark = `${folder}:key`;
    rig.defer(async () => {
      for (const one of [...(await findMarked(mark))!, ...(await findMarked(`${mark}2`))!])
        await terminate(one, 0);
    });
    const [wanted, other] = [await start(mark), await start(`${mark}2`)];
    await until(async () => (await findMarked(mark))?.length === 2);
    const [leader, child] = (await findMarked(mark))!;
    expect(leader).toEqual(wanted);
    expect(isAlive(child!)).toBe(true);
    expect([wanted.pid, other.pid]).not.toContain(child!.pid);
    expect(await findMarked(`${folder}:nobody`)).toEqual([]);
  });
});
