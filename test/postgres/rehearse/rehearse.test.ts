import pg from "pg";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ScratchDatabase } from "../../../src/model/ports.ts";
import { rehearsalSchema, type FileRecord } from "../../../src/postgres/rehearse/rehearsal.ts";
import { freshDatabase } from "../../support/database.ts";
import { file, openProduction, outside, type ProductionLike } from "./world.ts";

const HISTORY = [
  file(`create type mood as enum ('sad', 'glad');
    create table teams (id uuid primary key default gen_random_uuid(), name text not null unique);
    create table users (
      id bigserial primary key, team_id uuid not null references teams (id), email varchar(80) not null unique,
      age integer check (age between 1 and 120), status text check (status in ('on', 'off')), mood mood, note text
    );
    create table members (user_id bigint references users (id), team_id uuid references teams (id), primary key (user_id, team_id))`),
];
/** Every third note is there; nobody has a mood; all are of one team. */
const ROWS = `insert into teams (name) select 't' || i from generate_series(1, 50) i;
  insert into users (team_id, email, age, status, note)
    select (select min(id::text)::uuid from teams), 'e' || i, 4, 'on', case when i % 3 = 0 then 'x' end from generate_series(1, 4000) i;
  insert into members select 1, id from teams`;

let production: ProductionLike;
beforeAll(async () => {
  production = await openProduction(HISTORY, ROWS);
});
afterAll(async () => production[Symbol.asyncDispose]());

/** The same schema and real rows. */
async function copyOfProduction(): Promise<ScratchDatabase> {
  const { url, drop } = await freshDatabase();
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  for (const { up } of HISTORY) for (const { text } of up) await client.query(text);
  await client.query(ROWS);
  await client.end();
  return { connectionString: url, [Symbol.asyncDispose]: drop };
}

const tripOf = ({ roundTrip }: FileRecord): unknown => roundTrip;

