import { describe, expect, it } from "vitest";
import { riskOf } from "../../../src/postgres/migrations/migration-risk.ts";
import { splitStatements } from "../../../src/postgres/sql/statements.ts";

const risk = (sql: string): string => riskOf(splitStatements(sql).statements);

describe("riskOf", () => {
  it.each([
    ["drop table t", "high"],
    ["alter table t drop column a", "high"],
    ["alter table t drop a", "high"],
    ["alter table t rename to u", "high"],
    ["alter table t rename column a to b", "high"],
    ["alter table t alter column a type bigint", "high"],
    ["alter table t alter a set data type bigint", "high"],
    ["truncate t", "high"],
    ["delete from t", "high"],
    ["alter table t alter column a drop not null", "medium"],
    ["alter table t add column a int not null", "medium"],
    ["alter table t add constraint c check (a > 0)", "medium"],
    ["create index i on t (a)", "medium"],
    ["update t set a = 1", "medium"],
    ["do $$ begin end $$", "medium"],
    ["alter table t add column a text", "low"],
    ['alter table "drop" add column "type" text', "low"],
    ["create table t (a int primary key)", "low"],
    ["create index concurrently i on t (a)", "low"],
    ["insert into t values ('drop table')", "low"],
  ])("takes %j for %s", (sql, expected) => {
    expect(risk(sql)).toBe(expected);
  });

  it("is that of the worst statement", () => {
    expect(risk("create table t (a int); drop table u; select 1")).toBe("high");
  });
});
