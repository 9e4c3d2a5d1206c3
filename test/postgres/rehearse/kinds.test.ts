import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { systemClock } from "../../../src/lib/clock.ts";
import type { Seen } from "../../../src/postgres/rehearse/rehearsal.ts";
import { runWatched } from "../../../src/postgres/rehearse/run-statements.ts";
import { openServerWorkbench, type Workbench } from "../../../src/postgres/rehearse/workbench.ts";
import { splitStatements } from "../../../src/postgres/sql/statements.ts";
import { freshDatabase, type FreshDatabase } from "../../support/database.ts";

/**
 * What PostgreSQL does for each kind of statement, as measured: the strongest lock on each table that was there
 * before, whether its rows were read ("scan"), its storage written anew ("rewrite"), an index built ("build") or
 * kept ("reuse"), rows changed ("write").
 */
const HISTORY = `create table users (
      id integer primary key, email varchar(80) not null, name text, age integer, born timestamp,
      amount numeric(8,2), note text, team_id integer
    );
    create table teams (id integer primary key, name text not null);
    create table posts (id integer primary key, author integer references users (id));
    create index users_age on users (age);
    create unique index users_email on users (email);
    create materialized view ages as select age, count(*) from users group by age;
    create view names as select id, name from users;
    create table logs (at date not null, text text) partition by range (at);
    create table logs_old (at date not null, text text);
    alter table users add constraint note_there check (note is not null) not valid;
    alter table users add constraint team_there foreign key (team_id) references teams (id) not valid;
    create function touch() returns trigger language plpgsql as 'begin return new; end'`;

const ROWS = `insert into teams select i, 't' || i from generate_series(1, 2000) i;
  insert into users select i, 'e' || i, 'n', 20 + i % 50, now(), i, 'x', 1 + i % 2000 from generate_series(1, 5000) i;
  insert into posts select i, i from generate_series(1, 2000) i;
  insert into logs_old select date '2020-01-01', 'x' from generate_series(1, 2000) i`;

type Expected = { locks: Record<string, string>; work?: string[] };

const KINDS: [number, string, Expected][] = [
  [1, "create index on users (name)", { locks: { users: "share" }, work: ["build users", "scan users"] }],
  [2, "drop index users_age", { locks: { users: "access exclusive" } }],
  [
    3,
    "reindex index users_age",
    { locks: { users: "access exclusive" }, work: ["build users", "scan users"] },
  ],
  [
    8,
    "alter table users add unique (id, name)",
    { locks: { users: "access exclusive" }, work: ["build users", "scan users"] },
  ],
  [
    8,
    "alter table users add constraint u unique using index users_email",
    { locks: { users: "access exclusive" } },
  ],
  [
    10,
    "alter table users add foreign key (age) references teams (id)",
    {
      locks: { users: "share row exclusive", teams: "share row exclusive" },
      work: ["scan teams", "scan users", "validate users"],
    },
  ],
  [
    10,
    "alter table users add foreign key (age) references teams (id) not valid",
    { locks: { users: "share row exclusive", teams: "share row exclusive" } },
  ],
  [
    10,
    "alter table users validate constraint team_there",
    {
      locks: { users: "share update exclusive", teams: "row share" },
      work: ["scan teams", "scan users", "validate users"],
    },
  ],
  [11, "create table likes (who integer references users (id))", { locks: { users: "share row exclusive" } }],
  [12, "drop table posts", { locks: { posts: "access exclusive", users: "access exclusive" } }],
  [
    13,
    "alter table users add check (age > 0)",
    { locks: { users: "access exclusive" }, work: ["scan users", "validate users"] },
  ],
  [13, "alter table users add check (age > 0) not valid", { locks: { users: "access exclusive" } }],
  [
    13,
    "alter table users validate constraint note_there",
    { locks: { users: "share update exclusive" }, work: ["scan users", "validate users"] },
  ],
  [
    15,
    "alter table users alter name set not null",
    { locks: { users: "access exclusive" }, work: ["scan users", "validate users"] },
  ],
  [
    17,
    "alter table users add u uuid default gen_random_uuid()",
    { locks: { users: "access exclusive" }, work: ["build users", "rewrite users", "scan users"] },
  ],
  [18, "alter table users add since timestamptz default now()", { locks: { users: "access exclusive" } }],
  [
    19,
    "alter table users add n serial",
    {
      locks: { users: "access exclusive" },
      work: ["build users", "rewrite users", "scan users", "validate users"],
    },
  ],
  [
    19,
    "alter table users add twice integer generated always as (age * 2) virtual",
    { locks: { users: "access exclusive" } },
  ],
  [
    23,
    "alter table users alter amount type numeric(6, 1)",
    { locks: { users: "access exclusive" }, work: ["build users", "rewrite users", "scan users"] },
  ],
  [
    24,
    "alter table users alter email type varchar(120)",
    { locks: { users: "access exclusive" }, work: ["reuse users"] },
  ],
  [26, "alter table users drop column amount", { locks: { users: "access exclusive" } }],
  [
    27,
    "truncate users cascade",
    {
      locks: { users: "access exclusive", posts: "access exclusive" },
      work: ["truncate posts", "truncate users"],
    },
  ],
  [29, "alter table users rename column name to full_name", { locks: { users: "access exclusive" } }],
  [
    34,
    "update users set name = 'm'",
    { locks: { users: "row exclusive" }, work: ["scan users", "write users"] },
  ],
  [
    43,
    "alter table posts set unlogged",
    { locks: { posts: "access exclusive" }, work: ["build posts", "rewrite posts", "scan posts"] },
  ],
  [
    44,
    "refresh materialized view ages",
    { locks: { ages: "access exclusive" }, work: ["rewrite ages", "scan users", "write ages"] },
  ],
  [
    45,
    "alter table logs attach partition logs_old for values from ('2020-01-01') to ('2021-01-01')",
    { locks: { logs: "share update exclusive", logs_old: "access exclusive" }, work: ["scan logs_old"] },
  ],
  [
    46,
    "create table logs_new partition of logs for values from ('2022-01-01') to ('2023-01-01')",
    { locks: { logs: "access exclusive" } },
  ],
  [
    47,
    "create trigger t before update on users for each row execute function touch()",
    { locks: { users: "share row exclusive" } },
  ],
  [48, "alter table users enable row level security", { locks: { users: "access exclusive" } }],
  [48, "create policy p on users using (true)", { locks: { users: "access exclusive" } }],
  [
    50,
    "create or replace view names as select id, name from users where id > 1",
    { locks: { names: "access exclusive" } },
  ],
  [52, "alter table users alter name set statistics 100", { locks: { users: "share update exclusive" } }],
  [52, "comment on table users is 'people'", { locks: { users: "share update exclusive" } }],
];

