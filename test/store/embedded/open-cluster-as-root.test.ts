import { chownSync, existsSync, readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { isAlive } from "../../../src/lib/process.ts";
import { findHome } from "../../../src/store/embedded/cluster-home.ts";
import { removeCluster } from "../../../src/store/embedded/remove-cluster.ts";
import { canTraverse } from "../../../src/store/embedded/server-account.ts";
import {
  cleanUp,
  isRoot,
  leftovers,
  newFolder,
  newState,
  open,
  openInChild,
  query,
  removeAbandonedFolders,
} from "./clusters.ts";

const NOBODY = { uid: 65534, gid: 65534, switches: true };

beforeAll(removeAbandonedFolders);
afterEach(cleanUp);

describe.skipIf(!isRoot)("openCluster as root (skipped for other users)", () => {
  it("keeps the cluster elsewhere when the server's account cannot enter the folders above, and finds it again", async () => {
    const directory = join(newFolder(0o700), "state");
    leftovers.states.add(directory);
    const lines: string[] = [];
    const first = await open(directory, { log: (line) => lines.push(line) });
    expect(lines.filter((line) => line.startsWith("note:"))).toHaveLength(1);
    const home = findHome(directory)!.folder;
    expect(home).toMatch(/^\/var\/tmp\/tminus-0\/[0-9a-f]{16}$/);
    await query(first.connectionString, "create table t as select 3 as n");
    await first.stop();
    const second = await open(directory);
    expect(await query(second.connectionString, "select n from t")).toEqual([{ n: 3 }]);
    await removeCluster(directory);
    expect(existsSync(home)).toBe(false);
  });

  it("does not use the data of an earlier folder with the same path", async () => {
    const directory = join(newFolder(0o700), "state");
    leftovers.states.add(directory);
    const first = await open(directory);
    const earlier = {
      home: findHome(directory)!.folder,
      pointer: readFileSync(join(directory, "cluster.json")),
    };
    await first.stop();
    rmSync(directory, { recursive: true });
    await open(directory);
    expect(findHome(directory)!.folder).not.toBe(earlier.home);
    await removeCluster(directory);
    rmSync(earlier.home, { recursive: true });
  });

  it.skipIf(!canTraverse(import.meta.dirname, NOBODY))(
    "works for an ordinary user in a folder of its own",
    async () => {
      const cache = "/var/tmp/tminus-65534";
      if (!existsSync(cache)) leftovers.folders.push(cache);
      const parent = newFolder(0o700);
      chownSync(parent, NOBODY.uid, NOBODY.gid);
      const user = { uid: NOBODY.uid, gid: NOBODY.gid };
      const first = await openInChild(join(parent, "state"), "stop", user);
      expect(first.attached).toBe(false);
      expect(isAlive({ pid: first.pid, startedAt: "" })).toBe(false);
      const second = await openInChild(join(parent, "state"), "end", user);
      expect(second.attached).toBe(false);
      expect((await openInChild(join(parent, "state"), "stop", user)).attached).toBe(true);
    },
  );

  it("does not start a server over the data of another user", async () => {
    const directory = newState();
    await (await open(directory)).stop();
    chownSync(findHome(directory)!.data, 1, 1);
    await expect(open(directory)).rejects.toMatchObject({ code: "STATE_UNAVAILABLE", details: { owner: 1 } });
  });
});
