import { chmod, mkdir, rename, rm, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, describe, expect, it } from "vitest";
import { fingerprintPaths } from "../../../src/providers/local/fingerprint.ts";
import { Rig } from "./rig.ts";

const rig = new Rig();
afterEach(() => rig.cleanUp());

async function release() {
  const folder = await rig.folder();
  await mkdir(join(folder, "lib"));
  await writeFile(join(folder, "server.mjs"), "one");
  await writeFile(join(folder, "lib", "a.mjs"), "a");
  return folder;
}

describe("fingerprintPaths", () => {
  it("is the same for equal files, wherever and whenever they were written", async () => {
    const [one, two] = [await release(), await release()];
    await utimes(join(two, "server.mjs"), 0, 0);
    expect(await fingerprintPaths([one])).toBe(await fingerprintPaths([two]));
  });

  it.each<[string, (folder: string) => Promise<unknown>]>([
    ["a content", (folder) => writeFile(join(folder, "lib", "a.mjs"), "b")],
    ["a name", (folder) => rename(join(folder, "lib", "a.mjs"), join(folder, "lib", "b.mjs"))],
    ["a new file", (folder) => writeFile(join(folder, "lib", "b.mjs"), "")],
    ["a missing file", (folder) => rm(join(folder, "lib", "a.mjs"))],
    ["an executable bit", (folder) => chmod(join(folder, "server.mjs"), 0o755)],
    ["where a link points", (folder) => symlink("server.mjs", join(folder, "main.mjs"))],
  ])("changes with %s", async (_what, change) => {
    const folder = await release();
    const before = await fingerprintPaths([folder]);
    await change(folder);
    expect(await fingerprintPaths([folder])).not.toBe(before);
  });

  it("does not look into installed packages and history, nor through links", async () => {
    const folder = await release();
    await symlink("/", join(folder, "root"));
    const before = await fingerprintPaths([folder]);
    for (const name of ["node_modules", ".git"]) {
      await mkdir(join(folder, name));
      await writeFile(join(folder, name, "x"), "x");
    }
    expect(await fingerprintPaths([folder])).toBe(before);
  });

  it("says which path cannot be read", async () => {
    const missing = join(await rig.folder(), "v9");
    await expect(fingerprintPaths([missing])).rejects.toMatchObject({
      code: "TARGET_CONFLICT",
      message: expect.stringContaining(missing),
    });
  });
});
