import { describe, expect, it } from "vitest";
import { plainLocks } from "../../../src/postgres/sql/plain-locks.ts";
import { parseSql } from "../../../src/postgres/sql/parse.ts";
import { splitStatements } from "../../../src/postgres/sql/statements.ts";
import { locksOf, strongLocks } from "../../../src/postgres/sql/strong-locks.ts";

async function locks(sql: string): Promise<string[]> {
  const targets = await strongLocks(splitStatements(sql).statements);
  return targets.map(
    ({ relation: { schema, name }, mode }) =>
      `${schema === undefined ? "" : `${schema}.`}${name} ${mode.replace("Lock", "")}`,
  );
}

describe("strongLocks", () => {
  it.each([
    ["alter table app.t add column a int", ["app.t AccessExclusive"]],
    ['alter table if exists only "T" drop column a', ["T AccessExclusive"]],
    [
      "alter table t add constraint f foreign key (a) references u",
      ["t ShareRowExclusive", "u ShareRowExclusive"],
    ],
    ["alter table t add column a int references u", ["t AccessExclusive", "u ShareRowExclusive"]],
    ["alter table t validate constraint f", []],
    ["alter table t alter column a set statistics 100", []],
    ["alter table p attach partition c for values in (1)", ["c AccessExclusive"]],
    ["create unique index i on app.t (a)", ["app.t Share"]],
    ["create index concurrently i on t (a)", []],
    ["create table c (a int references t)", ["t ShareRowExclusive"]],
    ["create table c partition of p for values in (1)", ["p AccessExclusive"]],
    ["create table c (a int)", []],
    ["drop table a, app.b", ["a AccessExclusive", "app.b AccessExclusive"]],
    ["drop index i", ["i AccessExclusive"]],
    ["drop policy p on app.t", ["app.t AccessExclusive"]],
    ["create trigger x after insert on t execute function f()", ["t ShareRowExclusive"]],
    ["create policy p on t", ["t AccessExclusive"]],
    ["alter table t rename to u", ["t AccessExclusive"]],
    ["truncate a, b", ["a AccessExclusive", "b AccessExclusive"]],
    ["lock table t in share mode", ["t Share"]],
    ["refresh materialized view m", ["m AccessExclusive"]],
    ["refresh materialized view concurrently m", []],
    ["create or replace view v as select 1", ["v AccessExclusive"]],
    ["insert into t values (1)", []],
    ["alter table t frobnicate", []],
    ["create index i on t (a); alter table t add column b int", ["t AccessExclusive"]],
  ])("%s", async (sql, expected) => {
    expect(await locks(sql)).toEqual(expected);
  });

  it("reads plain forms as the parser does", async () => {
    for (const sql of [
      "alter table t add column a int",
      'alter table App."My T" alter column a drop not null',
      "alter table only t rename column a to b",
      "alter table t enable row level security",
      "create index on t (a)",
      'create unique index if not exists "i i" on only App.t using gin (a)',
    ]) {
      const { statements } = splitStatements(sql);
      const plain = plainLocks(statements[0]!.code);
      expect(plain, sql).toBeDefined();
      const parsed = await parseSql(sql);
      expect("statements" in parsed && parsed.statements.flatMap(({ node }) => locksOf(node))).toEqual(plain);
    }
  });
});
