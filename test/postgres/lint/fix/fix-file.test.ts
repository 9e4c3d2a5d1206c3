import { expect, it } from "vitest";
import { fixFile } from "../../../../src/postgres/lint/fix/fix-file.ts";
import { readLintFile } from "../../../../src/postgres/lint/lint-file.ts";
import { lintRules } from "../../../../src/postgres/lint/registry.ts";

const TABLE = readLintFile("1.sql", "create table t (id bigint primary key, a text);");
const UPDATE = "alter table t add column b text; update t set b = lower(a) where b is null;";
const REQUIRE = "alter table t alter column b set not null;";

it("moves no UPDATE to a backfill behind a statement that needs its rows, in whichever round", async () => {
  const file = readLintFile("2.sql", `${UPDATE} create index on t (b); ${REQUIRE}`);
  const fix = await fixFile([TABLE], file, { rules: lintRules });
  if (fix === undefined || "reason" in fix) throw new Error("it is not rewritten");
  expect(fix.backfills).toEqual([]);
  const sqls = fix.files.map(({ lint }) => lint.sql).join("\n");
  expect(sqls.indexOf("update t set b")).toBeGreaterThan(-1);
  expect(sqls.indexOf("update t set b")).toBeLessThan(sqls.indexOf("set not null"));
});

it("nor behind such a statement of a later file of the deploy", async () => {
  const options = { rules: lintRules, isOneBatch: true };
  const alone = await fixFile([TABLE], readLintFile("2.sql", UPDATE), options);
  expect(alone).toMatchObject({ backfills: [{ table: "public.t" }] });
  const followers = [readLintFile("3.sql", REQUIRE)];
  const followed = await fixFile([TABLE], readLintFile("2.sql", UPDATE), { ...options, followers });
  expect(followed).not.toMatchObject({ backfills: [{ table: "public.t" }] });
});
