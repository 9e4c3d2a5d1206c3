import { expect, it } from "vitest";
import { lint } from "../../../../src/postgres/lint/lint.ts";
import { readLintFile } from "../../../../src/postgres/lint/lint-file.ts";
import { lintRules } from "../../../../src/postgres/lint/registry.ts";

const TABLE = "create table t (id bigint primary key, a integer, b text);";
const CHANGE = "alter table t alter column a type bigint;";

/** Files before, the file itself, and what the reason says. */
const REFUSED: readonly (readonly [before: string, sql: string, reason: RegExp])[] = [
  ["", "alter table t rename column a to c;", /no file here shows/],
  ["create table t as select 1 as a;", CHANGE, /no file here shows/],
  ["create table t (a integer) partition by range (a);", CHANGE, /partitioned/],
  [`${TABLE} create table u () inherits (t);`, CHANGE, /inherits/],
  [`${TABLE} create publication p for table t;`, CHANGE, /publication/],
  [`${TABLE} create publication p; alter publication p add table t;`, CHANGE, /publication/],
  [`${TABLE} create statistics s on a, b from t;`, CHANGE, /Statistics/],
  [`${TABLE} alter table t replica identity using index t_pkey;`, CHANGE, /replica identity/],
  [TABLE, "alter table t rename column id to key;", /primary key t_pkey/],
  [`${TABLE} alter table t add column n serial;`, "alter table t alter column n type bigint;", /sequence/],
  [
    `${TABLE} alter table t add column n integer generated always as (a + 1) stored;`,
    CHANGE,
    /column n reads/,
  ],
  [`${TABLE} alter table t alter column a set statistics 500;`, CHANGE, /statistics target/],
  [`${TABLE} grant select (a) on t to public;`, CHANGE, /privileges of its own/],
  [
    `${TABLE} create unique index on t (a); create table u (a integer references t (a));`,
    CHANGE,
    /foreign key u_a_fkey/,
  ],
  [`${TABLE} create policy p on t using (a > 0);`, CHANGE, /policy p/],
  [
    `${TABLE} create trigger x before update of a on t for each row execute function f();`,
    CHANGE,
    /trigger x names/,
  ],
  [
    `${TABLE} create trigger zzz before update on t for each row execute function f();`,
    CHANGE,
    /zzz would run after/,
  ],
  [`${TABLE} create view v as select a from t;`, CHANGE, /view v reads/],
  [`${TABLE} create view v as select s.* from t s;`, CHANGE, /view v reads/],
  [`${TABLE} create view v as select to_jsonb(s) from t s;`, CHANGE, /view v reads/],
  [
    `${TABLE} create view v as select b from t; alter table t rename column b to c;`,
    "alter table t rename column c to d;",
    /view v reads/,
  ],
  [
    `${TABLE} create function f() returns integer begin atomic; select a from t; end;`,
    CHANGE,
    /function f reads/,
  ],
  [TABLE, `${CHANGE} update t set a = 1;`, /later statement/],
  [TABLE, "alter table t alter column b type timestamptz using b::timestamptz;", /time zone/],
  [TABLE, "alter table t alter column b type date using b::date;", /settings of each session/],
  [
    TABLE,
    "alter table t alter column a type integer using (a + (select max(id) from t))::integer;",
    /other rows/,
  ],
  [
    TABLE,
    "alter table t alter column a type integer using (random() * a)::integer;",
    /another value each time/,
  ],
  [TABLE, "alter table t alter column a type bigint using a / length(b);", /not certain that USING/],
  [
    `${TABLE} create domain d as bigint check (value > 0);`,
    "alter table t alter column a type d;",
    /is a domain/,
  ],
  [TABLE, "alter table t drop column a; alter table t add column a text;", /later statement/],
  [TABLE, "update t set a = 1;", /would overwrite what it writes meanwhile/],
  [TABLE, "update t set a = u.id from t u;", /from other rows/],
  [
    `${TABLE} alter table t add column n integer;`,
    "update t set a = a + 1;",
    /computes a column from itself/,
  ],
  ["create table t (a integer);", CHANGE, /no primary key/],
  [`${TABLE} create index on t (abs(a));`, CHANGE, /made without a name/],
  [`${TABLE} create index i on t (a); alter index i set (fillfactor = 70);`, CHANGE, /settings of an index/],
  [
    `${TABLE} alter table t add constraint c unique (a); alter table t alter constraint c deferrable;`,
    CHANGE,
    /settings of an index or constraint/,
  ],
  [
    `${TABLE} create table u (id bigint primary key); alter table t inherit u;`,
    CHANGE,
    /inherits from another/,
  ],
  [
    `${TABLE} create table u () inherits (t);`,
    "alter table only t alter column a set not null;",
    /With ONLY/,
  ],
  [TABLE, "alter table t add column c text constraint n not null;", /has a name or NO INHERIT/],
  [
    TABLE,
    "alter table t add column c uuid not null no inherit default gen_random_uuid();",
    /name or NO INHERIT/,
  ],
  [
    `${TABLE} create table u () inherits (t);`,
    "alter table t add column c uuid default gen_random_uuid();",
    /db\.backfill fills no such table/,
  ],
  ["", "alter schema s rename to r;", /A schema has one name/],
];

it.each(REFUSED)("refuses with its reason: %s %s", async (before, sql, reason) => {
  const files = [readLintFile("1.sql", before), readLintFile("2.sql", sql)];
  const { findings } = await lint(files, {
    rules: lintRules,
    isAsked: (file) => file === files[1],
    rewrites: true,
  });
  const reasons = findings.flatMap(({ rewrite }) =>
    rewrite !== undefined && "reason" in rewrite ? [rewrite.reason] : [],
  );
  expect(reasons.join(" | ")).toMatch(reason);
});