describe("a rehearsal", () => {
  it("tells of each file what it locks, how long it takes, whether it is reversible and what is lost", async () => {
    const rehearsal = await production.rehearse([
      file(
        "alter table users add nick text; create index users_age on users (age)",
        "drop index users_age; alter table users drop nick",
      ),
      outside("create index concurrently users_note on users (note)", "drop index concurrently users_note"),
      file("alter table users alter age type bigint", "alter table users alter age type integer"),
      file("create table likes (who bigint references users (id))", "drop table likes"),
      file("update users set note = 'seen'", "select 1"),
      file("alter table teams rename to groups"),
    ]);
    expect(rehearsalSchema.parse(JSON.parse(JSON.stringify(rehearsal)))).toEqual(rehearsal);
    expect(
      rehearsal.files.map(({ sentence }) => sentence.replace(/about [\d.]+ m?s|under 1 ms/, "TIME")),
    ).toEqual([
      "brief lock on users, TIME, reversible: yes, rows lost: 0",
      "no lock that anybody waits for, TIME, reversible: yes, rows lost: 0",
      "brief lock on users, TIME, reversible: yes, rows lost: 0",
      "brief lock on users, TIME, reversible: yes, rows lost: 0",
      "no lock that anybody waits for, TIME, reversible: yes, rows lost: 4000 (users note)",
      "brief lock on teams, TIME, reversible: no (there is no down section)",
    ]);
    expect(rehearsal.filled).toMatchObject([
      { relation: "members", rows: 50, production: 50 },
      { relation: "teams", rows: 50, production: 50 },
      { relation: "users", rows: 4_000, production: 4_000 },
    ]);
    expect(rehearsal.total).toMatchObject({ state: "estimated" });
  });

  it("names object by object what down does not restore, and the rows that it loses", async () => {
    const [dropped, forgotten] = (
      await production.rehearse([
        file("alter table users drop status", "alter table users add status text"),
        file(
          "create index users_age on users (age); create view ages as select age from users",
          "drop view ages",
        ),
      ])
    ).files;
    expect(tripOf(dropped!)).toMatchObject({
      differences: [{ object: "constraint users.users_status_check", change: "missing" }],
      upAgain: [],
      losses: [{ relation: "users", rows: 4_000, columns: ["status"] }],
    });
    const [kept] = (await production.rehearse([file("alter table users alter age type bigint", "select 1")]))
      .files;
    expect(tripOf(kept!)).toMatchObject({
      differences: [{ object: "column users.age", change: "different" }],
    });
    expect(tripOf(forgotten!)).toEqual({
      state: "failed",
      step: "up again",
      reason: expect.stringContaining('relation "users_age" already exists') as string,
    });
    expect(dropped!.sentence).toContain(
      "reversible: no (constraint users.users_status_check missing), rows lost: 4000 (users status)",
    );
  });

  it("finds with production's statistics what its rows would break", async () => {
    const [nulls] = (await production.rehearse([file("alter table users alter note set not null")])).files;
    expect(nulls).toMatchObject({ outcome: "failed", reason: expect.stringContaining("23502") as string });
    const [twice] = (await production.rehearse([file("create unique index on users (age)")])).files;
    expect(twice).toMatchObject({ outcome: "failed", reason: expect.stringContaining("23505") as string });
  });

  it("says where a file fails, goes no further, and leaves nothing behind", async () => {
    const { files } = await production.rehearse([
      file("create table a (n integer);\ncreate table a (n integer)", "drop table a"),
      file("create table b (n integer)"),
    ]);
    expect(files).toMatchObject([
      {
        outcome: "failed",
        reason: expect.stringMatching(/_change\.sql:3: relation "a" already exists \(42P07\)/) as string,
      },
      { outcome: "not-rehearsed", reason: expect.stringContaining("did not get through") as string },
    ]);
  });

  it("tries queries of the application across the change", async () => {
    const { canaries, limits } = await production.rehearse(
      [file("alter table users add nick text"), file("alter table users drop column age")],
      {
        canaries: [
          "select * from users where id = $1",
          "select id, age from users",
          "select id from users",
          "select wrong",
        ],
      },
    );
    expect(canaries.map(({ query, outcome }) => [query, outcome])).toEqual([
      ["select * from users where id = $1", "stale-plan"],
      ["select * from users where id = $1", "stale-plan"],
      ["select id, age from users", "broken"],
    ]);
    expect(limits).toContainEqual(
      expect.stringContaining("the query does not work before the change: select wrong"),
    );
  });

  it("does not blame a file for what only production has", async () => {
    await using platform = await openProduction(
      [],
      "create schema auth; create table auth.accounts (id integer)",
    );
    const { files, limits } = await platform.rehearse([
      file("create table mine (id integer); create view all_of_them as select id from auth.accounts"),
    ]);
    expect(files[0]).toMatchObject({
      outcome: "not-rehearsed",
      reason: expect.stringContaining("production has auth.accounts, which the files do not make") as string,
    });
    expect(limits).toContainEqual(expect.stringContaining("auth.accounts"));
    const { files: cron } = await platform.rehearse([file("create extension pg_cron")]);
    expect(cron[0]!.reason).toBe("could not rehearse: extension pg_cron is not on the scratch server");
  });

  it("never says that no rows are lost where none could be made up", async () => {
    await using odd = await openProduction(
      [file("create domain odd as integer check (value % 2 = 1); create table t (n odd not null)")],
      "insert into t select 2 * i + 1 from generate_series(1, 100) i",
    );
    const { files, limits } = await odd.rehearse([
      file("alter table t add x integer", "alter table t drop x"),
    ]);
    expect(files[0]!.sentence).toMatch(/reversible: yes, rows lost: not counted$/);
    expect(limits).toContainEqual(expect.stringContaining("t has no rows here: no rows could be made up"));
  });

  it("can be made in a copy of the real rows", async () => {
    const { tier, filled, files } = await production.rehearse(
      [
        file("alter table users add x integer", "alter table users drop x"),
        file("update users set age = 5 where id <= 7", "select 1"),
        file("alter table users alter note set not null"),
      ],
      { place: { tier: 2, createClone: copyOfProduction } },
    );
    expect({ tier, filled }).toEqual({ tier: 2, filled: [] });
    expect(files[0]!.sentence).toMatch(/reversible: yes, rows lost: 0$/);
    expect(files[1]!.sentence).toMatch(/rows lost: 7 \(users age\)$/);
    expect(files[2]).toMatchObject({
      outcome: "failed",
      reason: expect.stringContaining("23502") as string,
    });
  });

  it("runs a file that is not one transaction in the pieces in which it is applied", async () => {
    const [record] = (
      await production.rehearse([
        outside(
          "alter table users add x integer; create index concurrently users_x on users (x); alter table users add y integer",
          "alter table users drop y; drop index concurrently users_x; alter table users drop x",
        ),
      ])
    ).files;
    expect(record!.statements.map(({ seen }) => seen.locks.map(({ mode }) => mode))).toEqual([
      ["access exclusive"],
      ["share update exclusive"],
      ["access exclusive"],
    ]);
    expect(record!.sentence).toMatch(/^brief lock on users, .*, reversible: yes, rows lost: 0$/);
  });

  it(
    "can be made in this process, where it sees the structure and says what it does not",
    { timeout: 60_000 },
    async () => {
      const rehearsal = await production.rehearse(
        [
          file(
            "create extension citext; alter table users alter note set not null",
            "alter table users alter note drop not null; drop extension citext",
          ),
          outside(
            "create index concurrently users_note on users (note)",
            "drop index concurrently users_note",
          ),
          file("create extension pg_cron"),
        ],
        { place: { tier: 0 } },
      );
      expect(rehearsal).toMatchObject({ tier: 0, filled: [] });
      expect(
        rehearsal.files.map(({ sentence }) => sentence.replace(/about [\d.]+ m?s|under 1 ms/, "TIME")),
      ).toEqual([
        "brief lock on users, TIME, reversible: yes, rows lost: not counted",
        "locks not seen, TIME, reversible: yes, rows lost: not counted",
        "could not be rehearsed: could not rehearse: extension pg_cron is not on the scratch server",
      ]);
      expect(rehearsal.files[0]!.statements[1]!.seen.scans).toEqual([{ relation: "users", tuples: 0 }]);
      expect(rehearsal.files[0]!.statements[1]!.forecast).toMatchObject({
        basis: expect.stringContaining("reference figures for 4,000 rows") as string,
      });
    },
  );
});