let database: FreshDatabase;
let bench: Workbench;
beforeAll(async () => {
  database = await freshDatabase();
  const { url: connectionString } = database;
  bench = await openServerWorkbench({
    connectionString,
    clock: systemClock,
    signal: new AbortController().signal,
  });
  await bench.query(HISTORY);
  await bench.query(ROWS);
});
afterAll(async () => {
  await bench[Symbol.asyncDispose]();
  await database.drop();
});

/** What the statement did; it is then taken back by one that fails. */
async function see(sql: string): Promise<Seen> {
  const { statements } = splitStatements(`${sql}; select 1 / 0`);
  const { ran, refusal } = await runWatched(bench, statements, { transactional: true, clock: systemClock });
  expect(refusal, sql).toMatchObject({ sqlState: "22012" });
  return ran[0]!.seen;
}

const STRENGTH = [
  "row share",
  "row exclusive",
  "share update exclusive",
  "share",
  "share row exclusive",
  "exclusive",
  "access exclusive",
];

function strongest(seen: Seen): Record<string, string> {
  const locks: Record<string, string> = {};
  for (const { relation, mode } of seen.locks) {
    if (STRENGTH.indexOf(mode) > STRENGTH.indexOf(locks[relation] ?? "")) locks[relation] = mode;
  }
  return locks;
}

function work(seen: Seen): string[] {
  const all = [
    ...seen.scans.map(({ relation }) => `scan ${relation}`),
    ...seen.rewrites.map((relation) => `rewrite ${relation}`),
    ...seen.truncated.map((relation) => `truncate ${relation}`),
    ...seen.indexes.map(({ relation, how }) => `${how === "reused" ? "reuse" : "build"} ${relation}`),
    ...seen.validated.map(({ relation }) => `validate ${relation}`),
    ...seen.rows.map(({ relation }) => `write ${relation}`),
  ];
  return [...new Set(all)].toSorted();
}

describe("what a statement does to tables that were there before", () => {
  it.each(KINDS)("is seen for kind %i: %s", async (_kind, sql, { locks, work: expected = [] }) => {
    const seen = await see(sql);
    expect({ locks: strongest(seen), work: work(seen) }).toEqual({ locks, work: expected });
  });

  it("is seen from outside for an index that is built concurrently", async () => {
    const { statements } = splitStatements("create index concurrently users_name on users (name)");
    const { ran } = await runWatched(bench, statements, { transactional: false, clock: systemClock });
    const { seen } = ran[0]!;
    expect({ locks: strongest(seen), work: work(seen) }).toEqual({
      locks: { users: "share update exclusive" },
      work: ["build users", "scan users"],
    });
  });

  it("is seen however long it takes: the server takes a session's counts away once a second", async () => {
    await bench.query(`create table few (n integer);
      insert into few select generate_series(1, 5);
      create function slow(n integer) returns integer immutable language plpgsql
        as 'begin perform pg_sleep(0.15); return n; end'`);
    const { statements } = splitStatements("create index concurrently few_slow on few (slow(n))");
    const { ran } = await runWatched(bench, statements, { transactional: false, clock: systemClock });
    expect(work(ran[0]!.seen)).toEqual(["build few", "scan few"]);
  });

  it("is seen from outside however short it is", async () => {
    await bench.query("create table tiny (n integer)");
    for (let times = 0; times < 10; times++) {
      const { statements } = splitStatements(
        "create index concurrently tiny_n on tiny (n); drop index concurrently tiny_n",
      );
      const { ran } = await runWatched(bench, statements, { transactional: false, clock: systemClock });
      expect(ran.map(({ seen }) => strongest(seen))).toEqual([
        { tiny: "share update exclusive" },
        { tiny: "share update exclusive" },
      ]);
    }
  });

  it("is counted in rows", async () => {
    const seen = await see("update users set name = 'm' where id <= 100; delete from posts where id <= 10");
    expect(seen.rows).toEqual([{ relation: "users", inserted: 0, updated: 100, deleted: 0 }]);
    expect((await see("alter table users add check (age > 0)")).scans).toEqual([
      { relation: "users", tuples: 5000 },
    ]);
    expect((await see("create index on users (name)")).walBytes).toBeGreaterThan(8192);
  });

  it("does not count tables that the same file makes", async () => {
    const seen = await see("create table fresh (n integer)");
    expect(seen).toMatchObject({ locks: [], rewrites: [], indexes: [], scans: [] });
  });
});
