import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import { openSession, type Session } from "../../../src/postgres/session/connect.ts";
import {
  countUnseenSnapshots,
  readDumps,
  readHolders,
  readOldSnapshots,
} from "../../../src/postgres/session/holders.ts";
import { openCluster } from "../../../src/store/embedded/open-cluster.ts";
import { removeCluster } from "../../../src/store/embedded/remove-cluster.ts";
import { until } from "../migrations/world.ts";

let home: string;
let connectionString: string;

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), "tminus-holders-"));
  // Vacuums soon and takes long over it.
  const settings = {
    autovacuum_naptime: "1s",
    autovacuum_vacuum_cost_delay: "100ms",
    autovacuum_vacuum_cost_limit: "1",
  };
  const cluster = await openCluster({ directory: home, clock: systemClock, settings });
  connectionString = cluster.connectionString;
  await using client = await connect();
  await client.query("create role plain; create table t (a int); create table u (a int)");
});
afterAll(async () => {
  await removeCluster(home);
  await rm(home, { recursive: true, force: true });
});

type Client = pg.Client & AsyncDisposable;

async function connect(): Promise<Client> {
  const client = new pg.Client({ connectionString, application_name: "shop" });
  await client.connect();
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.end() });
}

/** A session of a role that may not look at those of others. */
async function openPlain(): Promise<Session> {
  const session = await openSession({ connectionString, purpose: "look", statementTimeoutMs: 5_000 });
  await session.query("set role plain");
  return session;
}

const ON = (name: string) => [{ relation: { name }, mode: "AccessExclusiveLock" as const }];

describe("a role without pg_read_all_stats", () => {
  it("sees who holds a lock, though not since when, and that a dump is under way", async () => {
    await using other = await connect();
    await using session = await openPlain();
    await other.query("set application_name = pg_dump; begin isolation level repeatable read");
    await other.query("select * from t");
    expect(await readHolders(session, ON("t"))).toMatchObject([
      { application: "pg_dump", ageMs: null, state: expect.stringContaining("pg_read_all_stats") as string },
    ]);
    expect(await readDumps(session)).toMatchObject([{ application: "pg_dump" }]);
    expect(await readOldSnapshots(session, 60_000)).toMatchObject([{ application: "pg_dump" }]);
  });

  it("knows that there are snapshots of which it does not see the age", async () => {
    await using other = await connect();
    await using session = await openPlain();
    await other.query("begin isolation level repeatable read");
    await other.query("select 1");
    expect(await readOldSnapshots(session, 0)).toEqual([]);
    expect(await countUnseenSnapshots(session)).toBe(1);

    await session.query("reset role");
    expect(await countUnseenSnapshots(session)).toBe(0);
  });

  it("does not take autovacuum for somebody who has to be waited for", async () => {
    await using client = await connect();
    await using session = await openPlain();
    await client.query("insert into u select generate_series(1, 200000); delete from u");
    await until(async () => {
      const { rows } = await client.query(
        `select from pg_locks join pg_stat_activity using (pid)
         where relation = 'u'::regclass and backend_type = 'autovacuum worker'`,
      );
      return rows.length > 0;
    });
    expect(await readHolders(session, ON("u"))).toEqual([]);
  });
});
