import { existsSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Client } from "pg";
import { afterEach, beforeAll, describe, expect, it } from "vitest";
import { isAlive, run, sendSignal, spawnDetached } from "../../../src/lib/process.ts";
import { findHome } from "../../../src/store/embedded/cluster-home.ts";
import { clusterStatus } from "../../../src/store/embedded/cluster-status.ts";
import { removeCluster } from "../../../src/store/embedded/remove-cluster.ts";
import { processUser, serverAccount } from "../../../src/store/embedded/server-account.ts";
import { serverProcesses } from "../../../src/store/embedded/server-processes.ts";
import { stopCluster } from "../../../src/store/embedded/stop-cluster.ts";
import {
  CHILD,
  cleanUp,
  isRoot,
  killServer,
  leftovers,
  newFolder,
  newState,
  open,
  openInChild,
  query,
  removeAbandonedFolders,
  until,
  type Opened,
} from "./clusters.ts";

beforeAll(removeAbandonedFolders);
afterEach(cleanUp);

describe("openCluster", () => {
  it("makes a durable UTF-8 cluster that listens on no network, on the first call", async () => {
    const directory = newState();
    expect(await clusterStatus(directory)).toBe("absent");
    const cluster = await open(directory);
    expect(cluster.attached).toBe(false);
    expect(await clusterStatus(directory)).toEqual({ running: true, pid: cluster.postmaster.pid });
    const names = [
      "data_checksums",
      "fsync",
      "synchronous_commit",
      "full_page_writes",
      "listen_addresses",
      "server_encoding",
    ];
    const rows = await query<{ name: string; setting: string }>(
      cluster.connectionString,
      `select name, setting from pg_settings where name in (${names.map((name) => `'${name}'`).join()})`,
    );
    expect(Object.fromEntries(rows.map(({ name, setting }) => [name, setting]))).toEqual({
      data_checksums: "on",
      fsync: "on",
      synchronous_commit: "on",
      full_page_writes: "on",
      listen_addresses: "",
      server_encoding: "UTF8",
    });
    const [locale] = await query(
      cluster.connectionString,
      "select datlocprovider, datlocale from pg_database where datname = 'postgres'",
    );
    expect(locale).toEqual({ datlocprovider: "b", datlocale: "C.UTF-8" });
  });

  it("keeps what was committed across a clean stop, and finds a database again", async () => {
    const directory = newState();
    const first = await open(directory);
    const url = await first.ensureDatabase('a "name"');
    await query(url, "create table t as select 7 as n");
    await first.stop();
    expect(isAlive(first.postmaster)).toBe(false);
    expect(await clusterStatus(directory)).toBe("stopped");
    await first.stop();
    const second = await open(directory);
    expect(second.attached).toBe(false);
    expect(await query(await second.ensureDatabase('a "name"'), "select n from t")).toEqual([{ n: 7 }]);
    expect(await stopCluster(directory)).toBe(true);
    expect(await stopCluster(directory)).toBe(false);
  });

  it("gives one server to two processes that open a new folder at once", async () => {
    const directory = newState();
    const both = await Promise.all([openInChild(directory, "end"), openInChild(directory, "end")]);
    expect(both[0].pid).toBe(both[1].pid);
    expect(both.filter(({ attached }) => attached)).toHaveLength(1);
    for (const { url } of both) expect(await query(url, "select 1 as one")).toEqual([{ one: 1 }]);
  });

  it("gives one server to several calls of one process", async () => {
    const directory = newState();
    const all = await Promise.all([open(directory), open(directory), open(directory)]);
    expect(new Set(all.map(({ postmaster }) => postmaster.pid)).size).toBe(1);
    expect(all.filter(({ attached }) => !attached)).toHaveLength(1);
  });

  it("leaves the server running when its starter is killed, and attaches to it", async () => {
    const directory = newState();
    const logFile = join(newFolder(), "out");
    const starter = await spawnDetached([process.execPath, CHILD, directory, "stay"], { env: {}, logFile });
    leftovers.processes.push(starter);
    await until(() => readFileSync(logFile, "utf8").endsWith("\n"));
    const { pid } = JSON.parse(readFileSync(logFile, "utf8")) as Opened;
    sendSignal(starter, "SIGKILL");
    await until(() => !isAlive(starter));
    const cluster = await open(directory);
    expect(cluster.attached).toBe(true);
    expect(cluster.postmaster.pid).toBe(pid);
  });

  it.each(["making", "starting"])("finishes what a starter left that was killed at %s", async (line) => {
    const directory = newState();
    const result = await run([process.execPath, CHILD, directory, `die:${line}`], { timeoutMs: 50_000 });
    expect(result.signalName).toBe("SIGKILL");
    expect(readdirSync(join(directory, "cluster.claims"))).toHaveLength(1);
    const cluster = await open(directory);
    expect(await query(cluster.connectionString, "select 1 as one")).toEqual([{ one: 1 }]);
    expect(readdirSync(join(directory, "cluster.claims"))).toEqual([]);
    expect(readdirSync(join(directory, "cluster")).sort()).toEqual(["data", "server.log", "socket"]);
  });

  it("recovers every committed row after the server and all its children were killed", async () => {
    const directory = newState();
    const first = await open(directory);
    await query(first.connectionString, "create table t as select generate_series(1, 500) as n");
    await killServer(first, directory);
    expect(await clusterStatus(directory)).toBe("stopped");
    const second = await open(directory);
    expect(second.attached).toBe(false);
    expect(await query(second.connectionString, "select count(*)::int as n from t")).toEqual([{ n: 500 }]);
  });

  it("ends a session that outlived its killed postmaster before it starts the next server", async () => {
    const directory = newState();
    const first = await open(directory, { settings: { client_connection_check_interval: "0" } });
    await query(first.connectionString, "create table t as select 1 as n");
    const busy = new Client({ connectionString: first.connectionString });
    busy.on("error", () => {});
    await busy.connect();
    // A loop that never looks whether the postmaster is there; it ends only by a signal.
    const never = busy.query("do $$ begin loop perform 1; end loop; end $$").catch((error: Error) => error);
    const active = "select 1 from pg_stat_activity where state = 'active' and query like 'do %'";
    await until(async () => (await query(first.connectionString, active)).length === 1);
    const data = findHome(directory)!.data;
    sendSignal(first.postmaster, "SIGKILL");
    await until(async () => !isAlive(first.postmaster) && (await serverProcesses(data)).length === 1);
    const second = await open(directory);
    expect(await query(second.connectionString, "select n from t")).toEqual([{ n: 1 }]);
    expect(await never).toBeInstanceOf(Error);
    await second.stop();
    expect(await serverProcesses(data)).toEqual([]);
  });

  it("starts although the pid in a stale lock file now belongs to another program of the same user", async () => {
    const directory = newState();
    const first = await open(directory);
    const file = join(findHome(directory)!.data, "postmaster.pid");
    const text = readFileSync(file, "utf8");
    await killServer(first, directory);
    const account = serverAccount();
    const other = await spawnDetached(["sleep", "300"], {
      env: { PATH: process.env.PATH! },
      logFile: join(newFolder(), "out"),
      ...processUser(account),
    });
    leftovers.processes.push(other);
    writeFileSync(file, text.replace(/^\d+/, String(other.pid)));
    expect(await clusterStatus(directory)).toBe("stopped");
    expect((await open(directory)).attached).toBe(false);
    expect(isAlive(other)).toBe(true);
  });

  it("starts a server of its own for a copied folder whose lock file names the running original", async () => {
    const directory = newState();
    await (await open(directory)).stop();
    const copy = newState();
    await run(["cp", "-a", directory, copy], { timeoutMs: 30_000 });
    const original = await open(directory);
    const lockFile = join(findHome(directory)!.data, "postmaster.pid");
    await run(["cp", "-a", lockFile, findHome(copy)!.data], { timeoutMs: 30_000 });
    const second = await open(copy);
    expect(second.attached).toBe(false);
    expect(second.postmaster.pid).not.toBe(original.postmaster.pid);
    expect(isAlive(original.postmaster)).toBe(true);
  });

  it("refuses to start a second server over a folder that was moved away under its running server", async () => {
    const directory = newState();
    const original = await open(directory);
    const moved = newState();
    renameSync(directory, moved);
    const refusal = await open(moved).catch((error: unknown) => error);
    renameSync(moved, directory);
    expect(refusal).toMatchObject({ code: "STATE_UNAVAILABLE", details: { pid: original.postmaster.pid } });
    expect(isAlive(original.postmaster)).toBe(true);
    expect((await open(directory)).attached).toBe(true);
  });

  it("refuses to put an empty cluster in the place of a lost one", async () => {
    const directory = newState();
    await (await open(directory)).stop();
    rmSync(findHome(directory)!.data, { recursive: true });
    await expect(open(directory)).rejects.toMatchObject({
      code: "STATE_UNAVAILABLE",
      message: expect.stringContaining("is gone"),
    });
  });

  it("refuses data of another major version", async () => {
    const directory = newState();
    await (await open(directory)).stop();
    writeFileSync(join(findHome(directory)!.data, "PG_VERSION"), "17\n");
    await expect(open(directory)).rejects.toMatchObject({
      code: "STATE_UNAVAILABLE",
      details: { found: "17", expected: "18" },
    });
  });

  it("reports the end of the server's log when it does not start, and leaves nothing running", async () => {
    const directory = newState();
    await expect(open(directory, { settings: { shared_buffers: "rubbish" } })).rejects.toMatchObject({
      code: "STATE_UNAVAILABLE",
      details: { log: expect.stringContaining("shared_buffers") },
    });
    expect(await clusterStatus(directory)).toBe("stopped");
    expect((await open(directory)).attached).toBe(false);
  });

  it("stops the server that it was starting when it is aborted", async () => {
    const directory = newState();
    const abort = new AbortController();
    const reason = new Error("enough");
    const log = (line: string): void => {
      if (line.startsWith("starting")) abort.abort(reason);
    };
    await expect(open(directory, { signal: abort.signal, log })).rejects.toBe(reason);
    expect(await serverProcesses(findHome(directory)!.data)).toEqual([]);
  });

  it("serves from a folder whose path is too long for a socket", async () => {
    const directory = newState("x".repeat(120), "y".repeat(120));
    const cluster = await open(directory);
    expect(Buffer.byteLength(cluster.socketDirectory)).toBeLessThan(90);
    expect(statSync(cluster.socketDirectory).mode & 0o777).toBe(0o700);
    expect(await query(cluster.connectionString, "select 1 as one")).toEqual([{ one: 1 }]);
    await removeCluster(directory);
    expect(existsSync(cluster.socketDirectory)).toBe(false);
  });

  it("is not reachable for other users", async () => {
    const directory = newState();
    const { socketDirectory } = await open(directory);
    const { mode, uid } = statSync(socketDirectory);
    expect({ mode: mode & 0o777, uid }).toEqual({ mode: 0o700, uid: serverAccount().uid });
    if (!isRoot) return;
    const stranger = await run(["ls", join(socketDirectory, ".s.PGSQL.5432")], {
      timeoutMs: 10_000,
      uid: 1,
      gid: 1,
    });
    expect(stranger.exitCode).not.toBe(0);
    expect(stranger.output).toContain("Permission denied");
  });
});
